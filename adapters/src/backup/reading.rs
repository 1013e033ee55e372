//! Reads a backup: once to see that it is whole, then its rows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use domain::digest::Sha256Hasher;
use domain::ports::{
    BackupError, BackupHeader, BackupReader, BackupRow, FinishedBackup, OpenBackup,
};
use flate2::bufread::GzDecoder;

use super::lines::{self, Line};
use super::{Hashing, blocking};

/// No line is longer: a header holds the names of some buckets and one `SHOW CREATE TABLE`.
const LINE_BYTES: u64 = 16 * 1024 * 1024;

/// Opens the file, and reads all of it before any row is given.
pub(super) async fn open(path: &Path) -> Result<OpenBackup, BackupError> {
    let at = path.to_owned();
    let open = move || {
        let mut file = File::open(&at)?;
        let (header, finished) = check(&at, &file)?;
        // The same file, whatever becomes of its name.
        file.rewind()?;
        let mut rows = Lines::of(file);
        rows.header()?;
        Ok((header, finished, rows))
    };
    let (header, file, lines) = blocking(path, "read", open).await?;
    let rows = Box::new(Reader { path: path.to_owned(), lines: Some(lines) });
    Ok(OpenBackup { header, file, rows })
}

/// Reads the whole file, and holds one line of it in memory.
fn check(path: &Path, file: &File) -> io::Result<(BackupHeader, FinishedBackup)> {
    let mut lines = Lines::of(file);
    let header = lines.header()?;
    while lines.next()?.is_some() {}
    let rows = lines.rows;
    let sha256 = lines.end()?;
    let bytes = file.metadata()?.len();
    let path = path.display().to_string();
    Ok((header, FinishedBackup { path, sha256, rows, bytes }))
}

fn damaged(why: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.into())
}

/// The lines of a backup, from the first to the last.
struct Lines<R: Read> {
    text: BufReader<GzDecoder<BufReader<Hashing<R>>>>,
    rows: u64,
    last: Option<i128>,
    has_ended: bool,
}

impl<R: Read> Lines<R> {
    fn of(file: R) -> Self {
        let file = Hashing { inner: file, hasher: Sha256Hasher::default() };
        let text = BufReader::new(GzDecoder::new(BufReader::new(file)));
        Self { text, rows: 0, last: None, has_ended: false }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        let read = (&mut self.text).take(LINE_BYTES).read_line(&mut line);
        read.map_err(|error| {
            // A stream that is cut off, or that is no gzip.
            let is_cut = matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::InvalidInput | ErrorKind::InvalidData
            );
            if !is_cut {
                return error;
            }
            damaged(format!("behind row {} it cannot be read: {error}", self.rows))
        })?;
        match line.pop() {
            Some('\n') => Ok(line),
            Some(_) | None => Err(damaged("it ends before its last line")),
        }
    }

    fn header(&mut self) -> io::Result<BackupHeader> {
        lines::parse_header(&self.line()?).map_err(damaged)
    }

    /// The next row; [`None`] behind the last line, which must have the number of rows.
    fn next(&mut self) -> io::Result<Option<BackupRow>> {
        if self.has_ended {
            return Ok(None);
        }
        let line = self.line()?;
        let line = lines::parse(&line);
        match line.map_err(|why| damaged(format!("line {}: {why}", self.rows + 2)))? {
            Line::Row(row) => {
                if self.last.is_some_and(|last| last >= row.id.0) {
                    let why = format!("row {} comes behind a row of a higher id", row.id);
                    return Err(damaged(why));
                }
                (self.last, self.rows) = (Some(row.id.0), self.rows + 1);
                Ok(Some(row))
            }
            Line::Last(rows) if rows == self.rows => {
                self.has_ended = true;
                Ok(None)
            }
            Line::Last(rows) => {
                let why = format!("it has {} rows, and its last line says {rows}", self.rows);
                Err(damaged(why))
            }
        }
    }

    /// The digest of all bytes, where nothing is behind the last line.
    fn end(mut self) -> io::Result<domain::digest::Sha256> {
        let behind = |_| damaged("its end cannot be read");
        let is_over = self.text.fill_buf().map_err(behind)?.is_empty();
        let mut file = self.text.into_inner().into_inner();
        if !is_over || !file.fill_buf()?.is_empty() {
            return Err(damaged("something is behind its last line"));
        }
        Ok(file.into_inner().hasher.finish())
    }
}

/// A backup that is being read; [`None`] only after an error.
struct Reader {
    path: PathBuf,
    lines: Option<Lines<File>>,
}

#[async_trait]
impl BackupReader for Reader {
    async fn next(&mut self, limit: usize) -> Result<Vec<BackupRow>, BackupError> {
        let lines = self.lines.take();
        let next = move || {
            let mut lines = lines.ok_or_else(super::broken)?;
            let mut rows = Vec::new();
            while rows.len() < limit
                && let Some(row) = lines.next()?
            {
                rows.push(row);
            }
            Ok((lines, rows))
        };
        let (lines, rows) = blocking(&self.path, "read", next).await?;
        self.lines = Some(lines);
        Ok(rows)
    }
}
