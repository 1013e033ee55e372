//! Asks S3 for objects without AWS keys.

use async_trait::async_trait;
use aws_sdk_s3::primitives::ByteStream;
use domain::ports::{AnonymousReads, SiteError};
use domain::{ObjectKey, S3Bucket};

use super::refusal::Refusal;
use super::{AwsSite, System};

/// Forty characters, as every file's key has: a policy that lets anybody read files is for such keys. No
/// file can have it, and it is taken away with the other canaries' rights.
const CANARY: &str = "mogile2s3-canary/read-without-any-keys-0";

/// More than a byte, so that one can be asked for.
const CONTENT: &[u8] = b"mogile2s3 canary, for readers without keys";

#[async_trait]
impl AnonymousReads for AwsSite {
    async fn gives(&self, bucket: &S3Bucket, key: &ObjectKey) -> Result<bool, SiteError> {
        self.gives_anybody(bucket.as_str(), key.as_str()).await
    }

    async fn gives_canary(&self, bucket: &S3Bucket) -> Result<bool, SiteError> {
        let put = self.s3.put_object().bucket(bucket.as_str()).key(CANARY);
        let put = Box::pin(put.body(ByteStream::from_static(CONTENT)).send());
        let put = self.answer(System::S3, "PUT", put).await.map_err(|it| it.error)?;
        let given = self.gives_anybody(bucket.as_str(), CANARY).await;
        let delete = self.s3.delete_object().bucket(bucket.as_str()).key(CANARY);
        let delete = delete.set_version_id(put.version_id).send();
        self.answer(System::S3, "DELETE", delete).await.map_err(|it| it.error)?;
        given
    }
}

impl AwsSite {
    async fn gives_anybody(&self, bucket: &str, key: &str) -> Result<bool, SiteError> {
        let get =
            self.s3_without_keys.get_object().bucket(bucket).key(key).range("bytes=0-0").send();
        match self.answer(System::S3, "GET without keys", get).await {
            Ok(_) => Ok(true),
            Err(Refusal { status: 401 | 403, .. }) => Ok(false),
            Err(refusal) => Err(refusal.error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_has_a_key_as_long_as_a_files() {
        assert_eq!(CANARY.len(), 40);
        assert!(CANARY.starts_with("mogile2s3-canary/"));
    }
}
