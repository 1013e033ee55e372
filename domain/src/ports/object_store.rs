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

/// Amazon S3. No call repeats itself: a write that was repeated behind the caller's back could be
/// refused because of its own first effect.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Writes content under its expected SHA-1, which the store checks before anything is stored;
    /// in parts where one request cannot take it, of which nothing stays when it fails.
    ///
    /// Errors with [`StoreError::Source`] when the content's source failed (nothing is stored
    /// then), [`StoreError::Occupied`] when the condition does not hold, and
    /// [`StoreError::Uncertain`] when the answer was lost: the object may be there.
    async fn put(
        &self,
        target: &WriteTarget,
        content: VerifiedContent,
    ) -> Result<StoredObject, StoreError>;

    /// Copies an object within its bucket and has the copy's SHA-1 computed. Whatever lies at the
    /// target, of any condition, is untouched when the call is refused.
    ///
    /// Errors with [`StoreError::NoSuchKey`] when the source is not there; else as
    /// [`put`](Self::put).
    async fn copy(
        &self,
        source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError>;

    /// What lies there, with the SHA-1 that was stored with it.
    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError>;

    /// The bytes that lie there, provided the object still has this `ETag`
    /// ([`StoreError::Occupied`] when not).
    async fn read(&self, at: &ObjectAddress, etag: &ETag) -> Result<ObjectContent, StoreError>;

    /// Deletes the object that has this `ETag`, and no other ([`StoreError::Occupied`] when there
    /// is another). None at all is a success.
    async fn delete(&self, at: &ObjectAddress, etag: &ETag) -> Result<(), StoreError>;

    /// The next keys with this prefix behind `after`, in S3's order.
    async fn list(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError>;
}

/// An object's bytes as they are read back.
pub type ObjectContent = Pin<Box<dyn Stream<Item = Result<Bytes, StoreError>> + Send>>;

/// S3 did not do what was asked.
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
            | Self::Keys { trouble: KeyTrouble::Unknown, .. }
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
                    KeyTrouble::Unknown => ReasonKind::StoreDenied,
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
