use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{BackupRow, DatabaseError, RowId};

/// The bucket names in rhino's table `articleFile`, and nothing else of its rows. The port only reads.
#[async_trait]
pub trait RhinoNames: Send + Sync {
    /// Returns the next rows behind the row id `after`, ascending by id and at most `limit` of them. An
    /// empty page is the end.
    async fn names(&self, after: RowId, limit: usize) -> Result<Vec<BackupRow>, DatabaseError>;

    /// Returns the number of rows behind the row id `after` for each bucket name, byte for byte; [`None`]
    /// stands for NULL. It may take minutes, and tries each of its queries again by itself: the caller does
    /// not repeat it.
    async fn counts(&self, after: RowId) -> Result<BTreeMap<Option<String>, u64>, DatabaseError>;

    /// Returns the highest row id, or [`None`] of an empty table.
    async fn highest(&self) -> Result<Option<RowId>, DatabaseError>;
}
