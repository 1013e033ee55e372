//! Objects in S3, as requests name them and answers describe them.

use std::fmt;

use crate::{ByteCount, ObjectAddress, ObjectKey, Proof, Sha1};

/// An object's `ETag` without its quotes. It tells one state of an object from another; of its
/// content it proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ETag(pub String);

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What must hold at the target for a write to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// No object is there.
    Absent,
    /// Exactly the object with this `ETag` is there.
    Is(ETag),
}

/// What readers are told beside the content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectMeta {
    /// MIME type; the store's default when [`None`].
    pub content_type: Option<String>,
    /// `Content-Disposition`, with the name under which to save.
    pub content_disposition: Option<String>,
}

/// Where and how to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteTarget {
    /// Where.
    pub address: ObjectAddress,
    /// Provided what.
    pub condition: Condition,
    /// With what beside the content.
    pub meta: ObjectMeta,
    /// About how many bytes: what the time allowed for it depends on, nothing else.
    pub length: ByteCount,
}

/// What the store answered to a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// The new object's.
    pub etag: ETag,
    /// The SHA-1 of the whole content, as far as the answer proves one; [`None`] proves nothing.
    pub sha1: Option<Sha1>,
    /// How the answer proves it.
    pub proof: Proof,
}

/// An object that is there.
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
}

/// Some entries of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// In S3's order (bytes of the key).
    pub objects: Vec<ListedObject>,
    /// Whether keys follow behind the last of these.
    pub more: bool,
}
