//! What the journal keeps of unfinished uploads.

use serde::{Deserialize, Serialize};

use crate::{ByteCount, Fid, Sha1};

/// A row of an unfinished upload, as a listing saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenRow {
    /// The file's number.
    pub fid: Fid,
    /// Its key, byte for byte.
    pub key: String,
}

/// A file that is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CondemnedFile {
    /// The file's number.
    pub fid: Fid,
    /// Its key.
    pub key: String,
    /// The SHA-1 of the content that it had.
    pub sha1: Sha1,
    /// The number of bytes that it had.
    pub length: ByteCount,
    /// Why its content is not needed here.
    pub because: String,
}

/// A file that was to be deleted and was not, or perhaps not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SparedFile {
    /// The file's number.
    pub fid: Fid,
    /// Why not.
    pub why: String,
}
