use async_trait::async_trait;

use crate::{Obstacle, Reason, ReasonKind};

/// The bytes of a record.
pub const RECORD_BYTES: usize = 40;

/// A record that is sorted by its bytes.
pub type SortRecord = [u8; RECORD_BYTES];

/// Sorts more records than memory holds, on this machine's disk: tables of two databases are compared,
/// each in an order of its own.
#[async_trait]
pub trait RecordSorts: Send + Sync {
    /// Begins an empty one. Whatever it keeps on disk is gone when it and its [`SortedRecords`] are
    /// dropped, and when the process is killed.
    async fn begin(&self) -> Result<Box<dyn RecordSort>, SortError>;
}

/// Gathers records.
#[async_trait]
pub trait RecordSort: Send + Sync {
    /// Takes these, in any order. Equal records are all kept.
    async fn add(&mut self, records: Vec<SortRecord>) -> Result<(), SortError>;

    /// Sorts what was gathered.
    async fn finish(self: Box<Self>) -> Result<Box<dyn SortedRecords>, SortError>;
}

/// Records in ascending order of their bytes.
#[async_trait]
pub trait SortedRecords: Send + Sync {
    /// Returns the next ones, at most `limit` of them and at least one; none at the end.
    async fn next(&mut self, limit: usize) -> Result<Vec<SortRecord>, SortError>;
}

/// This machine's disk did not keep the records.
#[derive(Debug, thiserror::Error)]
#[error("the references in `{at}` cannot be kept or read back: {why}")]
pub struct SortError {
    /// The directory.
    pub at: String,
    /// What the system says.
    pub why: String,
}

impl From<&SortError> for Reason {
    fn from(error: &SortError) -> Self {
        Self::new(ReasonKind::References, error).because_of(Obstacle::OfItsKind)
    }
}
