//! What the failures table keeps of each file that a worker gave up for now.

use crate::ports::Delivery;
use crate::{Failure, Fid, JobAction, Timestamp};

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
    /// The record of a delivery that failed; [`None`] when not even its fid could be read.
    #[must_use]
    pub fn of(delivery: &Delivery, failure: &Failure, failed_at: Timestamp) -> Option<Self> {
        let (fid, action, dkey) = match &delivery.job {
            Ok(job) => (job.fid, Some(job.action), job.dkey.clone()),
            Err(bad) => (bad.fid?, None, bad.dkey.clone().unwrap_or_default()),
        };
        Some(Self {
            fid,
            action,
            dkey,
            reason: failure.reason.kind.name().to_owned(),
            detail: failure.to_string(),
            attempt: delivery.attempt,
            failed_at,
        })
    }
}
