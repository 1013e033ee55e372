use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::key_ranges::{KeyRanges, KeyedRow};

/// Sorts the rows of an index that gives them by fid alone, so that they can be asked for by ranges of
/// keys.
#[async_trait]
pub trait RowSorters: Send + Sync {
    /// Begins an empty one.
    async fn begin(&self) -> Result<Box<dyn RowSorter>, RowSorterError>;
}

/// Rows that are being sorted.
#[async_trait]
pub trait RowSorter: Send {
    /// Adds rows, in any order.
    async fn add(&mut self, rows: Vec<KeyedRow>) -> Result<(), RowSorterError>;

    /// Ends it. Of several rows with one key the one with the highest fid is kept: a file that is
    /// stored again under its key gets a new fid, and its old row goes.
    async fn finish(self: Box<Self>) -> Result<SortedRows, RowSorterError>;
}

/// Rows in the order of their keys. Neither replicas nor storage classes are kept.
pub struct SortedRows {
    /// To be asked. It compares keys byte by byte, as far as content has different ones.
    pub rows: Arc<dyn KeyRanges>,
    /// The number of rows.
    pub count: u64,
    /// Rows that are left out, since another one has their key and a higher fid.
    pub replaced: u64,
    /// The bytes on disk.
    pub bytes: u64,
}

impl fmt::Debug for SortedRows {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows: _, count, replaced, bytes } = self;
        write!(out, "{count} rows, {replaced} replaced, {bytes} bytes")
    }
}

/// This machine's disk did not keep the rows.
#[derive(Debug, thiserror::Error)]
#[error("the rows of the index cannot be sorted in `{at}`: {why}")]
pub struct RowSorterError {
    /// The directory.
    pub at: String,
    /// What the system says.
    pub why: String,
}
