//! Tasks from a queue that is asked for more and told what is done.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::jobs::{Acknowledged, JobEvent, Jobs, back, other_domain};
use super::{Demand, Fed, Feed};
use crate::engine::task::{Task, TaskEnd};
use crate::engine::{Events, OutgoingBatch, Recorder, Stop, WorkObserver, WorkPlan};
use crate::ports::{QueueError, WorkPorts};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff_between};
use crate::{
    Delivery, Fid, Finding, QueueDepth, Reason, ReasonKind, Receipt, Stopped, System, WorkSummary,
    limits,
};

pub(crate) struct QueueFeed<'a> {
    jobs: Jobs<'a>,
    visibility: Duration,
    until_empty: bool,
    /// Requests for jobs that wait for their answer.
    asking: usize,
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

impl<'a> QueueFeed<'a> {
    pub(crate) fn new(
        ports: &'a WorkPorts,
        plan: &'a WorkPlan,
        observer: &'a dyn WorkObserver,
        visibility: Duration,
        until_empty: bool,
    ) -> Self {
        let feed = Self {
            jobs: Jobs::new(ports, plan, observer, Acknowledged::ByUs),
            visibility,
            until_empty,
            asking: 0,
            asks: Asks::Open,
            plenty: false,
            empty: false,
            failures: 0,
            stop: None,
        };
        feed.start_heartbeat();
        feed
    }

    pub(crate) fn summary(self) -> WorkSummary {
        self.jobs.summary
    }

    /// Goes over to another state, unless it has ended.
    fn become_if_open(&mut self, asks: Asks) {
        if self.asks != Asks::Ended {
            self.asks = asks;
        }
    }

    fn take_received(
        &mut self,
        answer: Result<Vec<Delivery>, QueueError>,
        recorder: &mut Recorder<'_>,
    ) -> Fed {
        self.asking -= 1;
        let deliveries = match answer {
            Ok(deliveries) => deliveries,
            Err(error) => return self.take_error(&error),
        };
        self.failures = 0;
        self.plenty = deliveries.len() == limits::QUEUE_BATCH;
        self.empty = deliveries.is_empty();
        if self.empty {
            self.look_whether_that_was_all();
        }
        let mut fed = Fed { heard: Some((System::Queue, Ok(()))), ..Fed::default() };
        for delivery in deliveries {
            self.jobs.summary.deliveries += 1;
            if let Some(other) = other_domain(&delivery, self.jobs.plan) {
                // All that come after it would be of that domain, too: they are left to others.
                let end = back(Reason::new(ReasonKind::NotStarted, &other));
                self.jobs.settle_one(&delivery, &end, recorder);
                fed.stop = Some(Stopped::Misconfigured(other));
            } else {
                fed.tasks.extend(self.jobs.take(delivery, recorder));
            }
        }
        fed
    }

    fn take_error(&mut self, error: &QueueError) -> Fed {
        let reason = Reason::from(error);
        if error.class() != ErrorClass::Retry {
            return Fed { stop: Some(Stopped::Trouble(reason)), ..Fed::default() };
        }
        self.failures = self.failures.saturating_add(1);
        self.plenty = false;
        if matches!(self.asks, Asks::Open | Asks::Counting) {
            self.asks = Asks::Paused;
            let (first, longest) = (limits::OUTAGE_PAUSE_FIRST, limits::OUTAGE_PAUSE_LONGEST);
            let salt = self.jobs.summary.deliveries;
            let pause = backoff_between(first, longest, self.failures, salt);
            self.jobs.start_after(pause, JobEvent::AskAgain);
        }
        Fed { heard: Some((System::Queue, Err(reason))), ..Fed::default() }
    }

    /// A queue that gives nothing may have messages in others' hands yet.
    fn look_whether_that_was_all(&mut self) {
        let has_more_to_say = !self.jobs.in_hand.is_empty() || !self.jobs.has_told_all();
        if !self.until_empty || has_more_to_say || self.asking > 0 {
            return;
        }
        self.become_if_open(Asks::Counting);
        let ports = self.jobs.ports;
        self.jobs.start(async move {
            let clock = ports.files.clock.as_ref();
            JobEvent::Depth(retried(clock, 0, || ports.queue.depth()).await)
        });
    }

    fn take_depth(&mut self, answer: Result<QueueDepth, QueueError>) -> Fed {
        match answer {
            Ok(depth) if depth.all() == 0 => self.asks = Asks::Ended,
            Ok(_) => self.become_if_open(Asks::Open),
            Err(error) => return self.take_error(&error),
        }
        Fed { heard: Some((System::Queue, Ok(()))), ..Fed::default() }
    }

    /// A third of the time for which messages are invisible may pass before they are kept so.
    fn start_heartbeat(&self) {
        self.jobs.start_after(self.visibility / 3, JobEvent::Heartbeat);
    }

    /// Keeps what is in hand invisible to others. Where that fails a job is done twice, which
    /// harms nothing.
    fn keep_in_hand(&self) {
        let deliveries = self.jobs.in_hand.values().flatten();
        let receipts = deliveries.map(|delivery| delivery.receipt.clone());
        let changes: Vec<(Receipt, Duration)> =
            receipts.map(|receipt| (receipt, self.visibility)).collect();
        let ports = self.jobs.ports;
        self.jobs.start(async move {
            let clock = ports.files.clock.as_ref();
            let told: FuturesUnordered<_> = changes
                .chunks(limits::QUEUE_BATCH)
                .map(|batch| retried(clock, 0, || ports.queue.set_visibility(batch)))
                .collect();
            let _: Vec<_> = told.collect().await;
            JobEvent::Kept
        });
    }
}

impl<'a> Feed for QueueFeed<'a> {
    const COUNTS_FINDINGS_OF_FAILED: bool = false;
    const REACHED: &'static [System] = &[System::Queue];
    type Event = JobEvent;
    type Events = Events<'a, JobEvent>;

    fn events(&mut self) -> &mut Events<'a, JobEvent> {
        &mut self.jobs.events
    }

    fn take(&mut self, event: JobEvent, recorder: &mut Recorder<'_>) -> Fed {
        match event {
            JobEvent::Received(answer) => return self.take_received(answer, recorder),
            JobEvent::Depth(answer) => return self.take_depth(answer),
            JobEvent::AskAgain => self.become_if_open(Asks::Open),
            JobEvent::Told(tidings, refused) => self.jobs.take_told(tidings, refused),
            JobEvent::Tick => self.jobs.tick(),
            JobEvent::Heartbeat => self.keep_in_hand(),
            JobEvent::Kept => self.start_heartbeat(),
            JobEvent::Over => {}
        }
        Fed::default()
    }

    /// Asks for as many jobs as there is room for. While a system is away only where there is none
    /// in hand to try it with, or where others may do better than those.
    fn ask(&mut self, demand: Demand) {
        let in_hand = demand.under_way + demand.waiting + demand.planning + demand.held;
        let room = if demand.is_calm {
            (demand.concurrency + limits::QUEUE_BATCH).saturating_sub(in_hand)
        } else if in_hand == 0 || demand.wants_others && demand.held < limits::JOBS_HELD {
            limits::QUEUE_BATCH
        } else {
            0
        };
        if self.asks != Asks::Open || room < limits::QUEUE_BATCH {
            return;
        }
        let wait = if self.until_empty { limits::LAST_POLL } else { limits::LONG_POLL };
        let worth = if self.plenty { room / limits::QUEUE_BATCH } else { 1 };
        for _ in self.asking..worth {
            self.asking += 1;
            let queue = &self.jobs.ports.queue;
            self.jobs.start(async move {
                JobEvent::Received(queue.receive(limits::QUEUE_BATCH, wait, None).await)
            });
        }
    }

    fn may_have_more(&self) -> bool {
        self.asks != Asks::Ended
    }

    fn has_others(&self) -> bool {
        self.may_have_more() && !self.empty
    }

    fn soon_more(&self) -> bool {
        self.plenty && self.asking > 0
    }

    fn noticed(&mut self, fid: Fid, finding: &Finding) {
        self.jobs.noticed(fid, finding);
    }

    fn ended(&mut self, task: &Task, end: TaskEnd, recorder: &mut Recorder<'_>) -> Option<Stopped> {
        self.jobs.ended(&task.key, end, recorder);
        None
    }

    fn noted(&mut self, notice: &OutgoingBatch, answer: Result<(), &Reason>) {
        self.jobs.noted(notice, answer);
    }

    fn stop(&mut self, stop: Stop) {
        self.stop = self.stop.max(Some(stop));
        self.asks = Asks::Ended;
    }

    fn flush(&mut self) {
        self.jobs.tell_queue(true);
    }

    fn is_done(&self) -> bool {
        let is_all_in = self.asks == Asks::Ended && self.asking == 0;
        let is_told = self.jobs.in_hand.is_empty() && self.jobs.has_told_all();
        is_told && (is_all_in || self.stop == Some(Stop::Abandon))
    }
}
