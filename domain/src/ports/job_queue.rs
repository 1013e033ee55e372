use std::time::Duration;

use async_trait::async_trait;

use super::Cause;
use crate::retry::{Classed, ErrorClass};
use crate::{Fid, Job, Timestamp};

/// A queue of jobs that delivers each at least once, in any order, and after too many deliveries
/// moves it to the dead-letter queue, which is a queue like it.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Sends at most ten jobs and tells each one's fate: a call that succeeds may still have
    /// failed for some. After an error any of them may have been sent.
    async fn send(&self, jobs: &[Job]) -> Result<SendReport, QueueError>;

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

/// What became of the jobs of one [`JobQueue::send`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendReport {
    /// Accepted.
    pub sent: Vec<Fid>,
    /// Not accepted.
    pub failed: Vec<SendFailure>,
}

/// A job that the queue did not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFailure {
    /// Whose job.
    pub fid: Fid,
    /// The queue's words.
    pub why: String,
    /// Whether it will never be accepted as it is.
    pub lasting: bool,
}

/// What acknowledges one delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt(pub String);

/// A message as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's own name for the message, the same in every delivery of it.
    pub message: String,
    /// The job, or what is wrong with the message.
    pub job: Result<Job, BadMessage>,
    /// Acknowledges it.
    pub receipt: Receipt,
    /// Which delivery of the message this is, from 1.
    pub attempt: u32,
    /// When the message was first sent, where the queue tells it.
    pub sent_at: Option<Timestamp>,
}

/// A message that is no job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct BadMessage {
    /// The fid, if that much could be read.
    pub fid: Option<Fid>,
    /// The key, if that much could be read.
    pub dkey: Option<String>,
    /// What is wrong with it.
    pub why: String,
}

/// Messages in a queue, and what the queue does with them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Waiting to be received.
    pub visible: u64,
    /// Received and not yet acknowledged.
    pub in_flight: u64,
    /// Sent and not to be received yet.
    pub delayed: u64,
    /// How long a delivery is invisible to others, if nobody says otherwise.
    pub visibility_timeout: Duration,
    /// After so many deliveries a message becomes a dead letter; [`None`] without a dead-letter
    /// queue.
    pub deliveries: Option<u32>,
}

impl QueueDepth {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
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
