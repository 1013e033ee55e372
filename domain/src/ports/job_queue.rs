use crate::named::named;
use crate::{
    Delivery, Job, KeyTrouble, MessageContent, Obstacle, QueueDepth, Reason, ReasonKind, Receipt,
    SendReport, Thing,
};
use std::time::Duration;

use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};

/// A queue of jobs that delivers each at least once, in any order, and after too many deliveries
/// moves it to the dead-letter queue, which is a queue like it.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Sends at most ten jobs and tells each one's fate: a call that succeeds may still have
    /// failed for some. After an error any of them may have been sent.
    async fn send(&self, jobs: &[Job]) -> Result<SendReport, QueueError>;

    /// Sends at most ten messages of another queue as they are. Returns the places of those that
    /// were not taken. After an error any of them may have been sent.
    async fn forward(&self, messages: &[MessageContent]) -> Result<Vec<usize>, QueueError>;

    /// At most `most` deliveries, ten at the most, waiting up to `wait` for the first. Each stays
    /// invisible to others for `visible_after`, or the queue's own visibility timeout.
    async fn receive(
        &self,
        most: usize,
        wait: Duration,
        visible_after: Option<Duration>,
    ) -> Result<Vec<Delivery>, QueueError>;

    /// Acknowledges at most ten deliveries; gives back those that could not be.
    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Receipt>, QueueError>;

    /// Each of these deliveries, at most ten, comes back when its time has passed, not before:
    /// longer while work goes on, shorter to fail early. Gives back those that could not be told.
    async fn set_visibility(
        &self,
        changes: &[(Receipt, Duration)],
    ) -> Result<Vec<Receipt>, QueueError>;

    /// How much is waiting, by the queue's own estimate, and how the queue is set up.
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
            | Self::Keys { trouble: KeyTrouble::Unknown, .. }
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
            QueueError::Refused { .. } => Obstacle::Refusal,
        };
        Self::new(ReasonKind::QueueUnavailable, error).because_of(obstacle)
    }
}
