use async_trait::async_trait;

use crate::S3Bucket;
use crate::blueprint::{
    BucketChange, BucketState, ExpiryRule, ObjectLock, QueueChange, QueueState, TableChange,
    TableKey, TableState,
};
use crate::retry::{Cause, Classed, ErrorClass};

/// Reads and changes the settings of buckets, queues and tables. Every call may be repeated: a
/// change that was already made has no further effect, and making something that exists is no
/// error, as long as it is ours.
#[async_trait]
pub trait Site: Send + Sync {
    /// Returns a bucket's settings; [`None`] when no account has a bucket of that name.
    async fn bucket(&self, name: &S3Bucket) -> Result<Option<BucketState>, SiteError>;

    /// Returns the buckets, as ARNs, to which a rule copies each new object of a bucket that is there. An
    /// end that does not know of replication has none.
    async fn replicas(&self, name: &S3Bucket) -> Result<Vec<String>, SiteError>;

    /// Makes or changes a bucket.
    async fn change_bucket(&self, name: &S3Bucket, change: &BucketChange) -> Result<(), SiteError>;

    /// Returns a queue's settings; [`None`] when it does not exist.
    async fn queue(&self, name: &str) -> Result<Option<QueueState>, SiteError>;

    /// Makes or changes a queue.
    async fn change_queue(&self, name: &str, change: &QueueChange) -> Result<(), SiteError>;

    /// Returns a table's settings; [`None`] when it does not exist.
    async fn table(&self, name: &str) -> Result<Option<TableState>, SiteError>;

    /// Makes or changes a table.
    async fn change_table(&self, name: &str, change: &TableChange) -> Result<(), SiteError>;
}

/// Reads single settings, by one request each.
#[async_trait]
pub trait SiteLooks: Send + Sync {
    /// Returns a bucket's enabled lifecycle rules that delete files or their intermediaries. An end
    /// that does not know of such rules has none.
    async fn expiry_rules(&self, bucket: &S3Bucket) -> Result<Vec<ExpiryRule>, SiteError>;

    /// Returns a bucket's Object Lock. An end that does not know of it has none.
    async fn object_lock(&self, bucket: &S3Bucket) -> Result<Option<ObjectLock>, SiteError>;

    /// Returns a table's key; [`None`] when there is no such table.
    async fn table_key(&self, name: &str) -> Result<Option<TableKey>, SiteError>;

    /// Returns the settings of the queue at this URL, in whatever account it is; [`None`] when there is no
    /// such queue.
    async fn queue_at(&self, url: &str) -> Result<Option<QueueState>, SiteError>;

    /// Returns the ARN of the queue at this URL.
    async fn queue_arn(&self, url: &str) -> Result<String, SiteError>;
}

/// Why a setting could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// It could not be reached, or asks to slow down.
    #[error("{call} cannot be done now: {cause}")]
    Unavailable {
        /// The call, for example `CreateQueue`.
        call: &'static str,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It is not ready for this call yet: it was made, changed or deleted a moment ago.
    #[error("{call} has to wait: {why}")]
    NotYet {
        /// What was asked.
        call: &'static str,
        /// In its own words.
        why: String,
    },
    /// Another account has a bucket of this name.
    #[error(
        "the name is taken by another account's bucket: names are unique in the world, choose another"
    )]
    SomebodyElses,
    /// The bucket exists, and these keys may not read its settings.
    #[error("the bucket is another account's, or these keys are wrong or lack {right} for it")]
    Closed {
        /// The permission that these keys may lack.
        right: &'static str,
    },
    /// The bucket is in another region.
    #[error(
        "the bucket is in {region}, and not in this region: set the region {region}, or choose another name"
    )]
    Elsewhere {
        /// Its region.
        region: String,
    },
    /// It refuses for a lasting reason.
    #[error("{call} is refused: {why}")]
    Refused {
        /// What was asked.
        call: &'static str,
        /// In its own words.
        why: String,
    },
}

impl Classed for SiteError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } | Self::NotYet { .. } => ErrorClass::Retry,
            Self::SomebodyElses
            | Self::Closed { .. }
            | Self::Elsewhere { .. }
            | Self::Refused { .. } => ErrorClass::GiveUp,
        }
    }
}
