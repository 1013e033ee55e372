//! Sorts more records than memory holds: sorted runs on disk, merged as they are read.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::PathBuf;

/// A run's share of memory while all are merged, in bytes.
const READ_AHEAD: usize = 64 * 1024;

/// Gathers records of `N` bytes and sorts them by these bytes.
pub(crate) struct Sorter<const N: usize> {
    directory: PathBuf,
    at_once: usize,
    records: Vec<[u8; N]>,
    runs: Vec<File>,
}

impl<const N: usize> Sorter<N> {
    /// Holds at most `at_once` records in memory, and the others in files of `directory` that have no
    /// names.
    pub(crate) const fn new(directory: PathBuf, at_once: usize) -> Self {
        Self { directory, at_once, records: Vec::new(), runs: Vec::new() }
    }

    pub(crate) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        self.records.push(record);
        if self.records.len() >= self.at_once {
            self.write_run()?;
        }
        Ok(())
    }

    fn write_run(&mut self) -> io::Result<()> {
        self.records.sort_unstable();
        let mut run = BufWriter::new(tempfile::tempfile_in(&self.directory)?);
        self.records.iter().try_for_each(|record| run.write_all(record))?;
        self.records.clear();
        self.runs.push(run.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }

    /// All records in order.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted<N>> {
        if !self.records.is_empty() {
            self.write_run()?;
        }
        // Merging needs memory for the readers.
        self.records = Vec::new();
        let mut sorted = Sorted { runs: Vec::new(), next: BinaryHeap::new() };
        for (number, mut run) in self.runs.into_iter().enumerate() {
            run.rewind()?;
            sorted.runs.push(BufReader::with_capacity(READ_AHEAD, run));
            sorted.read(number)?;
        }
        Ok(sorted)
    }
}

/// The records of all runs in order.
pub(crate) struct Sorted<const N: usize> {
    runs: Vec<BufReader<File>>,
    /// The next record of each run that has one.
    next: BinaryHeap<Reverse<([u8; N], usize)>>,
}

impl<const N: usize> Sorted<N> {
    fn read(&mut self, number: usize) -> io::Result<()> {
        let (run, mut record) = (&mut self.runs[number], [0; N]);
        match run.read_exact(&mut record) {
            Ok(()) => self.next.push(Reverse((record, number))),
            // Runs have whole records alone.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl<const N: usize> Iterator for Sorted<N> {
    type Item = io::Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((record, number)) = self.next.pop()?;
        Some(self.read(number).map(|()| record))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_records_come_in_order_however_few_fit_in_memory(
            records in prop::collection::vec(any::<[u8; 3]>(), 0..200),
            at_once in 1_usize..50,
        ) {
            let directory = tempfile::tempdir().expect("a directory");
            let mut sorter = Sorter::new(directory.path().to_owned(), at_once);
            for record in &records {
                sorter.push(*record).expect("room");
            }
            let sorted: Result<Vec<_>, _> = sorter.sorted().expect("room").collect();
            let mut expected = records;
            expected.sort_unstable();
            prop_assert_eq!(sorted.expect("readable"), expected);
            let left = std::fs::read_dir(directory.path()).expect("a directory").count();
            prop_assert_eq!(left, 0);
        }
    }
}
