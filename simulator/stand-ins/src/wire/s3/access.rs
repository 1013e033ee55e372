//! Who may ask: whoever signs with the keys, and for files of a public bucket anybody.

use std::sync::Arc;

use s3s::access::{S3Access, S3AccessContext};
use s3s::path::S3Path;
use s3s::{S3Result, s3_error};

use crate::world::bucket::S3World;

/// Lets in whom the world's buckets let in.
pub(super) struct Access(pub(super) Arc<S3World>);

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_some() {
            return Ok(());
        }
        if let S3Path::Object { bucket, key } = context.s3_path()
            && context.s3_op().name() == "GetObject"
            && self.0.lets_anybody_read(bucket, key)
        {
            return Ok(());
        }
        Err(s3_error!(AccessDenied, "Access Denied"))
    }
}
