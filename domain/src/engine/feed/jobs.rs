//! Tasks from jobs: those of a queue that is asked for more, or one batch of them that the caller
//! received and acknowledges, within a given time. Several deliveries may be one task, and each is
//! acknowledged, comes back, or becomes a dead letter.

mod ends;
mod recall;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt;

use super::answers::Answers;
use super::asking::Asking;
use super::message::{back, other_settings};
use super::{Demand, Fed, Feed};
use crate::engine::task::{Task, TaskEnd, TaskKey};
use crate::engine::{BatchReport, Events, OutgoingBatch, Recorder, Stop, WorkObserver, WorkPlan};
use crate::ports::{QueueError, WorkPorts};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff_between};
use crate::{
    Delivery, FailureItem, Fid, Finding, MessageTries, QueueDepth, Reason, ReasonKind, SourceFile,
    Stopped, System, Timestamp, WorkSummary, limits,
};

/// What the feed waits for.
pub(crate) enum JobEvent {
    Received(Result<Vec<Delivery>, QueueError>),
    /// What is known of deliveries that are not their messages' first; [`None`] where the failures
    /// table cannot be read.
    Recalled(Vec<Delivery>, Option<Vec<FailureItem>>),
    /// What there is in the queue, asked when it gave nothing.
    Depth(Result<QueueDepth, QueueError>),
    /// The queue may be asked again.
    AskAgain,
    /// The queue has answered, and did not take this number of acknowledgements.
    Told(usize),
    /// The dead-letter queue was sent these, and did not take some, for this reason.
    Moved(Vec<Delivery>, (Vec<usize>, String)),
    /// What is gathered has waited long enough.
    Tick,
    /// What is in hand must be kept invisible to others; or was.
    Heartbeat,
    Kept,
    /// The last moment of a batch.
    Over,
}

/// Where jobs come from.
enum Source {
    Queue(Asking),
    /// The caller acknowledges all but those that are not known to be done.
    Batch {
        messages: Vec<String>,
        done: BTreeSet<String>,
        finish_by: Timestamp,
    },
}

pub(crate) struct JobFeed<'a> {
    ports: &'a WorkPorts,
    plan: &'a WorkPlan,
    observer: &'a dyn WorkObserver,
    source: Source,
    summary: WorkSummary,
    /// Requests for what is known of deliveries, under way.
    recalling: usize,
    /// Every task that has not ended, with its deliveries.
    in_hand: BTreeMap<TaskKey, Vec<Delivery>>,
    /// Deliveries of jobs that failed by themselves, by fid and message, while the failures table
    /// counts that.
    counting: BTreeMap<(Fid, String), Vec<(Delivery, ReasonKind)>>,
    /// Deliveries of jobs that are done, by fid, while a failure record of the file may be there.
    clearing: BTreeMap<Fid, Vec<Delivery>>,
    answers: Answers<'a>,
    events: Events<'a, JobEvent>,
}

impl<'a> JobFeed<'a> {
    /// The jobs of a queue, whose deliveries are invisible to others for `visibility`.
    pub(crate) fn of_queue(
        ports: &'a WorkPorts,
        plan: &'a WorkPlan,
        observer: &'a dyn WorkObserver,
        visibility: Duration,
        until_empty: bool,
    ) -> Self {
        let asking = Asking::new(visibility, until_empty);
        let feed = Self::new(ports, plan, observer, Source::Queue(asking));
        feed.start_heartbeat(visibility);
        feed
    }

    /// These jobs.
    pub(crate) fn of_batch(
        ports: &'a WorkPorts,
        plan: &'a WorkPlan,
        observer: &'a dyn WorkObserver,
        deliveries: Vec<Delivery>,
        finish_by: Timestamp,
    ) -> Self {
        let messages = deliveries.iter().map(|delivery| delivery.message.clone()).collect();
        let source = Source::Batch { messages, done: BTreeSet::new(), finish_by };
        let mut feed = Self::new(ports, plan, observer, source);
        // It counts as one that is being recalled until it is taken.
        feed.recalling = 1;
        feed.start(async move { JobEvent::Received(Ok(deliveries)) });
        // A batch must be answered before its time is over, even if its records are not taken.
        let left = ports.files.clock.now().until(finish_by);
        feed.start_after(left.saturating_sub(limits::BATCH_LAST_MOMENT), JobEvent::Over);
        feed
    }

    fn new(
        ports: &'a WorkPorts,
        plan: &'a WorkPlan,
        observer: &'a dyn WorkObserver,
        source: Source,
    ) -> Self {
        Self {
            ports,
            plan,
            observer,
            source,
            summary: WorkSummary::default(),
            recalling: 0,
            in_hand: BTreeMap::new(),
            counting: BTreeMap::new(),
            clearing: BTreeMap::new(),
            answers: Answers::new(ports),
            events: Events::new(),
        }
    }

    pub(crate) fn report(self) -> BatchReport {
        let again = match self.source {
            Source::Queue(_) => Vec::new(),
            Source::Batch { mut messages, done, .. } => {
                messages.retain(|message| !done.contains(message));
                messages
            }
        };
        BatchReport { again, summary: self.summary }
    }

    fn start(&self, event: impl Future<Output = JobEvent> + Send + 'a) {
        self.events.push(event.boxed());
    }

    /// Waits, and then has this event.
    fn start_after(&self, pause: Duration, event: JobEvent) {
        let clock = &self.ports.files.clock;
        self.start(async move {
            clock.sleep(pause).await;
            event
        });
    }

    /// A third of the time for which messages are invisible may pass before they are kept so.
    fn start_heartbeat(&self, visibility: Duration) {
        self.start_after(visibility / 3, JobEvent::Heartbeat);
    }

    fn keep_in_hand(&mut self) {
        let Source::Queue(asking) = &self.source else { return };
        let counting = self.counting.values().flatten().map(|(delivery, _)| delivery);
        let clearing = self.clearing.values().flatten();
        let deliveries = self.in_hand.values().flatten().chain(counting).chain(clearing);
        self.answers.keep(deliveries, asking.visibility, &self.events);
    }

    fn take_received(
        &mut self,
        answer: Result<Vec<Delivery>, QueueError>,
        recorder: &mut Recorder<'_>,
    ) -> Fed {
        let mut fed = Fed::default();
        match (&mut self.source, &answer) {
            (Source::Batch { .. }, _) => self.recalling -= 1,
            (Source::Queue(asking), Ok(deliveries)) => {
                asking.received(deliveries.len());
                fed.heard = Some((System::Queue, Ok(())));
                self.look_whether_that_was_all();
            }
            (Source::Queue(asking), Err(error)) => {
                asking.unanswered();
                return self.take_error(error);
            }
        }
        let (mut first, mut later) = (Vec::new(), Vec::new());
        for delivery in answer.unwrap_or_default() {
            self.summary.deliveries += 1;
            if matches!(self.source, Source::Queue(_))
                && let Some(other) = other_settings(&delivery, self.plan)
            {
                // Most that come after it are of other settings, too: they are left to others.
                let end = back(Reason::new(ReasonKind::OtherSettings, &other));
                self.settle_one(&delivery, &end, recorder);
                fed.stop = Some(Stopped::Misconfigured(other));
            } else if delivery.attempt > 1 && delivery.job.is_ok() {
                later.push(delivery);
            } else {
                first.push(delivery);
            }
        }
        self.recall(later);
        let tasks = first.into_iter().filter_map(|one| self.take_up(one, None, recorder));
        fed.tasks = tasks.collect();
        fed
    }

    fn take_error(&mut self, error: &QueueError) -> Fed {
        let reason = Reason::from(error);
        if error.class() != ErrorClass::Retry {
            return Fed { stop: Some(Stopped::Trouble(reason)), ..Fed::default() };
        }
        if let Source::Queue(asking) = &mut self.source
            && let Some(failures) = asking.pause()
        {
            let (first, longest) = (limits::OUTAGE_PAUSE_FIRST, limits::OUTAGE_PAUSE_LONGEST);
            let pause = backoff_between(first, longest, failures, self.summary.deliveries);
            self.start_after(pause, JobEvent::AskAgain);
        }
        Fed { heard: Some((System::Queue, Err(reason))), ..Fed::default() }
    }

    fn look_whether_that_was_all(&mut self) {
        let has_told_all = self.has_told_all();
        let Source::Queue(asking) = &mut self.source else { return };
        if has_told_all && asking.may_be_empty() {
            let ports = self.ports;
            self.start(async move {
                let clock = ports.files.clock.as_ref();
                JobEvent::Depth(retried(clock, 0, || ports.queue.depth()).await)
            });
        }
    }

    fn take_depth(&mut self, answer: &Result<QueueDepth, QueueError>) -> Fed {
        let Source::Queue(asking) = &mut self.source else { return Fed::default() };
        match answer {
            Ok(depth) if depth.all() == 0 => asking.end(),
            Ok(_) => asking.open(),
            Err(error) => return self.take_error(error),
        }
        Fed { heard: Some((System::Queue, Ok(()))), ..Fed::default() }
    }

    /// Whether nothing is in hand, and the queue has heard all.
    fn has_told_all(&self) -> bool {
        let has_none = self.in_hand.is_empty() && self.recalling == 0;
        let has_noted_all = self.counting.is_empty() && self.clearing.is_empty();
        has_none && has_noted_all && self.answers.has_told_all()
    }
}

impl<'a> Feed for JobFeed<'a> {
    const COUNTS_FINDINGS_OF_FAILED: bool = false;
    type Event = JobEvent;
    type Events = Events<'a, JobEvent>;

    fn reached(&self) -> &'static [System] {
        match self.source {
            Source::Queue(_) => &[System::Queue],
            Source::Batch { .. } => &[],
        }
    }

    fn events(&mut self) -> &mut Events<'a, JobEvent> {
        &mut self.events
    }

    fn take(&mut self, event: JobEvent, recorder: &mut Recorder<'_>) -> Fed {
        match event {
            JobEvent::Received(answer) => return self.take_received(answer, recorder),
            JobEvent::Recalled(deliveries, records) => {
                return self.take_recalled(deliveries, records.as_deref(), recorder);
            }
            JobEvent::Depth(answer) => return self.take_depth(&answer),
            JobEvent::Over => return Fed { over: true, ..Fed::default() },
            JobEvent::Told(refused) => {
                self.answers.told();
                self.summary.unacknowledged += refused as u64;
            }
            JobEvent::Moved(letters, (refused, why)) => self.take_moved(letters, (refused, &why)),
            JobEvent::Tick => self.answers.tick(&self.events),
            JobEvent::Heartbeat => self.keep_in_hand(),
            JobEvent::AskAgain | JobEvent::Kept => {
                let Source::Queue(asking) = &mut self.source else { return Fed::default() };
                if let JobEvent::AskAgain = event {
                    asking.open();
                } else {
                    let visibility = asking.visibility;
                    self.answers.kept(&self.events);
                    self.start_heartbeat(visibility);
                }
            }
        }
        Fed::default()
    }

    fn ask(&mut self, demand: Demand) {
        let Source::Queue(asking) = &mut self.source else { return };
        let (requests, wait) = asking.more_requests(demand);
        for _ in 0..requests {
            let queue = &self.ports.queue;
            self.start(async move {
                JobEvent::Received(queue.receive(limits::QUEUE_BATCH, wait, None).await)
            });
        }
    }

    fn may_have_more(&self) -> bool {
        let may_come = matches!(&self.source, Source::Queue(asking) if asking.may_have_more());
        may_come || self.recalling > 0
    }

    fn has_others(&self) -> bool {
        let may_come = matches!(&self.source, Source::Queue(asking) if asking.has_others());
        may_come || self.recalling > 0
    }

    fn soon_more(&self) -> bool {
        matches!(&self.source, Source::Queue(asking) if asking.soon_more())
    }

    fn noticed(&mut self, file: &SourceFile, finding: &Finding) {
        self.summary.ends.add_finding(file.fid, finding);
    }

    fn ended(&mut self, task: &Task, end: TaskEnd, recorder: &mut Recorder<'_>) -> Option<Stopped> {
        self.take_end(&task.key, end, recorder);
        None
    }

    fn noted(&mut self, notice: &OutgoingBatch, answer: Result<Vec<MessageTries>, &Reason>) {
        self.take_noted(notice, answer);
    }

    fn stop(&mut self, stop: Stop) {
        if let Source::Queue(asking) = &mut self.source {
            asking.stop(stop);
        }
    }

    fn end_at_once(&mut self, away: Option<&Reason>, recorder: &mut Recorder<'_>) {
        self.end_all(away, recorder);
    }

    fn flush(&mut self) {
        self.answers.tell(true, &self.events);
    }

    fn has_told_ends(&self) -> bool {
        self.answers.has_told_all()
    }

    fn is_done(&self) -> bool {
        let is_done = match &self.source {
            Source::Queue(asking) => asking.is_done(),
            Source::Batch { .. } => true,
        };
        is_done && self.has_told_all()
    }

    fn time_left(&self) -> Option<Duration> {
        let Source::Batch { finish_by, .. } = self.source else { return None };
        let left = self.ports.files.clock.now().until(finish_by);
        Some(left.saturating_sub(limits::BATCH_RESERVE))
    }
}
