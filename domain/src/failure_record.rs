//! What the failures table keeps of each file that a worker gave up for now.

use std::collections::BTreeMap;

use crate::redelivery::is_own_failure;
use crate::{Delivery, Failure, Fid, JobAction, ReasonKind, Timestamp, UnreadableItem};

/// One file's last failure, keyed by its fid, for those who look at dead letters.
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
    /// What is known of the deliveries of each message about the file.
    pub messages: BTreeMap<String, MessageTries>,
}

/// One item of the failures table. One that cannot be read may be a doubt: where its fid is known, the
/// file counts as doubted.
pub type FailureItem = Result<FailureRecord, UnreadableItem>;

/// What the failures table knows of the deliveries of one message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageTries {
    /// Deliveries in which the job failed by itself: neither by an outage, nor for want of time.
    pub own: u32,
    /// The last delivery whose end was written down, from 1.
    pub ended: u32,
    /// Times that the job was begun since, and its end not written down: each may have ended its
    /// worker.
    pub begun: u32,
}

/// What is to be written about one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureNote {
    /// The queue's name for the message.
    pub message: String,
    /// The file's new record, without [`FailureRecord::messages`].
    pub record: FailureRecord,
    /// What happened in the delivery.
    pub what: Noted,
}

/// What is noted of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noted {
    /// The job failed by itself.
    Failed,
    /// It could not be done for a reason outside of it.
    PutOff,
    /// It is begun, although an earlier delivery may have ended its worker.
    Begun,
}

impl MessageTries {
    /// These, and one more that ended like this in delivery `attempt`.
    #[must_use]
    pub const fn and(self, what: Noted, attempt: u32) -> Self {
        match what {
            Noted::Failed => Self { own: self.own.saturating_add(1), ended: attempt, begun: 0 },
            Noted::PutOff => Self { ended: attempt, begun: 0, ..self },
            Noted::Begun => Self { begun: self.begun.saturating_add(1), ..self },
        }
    }
}

impl FailureNote {
    /// What is to be written about a delivery that failed; [`None`] when not even its fid could be
    /// read.
    #[must_use]
    pub fn of(delivery: &Delivery, failure: &Failure, at: Timestamp) -> Option<Self> {
        let record = FailureRecord::of(delivery, failure, at)?;
        let is_own = is_own_failure(failure.reason.kind);
        let what = if is_own { Noted::Failed } else { Noted::PutOff };
        Some(Self { message: delivery.message.clone(), record, what })
    }

    /// Whether it says nothing of the file: its job was only not begun. Where the file's record [doubts
    /// the proof](FailureRecord::doubts_the_proof), that record's words stay.
    #[must_use]
    pub fn leaves_doubts_alone(&self) -> bool {
        let not_begun = [ReasonKind::NotStarted, ReasonKind::OtherSettings];
        !self.record.doubted && not_begun.iter().any(|kind| self.record.reason == kind.name())
    }
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
            messages: BTreeMap::new(),
        })
    }
}

fn is_doubt(action: Option<JobAction>, reason: &str) -> bool {
    let doubts = FailureRecord::DOUBTS.map(ReasonKind::name);
    action == Some(JobAction::Verify) && doubts.contains(&reason)
}
