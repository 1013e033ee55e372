//! When a queue is asked for more jobs.

use std::time::Duration;

use super::Demand;
use crate::engine::Stop;
use crate::limits;

/// What is known of a queue that gives jobs.
pub(super) struct Asking {
    /// How long a delivery is invisible to others.
    pub(super) visibility: Duration,
    until_empty: bool,
    /// Requests for jobs that wait for their answer.
    requests: usize,
    asks: Asks,
    /// Whether the last answer was a full one: only then is more than one request worth it.
    plenty: bool,
    /// Whether the last answer was empty.
    empty: bool,
    /// Failures in a row.
    failures: u32,
    stop: Option<Stop>,
}

/// Whether the queue may be asked for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Open,
    /// Between a failure and the next try.
    Paused,
    /// While it is asked how much there is.
    Counting,
    /// Never again.
    Ended,
}

impl Asking {
    pub(super) const fn new(visibility: Duration, until_empty: bool) -> Self {
        Self {
            visibility,
            until_empty,
            requests: 0,
            asks: Asks::Open,
            plenty: false,
            empty: false,
            failures: 0,
            stop: None,
        }
    }

    /// How many requests to send, and how long each waits for a first job. While a system is away
    /// jobs are asked for only where there is none in hand to try it with, or where others may do
    /// better than those.
    pub(super) fn more_requests(&mut self, demand: Demand) -> (usize, Duration) {
        let in_hand = demand.under_way + demand.waiting + demand.planning + demand.held;
        let room = if demand.alone > 0 {
            0
        } else if demand.is_calm {
            (demand.concurrency + limits::QUEUE_BATCH).saturating_sub(in_hand)
        } else if in_hand == 0 || demand.wants_others && demand.held < limits::JOBS_HELD {
            limits::QUEUE_BATCH
        } else {
            0
        };
        let wait = if self.until_empty { limits::LAST_POLL } else { limits::LONG_POLL };
        if self.asks != Asks::Open || room < limits::QUEUE_BATCH {
            return (0, wait);
        }
        let worth = if self.plenty { room / limits::QUEUE_BATCH } else { 1 };
        let more = worth.saturating_sub(self.requests);
        self.requests += more;
        (more, wait)
    }

    /// A request was answered with this number of jobs.
    pub(super) const fn received(&mut self, jobs: usize) {
        self.requests -= 1;
        self.failures = 0;
        self.plenty = jobs == limits::QUEUE_BATCH;
        self.empty = jobs == 0;
    }

    /// A request for jobs was not answered.
    pub(super) const fn unanswered(&mut self) {
        self.requests -= 1;
    }

    /// The queue is to be asked later. Returns the failures in a row, if a pause begins with this.
    pub(super) fn pause(&mut self) -> Option<u32> {
        self.failures = self.failures.saturating_add(1);
        self.plenty = false;
        let begins = matches!(self.asks, Asks::Open | Asks::Counting);
        if begins {
            self.asks = Asks::Paused;
        }
        begins.then_some(self.failures)
    }

    /// Whether the queue is to be asked how much there is: one that gives nothing may have messages
    /// in the hands of others.
    pub(super) fn may_be_empty(&mut self) -> bool {
        let may = self.empty && self.until_empty && self.requests == 0 && self.asks == Asks::Open;
        if may {
            self.asks = Asks::Counting;
        }
        may
    }

    /// The queue may be asked again, unless that has ended.
    pub(super) fn open(&mut self) {
        if self.asks != Asks::Ended {
            self.asks = Asks::Open;
        }
    }

    /// The queue is not asked again.
    pub(super) const fn end(&mut self) {
        self.asks = Asks::Ended;
    }

    pub(super) fn stop(&mut self, stop: Stop) {
        self.stop = self.stop.max(Some(stop));
        self.end();
    }

    pub(super) fn may_have_more(&self) -> bool {
        self.asks != Asks::Ended
    }

    /// Whether asking is likely to bring jobs.
    pub(super) fn has_others(&self) -> bool {
        self.may_have_more() && !self.empty
    }

    pub(super) const fn soon_more(&self) -> bool {
        self.plenty && self.requests > 0
    }

    /// Whether no more jobs will come.
    pub(super) fn is_done(&self) -> bool {
        let is_all_in = self.asks == Asks::Ended && self.requests == 0;
        is_all_in || self.stop == Some(Stop::Abandon)
    }
}
