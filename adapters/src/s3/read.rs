//! HEAD, GET and LIST.

use std::time::{Duration, Instant};

use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, Object, ObjectStorageClass,
};
use bytes::Bytes;
use domain::ports::{ObjectContent, StoreError};
use domain::{
    ByteCount, ETag, FoundObject, ListPage, ListedObject, ObjectAddress, ObjectKey, S3Bucket,
    Timestamp,
};
use futures_util::stream;
use tokio::time::timeout;

use super::{S3ObjectStore, etag, full_sha1, in_full, quoted};

impl S3ObjectStore {
    pub(super) async fn look(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        let call = self
            .client
            .head_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .checksum_mode(ChecksumMode::Enabled)
            .send();
        match self.answer("HEAD", at, self.timeouts.request, call).await {
            Ok(found) => Ok(Some(FoundObject {
                etag: etag(found.e_tag()),
                length: byte_count(found.content_length()),
                sha1: full_sha1(found.checksum_sha1(), found.checksum_type()),
            })),
            Err(StoreError::NoSuchKey(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn read_content(
        &self,
        at: &ObjectAddress,
        is: &ETag,
    ) -> Result<ObjectContent, StoreError> {
        let call = self
            .client
            .get_object()
            .bucket(at.bucket.as_str())
            .key(at.key.as_str())
            .if_match(quoted(is))
            .send();
        let answer = self.answer("GET", at, self.timeouts.request, call).await?;
        let length = byte_count(answer.content_length()).0;
        let flow =
            Flow { at: at.to_string(), body: answer.body, patience: self.timeouts.moving(length) };
        Ok(Box::pin(stream::try_unfold(flow, Flow::next)))
    }

    pub(super) async fn list_objects(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        let call = self
            .client
            .list_objects_v2()
            .bucket(bucket.as_str())
            .prefix(prefix)
            .set_start_after(after.map(ToString::to_string))
            .send();
        let at = format!("s3://{bucket}/{prefix}");
        let page = self.answer("LIST", &at, self.timeouts.request, call).await?;
        let objects = page.contents().iter().filter_map(|object| {
            Some(ListedObject {
                key: ObjectKey::new(object.key()?.to_owned()),
                length: byte_count(object.size()),
                etag: etag(object.e_tag()),
                last_modified: object.last_modified().and_then(timestamp),
                has_sha1: has_full_sha1(object),
                is_archived: object.storage_class().is_some_and(is_archive),
            })
        });
        Ok(ListPage { objects: objects.collect(), more: page.is_truncated().unwrap_or(false) })
    }
}

/// Whether a listing says that a SHA-1 of the whole content is stored. Servers older than 2025 do not
/// say what a checksum covers: such an object is taken to have none.
fn has_full_sha1(object: &Object) -> bool {
    object.checksum_algorithm().contains(&ChecksumAlgorithm::Sha1)
        && object.checksum_type() == Some(&ChecksumType::FullObject)
}

/// Whether objects of this class must be restored before they can be read (Amazon S3 user guide, "Using
/// Amazon S3 storage classes"). `GLACIER_IR` is read at once.
fn is_archive(class: &ObjectStorageClass) -> bool {
    [ObjectStorageClass::Glacier, ObjectStorageClass::DeepArchive].contains(class)
}

fn timestamp(at: &DateTime) -> Option<Timestamp> {
    at.to_millis().ok().and_then(|millis| u64::try_from(millis).ok()).map(Timestamp)
}

fn byte_count(length: Option<i64>) -> ByteCount {
    ByteCount(length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default())
}

/// An object's content while it is being downloaded.
struct Flow {
    at: String,
    body: ByteStream,
    /// The total time that S3 may still make us wait.
    patience: Duration,
}

impl Flow {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, StoreError> {
        let asked = Instant::now();
        let chunk = timeout(self.patience, self.body.next()).await;
        self.patience = self.patience.saturating_sub(asked.elapsed());
        match chunk {
            Ok(None) => Ok(None),
            Ok(Some(Ok(chunk))) => Ok(Some((chunk, self))),
            Ok(Some(Err(error))) => {
                Err(StoreError::Uncertain { at: self.at, cause: in_full(&error).into() })
            }
            Err(_) => Err(StoreError::Uncertain {
                at: self.at,
                cause: "the content flows too slowly".into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_sha1_counts_only_where_it_is_said_to_be_of_the_whole_content() {
        use ChecksumAlgorithm::{Crc64Nvme, Sha1};
        use ChecksumType::{Composite, FullObject};
        for (algorithm, kind, has) in [
            (Some(Sha1), Some(FullObject), true),
            (Some(Sha1), Some(Composite), false),
            (Some(Sha1), None, false),
            (Some(Crc64Nvme), Some(FullObject), false),
            (None, None, false),
        ] {
            let algorithms = algorithm.clone().map(|it| vec![it]);
            let object = Object::builder().set_checksum_algorithm(algorithms);
            let object = object.set_checksum_type(kind.clone()).build();
            assert_eq!(has_full_sha1(&object), has, "{algorithm:?} {kind:?}");
        }
    }
}
