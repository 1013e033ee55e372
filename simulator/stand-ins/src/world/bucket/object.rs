//! One object: its content with the digests that follow from it, and what was stored beside it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use data_encoding::HEXLOWER;
use md5::{Digest, Md5};
use sha1::Sha1;

use super::{Encryption, StoreError};

/// Bytes with the digests that were computed from them; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    bytes: Bytes,
    md5: [u8; 16],
    sha1: [u8; 20],
}

impl Content {
    /// Hashes bytes that are already in memory.
    #[must_use]
    pub fn of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let (md5, sha1) = (Md5::digest(&bytes).into(), Sha1::digest(&bytes).into());
        Self { bytes, md5, sha1 }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Their number.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Their MD5.
    #[must_use]
    pub fn md5(&self) -> [u8; 16] {
        self.md5
    }

    /// Their SHA-1.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        self.sha1
    }
}

/// Content that is still coming, hashed as it flows.
#[derive(Debug, Default)]
pub struct ContentBuilder {
    bytes: BytesMut,
    md5: Md5,
    sha1: Sha1,
}

impl ContentBuilder {
    /// Takes the next chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
        self.md5.update(chunk);
        self.sha1.update(chunk);
    }

    /// The number of bytes so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// All that came.
    #[must_use]
    pub fn finish(self) -> Content {
        Content {
            bytes: self.bytes.freeze(),
            md5: self.md5.finalize().into(),
            sha1: self.sha1.finalize().into(),
        }
    }
}

/// The algorithms S3 stores checksums by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// CRC-32.
    Crc32,
    /// CRC-32C.
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// What a stored checksum is a checksum of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// The object's content.
    FullObject,
    /// The checksums of so many parts: it tells nothing of the content as a whole.
    Composite {
        /// The number after the dash.
        parts: u32,
    },
}

/// A checksum that S3 keeps with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChecksum {
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The digest's bytes.
    pub value: Vec<u8>,
    /// What it covers.
    pub coverage: Coverage,
}

impl StoredChecksum {
    /// The SHA-1 of a whole content.
    #[must_use]
    pub fn sha1_of(content: &Content) -> Self {
        Self {
            algorithm: Algorithm::Sha1,
            value: content.sha1.to_vec(),
            coverage: Coverage::FullObject,
        }
    }

    /// What a multipart upload with SHA-1 leaves: the SHA-1 of the parts' SHA-1s.
    #[must_use]
    pub fn composite_sha1(parts: &[Content]) -> Self {
        let sha1s = parts.iter().fold(Sha1::new(), |sha1s, part| sha1s.chain_update(part.sha1));
        // More parts than a number can count would have been refused one by one.
        let parts = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        Self {
            algorithm: Algorithm::Sha1,
            value: sha1s.finalize().to_vec(),
            coverage: Coverage::Composite { parts },
        }
    }
}

/// What a writer says about an object beside its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `x-amz-meta-*`, without that prefix.
    pub metadata: BTreeMap<String, String>,
}

impl Attributes {
    /// The most bytes of names and values, of the system's metadata and of the user's each (S3 user
    /// guide, "Working with object metadata").
    pub const LONGEST_BYTES: usize = 2048;

    /// S3 keeps no longer ones.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let bytes = |name: &str, value: &Option<String>| {
            value.as_ref().map_or(0, |value| name.len() + value.len())
        };
        let system = bytes("Content-Type", &self.content_type)
            + bytes("Content-Disposition", &self.content_disposition);
        let user: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if system.max(user) > Self::LONGEST_BYTES {
            return Err(StoreError::MetadataTooLarge);
        }
        Ok(())
    }
}

/// An object as it lies in a bucket; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The content and its true digests.
    pub content: Content,
    /// The entity tag, without its quotes.
    pub etag: String,
    /// The checksum kept with it; SHA-1 is checked against the content, others are as planted.
    pub checksum: Option<StoredChecksum>,
    /// Type, disposition and user metadata.
    pub attributes: Attributes,
    /// When it was written.
    pub last_modified: SystemTime,
    /// How it is encrypted.
    pub encryption: Encryption,
    /// Its version, if it was written while its bucket was versioned.
    pub version_id: Option<String>,
    /// Whether it lies in the storage class `DEEP_ARCHIVE`, as a lifecycle rule leaves it.
    pub is_archived: bool,
}

impl Object {
    /// An object as one request would write it: the entity tag is the MD5 in hex.
    #[must_use]
    pub fn new(content: Content, attributes: Attributes, last_modified: SystemTime) -> Self {
        Self {
            etag: HEXLOWER.encode(&content.md5),
            content,
            checksum: None,
            attributes,
            last_modified,
            encryption: Encryption::default(),
            version_id: None,
            is_archived: false,
        }
    }

    /// An object as a multipart upload with SHA-1 would write it: a composite checksum, and the MD5
    /// of the parts' MD5s with their number as the entity tag.
    #[must_use]
    pub fn of_parts(parts: &[Content], attributes: Attributes, last_modified: SystemTime) -> Self {
        let mut whole = ContentBuilder::default();
        let mut md5s = Md5::new();
        for part in parts {
            whole.push(&part.bytes);
            md5s.update(part.md5);
        }
        let etag = format!("{}-{}", HEXLOWER.encode(&md5s.finalize()), parts.len());
        let checksum = Some(StoredChecksum::composite_sha1(parts));
        Self { etag, checksum, ..Self::new(whole.finish(), attributes, last_modified) }
    }
}

/// The checksum of a copy. It is written in one piece: it never has a composite one.
pub(super) fn copied_checksum(source: &Object, compute_sha1: bool) -> Option<StoredChecksum> {
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
