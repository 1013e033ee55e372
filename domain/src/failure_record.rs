//! What the failures table keeps of each file that a worker gave up for now.

use crate::{Delivery, Failure, Fid, JobAction, ReasonKind, Timestamp};

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
    /// Whether a verification found the file missing or wrong, now or before this failure. It stays
    /// until the file is proven again.
    pub doubted: bool,
}

impl FailureRecord {
    /// The reasons by which a verification that has looked says that the content is not there. One
    /// that could not look says nothing of the file.
    pub const DOUBTS: [ReasonKind; 2] = [ReasonKind::Missing, ReasonKind::WrongObject];

    /// Whether the file's proof in the ledger does not count any more.
    #[must_use]
    pub fn doubts_the_proof(&self) -> bool {
        self.doubted || is_doubt(self.action, &self.reason)
    }

    /// Keeps the doubt of a record that this one replaces.
    pub fn keep_doubt_of(&mut self, earlier: &Self) {
        self.doubted |= earlier.doubts_the_proof();
    }

    /// The record of a delivery that failed; [`None`] when not even its fid could be read.
    #[must_use]
    pub fn of(delivery: &Delivery, failure: &Failure, failed_at: Timestamp) -> Option<Self> {
        let (fid, action, dkey) = match &delivery.job {
            Ok(job) => (job.fid, Some(job.action), job.dkey.clone()),
            Err(bad) => (bad.fid?, None, bad.dkey.clone().unwrap_or_default()),
        };
        let reason = failure.reason.kind.name().to_owned();
        Some(Self {
            fid,
            action,
            dkey,
            doubted: is_doubt(action, &reason),
            reason,
            detail: failure.to_string(),
            attempt: delivery.attempt,
            failed_at,
        })
    }
}

fn is_doubt(action: Option<JobAction>, reason: &str) -> bool {
    let doubts = FailureRecord::DOUBTS.map(ReasonKind::name);
    action == Some(JobAction::Verify) && doubts.contains(&reason)
}
