//! What a judge sees, and what the world's operator may do, past all requests.

use std::time::Duration;

use super::{Message, SqsError, SqsWorld, Standing};

/// A queue's messages by where they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be received.
    pub waiting: usize,
    /// Received, and neither deleted nor visible again.
    pub in_flight: usize,
    /// Sent, and not to be received yet.
    pub delayed: usize,
}

impl Counts {
    /// All of them.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.waiting + self.in_flight + self.delayed
    }
}

/// All that ever happened to a queue's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages sent.
    pub sent: u64,
    /// Messages that a move brought.
    pub moved_in: u64,
    /// Deliveries.
    pub received: u64,
    /// Deliveries acknowledged, of those that counted.
    pub deleted: u64,
    /// Messages that became dead letters.
    pub dead: u64,
    /// Messages that grew too old.
    pub expired: u64,
}

impl SqsWorld {
    /// Every message of a queue as it is now, in the order of their sending.
    pub fn messages(&self, queue: &str) -> Result<Vec<Message>, SqsError> {
        self.at_present(|state, _| Ok(state.queue(queue)?.messages().cloned().collect()))
    }

    /// How many messages stand where.
    pub fn counts(&self, queue: &str) -> Result<Counts, SqsError> {
        self.at_present(|state, _| {
            let queue = state.queue(queue)?;
            let is_delayed = |message: &&Message| matches!(message.standing, Standing::Delayed(_));
            Ok(Counts {
                waiting: queue.ready(),
                in_flight: queue.in_flight(),
                delayed: queue.messages().filter(is_delayed).count(),
            })
        })
    }

    /// How long it is until one of the queue's messages is to be received; none without a message.
    pub fn next_in(&self, queue: &str) -> Result<Option<Duration>, SqsError> {
        self.at_present(|state, now| {
            let until = |message: &Message| match message.standing {
                Standing::Waiting => Duration::ZERO,
                Standing::Delayed(at) | Standing::InFlight(at) | Standing::Deleted(at) => {
                    at.duration_since(now).unwrap_or_default()
                }
            };
            Ok(state.queue(queue)?.messages().map(until).min())
        })
    }

    /// What happened to the queue's messages so far.
    pub fn tally(&self, queue: &str) -> Result<Tally, SqsError> {
        self.at_present(|state, _| Ok(state.queue(queue)?.tally))
    }

    /// Has a message delivered once more while its next delivery is still in flight.
    pub fn deliver_twice(&self, queue: &str, id: &str) -> Result<(), SqsError> {
        self.mark(queue, id, |message| message.copies += 1)
    }

    /// Has a message delivered once more, so long after it was deleted.
    pub fn return_after_delete(
        &self,
        queue: &str,
        id: &str,
        pause: Duration,
    ) -> Result<(), SqsError> {
        self.mark(queue, id, |message| message.returns_after = Some(pause))
    }

    fn mark(&self, queue: &str, id: &str, mark: impl FnOnce(&mut Message)) -> Result<(), SqsError> {
        self.at_present(|state, _| {
            let queue = state.queue(queue)?;
            let message = queue.number_of(id).and_then(|number| queue.message_mut(number));
            let why = || SqsError::ResourceNotFoundException(format!("no message {id}"));
            message.map(mark).ok_or_else(why)
        })
    }
}
