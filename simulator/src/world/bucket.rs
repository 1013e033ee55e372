//! The state of Amazon S3: buckets of objects, and the operations on them. No socket; every
//! operation is atomic, and whatever takes long (hashing) happened before it takes the lock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

mod error;
mod listing;
mod object;

pub use error::StoreError;
pub use listing::{ListPage, ListRequest, MAX_KEYS};
pub use object::{
    Algorithm, Attributes, Content, ContentBuilder, Coverage, Object, StoredChecksum,
};

/// What must hold of the object at a key for a write or delete to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    #[default]
    None,
    /// There is no object (`If-None-Match: *`).
    Absent,
    /// There is an object (`If-Match: *`).
    Present,
    /// There is an object with this entity tag, given without quotes (`If-Match`).
    ETag(String),
}

impl Condition {
    /// Where an object must be and none is, S3 answers that the key is missing (404), not that the
    /// precondition failed (its user guide, "conditional writes" and "conditional deletes").
    fn check(&self, object: Option<&Object>) -> Result<(), StoreError> {
        match (self, object) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => Ok(()),
            (Self::ETag(wanted), Some(object)) if *wanted == object.etag => Ok(()),
            (Self::Absent | Self::ETag(_), Some(_)) => Err(StoreError::PreconditionFailed),
            (Self::Present | Self::ETag(_), None) => Err(StoreError::NoSuchKey),
        }
    }
}

/// A write of new content.
#[derive(Debug, Clone)]
pub struct PutRequest {
    /// The content as it arrived.
    pub content: Content,
    /// Type, disposition and user metadata.
    pub attributes: Attributes,
    /// The digest of `Content-MD5`.
    pub expected_md5: Option<[u8; 16]>,
    /// The digest of `x-amz-checksum-sha1`; it is kept with the object.
    pub expected_sha1: Option<[u8; 20]>,
    /// A checksum by another algorithm, already checked; kept where there is no SHA-1.
    pub other_checksum: Option<StoredChecksum>,
    /// What must hold of the object that it replaces.
    pub condition: Condition,
}

impl PutRequest {
    /// An unconditional write that carries no digest.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self {
            content,
            attributes: Attributes::default(),
            expected_md5: None,
            expected_sha1: None,
            other_checksum: None,
            condition: Condition::None,
        }
    }
}

/// A copy inside the store.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    /// The source's bucket.
    pub source_bucket: String,
    /// The source's key.
    pub source_key: String,
    /// What must hold of the source.
    pub source_condition: Condition,
    /// The checksum to compute of the copy (`x-amz-checksum-algorithm: SHA1`). Without, the
    /// source's goes along.
    pub compute_sha1: bool,
    /// In place of the source's own (`x-amz-metadata-directive: REPLACE`).
    pub replace_attributes: Option<Attributes>,
    /// What must hold of the object that it replaces.
    pub condition: Condition,
}

type Bucket = BTreeMap<String, Object>;

/// All buckets of the world.
pub struct S3World {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    single_request_limit_bytes: AtomicU64,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl fmt::Debug for S3World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3World").field("buckets", &self.buckets()).finish_non_exhaustive()
    }
}

impl Default for S3World {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemTime::now))
    }
}

impl S3World {
    /// S3's limit of one PUT or COPY, 5 GiB.
    pub const SINGLE_REQUEST_LIMIT_BYTES: u64 = 5 << 30;

    /// No buckets; objects are dated by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        Self {
            buckets: Mutex::default(),
            single_request_limit_bytes: AtomicU64::new(Self::SINGLE_REQUEST_LIMIT_BYTES),
            clock,
        }
    }

    /// The most that one PUT or COPY may carry, in bytes.
    #[must_use]
    pub fn single_request_limit_bytes(&self) -> u64 {
        self.single_request_limit_bytes.load(Ordering::Relaxed)
    }

    /// Lowers that limit, so that small files can stand for large ones.
    pub fn set_single_request_limit_bytes(&self, bytes: u64) {
        self.single_request_limit_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Makes an empty bucket.
    pub fn create_bucket(&self, name: &str) -> Result<(), StoreError> {
        self.locked(|buckets| {
            if buckets.contains_key(name) {
                return Err(StoreError::BucketAlreadyOwnedByYou);
            }
            buckets.insert(name.to_owned(), Bucket::new());
            Ok(())
        })
    }

    /// The buckets' names.
    #[must_use]
    pub fn buckets(&self) -> Vec<String> {
        self.locked(|buckets| buckets.keys().cloned().collect())
    }

    /// Writes an object and gives it back as stored. A refused write changes nothing.
    pub fn put(&self, bucket: &str, key: &str, put: PutRequest) -> Result<Object, StoreError> {
        if put.content.len() > self.single_request_limit_bytes() {
            return Err(StoreError::EntityTooLarge);
        }
        if put.expected_md5.is_some_and(|md5| md5 != put.content.md5())
            || put.expected_sha1.is_some_and(|sha1| sha1 != put.content.sha1())
        {
            return Err(StoreError::BadDigest);
        }
        let mut object = Object::new(put.content, put.attributes, (self.clock)());
        object.checksum = match put.expected_sha1 {
            Some(_) => Some(StoredChecksum::sha1_of(&object.content)),
            None => put.other_checksum,
        };
        self.in_bucket(bucket, |objects| {
            put.condition.check(objects.get(key))?;
            objects.insert(key.to_owned(), object.clone());
            Ok(object)
        })
    }

    /// Copies an object and gives the copy back as stored. A refused copy changes nothing.
    pub fn copy(&self, bucket: &str, key: &str, copy: CopyRequest) -> Result<Object, StoreError> {
        let last_modified = (self.clock)();
        self.locked(|buckets| {
            let source = buckets
                .get(&copy.source_bucket)
                .ok_or(StoreError::NoSuchBucket)?
                .get(&copy.source_key)
                .ok_or(StoreError::NoSuchKey)?;
            copy.source_condition.check(Some(source))?;
            if source.content.len() > self.single_request_limit_bytes() {
                return Err(StoreError::CopySourceTooLarge);
            }
            let changes = copy.compute_sha1 || copy.replace_attributes.is_some();
            if !changes && (bucket, key) == (&*copy.source_bucket, &*copy.source_key) {
                return Err(StoreError::CopyOntoItself);
            }
            let attributes = copy.replace_attributes.unwrap_or_else(|| source.attributes.clone());
            let mut object = Object::new(source.content.clone(), attributes, last_modified);
            object.checksum = copied_checksum(source, copy.compute_sha1);
            let objects = buckets.get_mut(bucket).ok_or(StoreError::NoSuchBucket)?;
            copy.condition.check(objects.get(key))?;
            objects.insert(key.to_owned(), object.clone());
            Ok(object)
        })
    }

    /// The object at a key. It is a snapshot: take a range of its bytes as you like.
    pub fn get(
        &self,
        bucket: &str,
        key: &str,
        condition: &Condition,
    ) -> Result<Object, StoreError> {
        self.in_bucket(bucket, |objects| {
            let object = objects.get(key).ok_or(StoreError::NoSuchKey)?;
            condition.check(Some(object))?;
            Ok(object.clone())
        })
    }

    /// Deletes an object. A missing one is deleted already, unless the condition asks for it.
    pub fn delete(&self, bucket: &str, key: &str, condition: &Condition) -> Result<(), StoreError> {
        self.in_bucket(bucket, |objects| {
            condition.check(objects.get(key))?;
            objects.remove(key);
            Ok(())
        })
    }

    /// One page of a bucket's keys.
    pub fn list(&self, bucket: &str, request: &ListRequest) -> Result<ListPage, StoreError> {
        self.in_bucket(bucket, |objects| listing::page(objects, request))
    }

    /// Whether there is such a bucket.
    pub fn head_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.in_bucket(bucket, |_| Ok(()))
    }

    /// Puts any object there as it is, whatever was there: the past, and other people's doings.
    pub fn plant(&self, bucket: &str, key: &str, object: Object) -> Result<(), StoreError> {
        self.in_bucket(bucket, |objects| {
            objects.insert(key.to_owned(), object);
            Ok(())
        })
    }

    /// Plants content without a checksum, as uploads of former times left it.
    pub fn plant_plain(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<bytes::Bytes>,
    ) -> Result<(), StoreError> {
        let object = Object::new(Content::of(bytes), Attributes::default(), (self.clock)());
        self.plant(bucket, key, object)
    }

    /// Plants content as a multipart upload of so many parts leaves it: a composite SHA-1, and an
    /// entity tag that is no MD5.
    pub fn plant_multipart(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl Into<bytes::Bytes>,
        parts: u32,
    ) -> Result<(), StoreError> {
        let mut object = Object::new(Content::of(bytes), Attributes::default(), (self.clock)());
        object.checksum = Some(StoredChecksum::composite_sha1(&object.content, parts));
        object.etag = format!("{}-{parts}", object.etag);
        self.plant(bucket, key, object)
    }

    /// Every object of a bucket, for a judge that looks past the requests.
    pub fn objects(&self, bucket: &str) -> Result<BTreeMap<String, Object>, StoreError> {
        self.in_bucket(bucket, |objects| Ok(objects.clone()))
    }

    fn in_bucket<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Bucket) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.locked(|buckets| act(buckets.get_mut(name).ok_or(StoreError::NoSuchBucket)?))
    }

    fn locked<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Bucket>) -> T) -> T {
        act(&mut self.buckets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A copy is written in one piece: it never has a composite checksum.
fn copied_checksum(source: &Object, compute_sha1: bool) -> Option<StoredChecksum> {
    let full_sha1 = || StoredChecksum::sha1_of(&source.content);
    if compute_sha1 {
        return Some(full_sha1());
    }
    let checksum = source.checksum.as_ref()?;
    match (checksum.coverage, checksum.algorithm) {
        (Coverage::FullObject, _) => Some(checksum.clone()),
        (Coverage::Composite { .. }, Algorithm::Sha1) => Some(full_sha1()),
        // Nothing here needs the others, and a wrong value would be worse than none.
        (
            Coverage::Composite { .. },
            Algorithm::Crc32 | Algorithm::Crc32c | Algorithm::Crc64Nvme | Algorithm::Sha256,
        ) => None,
    }
}

#[cfg(test)]
mod tests;
