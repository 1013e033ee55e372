//! What every [`ObjectStore`] promises.

mod copy;
mod list;
mod parts;
mod put;
mod read;

use std::io;

use async_trait::async_trait;
use bytes::Bytes;
use domain::content::{SourceContent, VerifiedContent};
use domain::ports::{ObjectStore, StoreError};
use domain::{
    ByteCount, Condition, ETag, ObjectAddress, ObjectKey, ObjectMeta, S3Bucket, Sha1, SourceError,
    StoredObject, WriteTarget,
};
use futures_util::stream;

/// An object store to be examined, and what only its owner can do: prepare it, and look at what it
/// holds without asking the port.
#[async_trait]
pub trait End: Sync {
    /// The port.
    fn store(&self) -> &dyn ObjectStore;

    /// A bucket for the suite alone, empty.
    fn bucket(&self) -> S3Bucket;

    /// How it was told to divide content.
    fn sizes(&self) -> Sizes;

    /// Puts an object there as others would have.
    async fn plant(&self, key: &str, content: Bytes, kind: Kind) -> anyhow::Result<()>;

    /// What lies there.
    async fn seen(&self, key: &str) -> anyhow::Result<Option<Seen>>;

    /// How many multipart uploads are neither completed nor aborted.
    async fn unfinished_uploads(&self) -> anyhow::Result<usize>;
}

/// How content is divided.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// The most that is written in one request.
    pub single_request_bytes: usize,
    /// Each part of what is larger, but the last.
    pub part_bytes: usize,
}

/// How an object came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In one request, without a SHA-1.
    Plain,
    /// In parts, with a composite SHA-1.
    Multipart,
}

/// An object as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The bytes.
    pub content: Bytes,
    /// Type and disposition.
    pub meta: ObjectMeta,
}

/// Checks every promise of the port on an end.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(end: &dyn End) {
    let stage = Stage { end };
    put::new_objects(&stage).await;
    put::conditions(&stage).await;
    put::failing_sources(&stage).await;
    parts::whole_in_parts(&stage).await;
    parts::conditions(&stage).await;
    copy::tells_the_sha1(&stage).await;
    copy::refusals(&stage).await;
    read::heads(&stage).await;
    read::contents(&stage).await;
    read::deletions(&stage).await;
    list::pages(&stage).await;
    list::prefixes(&stage).await;
    list::stored_sha1s(&stage).await;
    metadata_arrives(&stage).await;
    missing_bucket_is_told(&stage).await;
    assert_eq!(end.unfinished_uploads().await.expect("a count"), 0, "nothing is left half");
}

async fn metadata_arrives(stage: &Stage<'_>) {
    let meta = ObjectMeta {
        content_type: Some("application/pdf".to_owned()),
        content_disposition: Some("inline; filename=\"journal.pbio.0000001.PDF\"".to_owned()),
    };
    let large = bytes_of(stage.end.sizes().single_request_bytes + 1);
    let target = |key| WriteTarget { meta: meta.clone(), ..stage.target(key, Condition::Absent) };
    for (key, content) in [("meta/put", bytes_of(10)), ("meta/parts", large)] {
        let stored = stage.end.store().put(&target(key), whole(&content)).await;
        stored.expect("stored");
    }
    stage.plant("meta/plain", &bytes_of(10), Kind::Plain).await;
    let source = ObjectKey::new("meta/plain".to_owned());
    stage.end.store().copy(&source, &target("meta/copy")).await.expect("copied");
    // Without anything to say, the source's own goes along.
    stage.copy("meta/put", "meta/copy-of-put").await.expect("copied");
    for key in ["meta/put", "meta/parts", "meta/copy", "meta/copy-of-put"] {
        let seen = stage.seen(key).await.expect("an object");
        assert_eq!(seen.meta, meta, "{key}");
    }
}

async fn missing_bucket_is_told(stage: &Stage<'_>) {
    let store = stage.end.store();
    let bucket = S3Bucket::new("a-bucket-that-nobody-made").expect("a name");
    let key = ObjectKey::new("key".to_owned());
    let address = ObjectAddress { bucket: bucket.clone(), key: key.clone() };
    let target = WriteTarget { address: address.clone(), ..stage.target("", Condition::Absent) };
    let etag = ETag("0123456789abcdef0123456789abcdef".to_owned());

    let large = bytes_of(stage.end.sizes().single_request_bytes + 1);
    for content in [bytes_of(10), large] {
        no_bucket("put", store.put(&target, whole(&content)).await);
    }
    no_bucket("copy", store.copy(&key, &target).await);
    no_bucket("read", store.read(&address, &etag).await.map(drop));
    no_bucket("list", store.list(&bucket, "", None).await);
    // The answer to a HEAD has no body that could tell it, and a DELETE may begin with one.
    match store.head(&address).await {
        Ok(None) => {}
        told => no_bucket("head", told),
    }
    match store.delete(&address, &etag).await {
        Ok(()) => {}
        told => no_bucket("delete", told),
    }
}

fn no_bucket<T: std::fmt::Debug>(call: &str, answer: Result<T, StoreError>) {
    match answer {
        Err(StoreError::NoSuchBucket(name)) => {
            assert_eq!(name, "a-bucket-that-nobody-made", "{call}");
        }
        other => panic!("{call} in a bucket that is not there: {other:?}"),
    }
}

/// The end under examination, with its calls in short.
struct Stage<'a> {
    end: &'a dyn End,
}

impl Stage<'_> {
    fn at(&self, key: &str) -> ObjectAddress {
        ObjectAddress { bucket: self.end.bucket(), key: ObjectKey::new(key.to_owned()) }
    }

    fn target(&self, key: &str, condition: Condition) -> WriteTarget {
        let address = self.at(key);
        WriteTarget { address, condition, meta: ObjectMeta::default(), length: ByteCount(1_000) }
    }

    async fn put(
        &self,
        key: &str,
        condition: Condition,
        content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        self.end.store().put(&self.target(key, condition), content).await
    }

    async fn copy(&self, from: &str, to: &str) -> Result<StoredObject, StoreError> {
        let source = ObjectKey::new(from.to_owned());
        self.end.store().copy(&source, &self.target(to, Condition::Absent)).await
    }

    async fn plant(&self, key: &str, content: &Bytes, kind: Kind) {
        self.end.plant(key, content.clone(), kind).await.expect("planted");
    }

    async fn seen(&self, key: &str) -> Option<Seen> {
        self.end.seen(key).await.expect("a look")
    }

    /// Nothing else is there than this.
    async fn holds(&self, key: &str, content: Option<&Bytes>, why: &str) {
        let seen = self.seen(key).await.map(|seen| seen.content);
        // Not by `assert_eq`, which would print megabytes.
        let lengths = (seen.as_ref().map(Bytes::len), content.map(Bytes::len));
        assert!(seen.as_ref() == content, "{why}: `{key}` has {lengths:?} bytes (has, should)");
    }

    async fn etag(&self, key: &str) -> ETag {
        let found = self.end.store().head(&self.at(key)).await.expect("an answer");
        found.expect("an object").etag
    }
}

/// Bytes of which no two pieces are alike.
fn bytes_of(length: usize) -> Bytes {
    let mut state = length as u64 + 1;
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*state >> 56) as u8
    };
    (0..length).map(|_| next(&mut state)).collect()
}

/// Content that comes whole, in pieces that divide nothing evenly.
fn whole(content: &Bytes) -> VerifiedContent {
    flowing(content, content.len(), Sha1::of(content), None)
}

/// Content as it comes from a source that announced a length and that is expected to have a SHA-1;
/// it ends with the failure, if there is one.
fn flowing(
    content: &Bytes,
    announced: usize,
    expected: Sha1,
    failure: Option<SourceError>,
) -> VerifiedContent {
    let pieces: Vec<_> = content.chunks(7_001).map(|piece| content.slice_ref(piece)).collect();
    let pieces = pieces.into_iter().map(Ok).chain(failure.map(Err));
    let source = SourceContent {
        length: ByteCount(announced as u64),
        stream: Box::pin(stream::iter(pieces)),
    };
    VerifiedContent::new(source, "dev1".to_owned(), expected)
}

/// A source's connection that was lost.
fn broken_off() -> SourceError {
    let cause = io::Error::from(io::ErrorKind::ConnectionReset).into();
    SourceError::Unreachable { at: "dev1".to_owned(), cause }
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is judged once")]
fn is_occupied<T: std::fmt::Debug>(why: &str, answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Occupied(_))), "{why}: {answer:?}");
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is judged once")]
fn is_missing<T: std::fmt::Debug>(why: &str, answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::NoSuchKey(_))), "{why}: {answer:?}");
}
