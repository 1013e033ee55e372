use async_trait::async_trait;

use super::SiteError;
use crate::{ObjectKey, S3Bucket};

/// Reads buckets as anybody can who has no AWS keys, by URLs that are not signed.
#[async_trait]
pub trait AnonymousReads: Send + Sync {
    /// Returns whether S3 gives this object, which is there and has some content, without keys.
    async fn gives(&self, bucket: &S3Bucket, key: &ObjectKey) -> Result<bool, SiteError>;

    /// The same of a small object with a key as long as a file's, which is written for this and taken
    /// away again, with its version where the bucket keeps versions.
    async fn gives_canary(&self, bucket: &S3Bucket) -> Result<bool, SiteError>;
}
