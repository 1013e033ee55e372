//! Where a worker's deliveries come from.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::engine::{Engine, Event};
use crate::Reason;
use crate::limits;
use crate::ports::{Delivery, QueueDepth, QueueError, Receipt, Timestamp};
use crate::retry::{Classed, ErrorClass, backoff_between};
use crate::steps::retried::retried;
use crate::steps::stop::Stop;
use crate::summary::Stopped;

/// Where deliveries come from, and who acknowledges them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    /// They are all there, somebody else acknowledges them, and there is an end to the time.
    Batch { finish_by: Timestamp },
    /// The queue is asked for more and told what is done.
    Queue { visibility: Duration, until_empty: bool },
}

/// How the queue is being asked.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// Requests for jobs that wait for their answer.
    pub(super) under_way: usize,
    /// Whether the last answer was a full one: only then is more than one request worth it.
    plenty: bool,
    /// Failures in a row.
    failures: u32,
    pub(super) state: AskingState,
}

/// Whether the queue may be asked for more.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskingState {
    #[default]
    Open,
    /// Between a failure and the next try.
    Paused,
    /// While it is asked how much there is.
    Counting,
    /// Never again.
    Ended,
}

impl Asking {
    /// Whether more jobs are about to come, with which letters can go.
    pub(super) const fn soon_more(&self) -> bool {
        self.plenty && self.under_way > 0
    }

    /// Goes over to another state, unless it has ended.
    pub(super) fn become_if_open(&mut self, state: AskingState) {
        if self.state != AskingState::Ended {
            self.state = state;
        }
    }
}

impl Engine<'_> {
    /// Asks for as many jobs as there is room for.
    pub(super) fn ask_for_more(&mut self) {
        let Feed::Queue { until_empty, .. } = self.feed else { return };
        // Without any in hand there is nothing to try whether it can be reached again.
        if self.is_holding() && !self.in_hand.is_empty() {
            return;
        }
        let wait = if until_empty { limits::LAST_POLL } else { limits::LONG_POLL };
        let to_do = self.in_hand.len() - self.recording.len();
        let room = (self.plan.concurrency + limits::QUEUE_BATCH).saturating_sub(to_do);
        let worth = if self.asking.plenty { room / limits::QUEUE_BATCH } else { 1 };
        let asking = &self.asking;
        if asking.state != AskingState::Open || room < limits::QUEUE_BATCH {
            return;
        }
        for _ in asking.under_way..worth {
            self.asking.under_way += 1;
            let queue = &self.ports.queue;
            self.start(async move {
                let most = limits::QUEUE_BATCH;
                Event::Received(queue.receive(most, wait, None).await)
            });
        }
    }

    pub(super) fn take_received(&mut self, answer: Result<Vec<Delivery>, QueueError>) {
        self.asking.under_way -= 1;
        match answer {
            Ok(deliveries) => {
                self.asking.failures = 0;
                self.asking.plenty = deliveries.len() == limits::QUEUE_BATCH;
                if deliveries.is_empty() {
                    self.look_whether_that_was_all();
                }
                self.take_deliveries(deliveries);
            }
            Err(error) if error.class() == ErrorClass::Retry => {
                self.asking.failures += 1;
                self.asking.plenty = false;
                self.pause_asking();
            }
            Err(error) => self.stop_because(Stopped::Trouble(Reason::from(&error))),
        }
    }

    fn pause_asking(&mut self) {
        if self.asking.state != AskingState::Open {
            return;
        }
        self.asking.state = AskingState::Paused;
        let pause = backoff_between(
            limits::OUTAGE_PAUSE_FIRST,
            limits::OUTAGE_PAUSE_LONGEST,
            self.asking.failures,
            self.summary.deliveries,
        );
        let clock = &self.ports.files.clock;
        self.start(async move {
            clock.sleep(pause).await;
            Event::AskAgain
        });
    }

    /// A queue that gives nothing may have messages in others' hands yet.
    fn look_whether_that_was_all(&mut self) {
        let Feed::Queue { until_empty: true, .. } = self.feed else { return };
        if !self.in_hand.is_empty() || self.asking.under_way > 0 || !self.outbox.is_empty() {
            return;
        }
        self.asking.become_if_open(AskingState::Counting);
        let ports = self.ports;
        self.start(async move {
            let clock = ports.files.clock.as_ref();
            Event::Depth(retried(clock, 0, || ports.queue.depth()).await)
        });
    }

    pub(super) fn take_depth(&mut self, answer: Result<&QueueDepth, &QueueError>) {
        match answer {
            Ok(depth) if depth.all() == 0 => self.asking.state = AskingState::Ended,
            Ok(_) => self.asking.become_if_open(AskingState::Open),
            Err(error) if error.class() == ErrorClass::Retry => {
                self.asking.failures += 1;
                self.asking.become_if_open(AskingState::Open);
                self.pause_asking();
            }
            Err(error) => self.stop_because(Stopped::Trouble(Reason::from(error))),
        }
    }

    pub(super) fn stop_because(&mut self, why: Stopped) {
        self.summary.stopped.get_or_insert(why);
        self.take_stop(Some(Stop::Drain));
    }

    /// A batch must be answered before its time is over, even if nobody takes its records.
    pub(super) fn start_last_moment(&self) {
        let Feed::Batch { finish_by } = self.feed else { return };
        let clock = &self.ports.files.clock;
        let left = Duration::from_millis(finish_by.0.saturating_sub(clock.now().0));
        self.start(async move {
            clock.sleep(left.saturating_sub(limits::BATCH_LAST_MOMENT)).await;
            Event::Over
        });
    }

    /// A third of the time for which messages are invisible may pass before they are kept so.
    pub(super) fn start_heartbeat(&self) {
        let Feed::Queue { visibility, .. } = self.feed else { return };
        let clock = &self.ports.files.clock;
        self.start(async move {
            clock.sleep(visibility / 3).await;
            Event::Heartbeat
        });
    }

    /// Keeps what is in hand invisible to others. Where that fails a job is done twice, which
    /// harms nothing.
    pub(super) fn keep_in_hand(&self) {
        let Feed::Queue { visibility, .. } = self.feed else { return };
        let receipts = self.in_hand.values().flatten().map(|delivery| delivery.receipt.clone());
        let changes: Vec<(Receipt, Duration)> =
            receipts.map(|receipt| (receipt, visibility)).collect();
        let ports = self.ports;
        self.start(async move {
            let clock = ports.files.clock.as_ref();
            let told: FuturesUnordered<_> = changes
                .chunks(limits::QUEUE_BATCH)
                .map(|batch| retried(clock, 0, || ports.queue.set_visibility(batch)))
                .collect();
            let _: Vec<_> = told.collect().await;
            Event::Kept
        });
    }
}
