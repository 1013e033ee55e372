use std::time::Duration;

use async_trait::async_trait;

use super::Cause;
use crate::retry::{Classed, ErrorClass};
use crate::{Fid, Job};

/// A queue of jobs that delivers each at least once, in any order, and after too many deliveries
/// moves it to the dead-letter queue.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Sends at most ten jobs and tells each one's fate: a call that succeeds may still have
    /// failed for some.
    async fn send(&self, jobs: &[Job]) -> Result<SendReport, QueueError>;

    /// At most ten deliveries, waiting up to `wait` for the first. Each stays invisible to others
    /// for the queue's visibility timeout.
    async fn receive(&self, wait: Duration) -> Result<Vec<Delivery>, QueueError>;

    /// Acknowledges at most ten deliveries; gives back those that could not be.
    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Receipt>, QueueError>;

    /// The delivery comes back when `from_now` has passed, not before: longer while work goes on,
    /// shorter to fail early.
    async fn set_visibility(&self, receipt: &Receipt, from_now: Duration)
    -> Result<(), QueueError>;

    /// How much is waiting, by the queue's own estimate.
    async fn depth(&self) -> Result<QueueDepth, QueueError>;
}

/// What became of the jobs of one [`JobQueue::send`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendReport {
    /// Accepted.
    pub sent: Vec<Fid>,
    /// Not accepted, with the queue's words.
    pub failed: Vec<(Fid, String)>,
}

/// What acknowledges one delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(pub String);

/// A message as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The job, or what is wrong with the message.
    pub job: Result<Job, String>,
    /// Acknowledges it.
    pub receipt: Receipt,
    /// Which delivery of the message this is, from 1.
    pub attempt: u32,
}

/// Messages in a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Waiting to be received.
    pub visible: u64,
    /// Received and not yet acknowledged.
    pub in_flight: u64,
    /// Sent and not to be received yet.
    pub delayed: u64,
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
            Self::Refused { .. } => ErrorClass::GiveUp,
        }
    }
}
