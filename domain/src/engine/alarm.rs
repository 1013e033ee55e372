//! The one thing that wakes the engine when time has passed.

use futures_util::FutureExt;

use super::Events;
use crate::Timestamp;
use crate::ports::Clock;

pub(super) struct Alarm<'a> {
    clock: &'a dyn Clock,
    /// The soonest moment that it is set to.
    set_to: Option<Timestamp>,
    pub(super) rings: Events<'a, Timestamp>,
}

impl<'a> Alarm<'a> {
    pub(super) fn new(clock: &'a dyn Clock) -> Self {
        Self { clock, set_to: None, rings: Events::new() }
    }

    /// Rings at this moment at the latest.
    pub(super) fn set(&mut self, at: Timestamp) {
        if self.set_to.is_none_or(|set_to| at < set_to) {
            self.set_to = Some(at);
            let clock = self.clock;
            let time = clock.now().until(at);
            let ring = async move {
                clock.sleep(time).await;
                at
            };
            self.rings.push(ring.boxed());
        }
    }

    /// It has rung.
    pub(super) fn rang(&mut self, at: Timestamp) {
        self.set_to.take_if(|set_to| *set_to == at);
    }
}
