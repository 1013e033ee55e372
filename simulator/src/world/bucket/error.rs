//! Why S3 says no.

use std::fmt;

/// A refusal, by S3's own codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// There is no bucket of that name.
    NoSuchBucket,
    /// The bucket is there already.
    BucketAlreadyOwnedByYou,
    /// There is no object at that key.
    NoSuchKey,
    /// The object is not, or no longer, what the request expected.
    PreconditionFailed,
    /// The content does not have the digest that came with it.
    BadDigest,
    /// The content is larger than one PUT may write.
    EntityTooLarge,
    /// The source is larger than one COPY may read.
    CopySourceTooLarge,
    /// A copy of an object onto itself that would change nothing.
    CopyOntoItself,
    /// A continuation token that did not come from a listing.
    InvalidToken,
}

impl StoreError {
    /// The `Code` of S3's answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSuchBucket => "NoSuchBucket",
            Self::BucketAlreadyOwnedByYou => "BucketAlreadyOwnedByYou",
            Self::NoSuchKey => "NoSuchKey",
            Self::PreconditionFailed => "PreconditionFailed",
            Self::BadDigest => "BadDigest",
            Self::EntityTooLarge => "EntityTooLarge",
            Self::CopySourceTooLarge | Self::CopyOntoItself => "InvalidRequest",
            Self::InvalidToken => "InvalidArgument",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchBucket => "the specified bucket does not exist",
            Self::BucketAlreadyOwnedByYou => "the bucket exists already and is yours",
            Self::NoSuchKey => "the specified key does not exist",
            Self::PreconditionFailed => "at least one of the preconditions did not hold",
            Self::BadDigest => "the digest you specified did not match what we received",
            Self::EntityTooLarge => "the upload exceeds the maximum size of one request",
            Self::CopySourceTooLarge => "the copy source exceeds the maximum size of one request",
            Self::CopyOntoItself => "a copy of an object to itself must change something",
            Self::InvalidToken => "the continuation token is not one of ours",
        })
    }
}

impl std::error::Error for StoreError {}
