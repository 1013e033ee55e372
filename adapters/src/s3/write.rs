//! PUT, COPY and DELETE, always under a condition.

use aws_sdk_s3::types::{ChecksumAlgorithm, MetadataDirective};
use domain::content::VerifiedContent;
use domain::ports::StoreError;
use domain::{
    Condition, ETag, ObjectAddress, ObjectKey, ObjectMeta, Proof, StoredObject, WriteTarget,
};
use futures_util::StreamExt;

use super::{S3ObjectStore, body, etag, full_sha1, quoted};

impl S3ObjectStore {
    pub(super) async fn put_content(
        &self,
        target: &WriteTarget,
        mut content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        let (absent, is) = headers(&target.condition);
        let length = content.length().0;
        let verdict = content.verdict();
        // The SDK never polls an empty body, so the content would not be checked. It is polled
        // here: the check fails where the file should not be empty.
        if length == 0
            && content.next().await.is_some()
            && let Some(failure) = verdict.take_failure()
        {
            return Err(StoreError::Source(failure));
        }
        let put = self
            .client
            .put_object()
            .bucket(target.address.bucket.as_str())
            .key(target.address.key.as_str())
            .set_if_none_match(absent)
            .set_if_match(is)
            .set_content_type(target.meta.content_type.clone())
            .set_content_disposition(target.meta.content_disposition.clone())
            .content_length(i64::try_from(length).unwrap_or(i64::MAX))
            .checksum_sha1(content.expected().to_base64())
            .body(body::stream(content));
        let call = Box::pin(put.send());
        // Twice the time: the content also waits for its source, which has a limit of the same
        // length.
        let answer =
            self.answer("PUT", &target.address, self.timeouts.moving(length) * 2, call).await;
        match answer {
            Ok(stored) => Ok(StoredObject {
                etag: etag(stored.e_tag()),
                sha1: full_sha1(stored.checksum_sha1(), stored.checksum_type()),
                proof: Proof::Put,
            }),
            // Where the source broke off, S3's error is only a consequence. So the source's failure
            // goes first.
            Err(error) => Err(verdict.take_failure().map_or(error, StoreError::Source)),
        }
    }

    pub(super) async fn copy_object(
        &self,
        source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError> {
        let (absent, is) = headers(&target.condition);
        // The copy keeps the intermediary's metadata, unless the target has its own.
        let directive =
            (target.meta != ObjectMeta::default()).then_some(MetadataDirective::Replace);
        let copy = self
            .client
            .copy_object()
            // Digits, slashes and `.fid`: nothing in a key of an intermediary needs encoding.
            .copy_source(format!("{}/{source}", target.address.bucket))
            .bucket(target.address.bucket.as_str())
            .key(target.address.key.as_str())
            .checksum_algorithm(ChecksumAlgorithm::Sha1)
            .set_if_none_match(absent)
            .set_if_match(is)
            .set_metadata_directive(directive)
            .set_content_type(target.meta.content_type.clone())
            .set_content_disposition(target.meta.content_disposition.clone());
        let call = Box::pin(copy.send());
        let limit = self.timeouts.copying(target.length.0);
        let copied = self.answer("COPY", &target.address, limit, call).await?;
        let result = copied.copy_object_result();
        Ok(StoredObject {
            etag: etag(result.and_then(|result| result.e_tag())),
            sha1: result
                .and_then(|result| full_sha1(result.checksum_sha1(), result.checksum_type())),
            proof: Proof::Copy,
        })
    }

    pub(super) async fn delete_object(
        &self,
        at: &ObjectAddress,
        condition: Option<&ETag>,
    ) -> Result<(), StoreError> {
        let call = self
            .client
            .delete_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .set_if_match(condition.map(quoted))
            .send();
        match self.answer("DELETE", at, self.timeouts.request, call).await {
            // An object that is already gone is the wanted result.
            Ok(_) | Err(StoreError::NoSuchKey(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Returns the values of `If-None-Match` and `If-Match` for a condition.
pub(super) fn headers(condition: &Condition) -> (Option<String>, Option<String>) {
    match condition {
        Condition::Absent => (Some("*".to_owned()), None),
        Condition::Is(etag) => (None, Some(quoted(etag))),
    }
}
