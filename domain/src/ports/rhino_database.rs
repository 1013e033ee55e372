use std::collections::BTreeMap;

use async_trait::async_trait;

use super::DatabaseError;

/// rhino's database: about ten million rows of `articleFile` that each hold a bucket's name.
#[async_trait]
pub trait RhinoDatabase: Send + Sync {
    /// How many rows hold each bucket name.
    async fn rows_by_bucket(&self) -> Result<BTreeMap<String, u64>, DatabaseError>;

    /// Whether the index on the bucket name is there.
    async fn has_bucket_index(&self) -> Result<bool, DatabaseError>;

    /// Drops that index, without which the update is very slow. Nothing happens
    /// when it is not there. Errors rather than lock the table.
    async fn drop_bucket_index(&self) -> Result<(), DatabaseError>;

    /// Creates that index. Nothing happens when it is there. Errors rather than lock the table.
    async fn create_bucket_index(&self) -> Result<(), DatabaseError>;

    /// Writes `to` where `from` stands, in the next `limit` rows by primary key behind `after`.
    /// Gives the last key that was looked at, or [`None`] at the end, and the number of changes.
    async fn rename_bucket(
        &self,
        from: &str,
        to: &str,
        after: u64,
        limit: usize,
    ) -> Result<(Option<u64>, u64), DatabaseError>;
}
