use async_trait::async_trait;

use crate::retry::{Classed, ErrorClass};
use crate::{Cause, ObjectMeta, Sha1};

/// contentrepo's database: the names of its buckets, and the type and download name of its objects.
#[async_trait]
pub trait ContentRepoDatabase: Send + Sync {
    /// Returns all buckets.
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError>;

    /// Renames a bucket and leaves its timestamp unchanged. Errors when the row no longer has the
    /// name `bucket.name`, or when the new name is taken.
    async fn rename_bucket(&self, bucket: &RepoBucket, name: &str) -> Result<(), DatabaseError>;

    /// Returns type and download name of at most `limit` objects behind the row id `after`,
    /// ascending by row id. Purged objects are left out.
    async fn metadata(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ObjectMetadata>, DatabaseError>;
}

/// A row of the table `buckets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoBucket {
    /// The column `bucketId`.
    pub id: u64,
    /// The column `bucketName`.
    pub name: String,
}

/// A row of the table `objects`, as far as readers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMetadata {
    /// The column `id`, behind which the next page begins.
    pub id: u64,
    /// The column `bucketId`.
    pub bucket_id: u64,
    /// The column `checksum`.
    pub sha1: Sha1,
    /// The column `contentType`, and `downloadName` as a disposition.
    pub meta: ObjectMeta,
}

/// Why the database of contentrepo or rhino did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It could not be reached, or was too busy. A requested change may have been made.
    #[error("database `{database}` cannot be used now: {cause}")]
    Unavailable {
        /// Its name.
        database: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It refuses for a lasting reason, or the row to be changed has changed meanwhile.
    #[error("database `{database}` refuses: {why}")]
    Refused {
        /// Its name.
        database: String,
        /// In its own words.
        why: String,
    },
}

impl Classed for DatabaseError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::Refused { .. } => ErrorClass::GiveUp,
        }
    }
}
