//! What a client asks of an object, and under which condition.

use super::{Attributes, Content, Object, StoreError, StoredChecksum};

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
    pub(super) fn check(&self, object: Option<&Object>) -> Result<(), StoreError> {
        match (self, object) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => Ok(()),
            (Self::ETag(wanted), Some(object)) if *wanted == object.etag => Ok(()),
            (Self::Absent | Self::ETag(_), Some(_)) => Err(StoreError::PreconditionFailed),
            (Self::Present | Self::ETag(_), None) => Err(StoreError::NoSuchKey),
        }
    }

    /// Whether its outcome tells something of the object's content: S3 answers to that only those
    /// who may read it (its user guide, "enforce conditional writes" and "… deletes").
    pub(super) fn reads_content(&self) -> bool {
        match self {
            Self::None | Self::Absent | Self::Present => false,
            Self::ETag(_) => true,
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
