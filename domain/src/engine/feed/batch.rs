//! Tasks from one batch of jobs that the caller received and acknowledges, within a given time.

use std::time::Duration;

use super::jobs::{Acknowledged, JobEvent, Jobs};
use super::{Demand, Fed, Feed};
use crate::engine::task::{Task, TaskEnd};
use crate::engine::{BatchReport, Events, OutgoingBatch, Recorder, Stop, WorkObserver, WorkPlan};
use crate::ports::WorkPorts;
use crate::{Delivery, Fid, Finding, Reason, Stopped, Timestamp, limits};

pub(crate) struct BatchFeed<'a> {
    jobs: Jobs<'a>,
    finish_by: Timestamp,
    /// The deliveries have not been taken yet.
    is_coming: bool,
}

impl<'a> BatchFeed<'a> {
    pub(crate) fn new(
        ports: &'a WorkPorts,
        plan: &'a WorkPlan,
        observer: &'a dyn WorkObserver,
        deliveries: Vec<Delivery>,
        finish_by: Timestamp,
    ) -> Self {
        let jobs = Jobs::new(ports, plan, observer, Acknowledged::ByCaller);
        jobs.start(async move { JobEvent::Received(Ok(deliveries)) });
        // A batch must be answered before its time is over, even if its records are not taken.
        let left = ports.files.clock.now().until(finish_by);
        jobs.start_after(left.saturating_sub(limits::BATCH_LAST_MOMENT), JobEvent::Over);
        Self { jobs, finish_by, is_coming: true }
    }

    pub(crate) fn report(self) -> BatchReport {
        BatchReport { again: self.jobs.again, summary: self.jobs.summary }
    }
}

impl<'a> Feed for BatchFeed<'a> {
    const COUNTS_FINDINGS_OF_FAILED: bool = false;
    type Event = JobEvent;
    type Events = Events<'a, JobEvent>;

    fn events(&mut self) -> &mut Events<'a, JobEvent> {
        &mut self.jobs.events
    }

    fn take(&mut self, event: JobEvent, recorder: &mut Recorder<'_>) -> Fed {
        let mut fed = Fed::default();
        match event {
            JobEvent::Received(deliveries) => {
                self.is_coming = false;
                for delivery in deliveries.unwrap_or_default() {
                    self.jobs.summary.deliveries += 1;
                    fed.tasks.extend(self.jobs.take(delivery, recorder));
                }
            }
            JobEvent::Told(tidings, refused) => self.jobs.take_told(tidings, refused),
            JobEvent::Tick => self.jobs.tick(),
            JobEvent::Over => fed.over = true,
            // Nothing is asked of the queue, and the caller keeps the messages.
            JobEvent::Depth(_) | JobEvent::AskAgain | JobEvent::Heartbeat | JobEvent::Kept => {}
        }
        fed
    }

    fn ask(&mut self, _demand: Demand) {}

    fn may_have_more(&self) -> bool {
        self.is_coming
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

    fn stop(&mut self, _stop: Stop) {}

    fn end_at_once(&mut self, away: Option<&Reason>, recorder: &mut Recorder<'_>) {
        self.jobs.end_at_once(away, recorder);
    }

    fn flush(&mut self) {
        self.jobs.tell_queue(true);
    }

    fn is_done(&self) -> bool {
        !self.is_coming && self.jobs.in_hand.is_empty() && self.jobs.has_told_all()
    }

    fn time_left(&self) -> Option<Duration> {
        let left = self.jobs.ports.files.clock.now().until(self.finish_by);
        Some(left.saturating_sub(limits::BATCH_RESERVE))
    }
}
