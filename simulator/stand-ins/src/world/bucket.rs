//! The state of Amazon S3: buckets of objects, and the operations on them. No socket; every
//! operation is atomic, and whatever takes long (hashing) happens without the lock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

mod checksum_job;
mod error;
mod listing;
mod multipart;
mod object;
mod operations;
mod options;
mod past;
mod requests;
mod settings;
mod state;
mod upload;

pub use error::StoreError;
pub use listing::{ListPage, ListRequest, MAX_KEYS};
pub use object::{
    Algorithm, Attributes, Content, ContentBuilder, Coverage, Object, StoredChecksum,
};
pub use options::{Action, Denial, Encryption, S3Options};
pub use requests::{Condition, CopyRequest, PutRequest};
pub use settings::{BucketSettings, HOME_REGION, LifecycleRule, OWNER_ENFORCED, PublicAccessBlock};
pub use state::{DeleteMarker, Version};
pub use upload::{
    ClaimedPart, CompleteRequest, MAX_PART_NUMBER, Part, PartRequest, Upload, UploadId,
    UploadRequest,
};

use state::{Bucket, State};

/// All buckets of the world.
pub struct S3World {
    state: Mutex<State>,
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
    /// No buckets; objects are dated by this clock.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        Self { state: Mutex::default(), clock }
    }

    /// The options as they are now.
    #[must_use]
    pub fn options(&self) -> S3Options {
        self.locked(|state| state.options.clone())
    }

    /// Changes the options, for all that comes after.
    pub fn configure(&self, change: impl FnOnce(&mut S3Options)) {
        self.locked(|state| change(&mut state.options));
    }

    /// The most that one PUT or COPY may carry, in bytes.
    #[must_use]
    pub fn single_request_limit_bytes(&self) -> u64 {
        self.locked(|state| state.options.single_request_limit_bytes)
    }

    /// Lowers that limit, so that small files can stand for large ones.
    pub fn set_single_request_limit_bytes(&self, bytes: u64) {
        self.configure(|options| options.single_request_limit_bytes = bytes);
    }

    /// Makes an empty bucket.
    pub fn create_bucket(&self, name: &str) -> Result<(), StoreError> {
        self.locked(|state| {
            if state.foreign.contains(name) {
                return Err(StoreError::BucketAlreadyExists);
            }
            if state.buckets.contains_key(name) {
                return Err(StoreError::BucketAlreadyOwnedByYou);
            }
            state.buckets.insert(name.to_owned(), Bucket::default());
            Ok(())
        })
    }

    /// The buckets' names.
    #[must_use]
    pub fn buckets(&self) -> Vec<String> {
        self.locked(|state| state.buckets.keys().cloned().collect())
    }

    /// Whether there is such a bucket, for those who may list it.
    pub fn head_bucket(&self, bucket: &str) -> Result<(), StoreError> {
        self.locked(|state| {
            if state.foreign.contains(bucket) {
                return Err(StoreError::AccessDenied);
            }
            state.bucket(bucket)?;
            state.options.allow(Action::ListBucket, "")
        })
    }

    /// Every object of a bucket, for a judge that looks past the requests.
    pub fn objects(&self, bucket: &str) -> Result<BTreeMap<String, Object>, StoreError> {
        self.locked(|state| Ok(state.bucket(bucket)?.current.clone()))
    }

    /// Everything that was ever at each key while the bucket was versioned, oldest first and with
    /// the current object as the last, for a judge that looks past the requests.
    pub fn versions(&self, bucket: &str) -> Result<BTreeMap<String, Vec<Version>>, StoreError> {
        self.locked(|state| Ok(state.bucket(bucket)?.versions()))
    }

    /// The uploads that were neither completed nor aborted, for a judge that looks past the
    /// requests.
    pub fn uploads(&self, bucket: &str) -> Result<BTreeMap<UploadId, Upload>, StoreError> {
        self.locked(|state| Ok(state.bucket(bucket)?.uploads.clone()))
    }

    fn now(&self) -> SystemTime {
        (self.clock)()
    }

    fn locked<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
