//! Writes content that is too large for one request, by multipart uploads.
//!
//! Three checks prove the whole. The content's own SHA-1 is checked before the last part is sent
//! (`domain::content`). S3 checks the SHA-1 of each part. At the end S3's composite of these must
//! be ours.

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};
use domain::content::{ContentBroken, ContentVerdict, VerifiedContent};
use domain::ports::StoreError;
use domain::retry::{Classed, ErrorClass, backoff};
use domain::{Proof, Sha1, StoredObject, WriteTarget, limits};
use futures_util::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::sleep;

use super::write::headers;
use super::{S3ObjectStore, etag};

/// Which content is written in parts, how large the parts are, and how much memory they may take.
#[derive(Debug, Clone)]
pub struct Parts {
    single_request_bytes: u64,
    part_bytes: u64,
    pool: Arc<Semaphore>,
    pool_bytes: u64,
}

impl Default for Parts {
    /// Amazon's limit for one request, and [`limits::PART_POOL_BYTES`] of memory.
    fn default() -> Self {
        Self::new(limits::SINGLE_REQUEST_BYTES, limits::PART_BYTES, limits::PART_POOL_BYTES)
    }
}

/// The bytes of one permit of the pool. A semaphore counts the permits of one request in 32 bits,
/// too few to count a large part in bytes.
const UNIT: u64 = 1024;

impl Parts {
    /// Content above `single_request_bytes` is written in parts of `part_bytes`, or in larger ones
    /// where the parts would be too many. All parts in memory together take at most `pool_bytes`.
    #[must_use]
    pub fn new(single_request_bytes: u64, part_bytes: u64, pool_bytes: u64) -> Self {
        let units = usize::try_from(pool_bytes / UNIT).unwrap_or(Semaphore::MAX_PERMITS);
        let pool = Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)));
        Self { single_request_bytes, part_bytes: part_bytes.max(1), pool, pool_bytes }
    }

    pub(super) const fn take(&self, length: u64) -> bool {
        length > self.single_request_bytes
    }

    /// Returns the size of each part except the last for content of `length` bytes; [`None`] when
    /// the pool is smaller than one part.
    fn size_for(&self, length: u64) -> Option<u64> {
        let size = self.part_bytes.max(length.div_ceil(limits::PARTS));
        (size <= self.pool_bytes).then_some(size)
    }

    async fn memory(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let units = u32::try_from(bytes.div_ceil(UNIT).min(self.pool_bytes / UNIT)).ok()?;
        self.pool.acquire_many(units).await.ok()
    }
}

/// A multipart upload that was begun and not yet completed or aborted.
struct Upload<'a> {
    store: &'a S3ObjectStore,
    target: &'a WriteTarget,
    id: String,
}

impl S3ObjectStore {
    /// Writes content in parts. When it fails nothing of it stays, but where even the abort fails,
    /// or the answer to the upload's beginning is lost and nobody knows its id (it has no parts
    /// then): what the bucket's rule for stale uploads takes away.
    pub(super) async fn put_in_parts(
        &self,
        target: &WriteTarget,
        content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        let length = content.length().0;
        let too_large = || StoreError::Refused {
            at: target.address.to_string(),
            why: format!("{length} bytes are more than {} parts can take", limits::PARTS),
        };
        let part_bytes = self.parts.size_for(length).ok_or_else(too_large)?;
        let _memory = self.parts.memory(part_bytes).await.ok_or_else(too_large)?;
        let upload = Upload { store: self, target, id: self.begin_upload(target).await? };
        let mut unfinished = Unfinished::of(&upload);
        let stored = upload.carry_out(content, part_bytes).await;
        if stored.is_err() {
            upload.abort().await;
        }
        unfinished.0 = None;
        stored
    }

    async fn begin_upload(&self, target: &WriteTarget) -> Result<String, StoreError> {
        let call = self
            .client
            .create_multipart_upload()
            .bucket(target.address.bucket.as_str())
            .key(target.address.key.as_str())
            .checksum_algorithm(ChecksumAlgorithm::Sha1)
            .checksum_type(ChecksumType::Composite)
            .set_content_type(target.meta.content_type.clone())
            .set_content_disposition(target.meta.content_disposition.clone())
            .send();
        let call = Box::pin(call);
        let begun =
            self.answer("CREATE_MULTIPART", &target.address, self.timeouts.request, call).await?;
        begun.upload_id.ok_or_else(|| StoreError::Refused {
            at: target.address.to_string(),
            why: "a multipart upload was begun without an id".to_owned(),
        })
    }
}

/// Aborts an upload whose caller does not wait for it any longer, as well as that can be done then:
/// one try, which the end of the process may cut off. So the log names the upload.
struct Unfinished(Option<(Client, String, String, String)>);

impl Unfinished {
    fn of(upload: &Upload<'_>) -> Self {
        let address = &upload.target.address;
        let (bucket, key) = (address.bucket.as_str().to_owned(), address.key.as_str().to_owned());
        Self(Some((upload.store.client.clone(), bucket, key, upload.id.clone())))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let Some((client, bucket, key, id)) = self.0.take() else { return };
        tracing::warn!("multipart upload `{id}` of `{bucket}/{key}` is abandoned, and aborted");
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let abort = client.abort_multipart_upload().bucket(bucket).key(key).upload_id(id);
            runtime.spawn(abort.send());
        }
    }
}

impl Upload<'_> {
    async fn carry_out(
        &self,
        mut content: VerifiedContent,
        part_bytes: u64,
    ) -> Result<StoredObject, StoreError> {
        let (expected, verdict) = (*content.expected(), content.verdict());
        let size = usize::try_from(part_bytes).unwrap_or(usize::MAX);
        let mut buffer = BytesMut::with_capacity(size);
        let mut parts = Vec::new();
        while let Some(chunk) = content.next().await {
            let mut chunk = chunk.map_err(|broken| self.source_failed(&verdict, broken))?;
            while !chunk.is_empty() {
                let room = size - buffer.len();
                buffer.extend_from_slice(&chunk.split_to(room.min(chunk.len())));
                if buffer.len() == size {
                    parts.push(self.send(parts.len() + 1, buffer.split().freeze()).await?);
                    // The part was sent, so its memory can be used again.
                    buffer.reserve(size);
                }
            }
        }
        if !buffer.is_empty() {
            parts.push(self.send(parts.len() + 1, buffer.freeze()).await?);
        }
        self.complete(parts, expected).await
    }

    fn source_failed(&self, verdict: &ContentVerdict, broken: ContentBroken) -> StoreError {
        let unexplained =
            || StoreError::Refused { at: self.target.address.to_string(), why: broken.to_string() };
        verdict.take_failure().map_or_else(unexplained, StoreError::Source)
    }

    /// Sends one part. Tries again where that may help, [`limits::ATTEMPTS`] times at most in all.
    /// A part that arrives twice counts once.
    async fn send(&self, number: usize, part: Bytes) -> Result<(CompletedPart, Sha1), StoreError> {
        let sha1 = Sha1::of(&part);
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        for attempt in 1.. {
            match self.send_once(number, part.clone(), sha1).await {
                Err(error)
                    if attempt < limits::ATTEMPTS
                        && (error.class() == ErrorClass::Retry
                            || matches!(error, StoreError::BadDigest(_))) =>
                {
                    sleep(backoff(attempt, u64::from(number.unsigned_abs()))).await;
                }
                settled => return settled.map(|part| (part, sha1)),
            }
        }
        unreachable!("the attempts end")
    }

    async fn send_once(
        &self,
        number: i32,
        part: Bytes,
        sha1: Sha1,
    ) -> Result<CompletedPart, StoreError> {
        let address = &self.target.address;
        let limit = self.store.timeouts.moving(part.len() as u64);
        let call = self
            .store
            .client
            .upload_part()
            .bucket(address.bucket.as_str())
            .key(address.key.as_str())
            .upload_id(&self.id)
            .part_number(number)
            .checksum_sha1(sha1.to_base64())
            .body(ByteStream::from(part))
            .send();
        let sent = self.store.answer("PART", address, limit, Box::pin(call)).await?;
        // The answer's own SHA-1 is not checked here. An endpoint that returns none returns no
        // right composite at the end, and then nothing is proven.
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag)
            .checksum_sha1(sha1.to_base64())
            .build())
    }

    async fn complete(
        &self,
        parts: Vec<(CompletedPart, Sha1)>,
        expected: Sha1,
    ) -> Result<StoredObject, StoreError> {
        let address = &self.target.address;
        let (parts, sha1s): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let (absent, is) = headers(&self.target.condition);
        let call = self
            .store
            .client
            .complete_multipart_upload()
            .bucket(address.bucket.as_str())
            .key(address.key.as_str())
            .upload_id(&self.id)
            .checksum_type(ChecksumType::Composite)
            .set_if_none_match(absent)
            .set_if_match(is)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send();
        let done = self
            .store
            .answer("COMPLETE", address, self.store.timeouts.completing(), Box::pin(call))
            .await?;
        let whole = done.checksum_sha1().is_some_and(|told| told == composite(&sha1s));
        Ok(StoredObject {
            etag: etag(done.e_tag()),
            sha1: whole.then_some(expected),
            proof: Proof::Multipart,
        })
    }

    async fn abort(&self) {
        let address = &self.target.address;
        for attempt in 1..=limits::ATTEMPTS {
            let call = self
                .store
                .client
                .abort_multipart_upload()
                .bucket(address.bucket.as_str())
                .key(address.key.as_str())
                .upload_id(&self.id)
                .send();
            let call = Box::pin(call);
            match self.store.answer("ABORT", address, self.store.timeouts.request, call).await {
                Ok(_) | Err(StoreError::NoSuchKey(_)) => return,
                Err(error) if attempt == limits::ATTEMPTS => {
                    tracing::warn!("multipart upload `{}` stays, unfinished: {error}", self.id);
                }
                Err(_) => sleep(backoff(attempt, 0)).await,
            }
        }
    }
}

/// Computes S3's composite checksum: the SHA-1 of the parts' SHA-1s, and the number of parts.
fn composite(parts: &[Sha1]) -> String {
    let joined: Vec<u8> = parts.iter().flat_map(|part| *part.as_bytes()).collect();
    format!("{}-{}", Sha1::of(&joined).to_base64(), parts.len())
}

#[cfg(test)]
mod tests {
    use super::super::full_sha1;
    use super::*;

    #[test]
    fn parts_grow_where_there_would_be_too_many() {
        let parts = Parts::new(100, 10, 64 * 1024);
        assert!(!parts.take(100));
        assert!(parts.take(101));
        assert_eq!(parts.size_for(101), Some(10));
        assert_eq!(parts.size_for(100_000), Some(10));
        assert_eq!(parts.size_for(100_001), Some(11));
        assert_eq!(parts.size_for(u64::MAX), None);
    }

    #[test]
    fn a_composite_is_no_full_sha1() {
        let parts = [Sha1::of(b"a"), Sha1::of(b"b")];
        assert_eq!(composite(&parts), "AFZUCsYjfQJj3Q+qRcccc7xIDzQ=-2");
        assert_eq!(full_sha1(Some(&composite(&parts)), None), None);
    }
}
