//! What the failures table keeps of each file that a worker gave up for now.

use crate::{Failure, Fid, Job, JobAction, Timestamp};

/// One file's last failure, keyed by its fid, for whoever looks at dead letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureRecord {
    /// The file's number in MogileFS.
    pub fid: Fid,
    /// What was asked for, if it was something known.
    pub action: Option<JobAction>,
    /// The key, as the message had it.
    pub dkey: String,
    /// The reason's name, as [`ReasonKind::name`](crate::ReasonKind::name) gives it. Names of
    /// later versions come back as they are.
    pub reason: String,
    /// The reason in words.
    pub detail: String,
    /// Which delivery of the message it was, from 1.
    pub attempt: u32,
    /// When.
    pub failed_at: Timestamp,
}

impl FailureRecord {
    /// The record of a job that failed.
    #[must_use]
    pub fn new(job: &Job, failure: &Failure, attempt: u32, failed_at: Timestamp) -> Self {
        Self {
            fid: job.fid,
            action: Some(job.action),
            dkey: job.dkey.clone(),
            reason: failure.reason.kind.name().to_owned(),
            detail: failure.to_string(),
            attempt,
            failed_at,
        }
    }
}
