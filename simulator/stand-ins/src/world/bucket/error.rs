//! Why S3 says no.

use std::fmt;

/// A refusal, by S3's own codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreError {
    /// A write carries an ACL, and the buckets take none.
    AclsNotSupported,
    /// There is no bucket of that name.
    NoSuchBucket,
    /// The bucket is there already.
    BucketAlreadyOwnedByYou,
    /// The name is another account's.
    BucketAlreadyExists,
    /// The bucket has no ownership controls.
    NoOwnershipControls,
    /// The bucket blocks no public access.
    NoPublicAccessBlock,
    /// The bucket has no policy.
    NoPolicy,
    /// The bucket has no lifecycle rules.
    NoLifecycle,
    /// The bucket has no Object Lock.
    NoObjectLock,
    /// The bucket's objects are not copied elsewhere.
    NoReplication,
    /// A policy that is none.
    MalformedPolicy,
    /// There is no object at that key.
    NoSuchKey,
    /// The object is not, or no longer, what the request expected.
    PreconditionFailed,
    /// The content does not have the digest that came with it.
    BadDigest,
    /// The content is larger than one PUT may write.
    EntityTooLarge,
    /// Headers of the system's or of the user's metadata are longer than S3 keeps.
    MetadataTooLarge,
    /// The source is larger than one COPY may read.
    CopySourceTooLarge,
    /// A copy of an object onto itself that would change nothing.
    CopyOntoItself,
    /// There is no such upload, or no longer.
    NoSuchUpload,
    /// A part that was not uploaded, or not as it is told.
    InvalidPart,
    /// The parts are not told in ascending order.
    InvalidPartOrder,
    /// An upload is to end without parts.
    NoParts,
    /// A part other than the last is smaller than parts may be.
    EntityTooSmall,
    /// A part's number is none.
    InvalidPartNumber,
    /// A part does not come with just the checksum that its upload was begun with.
    OtherChecksumThanTheUploads,
    /// The end of an upload with checksums does not tell a part's.
    PartChecksumMissing,
    /// The parts do not make an object of the size that was told.
    WrongObjectSize,
    /// The caller may not.
    AccessDenied,
    /// A continuation token that did not come from a listing.
    InvalidToken,
}

impl StoreError {
    /// The `Code` of S3's answer.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::AclsNotSupported => "AccessControlListNotSupported",
            Self::NoSuchBucket => "NoSuchBucket",
            Self::BucketAlreadyOwnedByYou => "BucketAlreadyOwnedByYou",
            Self::BucketAlreadyExists => "BucketAlreadyExists",
            Self::NoOwnershipControls => "OwnershipControlsNotFoundError",
            Self::NoPublicAccessBlock => "NoSuchPublicAccessBlockConfiguration",
            Self::NoPolicy => "NoSuchBucketPolicy",
            Self::NoLifecycle => "NoSuchLifecycleConfiguration",
            Self::NoObjectLock => "ObjectLockConfigurationNotFoundError",
            Self::NoReplication => "ReplicationConfigurationNotFoundError",
            Self::MalformedPolicy => "MalformedPolicy",
            Self::NoSuchKey => "NoSuchKey",
            Self::PreconditionFailed => "PreconditionFailed",
            Self::BadDigest => "BadDigest",
            Self::EntityTooLarge => "EntityTooLarge",
            Self::MetadataTooLarge => "MetadataTooLarge",
            Self::NoSuchUpload => "NoSuchUpload",
            Self::InvalidPart => "InvalidPart",
            Self::InvalidPartOrder => "InvalidPartOrder",
            Self::EntityTooSmall => "EntityTooSmall",
            Self::AccessDenied => "AccessDenied",
            Self::NoParts => "MalformedXML",
            Self::CopySourceTooLarge
            | Self::CopyOntoItself
            | Self::OtherChecksumThanTheUploads
            | Self::PartChecksumMissing
            | Self::WrongObjectSize => "InvalidRequest",
            Self::InvalidPartNumber | Self::InvalidToken => "InvalidArgument",
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AclsNotSupported => "the bucket does not allow ACLs",
            Self::NoSuchBucket => "the specified bucket does not exist",
            Self::BucketAlreadyOwnedByYou => "the bucket exists already and is yours",
            Self::BucketAlreadyExists => {
                "the requested bucket name is not available; names are shared by all accounts"
            }
            Self::NoOwnershipControls => "the bucket ownership controls were not found",
            Self::NoPublicAccessBlock => "the public access block configuration was not found",
            Self::NoPolicy => "the bucket policy does not exist",
            Self::NoLifecycle => "the lifecycle configuration does not exist",
            Self::NoObjectLock => "object lock configuration does not exist for this bucket",
            Self::NoReplication => "the replication configuration was not found",
            Self::MalformedPolicy => "the policy is not in the valid JSON format",
            Self::NoSuchKey => "the specified key does not exist",
            Self::PreconditionFailed => "at least one of the preconditions did not hold",
            Self::BadDigest => "the digest you specified did not match what we received",
            Self::EntityTooLarge => "the upload exceeds the maximum size of one request",
            Self::MetadataTooLarge => {
                "your metadata headers exceed the maximum allowed metadata size"
            }
            Self::CopySourceTooLarge => "the copy source exceeds the maximum size of one request",
            Self::CopyOntoItself => "a copy of an object to itself must change something",
            Self::NoSuchUpload => {
                "the specified upload does not exist; it may have been completed or aborted"
            }
            Self::InvalidPart => {
                "one or more of the specified parts could not be found, or have other checksums"
            }
            Self::InvalidPartOrder => "the list of parts was not in ascending order",
            Self::NoParts => "an object is made of one part at least",
            Self::EntityTooSmall => {
                "a part other than the last is smaller than the minimum size of parts"
            }
            Self::InvalidPartNumber => "part numbers are integers between 1 and 10000",
            Self::OtherChecksumThanTheUploads => {
                "the part's checksum algorithm is not that of the upload"
            }
            Self::PartChecksumMissing => {
                "the upload was begun with a checksum: the request must tell that of each part"
            }
            Self::WrongObjectSize => "the parts do not make an object of the specified size",
            Self::AccessDenied => "access denied",
            Self::InvalidToken => "the continuation token is not one of ours",
        })
    }
}

impl std::error::Error for StoreError {}
