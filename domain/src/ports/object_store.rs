use crate::{
    ETag, FoundObject, KeyTrouble, ListPage, ObjectAddress, ObjectKey, Obstacle, Reason,
    ReasonKind, S3Bucket, SourceError, StoredObject, Thing, WriteTarget,
};
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;

use crate::content::VerifiedContent;
use crate::retry::{Cause, Classed, ErrorClass};

/// Amazon S3. No call is retried here: a write that is sent again without the caller's knowledge
/// could be refused because its first try had succeeded.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Writes content with its expected SHA-1, which the store checks before it stores the object.
    /// Content that is too large for one request is written in parts; when that fails, no part
    /// stays.
    ///
    /// Errors with [`StoreError::Source`] when the content's source failed (nothing is stored
    /// then), [`StoreError::Occupied`] when the condition does not hold, and
    /// [`StoreError::Uncertain`] when the answer was lost: the object may be there.
    async fn put(
        &self,
        target: &WriteTarget,
        content: VerifiedContent,
    ) -> Result<StoredObject, StoreError>;

    /// Copies an object within its bucket and lets S3 compute the copy's SHA-1. When the call is
    /// refused, an object at the target is unchanged, whatever the condition was.
    ///
    /// Errors with [`StoreError::NoSuchKey`] when the source does not exist, otherwise as
    /// [`put`](Self::put).
    async fn copy(
        &self,
        source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError>;

    /// Returns the object at this address, with the SHA-1 that was stored with it; [`None`] when
    /// there is no object.
    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError>;

    /// Reads the object's bytes. Errors with [`StoreError::Occupied`] when the object no longer has
    /// this `ETag`.
    async fn read(&self, at: &ObjectAddress, etag: &ETag) -> Result<ObjectContent, StoreError>;

    /// Deletes the object with this `ETag`. Errors with [`StoreError::Occupied`] when another
    /// object is there. When no object is there, that is a success.
    async fn delete(&self, at: &ObjectAddress, etag: &ETag) -> Result<(), StoreError>;

    /// Returns the next keys with this prefix behind `after`, in S3's order.
    async fn list(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError>;
}

/// An object's bytes as they are read from S3, in chunks.
pub type ObjectContent = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// Why S3 did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The condition does not hold, or another write was under way (412, 409). Nothing was done.
    #[error("something else is at `{0}`")]
    Occupied(String),
    /// Nothing is there (404).
    #[error("no object at `{0}`")]
    NoSuchKey(String),
    /// The bucket does not exist.
    #[error("bucket `{0}` does not exist")]
    NoSuchBucket(String),
    /// The account may not (403).
    #[error("access to `{at}` is denied ({why})")]
    Denied {
        /// What was asked for.
        at: String,
        /// S3's words.
        why: String,
    },
    /// S3 does not accept the account's keys. Nothing was done.
    #[error("S3 does not accept the keys for `{at}`: {why}")]
    Keys {
        /// What was asked for.
        at: String,
        /// S3's words.
        why: String,
        /// What is wrong with the keys.
        trouble: KeyTrouble,
    },
    /// The content that arrived is not the expected one. Nothing was stored.
    #[error("`{0}` arrived with another checksum")]
    BadDigest(String),
    /// The source of a write's content failed. Nothing was stored.
    #[error(transparent)]
    Source(SourceError),
    /// S3 asks to slow down, or is unable now. Nothing was done.
    #[error("S3 cannot serve `{at}` now: {why}")]
    Busy {
        /// What was asked for.
        at: String,
        /// S3's words.
        why: String,
    },
    /// No answer came: the request may have been carried out, or not.
    #[error("no answer for `{at}`: {cause}")]
    Uncertain {
        /// What was asked for.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// Any other refusal, in S3's words.
    #[error("S3 refuses `{at}`: {why}")]
    Refused {
        /// What was asked for.
        at: String,
        /// S3's words.
        why: String,
    },
}

impl Classed for StoreError {
    fn class(&self) -> ErrorClass {
        match self {
            // Work goes on when the operator has logged in again.
            Self::Busy { .. }
            | Self::Uncertain { .. }
            | Self::Keys { trouble: KeyTrouble::Expired, .. } => ErrorClass::Retry,
            Self::Source(error) => error.class(),
            Self::BadDigest(_) => ErrorClass::Corrupt,
            Self::Occupied(_)
            | Self::NoSuchKey(_)
            | Self::NoSuchBucket(_)
            | Self::Denied { .. }
            | Self::Keys {
                trouble: KeyTrouble::Unknown | KeyTrouble::WrongClock | KeyTrouble::NotSignedUp,
                ..
            }
            | Self::Refused { .. } => ErrorClass::GiveUp,
        }
    }
}

impl From<&StoreError> for Reason {
    fn from(error: &StoreError) -> Self {
        let (kind, obstacle) = match error {
            StoreError::Source(source) => return Self::from(source),
            StoreError::Occupied(_) => (ReasonKind::Contended, Obstacle::OfItsKind),
            StoreError::NoSuchBucket(_) => (ReasonKind::NoBucket, Obstacle::Absent(Thing::Bucket)),
            StoreError::Denied { .. } => (ReasonKind::StoreDenied, Obstacle::Refusal),
            StoreError::Keys { trouble, .. } => {
                let kind = match trouble {
                    KeyTrouble::Unknown | KeyTrouble::WrongClock | KeyTrouble::NotSignedUp => {
                        ReasonKind::StoreDenied
                    }
                    KeyTrouble::Expired => ReasonKind::StoreUnreachable,
                };
                (kind, Obstacle::Keys(*trouble))
            }
            StoreError::Busy { .. } | StoreError::Uncertain { .. } => {
                (ReasonKind::StoreUnreachable, Obstacle::Unreachable)
            }
            StoreError::NoSuchKey(_) | StoreError::BadDigest(_) | StoreError::Refused { .. } => {
                (ReasonKind::StoreRefused, Obstacle::Refusal)
            }
        };
        Self::new(kind, error).because_of(obstacle)
    }
}
