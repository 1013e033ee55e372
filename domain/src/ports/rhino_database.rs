use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{DatabaseError, RowId};
use crate::ByteCount;

/// rhino's database: about ten million rows of `articleFile`, each with a bucket's name. The port only
/// reads it.
#[async_trait]
pub trait RhinoDatabase: Send + Sync {
    /// Returns the next files behind the row id `after`, ascending by id and at most `limit` of them.
    /// The first page is behind [`RowId::START`], and an empty page is the end.
    async fn files(&self, after: RowId, limit: usize) -> Result<Vec<ArticleFile>, DatabaseError>;

    /// Returns the number of rows for each bucket name, byte for byte: names that differ in case or in
    /// a blank at their end are counted apart. [`None`] stands for NULL. It reads every row, which may
    /// take minutes, and tries each of its queries again by itself: the caller does not repeat it.
    async fn rows_by_bucket(&self) -> Result<BTreeMap<Option<String>, u64>, DatabaseError>;

    /// Returns the number of rows behind the id `after` and up to the id `last`. It reads each of them, and
    /// tries its queries again as [`rows_by_bucket`](Self::rows_by_bucket) does.
    async fn rows_between(&self, after: RowId, last: RowId) -> Result<u64, DatabaseError>;

    /// Returns the highest row id, or [`None`] of an empty table.
    async fn last(&self) -> Result<Option<RowId>, DatabaseError>;
}

/// A row of the table `articleFile`. Nothing in it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArticleFile {
    /// The column `fileId`.
    pub id: RowId,
    /// The column `bucketName`.
    pub bucket: Option<String>,
    /// The column `crepoKey`: contentrepo's `objkey`.
    pub key: Option<String>,
    /// The column `crepoUuid`: contentrepo's `uuid`.
    pub uuid: Option<String>,
    /// The column `fileSize`.
    pub size: Option<ByteCount>,
}
