use crate::{Delivery, Job, MessageContent, QueueDepth, Reason, ReasonKind, Receipt, SendReport};
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
    #[error("the queue `{queue}` does not exist: create it, or correct {setting}")]
    NoQueue {
        /// Its URL.
        queue: String,
        /// The setting that names it, `SQS_URL` say.
        setting: &'static str,
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
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::NoQueue { .. } | Self::Refused { .. } => ErrorClass::GiveUp,
        }
    }
}

impl From<&QueueError> for Reason {
    fn from(error: &QueueError) -> Self {
        Self::new(ReasonKind::QueueUnavailable, error)
    }
}
