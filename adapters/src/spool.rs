//! What contentrepo says of types and names, on this machine's disk: one file of texts in the order in
//! which they came, and one sorted file of fixed records that point into it.
//!
//! The files have no names from the moment on that they are made, so that the system takes them away
//! with the process, however that ends.

mod record;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use domain::ports::{RowSays, Spool, SpoolError, Spooled, Spools, TypesAndNames, TypesError};
use domain::{Dkey, MogileBucket, TypeAndName};
use tokio::task::spawn_blocking;

use self::record::{Key, LENGTHS, Record, lengths, read, text_of};
use crate::sorter::Sorter;

/// The records that are sorted in memory at a time: 20 MiB of them.
const SORTED_AT_ONCE: usize = 512 * 1024;

/// [`Spools`] in one directory.
pub struct DiskSpools {
    directory: PathBuf,
    sorted_at_once: usize,
}

impl DiskSpools {
    /// In this directory.
    #[must_use]
    pub const fn new(directory: PathBuf) -> Self {
        Self { directory, sorted_at_once: SORTED_AT_ONCE }
    }

    /// Sorts so many records in memory at a time.
    #[must_use]
    pub fn sorting_at_once(self, records: usize) -> Self {
        Self { sorted_at_once: records.max(1), ..self }
    }
}

#[async_trait]
impl Spools for DiskSpools {
    async fn begin(&self) -> Result<Box<dyn Spool>, SpoolError> {
        let (directory, at_once) = (self.directory.clone(), self.sorted_at_once);
        let begin = move || -> io::Result<DiskSpool> {
            Ok(DiskSpool {
                texts: BufWriter::new(tempfile::tempfile_in(&directory)?),
                written: 0,
                buckets: BTreeMap::new(),
                sorter: Sorter::new(directory, at_once),
            })
        };
        let spool = blocking(&self.directory, begin).await?;
        Ok(Box::new(Gathering { directory: self.directory.clone(), spool: Some(spool) }))
    }
}

/// Runs what may wait for the disk where it holds up nothing else.
async fn blocking<T: Send + 'static>(
    directory: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, SpoolError> {
    let done = spawn_blocking(work).await;
    let why = match done {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(SpoolError { at: directory.display().to_string(), why })
}

/// A spool that is being filled; [`None`] only after an error.
struct Gathering {
    directory: PathBuf,
    spool: Option<DiskSpool>,
}

#[async_trait]
impl Spool for Gathering {
    async fn add(&mut self, rows: Vec<RowSays>) -> Result<(), SpoolError> {
        let spool = self.spool.take();
        let add = move || {
            let mut spool = spool.ok_or_else(broken)?;
            rows.iter().try_for_each(|row| spool.add(row))?;
            Ok(spool)
        };
        self.spool = Some(blocking(&self.directory, add).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Spooled, SpoolError> {
        let spool = self.spool.take();
        let directory = self.directory.clone();
        let finish = move || spool.ok_or_else(broken)?.finish(directory);
        blocking(&self.directory, finish).await
    }
}

fn broken() -> io::Error {
    io::Error::other("an earlier write has failed")
}

/// The files of a spool that is being filled.
struct DiskSpool {
    texts: BufWriter<File>,
    /// The bytes of the texts so far.
    written: u64,
    /// The buckets' numbers in the records.
    buckets: BTreeMap<MogileBucket, u16>,
    sorter: Sorter<{ Record::BYTES }>,
}

impl DiskSpool {
    fn add(&mut self, row: &RowSays) -> io::Result<()> {
        let RowSays { of: Dkey { sha1, bucket }, in_use, says } = row;
        let next = u16::try_from(self.buckets.len()).map_err(io::Error::other)?;
        let bucket = *self.buckets.entry(bucket.clone()).or_insert(next);
        let text = text_of(says);
        let key = Key { sha1: *sha1, bucket };
        self.sorter.push(Record::new(key, *in_use, self.written, &text).bytes())?;
        self.texts.write_all(&text)?;
        self.written += text.len() as u64;
        Ok(())
    }

    fn finish(self, directory: PathBuf) -> io::Result<Spooled> {
        let Self { texts, written, buckets, sorter } = self;
        let texts = texts.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut sorted = BufWriter::new(tempfile::tempfile_in(&directory)?);
        let (mut files, mut disagreeing) = (0, 0);
        let (mut first, mut disagrees) = (None::<Record>, false);
        for record in sorter.sorted()? {
            let record = Record::of(record?);
            // The first record of a file is the one that counts.
            if let Some(first) = first.filter(|first| first.key() == record.key()) {
                disagrees |= first.is_in_use() == record.is_in_use() && !first.says_like(&record);
                continue;
            }
            disagreeing += u64::from(std::mem::take(&mut disagrees));
            sorted.write_all(&record.bytes())?;
            files += 1;
            first = Some(record);
        }
        disagreeing += u64::from(disagrees);
        let sorted = sorted.into_inner().map_err(io::IntoInnerError::into_error)?;
        let bytes = written + files * Record::BYTES as u64;
        let on_disk = Arc::new(OnDisk { texts, sorted, files, buckets });
        Ok(Spooled { types: Arc::new(Kept { directory, on_disk }), files, disagreeing, bytes })
    }
}

/// What was gathered, ready to be asked.
struct Kept {
    directory: PathBuf,
    on_disk: Arc<OnDisk>,
}

#[async_trait]
impl TypesAndNames for Kept {
    async fn of(&self, files: &[Dkey]) -> Result<Vec<Option<TypeAndName>>, TypesError> {
        let (files, on_disk) = (files.to_vec(), Arc::clone(&self.on_disk));
        let look = move || files.iter().map(|file| on_disk.of(file)).collect();
        Ok(blocking(&self.directory, look).await?)
    }
}

struct OnDisk {
    texts: File,
    sorted: File,
    /// The number of records in `sorted`.
    files: u64,
    buckets: BTreeMap<MogileBucket, u16>,
}

impl OnDisk {
    fn of(&self, Dkey { sha1, bucket }: &Dkey) -> io::Result<Option<TypeAndName>> {
        let Some(&bucket) = self.buckets.get(bucket) else { return Ok(None) };
        let Some(record) = self.find(Key { sha1: *sha1, bucket })? else { return Ok(None) };
        let mut length = [0; LENGTHS];
        self.texts.read_exact_at(&mut length, record.offset())?;
        let (kind, name) = lengths(length);
        let mut text = vec![0; kind + name];
        self.texts.read_exact_at(&mut text, record.offset() + LENGTHS as u64)?;
        read(&text, kind).map(Some)
    }

    fn find(&self, key: Key) -> io::Result<Option<Record>> {
        let key = key.to_bytes();
        let (mut from, mut to) = (0, self.files);
        while from < to {
            let middle = from.midpoint(to);
            let mut bytes = [0; Record::BYTES];
            self.sorted.read_exact_at(&mut bytes, middle * Record::BYTES as u64)?;
            let record = Record::of(bytes);
            match record.key().cmp(&key) {
                Ordering::Less => from = middle + 1,
                Ordering::Equal => return Ok(Some(record)),
                Ordering::Greater => to = middle,
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
