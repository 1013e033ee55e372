//! Objects in S3, as requests name them and answers describe them.

use std::fmt;

use crate::{ByteCount, Md5, ObjectAddress, ObjectKey, Proof, Sha1, Timestamp};

/// An object's `ETag` without its quotes. It distinguishes two states of an object and proves
/// nothing about the content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(pub String);

impl ETag {
    /// Whether contentrepo reads content with this MD5 to its end. Its S3 client (AWS SDK for Java 1.x,
    /// `SkipMd5CheckStrategy` and `ServiceUtils`) compares the two, unless the `ETag` has a `-` as those of
    /// uploads in parts do.
    #[must_use]
    pub fn agrees_with(&self, md5: &Md5) -> bool {
        self.0.contains('-') || self.0.eq_ignore_ascii_case(&md5.to_string())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The condition under which S3 carries out a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No object is at the target (`If-None-Match: *`).
    Absent,
    /// The object with this `ETag` is at the target (`If-Match`).
    Is(ETag),
}

/// The headers that S3 sends to readers with the content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectMeta {
    /// MIME type; the store's default when [`None`].
    pub content_type: Option<String>,
    /// `Content-Disposition`, with the name under which to save.
    pub content_disposition: Option<String>,
}

/// Where to write an object, under which condition and with which headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteTarget {
    /// The bucket and key to write to.
    pub address: ObjectAddress,
    /// The condition for the write.
    pub condition: Condition,
    /// The headers to store with the content.
    pub meta: ObjectMeta,
    /// The approximate number of bytes. Only the time limit of the request depends on it.
    pub length: ByteCount,
}

/// The store's answer to a write that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The `ETag` of the new object.
    pub etag: ETag,
    /// The SHA-1 of the whole content, if the answer proves one. With [`None`] nothing is proven.
    pub sha1: Option<Sha1>,
    /// How the answer proves it.
    pub proof: Proof,
}

/// An object that a HEAD has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundObject {
    /// Its `ETag`.
    pub etag: ETag,
    /// Its length.
    pub length: ByteCount,
    /// Its stored full-object SHA-1, if it has one.
    pub sha1: Option<Sha1>,
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// The key.
    pub key: ObjectKey,
    /// The length.
    pub length: ByteCount,
    /// The `ETag`.
    pub etag: ETag,
    /// When it was written; of a multipart upload, when that began (S3 user guide, "Working with object
    /// metadata"). [`None`] where the listing does not say.
    pub last_modified: Option<Timestamp>,
    /// Whether a SHA-1 of its whole content is stored with it. False where the listing does not say
    /// what the stored SHA-1 covers.
    pub has_sha1: bool,
    /// Whether it lies in an archive (storage class `GLACIER` or `DEEP_ARCHIVE`): no reader gets it
    /// before somebody restores it. The archive tiers of `INTELLIGENT_TIERING` are not visible here.
    pub is_archived: bool,
}

/// One page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// The entries in S3's order: by the bytes of the key.
    pub objects: Vec<ListedObject>,
    /// Whether more keys follow behind the last entry.
    pub more: bool,
}
