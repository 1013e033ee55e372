use crate::named::named;
use crate::{
    Delivery, Job, KeyTrouble, MessageContent, Obstacle, QueueDepth, Reason, ReasonKind, Receipt,
    SendReport, Thing,
};
use std::time::Duration;

use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};

/// A queue of jobs. It delivers each job at least once, in any order. After too many deliveries it
/// moves a job to the dead-letter queue, which is such a queue, too.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Sends at most ten jobs and reports for each whether it was sent: a call that succeeds may
    /// have failed for some jobs. After an error any of them may have been sent.
    async fn send(&self, jobs: &[Job]) -> Result<SendReport, QueueError>;

    /// Sends at most ten messages of another queue, unchanged. Returns the places of the messages
    /// that this queue did not take. After an error any of them may have been sent.
    async fn forward(&self, messages: &[MessageContent]) -> Result<Vec<usize>, QueueError>;

    /// Receives at most `most` deliveries, and at most ten. Waits up to `wait` for the first. Each
    /// delivery stays invisible to other receivers for `visible_after`; with [`None`] for the
    /// queue's own visibility timeout.
    async fn receive(
        &self,
        most: usize,
        wait: Duration,
        visible_after: Option<Duration>,
    ) -> Result<Vec<Delivery>, QueueError>;

    /// Acknowledges at most ten deliveries. Returns the receipts of those that could not be
    /// acknowledged.
    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Receipt>, QueueError>;

    /// Sets the time after which each of these deliveries, at most ten, becomes visible again:
    /// longer while work goes on, shorter to fail early. Returns the receipts of those whose time
    /// could not be set.
    async fn set_visibility(
        &self,
        changes: &[(Receipt, Duration)],
    ) -> Result<Vec<Receipt>, QueueError>;

    /// Returns how many messages are waiting, by the queue's own estimate, and the queue's
    /// settings.
    async fn depth(&self) -> Result<QueueDepth, QueueError>;
}

/// What a queue is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueRole {
    /// It has the jobs.
    Jobs,
    /// It has the jobs that failed for the last time.
    DeadLetters,
}

named!(QueueRole { Jobs = "job queue", DeadLetters = "dead-letter queue" });

/// The queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// It could not be reached, or asks to slow down.
    #[error("the queue `{queue}` cannot be used now: {cause}")]
    Unavailable {
        /// Its URL.
        queue: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// There is no such queue.
    #[error("the {role} `{queue}` does not exist")]
    NoQueue {
        /// Its URL.
        queue: String,
        /// Which one it should be.
        role: QueueRole,
    },
    /// The account's keys are not accepted.
    #[error("the queue `{queue}` cannot be used with these keys: {why}")]
    Keys {
        /// Its URL.
        queue: String,
        /// In its own words.
        why: String,
        /// What is wrong with the keys.
        trouble: KeyTrouble,
    },
    /// The journal did not take the entry that comes before the first job. No job was sent.
    #[error("{}", why.detail)]
    NotJournalled {
        /// Why not, by what stands in the way.
        why: Reason,
    },
    /// It refuses for a lasting reason.
    #[error("the queue `{queue}` refuses: {why}")]
    Refused {
        /// Its URL.
        queue: String,
        /// In its own words.
        why: String,
    },
}

impl Classed for QueueError {
    fn class(&self) -> ErrorClass {
        match self {
            // Who logs in again renews keys that have expired.
            Self::Unavailable { .. } | Self::Keys { trouble: KeyTrouble::Expired, .. } => {
                ErrorClass::Retry
            }
            Self::NoQueue { .. }
            | Self::Keys {
                trouble: KeyTrouble::Unknown | KeyTrouble::WrongClock | KeyTrouble::NotSignedUp,
                ..
            }
            | Self::NotJournalled { .. }
            | Self::Refused { .. } => ErrorClass::GiveUp,
        }
    }
}

impl From<&QueueError> for Reason {
    fn from(error: &QueueError) -> Self {
        let obstacle = match error {
            QueueError::Unavailable { .. } => Obstacle::Unreachable,
            QueueError::NoQueue { role: QueueRole::Jobs, .. } => Obstacle::Absent(Thing::JobQueue),
            QueueError::NoQueue { role: QueueRole::DeadLetters, .. } => {
                Obstacle::Absent(Thing::DeadLetterQueue)
            }
            QueueError::Keys { trouble, .. } => Obstacle::Keys(*trouble),
            QueueError::NotJournalled { why } => return why.clone(),
            QueueError::Refused { .. } => Obstacle::Refusal,
        };
        Self::new(ReasonKind::QueueUnavailable, error).because_of(obstacle)
    }
}
