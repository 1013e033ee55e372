//! What a verification leaves of each file: green is the presence of passes, not the absence of
//! failures.

use crate::named::named;
use crate::{ByteCount, Fid, S3Bucket, Sha1, Timestamp};

/// How the SHA-1 of what is at the final key was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// A stored full-object checksum, read by HEAD.
    Head,
    /// A hash of the bytes that were read back.
    Download,
}

named!(Sight { Head = "head", Download = "download" });

/// One file that was found whole, in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The run's name; empty for jobs that named none, as s3migrate's.
    pub run: String,
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// The SHA-1 that was seen, and is the right one.
    pub sha1: Sha1,
    /// The S3 bucket it is in.
    pub bucket: S3Bucket,
    /// Its length there.
    pub length: ByteCount,
    /// How it was seen.
    pub sight: Sight,
    /// When.
    pub verified_at: Timestamp,
}

/// A file as a verification found it whole: a pass is of this content in this bucket, and of no other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifiedFile {
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// The S3 bucket.
    pub bucket: S3Bucket,
    /// The SHA-1.
    pub sha1: Sha1,
}
