//! What a world's SQS may do to its messages, beyond what it always does.

use std::time::Duration;

/// The options of a world's SQS, for all of its queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsOptions {
    /// So many messages of a queue may be in flight; no more are delivered then.
    pub most_in_flight: usize,
    /// Every message that is sent from now on comes once more while its first delivery is still
    /// in flight.
    pub deliver_twice: bool,
    /// Every message that is sent from now on comes once more, so long after it was deleted.
    pub return_after_delete: Option<Duration>,
    /// A receive gives any number of the messages that it could give: one at least where it may
    /// wait for them, none perhaps where it may not.
    pub fewer_than_asked: bool,
}

impl Default for SqsOptions {
    fn default() -> Self {
        Self {
            most_in_flight: Self::MOST_IN_FLIGHT,
            deliver_twice: false,
            return_after_delete: None,
            fewer_than_asked: false,
        }
    }
}

impl SqsOptions {
    /// Messages of one standard queue that may be in flight (SQS's developer guide, "message
    /// quotas").
    pub const MOST_IN_FLIGHT: usize = 120_000;
}
