//! A job: which file, and what to do with it. It carries identity, never conclusions.

use crate::{ByteCount, Fid, SourceFile};

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobAction {
    /// Bring the file to S3, proven.
    Migrate,
    /// Prove again what is in S3.
    Verify,
}

/// One file's job, with the three fields that s3migrate's messages have too. The key is the text
/// of the index: what a message holds is parsed again by whoever receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What to do.
    pub action: JobAction,
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// Its key there.
    pub dkey: String,
    /// The length that the index tells.
    pub length: ByteCount,
}

impl Job {
    /// The job for a file.
    #[must_use]
    pub fn new(action: JobAction, file: &SourceFile) -> Self {
        Self { action, fid: file.fid, dkey: file.dkey.to_string(), length: file.length }
    }
}
