use std::collections::BTreeMap;

use async_trait::async_trait;

use super::DatabaseError;

/// rhino's database: about ten million rows of `articleFile` that each hold a bucket's name.
#[async_trait]
pub trait RhinoDatabase: Send + Sync {
    /// Returns the number of rows for each bucket name.
    async fn rows_by_bucket(&self) -> Result<BTreeMap<String, u64>, DatabaseError>;

    /// Returns whether the index on the bucket name exists.
    async fn has_bucket_index(&self) -> Result<bool, DatabaseError>;

    /// Drops that index, which slows the update down. Does nothing when the index does not exist.
    /// Errors instead of locking the table.
    async fn drop_bucket_index(&self) -> Result<(), DatabaseError>;

    /// Creates that index. Does nothing when the index exists. Errors instead of locking the table.
    async fn create_bucket_index(&self) -> Result<(), DatabaseError>;

    /// Replaces the bucket name `from` by `to` in the next `limit` rows behind the primary key
    /// `after`. Returns the last key that was looked at, or [`None`] at the end, and the number of
    /// changed rows.
    async fn rename_bucket(
        &self,
        from: &str,
        to: &str,
        after: u64,
        limit: usize,
    ) -> Result<(Option<u64>, u64), DatabaseError>;
}
