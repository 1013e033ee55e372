//! The state of Amazon SQS: standard queues of messages, and the operations on them. No socket,
//! no waiting of its own and no fault; every operation is atomic, and time is an injected clock's.
//!
//! It is as unkind as the real one may be: messages come only about in their order, an older
//! delivery's handle acknowledges nothing, and on demand messages come twice.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

mod attributes;
mod deliver;
mod error;
mod judge;
mod limits;
mod message;
mod moves;
mod options;
mod poll;
mod queues;
mod receipt;
mod redrive;
mod send;
mod state;

pub use attributes::QueueAttributes;
pub use deliver::{ReceiveRequest, Received};
pub use error::SqsError;
pub use judge::{Counts, Tally};
pub use limits::{
    BATCH_ENTRIES, LONGEST_VISIBILITY, MESSAGE_BYTES, check_batch, check_batch_bytes,
};
pub use message::{
    AttributeContent, Message, MessageAttribute, MessageAttributes, Standing, attributes_md5,
};
pub use moves::{MoveStatus, MoveTask};
pub use options::SqsOptions;
pub use queues::{ACCOUNT, REGION, arn_of, create_job_queues, name_of_arn};
pub use redrive::{RedriveAllowPolicy, RedrivePolicy};
pub use send::{Outgoing, Sent};

use state::State;

/// All queues of the world.
pub struct SqsWorld {
    state: Mutex<State>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    /// How far its time is before the clock's.
    ahead: Mutex<Duration>,
    /// Tells those who wait for messages that some may have come.
    arrivals: Notify,
}

impl fmt::Debug for SqsWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsWorld").field("queues", &self.queues()).finish_non_exhaustive()
    }
}

impl Default for SqsWorld {
    fn default() -> Self {
        Self::with_clock(Arc::new(SystemTime::now))
    }
}

impl SqsWorld {
    /// No queues; everything happens by this clock, which never goes back.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Fn() -> SystemTime + Send + Sync>) -> Self {
        let (state, ahead, arrivals) = (Mutex::default(), Mutex::default(), Notify::new());
        Self { state, clock, ahead, arrivals }
    }

    /// Draws all lots anew from this seed: the messages' names and the order in which they come.
    pub fn reseed(&self, seed: u64) {
        self.locked(|state| state.lots.reseed(seed));
    }

    /// The options as they are now.
    #[must_use]
    pub fn options(&self) -> SqsOptions {
        self.locked(|state| state.options.clone())
    }

    /// Changes the options, for all that comes after.
    pub fn configure(&self, change: impl FnOnce(&mut SqsOptions)) {
        self.locked(|state| change(&mut state.options));
    }

    /// Lets so much time pass at once: what comes back after a while comes back sooner.
    pub fn skip(&self, time: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += time;
        self.arrivals.notify_waiters();
    }

    fn now(&self) -> SystemTime {
        (self.clock)() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn locked<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Acts on everything as it has become by now.
    fn at_present<T>(&self, act: impl FnOnce(&mut State, SystemTime) -> T) -> T {
        self.locked(|state| {
            let now = self.now();
            state.settle(now);
            act(state, now)
        })
    }
}

#[cfg(test)]
mod tests;
