//! Jobs as a queue sends and delivers them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Fid, Job, Timestamp};

/// What became of the jobs of one [`JobQueue::send`](crate::ports::JobQueue::send).
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

/// What a message says: enough to send it to another queue unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageContent {
    /// Its body.
    pub body: String,
    /// Its attributes by name, also those that mean nothing to us.
    pub attributes: BTreeMap<String, MessageAttribute>,
}

/// An attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAttribute {
    /// Its type, `String` say, as the queue names it.
    pub data_type: String,
    /// Its value.
    pub value: AttributeContent,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeContent {
    /// Text, or a number as text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// A message as it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The queue's own name for the message, the same in every delivery of it.
    pub message: String,
    /// The message itself.
    pub content: MessageContent,
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

impl Delivery {
    /// The file that the job is about; [`None`] where not even that could be read.
    #[must_use]
    pub fn fid(&self) -> Option<Fid> {
        self.job.as_ref().map_or_else(|bad| bad.fid, |job| Some(job.fid))
    }
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
    /// The deliveries of a message before it becomes a dead letter; [`None`] without a dead-letter
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
