//! The bucket names of a client's database, in a compressed file: gzip around lines of JSON.
//!
//! The first line is the header, then there is a line for each row, `[id,"name"]` with `null` for NULL,
//! and the last line is `{"rows":N}`. `zcat FILE` shows all of it.

mod lines;
mod reading;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::digest::Sha256Hasher;
use domain::ports::{
    BackupError, BackupHeader, BackupRow, BackupWriter, Backups, FinishedBackup, OpenBackup,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::{Builder, NamedTempFile};
use tokio::task::spawn_blocking;

/// [`Backups`] as one file.
pub struct FileBackups {
    path: PathBuf,
}

impl FileBackups {
    /// The file of this path, which may be there or not.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

#[async_trait]
impl Backups for FileBackups {
    async fn begin(&self, header: &BackupHeader) -> Result<Box<dyn BackupWriter>, BackupError> {
        let (path, first) = (self.path.clone(), lines::header(header));
        let begin = move || {
            // A link that leads nowhere is a name that is taken, too.
            if path.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            let mut writing = Writing::begin(&path)?;
            writing.out.write_all(first.as_bytes())?;
            Ok(writing)
        };
        let writing = blocking(&self.path, "written", begin).await?;
        Ok(Box::new(Writer { path: self.path.clone(), writing: Some(writing) }))
    }

    async fn open(&self) -> Result<OpenBackup, BackupError> {
        reading::open(&self.path).await
    }
}

/// Runs what may wait for the disk where it holds up nothing else.
async fn blocking<T: Send + 'static>(
    path: &Path,
    what: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BackupError> {
    let done = spawn_blocking(work).await;
    let path = path.display().to_string();
    let error = match done {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error,
        Err(error) => io::Error::other(error.to_string()),
    };
    if error.kind() == ErrorKind::AlreadyExists {
        return Err(BackupError::Exists(path));
    }
    let why = error.to_string();
    if error.kind() == ErrorKind::InvalidData {
        return Err(BackupError::Damaged { path, why });
    }
    Err(BackupError::Disk { path, what, why })
}

/// A backup that is being written; [`None`] only after an error.
struct Writer {
    path: PathBuf,
    writing: Option<Writing>,
}

#[async_trait]
impl BackupWriter for Writer {
    async fn add(&mut self, rows: Vec<BackupRow>) -> Result<(), BackupError> {
        let writing = self.writing.take();
        let add = move || {
            let mut writing = writing.ok_or_else(broken)?;
            rows.iter().try_for_each(|row| writing.add(row))?;
            Ok(writing)
        };
        self.writing = Some(blocking(&self.path, "written", add).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<FinishedBackup, BackupError> {
        let (path, writing) = (self.path.clone(), self.writing.take());
        let finish = move || writing.ok_or_else(broken)?.finish(&path);
        blocking(&self.path, "written", finish).await
    }
}

fn broken() -> io::Error {
    io::Error::other("an earlier write has failed")
}

/// The file while it has no name of its own: what is dropped before its end is deleted.
struct Writing {
    out: GzEncoder<Hashing<BufWriter<NamedTempFile>>>,
    rows: u64,
    last: Option<i128>,
}

impl Writing {
    /// Each run has a file of its own until its end, so that two runs cannot write into one.
    fn begin(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let file = Builder::new()
            .prefix(&format!("{name}."))
            .suffix(".part")
            .tempfile_in(folder_of(path))?;
        let out = Hashing { inner: BufWriter::new(file), hasher: Sha256Hasher::default() };
        Ok(Self { out: GzEncoder::new(out, Compression::fast()), rows: 0, last: None })
    }

    fn add(&mut self, row: &BackupRow) -> io::Result<()> {
        let id = row.id.0;
        if self.last.is_some_and(|last| last >= id) {
            return Err(io::Error::other(format!("row {id} comes behind a row of a higher id")));
        }
        self.out.write_all(lines::row(row).as_bytes())?;
        (self.last, self.rows) = (Some(id), self.rows + 1);
        Ok(())
    }

    fn finish(mut self, path: &Path) -> io::Result<FinishedBackup> {
        self.out.write_all(lines::last(self.rows).as_bytes())?;
        let Hashing { inner, hasher } = self.out.finish()?;
        let file = inner.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        let bytes = file.as_file().metadata()?.len();
        // Never over another file, not even one that came this moment.
        file.persist_noclobber(path).map_err(|error| error.error)?;
        File::open(folder_of(path))?.sync_all()?;
        let path = path.display().to_string();
        Ok(FinishedBackup { path, sha256: hasher.finish(), rows: self.rows, bytes })
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
}

/// Hashes what passes.
struct Hashing<T> {
    inner: T,
    hasher: Sha256Hasher,
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: io::Read> io::Read for Hashing<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.hasher.update(&bytes[..read]);
        Ok(read)
    }
}
