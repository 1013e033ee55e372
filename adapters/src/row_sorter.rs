//! The rows of an index in the order of their keys, on this machine's disk: for an index that gives them
//! by fid alone, as the trackers do.
//!
//! The files have no names from the moment on that they are made, so that the system takes them away
//! with the process, however that ends.

mod record;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use domain::Fid;
use domain::ports::{
    IndexError, KeyRanges, KeyedRow, RowSorter, RowSorterError, RowSorters, SortedRows,
};
use tokio::task::spawn_blocking;

use self::record::{BYTES, Place, Record, place_of, place_without_key};
use crate::sorter::Sorter;

/// The records that are sorted in memory at a time: about 25 MB of them.
const SORTED_AT_ONCE: usize = 256 * 1024;

/// Different ends of keys, at most, that are written only once: buckets are few.
const TEXTS_KNOWN: usize = 4_096;

/// Texts that are longer are written each time.
const LONGEST_KNOWN: usize = 128;

/// [`RowSorters`] in one directory.
pub struct DiskRowSorters {
    directory: PathBuf,
    at_once: usize,
}

impl DiskRowSorters {
    /// In this directory.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory, at_once: SORTED_AT_ONCE }
    }

    /// Sorts at most this number of records in memory at a time.
    #[must_use]
    pub fn sorting_at_once(self, records: usize) -> Self {
        Self { at_once: records.max(1), ..self }
    }
}

#[async_trait]
impl RowSorters for DiskRowSorters {
    async fn begin(&self) -> Result<Box<dyn RowSorter>, RowSorterError> {
        let (directory, at_once) = (self.directory.clone(), self.at_once);
        let begin = move || -> io::Result<Gathered> {
            Ok(Gathered {
                texts: BufWriter::new(tempfile::tempfile_in(&directory)?),
                written: 0,
                known: BTreeMap::new(),
                keyed: Sorter::new(directory.clone(), at_once),
                keyless: Sorter::new(directory, at_once),
            })
        };
        let gathered = sorting(&self.directory, begin).await?;
        Ok(Box::new(Gathering { directory: self.directory.clone(), gathered: Some(gathered) }))
    }
}

/// Runs what may wait for the disk where it holds up nothing else.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, String> {
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn sorting<T: Send + 'static>(
    directory: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, RowSorterError> {
    let at = || directory.display().to_string();
    blocking(work).await.map_err(|why| RowSorterError { at: at(), why })
}

/// Rows that are being gathered; [`None`] only after an error.
struct Gathering {
    directory: PathBuf,
    gathered: Option<Gathered>,
}

#[async_trait]
impl RowSorter for Gathering {
    async fn add(&mut self, rows: Vec<KeyedRow>) -> Result<(), RowSorterError> {
        let gathered = self.gathered.take();
        let add = move || {
            let mut gathered = gathered.ok_or_else(broken)?;
            rows.iter().try_for_each(|row| gathered.add(row))?;
            Ok(gathered)
        };
        self.gathered = Some(sorting(&self.directory, add).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<SortedRows, RowSorterError> {
        let (gathered, directory) = (self.gathered.take(), self.directory.clone());
        let finish = move || gathered.ok_or_else(broken)?.finish(&directory);
        sorting(&self.directory, finish).await
    }
}

fn broken() -> io::Error {
    io::Error::other("an earlier write has failed")
}

/// The files of rows that are being gathered.
struct Gathered {
    texts: BufWriter<File>,
    /// The bytes of the texts so far.
    written: u64,
    /// Where some texts are.
    known: BTreeMap<Vec<u8>, u64>,
    keyed: Sorter<BYTES>,
    keyless: Sorter<BYTES>,
}

impl Gathered {
    fn add(&mut self, row: &KeyedRow) -> io::Result<()> {
        let (mut record, text) = Record::of(row)?;
        record.text_at = self.text(text)?;
        let sorter = if row.dkey().is_some() { &mut self.keyed } else { &mut self.keyless };
        sorter.push(record.to_bytes())
    }

    fn text(&mut self, text: Vec<u8>) -> io::Result<u64> {
        if text.is_empty() {
            return Ok(0);
        }
        if let Some(at) = self.known.get(&text) {
            return Ok(*at);
        }
        let at = self.written;
        self.texts.write_all(&text)?;
        self.written += text.len() as u64;
        if text.len() <= LONGEST_KNOWN && self.known.len() < TEXTS_KNOWN {
            self.known.insert(text, at);
        }
        Ok(at)
    }

    fn finish(self, directory: &Path) -> io::Result<SortedRows> {
        let Self { texts, written, known: _, keyed, keyless } = self;
        let texts = Arc::new(texts.into_inner().map_err(io::IntoInnerError::into_error)?);
        let (keyed, replaced) = Table::of(keyed, directory)?;
        let (keyless, _) = Table::of(keyless, directory)?;
        let count = keyed.records + keyless.records;
        let bytes = written + count * BYTES as u64;
        let rows = OnDisk { at: directory.display().to_string(), texts, keyed, keyless };
        Ok(SortedRows { rows: Arc::new(rows), count, replaced, bytes })
    }
}

/// A sorted file of records, each with a place of its own.
#[derive(Clone)]
struct Table {
    file: Arc<File>,
    records: u64,
}

impl Table {
    /// Writes what was sorted. Of the records of one place it takes the last; returns how many it left.
    fn of(sorter: Sorter<BYTES>, directory: &Path) -> io::Result<(Self, u64)> {
        let mut file = BufWriter::new(tempfile::tempfile_in(directory)?);
        let (mut records, mut left) = (0, 0);
        let mut before: Option<[u8; BYTES]> = None;
        for record in sorter.sorted()? {
            let record = record?;
            let replaced = before.replace(record);
            let Some(replaced) = replaced else { continue };
            if Record::from_bytes(&replaced).place == Record::from_bytes(&record).place {
                left += 1;
            } else {
                file.write_all(&replaced)?;
                records += 1;
            }
        }
        if let Some(last) = before {
            file.write_all(&last)?;
            records += 1;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok((Self { file: Arc::new(file), records }, left))
    }

    /// The records from a place on and before another, at most `limit` of them.
    fn read(&self, from: &Place, end: Option<&Place>, limit: usize) -> io::Result<Vec<Record>> {
        let (mut low, mut high) = (0, self.records);
        while low < high {
            let middle = low.midpoint(high);
            let mut bytes = [0; BYTES];
            self.file.read_exact_at(&mut bytes, middle * BYTES as u64)?;
            if Record::from_bytes(&bytes).place < *from { low = middle + 1 } else { high = middle }
        }
        let left = usize::try_from(self.records - low).unwrap_or(usize::MAX);
        let mut bytes = vec![0; limit.min(left) * BYTES];
        self.file.read_exact_at(&mut bytes, low * BYTES as u64)?;
        let (records, _) = bytes.as_chunks::<BYTES>();
        let records = records.iter().map(Record::from_bytes);
        Ok(records.take_while(|record| end.is_none_or(|end| record.place < *end)).collect())
    }
}

/// Sorted rows, ready to be asked for.
struct OnDisk {
    at: String,
    texts: Arc<File>,
    keyed: Table,
    keyless: Table,
}

impl OnDisk {
    async fn read(
        &self,
        table: &Table,
        from: Place,
        end: Option<Place>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        let (table, texts) = (table.clone(), Arc::clone(&self.texts));
        let read = move || -> io::Result<Vec<KeyedRow>> {
            let records = table.read(&from, end.as_ref(), limit.max(1))?;
            records.iter().map(|record| record.row(&texts)).collect()
        };
        let unread = |why| {
            let at = format!("sorted rows in {}", self.at);
            IndexError::BadAnswer { at, why }
        };
        blocking(read).await.map_err(unread)
    }
}

#[async_trait]
impl KeyRanges for OnDisk {
    async fn rows_between(
        &self,
        from: Option<&str>,
        end: Option<&str>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        // Nothing is before a place of zeros.
        let from = from.map_or_else(|| place_without_key(Fid(0)), place_of);
        self.read(&self.keyed, from, end.map(place_of), limit).await
    }

    async fn rows_without_key(
        &self,
        after: Fid,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        let Some(from) = after.0.checked_add(1) else { return Ok(Vec::new()) };
        self.read(&self.keyless, place_without_key(Fid(from)), None, limit).await
    }
}

#[cfg(test)]
mod tests;
