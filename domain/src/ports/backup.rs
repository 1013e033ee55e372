use std::fmt;

use async_trait::async_trait;

use super::RowId;
use crate::digest::Sha256;
use crate::journal::{ClientDatabase, NamesBefore};

/// Keeps the bucket names of a client's database in a file, before any of them is changed.
#[async_trait]
pub trait Backups: Send + Sync {
    /// Begins a new file. A file that is there is refused, never overwritten.
    async fn begin(&self, header: &BackupHeader) -> Result<Box<dyn BackupWriter>, BackupError>;

    /// Opens the file that is there, and checks it whole first: it has its last line, the number of rows
    /// that the line says, and nothing behind it.
    async fn open(&self) -> Result<OpenBackup, BackupError>;
}

/// A backup that is being written. What is dropped before its end is no backup: it has no last line.
#[async_trait]
pub trait BackupWriter: Send {
    /// Adds rows, ascending by id.
    async fn add(&mut self, rows: Vec<BackupRow>) -> Result<(), BackupError>;

    /// Ends the file. When this returns the file is on the disk under its name, also after a loss of power.
    async fn finish(self: Box<Self>) -> Result<FinishedBackup, BackupError>;
}

/// Reads the rows of a backup from the first to the last.
#[async_trait]
pub trait BackupReader: Send {
    /// The next rows, ascending by id, at most `limit` of them. No rows are the end.
    async fn next(&mut self, limit: usize) -> Result<Vec<BackupRow>, BackupError>;
}

/// The first line of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupHeader {
    /// The migration, by the name of its ledger.
    pub migration: String,
    /// Whose names it has.
    pub database: ClientDatabase,
    /// The database: host, port and name.
    pub server: String,
    /// All that a way back needs beside the rows.
    pub names: NamesBefore,
}

/// A row and its bucket name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupRow {
    /// contentrepo's `bucketId`, or rhino's `fileId`.
    pub id: RowId,
    /// The name; [`None`] for NULL.
    pub name: Option<String>,
}

/// A backup that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedBackup {
    /// The file's path.
    pub path: String,
    /// The digest of the file's bytes.
    pub sha256: Sha256,
    /// The number of rows.
    pub rows: u64,
    /// The number of bytes on the disk.
    pub bytes: u64,
}

/// A backup that was opened and is whole.
pub struct OpenBackup {
    /// Its first line.
    pub header: BackupHeader,
    /// The file.
    pub file: FinishedBackup,
    /// Its rows.
    pub rows: Box<dyn BackupReader>,
}

impl fmt::Debug for OpenBackup {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("OpenBackup").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file of this name.
    #[error("the backup `{0}` is there already, and is not overwritten")]
    Exists(String),
    /// The disk did not take it or give it.
    #[error("the backup `{path}` cannot be {what}: {why}")]
    Disk {
        /// The file's path.
        path: String,
        /// `written` or `read`.
        what: &'static str,
        /// What the system says.
        why: String,
    },
    /// It is not what was written.
    #[error("the backup `{path}` is not whole: {why}")]
    Damaged {
        /// The file's path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}
