//! S3, straight from its state.

mod parts;

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use domain::content::VerifiedContent;
use domain::ports::{ObjectContent, ObjectStore, StoreError};
use domain::{
    ByteCount, Condition, ETag, FoundObject, ListPage, ListedObject, ObjectAddress, ObjectKey,
    ObjectMeta, Proof, S3Bucket, Sha1, SourceError, StoredObject, Timestamp, WriteTarget,
};
use futures_util::{StreamExt, stream};

use super::{Call, Met, NoAnswer, PortFaults, in_pieces};
use crate::world::bucket::{
    self, Algorithm, Attributes, ContentBuilder, CopyRequest, Coverage, ListRequest, Object,
    PutRequest, S3World,
};

/// [`ObjectStore`] over [`S3World`].
pub struct PortObjects {
    s3: Arc<S3World>,
    faults: Arc<PortFaults>,
}

impl PortObjects {
    /// Over this state.
    #[must_use]
    pub const fn new(s3: Arc<S3World>, faults: Arc<PortFaults>) -> Self {
        Self { s3, faults }
    }

    /// One request about `at`; `target` is what a fault is aimed at.
    async fn ask<T: Send>(
        &self,
        call: Call,
        target: String,
        at: &ObjectAddress,
        act: impl FnOnce(&str, &str) -> Result<T, bucket::StoreError> + Send,
    ) -> Result<T, StoreError> {
        let effect = async { act(at.bucket.as_str(), at.key.as_str()) };
        let met = self.faults.meet(call, &target, effect).await;
        let answer = met.answer().map_err(|why| no_answer(&at.to_string(), why))?;
        answer.map_err(|refusal| refused(refusal, at))
    }
}

#[async_trait]
impl ObjectStore for PortObjects {
    async fn put(
        &self,
        target: &WriteTarget,
        content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        let at = &target.address;
        let effect = async {
            let mut put = received(content).await.map_err(StoreError::Source)?;
            put.attributes = attributes(&target.meta);
            put.condition = condition(&target.condition);
            let stored = if put.content.len() > self.s3.single_request_limit_bytes() {
                parts::put(&self.s3, at, put)
            } else {
                let stored = self.s3.put(at.bucket.as_str(), at.key.as_str(), put);
                stored.map(|object| stored_object(object, Proof::Put))
            };
            stored.map_err(|refusal| refused(refusal, at))
        };
        match self.faults.meet(Call::Put, &at.to_string(), effect).await {
            Met::Answer(answer) => answer,
            // Whoever sends knows best why there was nothing more to send.
            Met::AnswerLost(Err(broken @ StoreError::Source(_))) => Err(broken),
            Met::AnswerLost(_) | Met::RequestLost => {
                Err(no_answer(&at.to_string(), NoAnswer::Lost))
            }
            Met::Busy | Met::HalfFails => Err(no_answer(&at.to_string(), NoAnswer::Busy)),
        }
    }

    async fn copy(
        &self,
        source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError> {
        let at = &target.address;
        let copied = self.ask(Call::Copy, format!("{source} {at}"), at, |bucket, key| {
            let attributes = attributes(&target.meta);
            let copy = CopyRequest {
                source_bucket: bucket.to_owned(),
                source_key: source.to_string(),
                source_condition: bucket::Condition::None,
                compute_sha1: true,
                replace_attributes: Some(attributes).filter(|new| *new != Attributes::default()),
                condition: condition(&target.condition),
            };
            self.s3.copy(bucket, key, copy)
        });
        copied.await.map(|object| stored_object(object, Proof::Copy))
    }

    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        let found = self.ask(Call::Head, at.to_string(), at, |bucket, key| {
            self.s3.get(bucket, key, &bucket::Condition::None)
        });
        match found.await {
            Ok(object) => Ok(Some(FoundObject {
                length: ByteCount(object.content.len()),
                sha1: stored_sha1(&object),
                etag: ETag(object.etag),
            })),
            Err(StoreError::NoSuchKey(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, at: &ObjectAddress, etag: &ETag) -> Result<ObjectContent, StoreError> {
        let name = at.to_string();
        let condition = bucket::Condition::ETag(etag.0.clone());
        let effect = async { self.s3.get(at.bucket.as_str(), at.key.as_str(), &condition) };
        let (answer, broken) = match self.faults.meet(Call::Read, &name, effect).await {
            Met::Answer(answer) => (answer, None),
            Met::AnswerLost(answer) => (answer, Some(no_answer(&name, NoAnswer::Lost))),
            Met::RequestLost => return Err(no_answer(&name, NoAnswer::Lost)),
            Met::Busy | Met::HalfFails => return Err(no_answer(&name, NoAnswer::Busy)),
        };
        let object = answer.map_err(|refusal| refused(refusal, at))?;
        Ok(Box::pin(stream::iter(in_pieces(object.content.bytes(), broken))))
    }

    async fn delete(&self, at: &ObjectAddress, etag: &ETag) -> Result<(), StoreError> {
        let condition = bucket::Condition::ETag(etag.0.clone());
        let deleted = self.ask(Call::Delete, at.to_string(), at, |bucket, key| {
            self.s3.delete(bucket, key, &condition).map(drop)
        });
        match deleted.await {
            Err(StoreError::NoSuchKey(_)) => Ok(()),
            answer => answer,
        }
    }

    async fn list(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        let at = ObjectAddress { bucket: bucket.clone(), key: ObjectKey::new(prefix.to_owned()) };
        let request = ListRequest {
            prefix: prefix.to_owned(),
            start_after: after.map(ToString::to_string),
            ..ListRequest::default()
        };
        let list = |bucket: &str, _: &str| self.s3.list(bucket, &request);
        let page = self.ask(Call::List, at.to_string(), &at, list).await?;
        let listed = |(key, object): (String, Object)| ListedObject {
            key: ObjectKey::new(key),
            length: ByteCount(object.content.len()),
            has_sha1: stored_sha1(&object).is_some(),
            last_modified: Some(written_at(&object)),
            etag: ETag(object.etag),
            is_archived: object.is_archived,
        };
        Ok(ListPage {
            more: page.next_token.is_some(),
            objects: page.objects.into_iter().map(listed).collect(),
        })
    }
}

fn written_at(object: &Object) -> Timestamp {
    let since = object.last_modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// The write that arrives at S3, once its content has come whole and as announced.
async fn received(mut content: VerifiedContent) -> Result<PutRequest, SourceError> {
    let (expected, verdict) = (*content.expected(), content.verdict());
    let mut arrived = ContentBuilder::default();
    while let Some(Ok(chunk)) = content.next().await {
        arrived.push(&chunk);
    }
    if let Some(failure) = verdict.take_failure() {
        return Err(failure);
    }
    let mut put = PutRequest::new(arrived.finish());
    put.expected_sha1 = Some(*expected.as_bytes());
    Ok(put)
}

fn stored_object(object: Object, proof: Proof) -> StoredObject {
    StoredObject { sha1: stored_sha1(&object), etag: ETag(object.etag), proof }
}

/// The stored SHA-1, if it is one of the whole content.
fn stored_sha1(object: &Object) -> Option<Sha1> {
    let checksum = object.checksum.as_ref()?;
    let proves = checksum.algorithm == Algorithm::Sha1 && checksum.coverage == Coverage::FullObject;
    checksum.value.as_slice().try_into().ok().filter(|_| proves).map(Sha1::from_bytes)
}

fn condition(condition: &Condition) -> bucket::Condition {
    match condition {
        Condition::Absent => bucket::Condition::Absent,
        Condition::Is(etag) => bucket::Condition::ETag(etag.0.clone()),
    }
}

fn attributes(meta: &ObjectMeta) -> Attributes {
    Attributes {
        content_type: meta.content_type.clone(),
        content_disposition: meta.content_disposition.clone(),
        ..Attributes::default()
    }
}

fn refused(refusal: bucket::StoreError, at: &ObjectAddress) -> StoreError {
    match refusal {
        bucket::StoreError::NoSuchBucket => StoreError::NoSuchBucket(at.bucket.to_string()),
        bucket::StoreError::NoSuchKey => StoreError::NoSuchKey(at.to_string()),
        bucket::StoreError::PreconditionFailed => StoreError::Occupied(at.to_string()),
        bucket::StoreError::BadDigest => StoreError::BadDigest(at.to_string()),
        bucket::StoreError::AccessDenied => {
            StoreError::Denied { at: at.to_string(), why: refusal.to_string() }
        }
        bucket::StoreError::AclsNotSupported
        | bucket::StoreError::BucketAlreadyOwnedByYou
        | bucket::StoreError::BucketAlreadyExists
        | bucket::StoreError::NoOwnershipControls
        | bucket::StoreError::NoPublicAccessBlock
        | bucket::StoreError::NoPolicy
        | bucket::StoreError::NoLifecycle
        | bucket::StoreError::NoObjectLock
        | bucket::StoreError::NoReplication
        | bucket::StoreError::MalformedPolicy
        | bucket::StoreError::EntityTooLarge
        | bucket::StoreError::MetadataTooLarge
        | bucket::StoreError::CopySourceTooLarge
        | bucket::StoreError::CopyOntoItself
        | bucket::StoreError::NoSuchUpload
        | bucket::StoreError::InvalidPart
        | bucket::StoreError::InvalidPartOrder
        | bucket::StoreError::NoParts
        | bucket::StoreError::EntityTooSmall
        | bucket::StoreError::InvalidPartNumber
        | bucket::StoreError::OtherChecksumThanTheUploads
        | bucket::StoreError::PartChecksumMissing
        | bucket::StoreError::WrongObjectSize
        | bucket::StoreError::InvalidToken => {
            StoreError::Refused { at: at.to_string(), why: refusal.to_string() }
        }
    }
}

fn no_answer(at: &str, why: NoAnswer) -> StoreError {
    let at = at.to_owned();
    match why {
        NoAnswer::Lost => StoreError::Uncertain { at, cause: why.into() },
        NoAnswer::Busy => StoreError::Busy { at, why: why.to_string() },
    }
}

#[cfg(test)]
mod tests;
