//! What may differ from one S3 to another: limits, versions, encryption, policy, and how much an
//! end that is only compatible with S3 tells of checksums.

use super::{Algorithm, Object, StoreError, StoredChecksum};

/// The options of a world's S3, for all of its buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct S3Options {
    /// The most that one PUT or COPY may carry.
    pub single_request_limit_bytes: u64,
    /// The least that a part of a multipart upload may have, unless it is the last one.
    pub minimum_part_bytes: u64,
    /// Whether what is replaced or deleted is kept as an older version.
    pub versioned: bool,
    /// The default encryption, of all that is written from now on, of buckets that set no other.
    pub encryption: Encryption,
    /// Whether writes may carry ACLs everywhere, whatever the buckets' own settings say of them. By
    /// default those decide.
    pub takes_acls: bool,
    /// Whether no answer tells a SHA-1, as with an end that does not know that checksum. A wrong
    /// one that comes with a write is refused all the same.
    pub answers_no_sha1: bool,
    /// Whether the account ignores the public policies of all its buckets. No bucket's own settings show it.
    pub account_ignores_policies: bool,
    /// What the caller may not do; everything else is allowed.
    pub denials: Vec<Denial>,
}

impl Default for S3Options {
    fn default() -> Self {
        Self {
            single_request_limit_bytes: Self::SINGLE_REQUEST_LIMIT_BYTES,
            minimum_part_bytes: Self::MINIMUM_PART_BYTES,
            versioned: false,
            encryption: Encryption::default(),
            takes_acls: false,
            answers_no_sha1: false,
            account_ignores_policies: false,
            denials: Vec::new(),
        }
    }
}

impl S3Options {
    /// S3's limit of one PUT, COPY or part: 5 GiB.
    pub const SINGLE_REQUEST_LIMIT_BYTES: u64 = 5 << 30;

    /// S3's least size of a part: 5 MiB.
    pub const MINIMUM_PART_BYTES: u64 = 5 << 20;

    /// Takes a right away from the caller, for all keys.
    pub fn deny(&mut self, action: Action) {
        self.denials.push(Denial { action: Some(action), key_prefix: String::new() });
    }

    pub(super) fn allow(&self, action: Action, key: &str) -> Result<(), StoreError> {
        if self.denials.iter().any(|denial| denial.covers(action, key)) {
            return Err(StoreError::AccessDenied);
        }
        Ok(())
    }

    /// An object as answers show it.
    pub(super) fn shown(&self, mut object: Object) -> Object {
        object.checksum = self.shown_checksum(object.checksum);
        object
    }

    /// A checksum as answers show it.
    pub(super) fn shown_checksum(&self, stored: Option<StoredChecksum>) -> Option<StoredChecksum> {
        stored.filter(|stored| !self.answers_no_sha1 || stored.algorithm != Algorithm::Sha1)
    }
}

/// How S3 encrypts what it keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encryption {
    /// With keys of its own (SSE-S3, `AES256`).
    #[default]
    S3,
    /// With a key of KMS (SSE-KMS, `aws:kms`): the entity tag is no MD5, and another one each time.
    Kms,
}

/// A right, by the name that policies have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// `s3:GetObject`: GET, HEAD, the source of a COPY, and any `If-Match` with an entity tag.
    GetObject,
    /// `s3:PutObject`: PUT, the target of a COPY, and multipart uploads.
    PutObject,
    /// `s3:DeleteObject`.
    DeleteObject,
    /// `s3:ListBucket`: listings, HEAD of a bucket, and to be told that a key does not exist. Its
    /// key is the listing's prefix.
    ListBucket,
    /// `s3:AbortMultipartUpload`.
    AbortMultipartUpload,
    /// `s3:ListMultipartUploadParts`.
    ListMultipartUploadParts,
    /// `s3:ListBucketMultipartUploads`.
    ListBucketMultipartUploads,
}

/// A statement of a policy that takes a right away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The right, or every one.
    pub action: Option<Action>,
    /// Only for keys that begin so.
    pub key_prefix: String,
}

impl Denial {
    fn covers(&self, action: Action, key: &str) -> bool {
        self.action.is_none_or(|denied| denied == action) && key.starts_with(&self.key_prefix)
    }
}
