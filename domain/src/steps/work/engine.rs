use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures_util::future::{BoxFuture, Either, select};
use futures_util::stream::{BoxStream, FuturesUnordered};
use futures_util::{FutureExt, StreamExt};

use super::feed::{Asking, AskingState, Feed};
use super::outbox::{Letter, Outbox};
use super::task::{JobKey, Task, Work, Worked};
use super::{BatchReport, WorkObserver, WorkPlan};
use crate::ports::{Delivery, QueueDepth, QueueError, Receipt};
use crate::steps::WorkPorts;
use crate::steps::migrate_file::FilePlan;
use crate::steps::routes::Routes;
use crate::steps::stop::Stop;
use crate::{Reason, S3Bucket, SourceFile, WorkSummary, limits};

/// What happened next.
pub(super) enum Event {
    Received(Result<Vec<Delivery>, QueueError>),
    /// What there is in the queue, asked when it gave nothing.
    Depth(Result<QueueDepth, QueueError>),
    /// The queue may be asked again.
    AskAgain,
    /// The ways of these tasks; or why they are not known.
    Planned(Vec<Task>, Result<Vec<FilePlan>, Reason>),
    Worked(Box<(Task, Work, Worked)>),
    /// A task that is held may be tried again.
    Due(JobKey),
    /// What is gathered has waited long enough.
    Tick,
    /// A letter, and what came of it: receipts that were not taken, or why nothing was.
    Sent(Letter, Result<Vec<Receipt>, Reason>),
    /// What is in hand must be kept invisible to others; or was.
    Heartbeat,
    Kept,
    Asked(Option<Stop>),
    /// The last moment of a batch.
    Over,
}

/// A task that failed because something could not be reached, and that is tried again here.
pub(super) struct Held {
    pub(super) task: Task,
    pub(super) work: Option<Work>,
    pub(super) why: Reason,
}

/// A worker at work: one loop that takes events and starts what they make possible.
pub(super) struct Engine<'a> {
    pub(super) ports: &'a WorkPorts,
    pub(super) plan: &'a WorkPlan,
    pub(super) routes: &'a Routes<'a>,
    pub(super) observer: &'a dyn WorkObserver,
    pub(super) feed: Feed,
    pub(super) asking: Asking,
    pub(super) summary: WorkSummary,
    /// Messages that are to be delivered again.
    pub(super) again: Vec<String>,
    /// Every job that is not settled, with its deliveries.
    pub(super) in_hand: BTreeMap<JobKey, Vec<Delivery>>,
    /// Tasks whose way is not known yet.
    pub(super) unplanned: Vec<Task>,
    pub(super) planning: usize,
    pub(super) waiting: VecDeque<(Task, Work)>,
    pub(super) under_way: usize,
    /// Of all of them together; each may be any number that a message can hold.
    pub(super) bytes_under_way: u128,
    pub(super) held: BTreeMap<JobKey, Held>,
    /// Jobs whose record is gathered or being written.
    pub(super) recording: BTreeSet<JobKey>,
    pub(super) outbox: Outbox,
    letters: usize,
    ticking: bool,
    /// Failures in a row because something could not be reached.
    pub(super) outages: u32,
    /// What could not be reached last, until something was.
    pub(super) away: Option<Reason>,
    pub(super) stop: Option<Stop>,
    over: bool,
    stops: BoxStream<'a, Stop>,
    pub(super) events: FuturesUnordered<BoxFuture<'a, Event>>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        ports: &'a WorkPorts,
        plan: &'a WorkPlan,
        routes: &'a Routes<'a>,
        observer: &'a dyn WorkObserver,
        feed: Feed,
        stops: BoxStream<'a, Stop>,
    ) -> Self {
        Self {
            ports,
            plan,
            routes,
            observer,
            feed,
            asking: Asking::default(),
            summary: WorkSummary::default(),
            again: Vec::new(),
            in_hand: BTreeMap::new(),
            unplanned: Vec::new(),
            planning: 0,
            waiting: VecDeque::new(),
            under_way: 0,
            bytes_under_way: 0,
            held: BTreeMap::new(),
            recording: BTreeSet::new(),
            outbox: Outbox::default(),
            letters: 0,
            ticking: false,
            outages: 0,
            away: None,
            stop: None,
            over: false,
            stops,
            events: FuturesUnordered::new(),
        }
    }

    /// Works until there is nothing more to do.
    pub(super) async fn run(mut self, deliveries: Vec<Delivery>) -> BatchReport {
        self.take_deliveries(deliveries);
        self.start_heartbeat();
        self.start_last_moment();
        self.start_what_can_be();
        while !self.nothing_is_left() {
            let event = match select(self.stops.next(), self.events.next()).await {
                Either::Left((asked, _)) => Event::Asked(asked),
                Either::Right((Some(event), _)) => event,
                Either::Right((None, _)) => break,
            };
            self.take(event);
            self.start_what_can_be();
        }
        BatchReport { again: self.again, summary: self.summary }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Received(answer) => self.take_received(answer),
            Event::Depth(answer) => self.take_depth(answer.as_ref()),
            Event::AskAgain => self.asking.become_if_open(AskingState::Open),
            Event::Planned(tasks, plans) => self.take_plans(tasks, plans),
            Event::Worked(worked) => {
                let (task, work, worked) = *worked;
                self.under_way -= 1;
                self.bytes_under_way -= u128::from(task.file.length.0);
                self.take_worked(task, work, worked);
            }
            Event::Due(key) => {
                if let Some(held) = self.held.remove(&key) {
                    self.try_again(held);
                }
            }
            Event::Tick => {
                self.ticking = false;
                self.send_letters(true);
            }
            Event::Sent(letter, answer) => {
                self.letters -= 1;
                self.take_sent(letter, answer);
            }
            Event::Heartbeat => self.keep_in_hand(),
            Event::Kept => self.start_heartbeat(),
            Event::Asked(stop) => self.take_stop(stop),
            Event::Over => {
                self.over = true;
                self.end_at_once();
            }
        }
    }

    fn start_what_can_be(&mut self) {
        self.start_planning();
        while self.under_way < self.most_under_way()
            && self.recording.len() < limits::LEDGER_BATCH
            && let Some((task, work)) = self.waiting.pop_front()
        {
            if let Some(why) = self.too_late_for(&task.file) {
                self.give_back(&task.key, why);
                continue;
            }
            self.under_way += 1;
            self.bytes_under_way += u128::from(task.file.length.0);
            let ports = self.ports;
            self.start(async move {
                let worked = work.carry_out(ports, &task.file).await;
                Event::Worked(Box::new((task, work, worked)))
            });
        }
        self.ask_for_more();
        let idle = self.under_way + self.planning + self.waiting.len() == 0;
        self.send_letters(idle && !self.asking.soon_more());
        self.start_tick();
    }

    /// While something is away one file at a time is tried.
    const fn most_under_way(&self) -> usize {
        if self.is_holding() || self.plan.concurrency == 0 { 1 } else { self.plan.concurrency }
    }

    pub(super) const fn is_holding(&self) -> bool {
        self.outages >= limits::WORKER_BREAKER_FAILURES
    }

    fn start_planning(&mut self) {
        if self.unplanned.is_empty() || (self.is_holding() && self.planning > 0) {
            return;
        }
        // A bucket at a time: what is wrong with one must not hold up the others' files.
        let mut by_bucket: BTreeMap<S3Bucket, Vec<Task>> = BTreeMap::new();
        for task in std::mem::take(&mut self.unplanned) {
            by_bucket.entry(task.file.bucket.clone()).or_default().push(task);
        }
        let routes = self.routes;
        for tasks in by_bucket.into_values() {
            self.planning += 1;
            self.start(async move {
                let files: Vec<SourceFile> = tasks.iter().map(|task| task.file.clone()).collect();
                let plans = routes.plan(&files).await;
                Event::Planned(tasks, plans.map_err(|error| Reason::from(&error)))
            });
        }
    }

    fn start_tick(&mut self) {
        if self.ticking || self.outbox.is_empty() {
            return;
        }
        self.ticking = true;
        let clock = &self.ports.files.clock;
        self.start(async move {
            clock.sleep(limits::LEDGER_FLUSH_AFTER).await;
            Event::Tick
        });
    }

    fn send_letters(&mut self, all: bool) {
        while let Some(letter) = self.outbox.next(all) {
            self.letters += 1;
            let ports = self.ports;
            self.start(async move {
                let answer = letter.send(ports).await;
                Event::Sent(letter, answer)
            });
        }
    }

    pub(super) fn start(&self, task: impl Future<Output = Event> + Send + 'a) {
        self.events.push(task.boxed());
    }

    fn nothing_is_left(&self) -> bool {
        let told = self.outbox.is_empty() && self.letters == 0;
        let done = self.in_hand.is_empty();
        let all_in = match self.feed {
            Feed::Batch { .. } => true,
            Feed::Queue { .. } => {
                self.asking.state == AskingState::Ended && self.asking.under_way == 0
            }
        };
        self.over || told && done && (all_in || self.stop == Some(Stop::Abandon))
    }
}
