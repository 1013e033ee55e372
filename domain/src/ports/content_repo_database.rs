use async_trait::async_trait;

use crate::retry::{Classed, ErrorClass};
use crate::{Cause, ObjectMeta, Sha1};

/// contentrepo's database: which names its buckets have, and what it tells readers of an object.
#[async_trait]
pub trait ContentRepoDatabase: Send + Sync {
    /// All buckets.
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError>;

    /// Renames a bucket, leaving its timestamp alone. Errors when the row does not have the name
    /// `bucket.name` any more, or the new name is taken.
    async fn rename_bucket(&self, bucket: &RepoBucket, name: &str) -> Result<(), DatabaseError>;

    /// Type and download name of objects, ascending by row id behind `after`, at most `limit`;
    /// purged objects are left out.
    async fn metadata(
        &self,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ObjectMetadata>, DatabaseError>;
}

/// A row of `buckets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoBucket {
    /// `bucketId`.
    pub id: u64,
    /// `bucketName`.
    pub name: String,
}

/// What a row of `objects` tells readers of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMetadata {
    /// `id`: where to go on.
    pub id: u64,
    /// `bucketId`.
    pub bucket_id: u64,
    /// `checksum`.
    pub sha1: Sha1,
    /// `contentType`, and `downloadName` as a disposition.
    pub meta: ObjectMeta,
}

/// A client's database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It could not be reached, or was too busy. A change may have been made.
    #[error("database `{database}` cannot be used now: {cause}")]
    Unavailable {
        /// Its name.
        database: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It refuses for a lasting reason, or what was to be changed is not as it was.
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
