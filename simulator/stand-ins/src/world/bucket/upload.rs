//! A multipart upload: its parts as they come, and which of them make the object.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use super::{Algorithm, Attributes, Condition, Content, StoreError, StoredChecksum};

/// Parts are numbered from 1 to this.
pub const MAX_PART_NUMBER: u32 = 10_000;

/// An upload's name; later uploads have greater ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(pub String);

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The beginning of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadRequest {
    /// Type, disposition and user metadata of the object to be.
    pub attributes: Attributes,
    /// Whether each part carries its SHA-1, and the object a composite one; else neither does.
    pub with_sha1: bool,
}

/// One part of an upload.
#[derive(Debug, Clone)]
pub struct PartRequest {
    /// Its number.
    pub number: u32,
    /// Its content as it arrived.
    pub content: Content,
    /// The digest of `Content-MD5`.
    pub expected_md5: Option<[u8; 16]>,
    /// The checksum that came with it.
    pub checksum: Option<StoredChecksum>,
}

/// A part that the end of an upload names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedPart {
    /// Its number.
    pub number: u32,
    /// The entity tag it was given, without quotes.
    pub etag: String,
    /// Its SHA-1; it must be told if the upload is one with SHA-1.
    pub sha1: Option<[u8; 20]>,
}

/// The end of an upload.
#[derive(Debug, Clone, Default)]
pub struct CompleteRequest {
    /// The parts that make the object, in ascending order; others are dropped.
    pub parts: Vec<ClaimedPart>,
    /// The composite checksum that must come out.
    pub expected_checksum: Option<StoredChecksum>,
    /// The object's length, in bytes, that must come out (`x-amz-mp-object-size`).
    pub expected_length: Option<u64>,
    /// What must hold of the object that it replaces.
    pub condition: Condition,
}

/// A part that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its content.
    pub content: Content,
    /// Its entity tag, without quotes.
    pub etag: String,
    /// The checksum kept with it.
    pub checksum: Option<StoredChecksum>,
    /// When it arrived.
    pub last_modified: SystemTime,
}

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The key of the object to be.
    pub key: String,
    /// How it began.
    pub request: UploadRequest,
    /// When it began.
    pub initiated: SystemTime,
    /// The parts that arrived, by number; one that was sent again is there once.
    pub parts: BTreeMap<u32, Part>,
    /// How many parts arrived, so that a change is noticed.
    pub(super) arrivals: u64,
}

impl Upload {
    pub(super) fn new(key: &str, request: UploadRequest, initiated: SystemTime) -> Self {
        Self { key: key.to_owned(), request, initiated, parts: BTreeMap::new(), arrivals: 0 }
    }

    /// Whether a part carries the checksum that this upload was begun with, no more and no less.
    pub(super) fn check_algorithm(&self, part: &PartRequest) -> Result<(), StoreError> {
        let wanted = self.request.with_sha1.then_some(Algorithm::Sha1);
        let came = part.checksum.as_ref().map(|checksum| checksum.algorithm);
        if came == wanted { Ok(()) } else { Err(StoreError::OtherChecksumThanTheUploads) }
    }

    /// The contents of the claimed parts.
    pub(super) fn chosen(
        &self,
        claims: &[ClaimedPart],
        minimum_part_bytes: u64,
    ) -> Result<Vec<Content>, StoreError> {
        let Some((last, all_but_last)) = claims.split_last() else {
            return Err(StoreError::NoParts);
        };
        if !claims.is_sorted_by(|one, next| one.number < next.number) {
            return Err(StoreError::InvalidPartOrder);
        }
        let parts = all_but_last.iter().map(|claim| {
            let part = self.claimed(claim)?;
            if part.content.len() < minimum_part_bytes {
                return Err(StoreError::EntityTooSmall);
            }
            Ok(part.content.clone())
        });
        let last = std::iter::once_with(|| Ok(self.claimed(last)?.content.clone()));
        parts.chain(last).collect()
    }

    fn claimed(&self, claim: &ClaimedPart) -> Result<&Part, StoreError> {
        if self.request.with_sha1 && claim.sha1.is_none() {
            return Err(StoreError::PartChecksumMissing);
        }
        let is_claimed = |part: &&Part| {
            part.etag == claim.etag && claim.sha1.is_none_or(|sha1| sha1 == part.content.sha1())
        };
        self.parts.get(&claim.number).filter(is_claimed).ok_or(StoreError::InvalidPart)
    }
}
