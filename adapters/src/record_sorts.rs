//! Sorts records on this machine's disk, in files that have no names from the moment on that they are
//! made: the system takes them away with the process, however that ends.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::ports::{RECORD_BYTES, RecordSort, RecordSorts, SortError, SortRecord, SortedRecords};
use tokio::task::spawn_blocking;

use crate::sorter::{Sorted, Sorter};

/// The records that are sorted in memory at a time: 10 MiB of them. Six sorts may be filled at once.
const SORTED_AT_ONCE: usize = 256 * 1024;

/// [`RecordSorts`] in one directory.
pub struct DiskRecordSorts {
    directory: PathBuf,
    sorted_at_once: usize,
}

impl DiskRecordSorts {
    /// In this directory.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory, sorted_at_once: SORTED_AT_ONCE }
    }

    /// Sorts this number of records in memory at a time.
    #[must_use]
    pub fn sorting_at_once(self, records: usize) -> Self {
        Self { sorted_at_once: records.max(1), ..self }
    }
}

#[async_trait]
impl RecordSorts for DiskRecordSorts {
    async fn begin(&self) -> Result<Box<dyn RecordSort>, SortError> {
        let sorter = Sorter::new(self.directory.clone(), self.sorted_at_once);
        Ok(Box::new(Gathering { directory: self.directory.clone(), sorter: Some(sorter) }))
    }
}

/// Runs what may wait for the disk where it holds up nothing else.
async fn blocking<T: Send + 'static>(
    directory: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, SortError> {
    let why = match spawn_blocking(work).await {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(SortError { at: directory.display().to_string(), why })
}

fn broken() -> io::Error {
    io::Error::other("an earlier write or read has failed")
}

/// Records that are gathered; [`None`] only after an error.
struct Gathering {
    directory: PathBuf,
    sorter: Option<Sorter<RECORD_BYTES>>,
}

#[async_trait]
impl RecordSort for Gathering {
    async fn add(&mut self, records: Vec<SortRecord>) -> Result<(), SortError> {
        let sorter = self.sorter.take();
        let add = move || {
            let mut sorter = sorter.ok_or_else(broken)?;
            records.into_iter().try_for_each(|record| sorter.push(record))?;
            Ok(sorter)
        };
        self.sorter = Some(blocking(&self.directory, add).await?);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<Box<dyn SortedRecords>, SortError> {
        let Self { directory, sorter } = *self;
        let sorted = blocking(&directory, move || sorter.ok_or_else(broken)?.sorted()).await?;
        Ok(Box::new(InOrder { directory, sorted: Some(sorted) }))
    }
}

/// Records that are read back; [`None`] only after an error.
struct InOrder {
    directory: PathBuf,
    sorted: Option<Sorted<RECORD_BYTES>>,
}

#[async_trait]
impl SortedRecords for InOrder {
    async fn next(&mut self, limit: usize) -> Result<Vec<SortRecord>, SortError> {
        let sorted = self.sorted.take();
        let read = move || {
            let mut sorted = sorted.ok_or_else(broken)?;
            let records = sorted.by_ref().take(limit.max(1)).collect::<io::Result<Vec<_>>>()?;
            Ok((sorted, records))
        };
        let (sorted, records) = blocking(&self.directory, read).await?;
        self.sorted = Some(sorted);
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn records_come_in_order_in_pages_of_any_size(
            numbers in prop::collection::vec(any::<u16>(), 0..200),
            (at_once, limit) in (1_usize..50, 0_usize..50),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let directory = tempfile::tempdir().expect("a directory");
            let record = |number: &u16| {
                let mut record = [7; RECORD_BYTES];
                record[..2].copy_from_slice(&number.to_be_bytes());
                record
            };
            let found = runtime.block_on(async {
                let sorts = DiskRecordSorts::new(directory.path().into()).sorting_at_once(at_once);
                let mut sort = sorts.begin().await.expect("room");
                for part in numbers.chunks(30) {
                    sort.add(part.iter().map(record).collect()).await.expect("room");
                }
                let mut sorted = sort.finish().await.expect("room");
                let mut found = Vec::new();
                loop {
                    let page = sorted.next(limit).await.expect("readable");
                    if page.is_empty() {
                        break found;
                    }
                    assert!(page.len() <= limit.max(1));
                    found.extend(page);
                }
            });
            let mut expected = numbers;
            expected.sort_unstable();
            prop_assert_eq!(found, expected.iter().map(record).collect::<Vec<_>>());
            let left = std::fs::read_dir(directory.path()).expect("a directory").count();
            prop_assert_eq!(left, 0, "nothing has a name on disk");
        }
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_named() {
        let sorts = DiskRecordSorts::new("/no/such/directory".into()).sorting_at_once(1);
        let mut sort = sorts.begin().await.expect("nothing is written yet");
        let error = sort.add(vec![[0; RECORD_BYTES]]).await.expect_err("no room").to_string();
        assert!(
            error.contains("`/no/such/directory`") && error.contains("No such file"),
            "{error}"
        );
        assert!(sort.add(Vec::new()).await.is_err(), "nothing is kept any more");
    }
}
