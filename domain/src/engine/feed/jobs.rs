//! What the jobs of a queue and those of a batch have in common: several deliveries may be one
//! task, and each is acknowledged or comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;

use crate::engine::recorder::Gathered;
use crate::engine::task::{Record, Task, TaskEnd, TaskKey, Work};
use crate::engine::{Events, JobEnd, OutgoingBatch, Recorder, WorkObserver, WorkPlan};
use crate::migrate::{FilePlan, RoutePolicy};
use crate::ports::{QueueError, WorkPorts};
use crate::redelivery::comes_back_after;
use crate::retried::retried;
use crate::{
    Delivery, Failure, FailureRecord, Fid, Finding, Hints, IndexRow, JobAction, Left,
    Misconfigured, ObjectMeta, QueueDepth, Reason, ReasonKind, Receipt, RouteHint, RowClass,
    SourceFile, WorkSummary, limits,
};

/// What the feeds of jobs wait for.
pub(crate) enum JobEvent {
    Received(Result<Vec<Delivery>, QueueError>),
    /// What there is in the queue, asked when it gave nothing.
    Depth(Result<QueueDepth, QueueError>),
    /// The queue may be asked again.
    AskAgain,
    /// An answer of the queue's to this: the receipts that it did not take, or all.
    Told(Tidings, usize),
    /// What is gathered has waited long enough.
    Tick,
    /// What is in hand must be kept invisible to others; or was.
    Heartbeat,
    Kept,
    /// The last moment of a batch.
    Over,
}

/// What the queue is told of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tidings {
    Done,
    ComesBack,
}

/// Who acknowledges deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledged {
    ByUs,
    /// It is given the messages that are to be delivered again.
    ByCaller,
}

pub(super) struct Jobs<'a> {
    pub(super) ports: &'a WorkPorts,
    pub(super) plan: &'a WorkPlan,
    observer: &'a dyn WorkObserver,
    acknowledged: Acknowledged,
    pub(super) summary: WorkSummary,
    /// Every task that has not ended, with its deliveries.
    pub(super) in_hand: BTreeMap<TaskKey, Vec<Delivery>>,
    /// Messages that are to be delivered again.
    pub(super) again: Vec<String>,
    done: Gathered<Receipt>,
    comes_back: Gathered<(Receipt, Duration)>,
    ticking: bool,
    telling: usize,
    pub(super) events: Events<'a, JobEvent>,
}

impl<'a> Jobs<'a> {
    pub(super) fn new(
        ports: &'a WorkPorts,
        plan: &'a WorkPlan,
        observer: &'a dyn WorkObserver,
        acknowledged: Acknowledged,
    ) -> Self {
        Self {
            ports,
            plan,
            observer,
            acknowledged,
            summary: WorkSummary::default(),
            in_hand: BTreeMap::new(),
            again: Vec::new(),
            done: Gathered::new(limits::QUEUE_BATCH),
            comes_back: Gathered::new(limits::QUEUE_BATCH),
            ticking: false,
            telling: 0,
            events: Events::new(),
        }
    }

    pub(super) fn start(&self, event: impl Future<Output = JobEvent> + Send + 'a) {
        self.events.push(event.boxed());
    }

    /// Waits, and then has this event.
    pub(super) fn start_after(&self, pause: Duration, event: JobEvent) {
        let clock = &self.ports.files.clock;
        self.start(async move {
            clock.sleep(pause).await;
            event
        });
    }

    /// Takes a message in hand. One whose task is in hand already shares that one's end.
    pub(super) fn take(&mut self, delivery: Delivery, recorder: &mut Recorder<'_>) -> Option<Task> {
        match task_of(&delivery, self.plan) {
            Err(end) => {
                self.settle_one(&delivery, &end, recorder);
                None
            }
            Ok(task) => {
                let known = self.in_hand.entry(task.key.clone()).or_default();
                known.push(delivery);
                (known.len() == 1).then_some(task)
            }
        }
    }

    pub(super) fn noticed(&mut self, fid: Fid, finding: &Finding) {
        self.summary.ends.add_finding(fid, finding);
    }

    pub(super) fn ended(&mut self, key: &TaskKey, end: TaskEnd, recorder: &mut Recorder<'_>) {
        let end = match end {
            TaskEnd::Recorded(Record::Migrated(record)) => JobEnd::Migrated(record),
            TaskEnd::Recorded(Record::Verified(seen)) => JobEnd::Verified(seen),
            TaskEnd::Gone => JobEnd::Gone,
            TaskEnd::Failed(failure) => JobEnd::Failed(failure),
            TaskEnd::Unrecorded(reason) => back(reason),
            TaskEnd::NotBegun(why) => back(match (self.acknowledged, why) {
                (Acknowledged::ByUs, _) => not_started("the worker was asked to stop"),
                (Acknowledged::ByCaller, Some(why)) => why,
                (Acknowledged::ByCaller, None) => not_started("there was no time left to start it"),
            }),
            TaskEnd::Abandoned(away) => back(away.unwrap_or_else(|| {
                not_started("it was abandoned before it was done, since the time was over")
            })),
        };
        self.settle(key, &end, recorder);
    }

    /// What has no end by now comes again, for this reason if there is one.
    pub(super) fn end_at_once(&mut self, away: Option<&Reason>, recorder: &mut Recorder<'_>) {
        let detail = "its record was not written in time: the next delivery finds what was done";
        let end = back(away.cloned().unwrap_or_else(|| not_started(detail)));
        let in_hand: Vec<_> = self.in_hand.keys().cloned().collect();
        for key in &in_hand {
            self.settle(key, &end, recorder);
        }
    }

    /// The end of a task, for each of its deliveries.
    fn settle(&mut self, key: &TaskKey, end: &JobEnd, recorder: &mut Recorder<'_>) {
        let deliveries = self.in_hand.remove(key).unwrap_or_default();
        for (number, delivery) in deliveries.iter().enumerate() {
            if number > 0 && !matches!(end, JobEnd::Failed(_)) {
                self.summary.merged += 1;
                self.tell(delivery, end, recorder);
            } else {
                self.settle_one(delivery, end, recorder);
            }
        }
    }

    pub(super) fn settle_one(
        &mut self,
        delivery: &Delivery,
        end: &JobEnd,
        recorder: &mut Recorder<'_>,
    ) {
        count(&mut self.summary, delivery, end);
        self.tell(delivery, end, recorder);
    }

    /// What the queue and the failures table are to hear of it.
    fn tell(&mut self, delivery: &Delivery, end: &JobEnd, recorder: &mut Recorder<'_>) {
        self.observer.settled(delivery, end);
        if let JobEnd::Failed(failure) = end {
            self.give_back(delivery, failure, recorder);
        } else {
            if self.acknowledged == Acknowledged::ByUs {
                self.done.add(delivery.receipt.clone());
            }
            if let Ok(job) = &delivery.job
                && (delivery.attempt > 1 || job.hints.failed_before)
            {
                if matches!(end, JobEnd::Migrated(_) | JobEnd::Verified(_)) {
                    recorder.clear_failure_of_proven(job.fid);
                } else {
                    recorder.clear_failure_of_ended(job.fid);
                }
            }
        }
        self.tell_queue(false);
        if !self.ticking {
            self.ticking = true;
            self.start_after(limits::LEDGER_FLUSH_AFTER, JobEvent::Tick);
        }
    }

    fn give_back(&mut self, delivery: &Delivery, failure: &Failure, recorder: &mut Recorder<'_>) {
        let now = self.ports.files.clock.now();
        if let Some(record) = FailureRecord::of(delivery, failure, now) {
            recorder.note_failure(record);
        }
        let after = match (self.acknowledged, failure.reason.kind) {
            // Another worker may take it at once.
            (Acknowledged::ByUs, ReasonKind::NotStarted) => Duration::ZERO,
            (_, kind) => comes_back_after(kind, delivery.attempt, fid_of(delivery).0),
        };
        self.comes_back.add((delivery.receipt.clone(), after));
        if self.acknowledged == Acknowledged::ByCaller {
            self.again.push(delivery.message.clone());
        }
    }

    pub(super) fn tick(&mut self) {
        self.ticking = false;
        self.tell_queue(true);
    }

    /// Tells the queue what is gathered: full requests, or all of it.
    pub(super) fn tell_queue(&mut self, all: bool) {
        let ports = self.ports;
        while let Some(receipts) = self.done.next(all) {
            self.telling += 1;
            self.start(async move {
                let clock = ports.files.clock.as_ref();
                let deleted = retried(clock, 0, || ports.queue.delete(&receipts)).await;
                let refused = deleted.map_or(receipts.len(), |refused| refused.len());
                JobEvent::Told(Tidings::Done, refused)
            });
        }
        while let Some(changes) = self.comes_back.next(all) {
            self.telling += 1;
            self.start(async move {
                let clock = ports.files.clock.as_ref();
                let set = retried(clock, 0, || ports.queue.set_visibility(&changes)).await;
                JobEvent::Told(
                    Tidings::ComesBack,
                    set.map_or(changes.len(), |refused| refused.len()),
                )
            });
        }
    }

    pub(super) fn take_told(&mut self, tidings: Tidings, refused: usize) {
        self.telling -= 1;
        // What the queue did not hear of otherwise comes back by itself, later.
        if tidings == Tidings::Done {
            self.summary.unacknowledged += refused as u64;
        }
    }

    /// Whether the queue has heard all.
    pub(super) const fn has_told_all(&self) -> bool {
        self.telling == 0 && self.done.is_empty() && self.comes_back.is_empty()
    }

    pub(super) fn noted(&mut self, notice: &OutgoingBatch, answer: Result<(), &Reason>) {
        match (notice, answer) {
            (OutgoingBatch::Failures(failures), _) => {
                let is_unexplained = answer.is_err();
                self.summary.unexplained += if is_unexplained { failures.len() as u64 } else { 0 };
                for failure in failures.iter().filter(|failure| failure.doubted) {
                    // Its next delivery may be noted, in this run.
                    let (doubts, fid) = (&mut self.summary.unnoted_doubts, failure.fid.0);
                    if is_unexplained {
                        doubts.insert(fid)
                    } else {
                        doubts.remove(fid)
                    };
                }
            }
            (OutgoingBatch::Proven(fids) | OutgoingBatch::Ended(fids), Err(why)) => {
                self.summary.ends.add_uncleared(fids.iter().copied(), why);
            }
            (OutgoingBatch::Proven(_) | OutgoingBatch::Ended(_) | OutgoingBatch::Records(_), _) => {
            }
        }
    }
}

/// The task of a message, or the end that the message has come to already.
fn task_of(delivery: &Delivery, plan: &WorkPlan) -> Result<Task, JobEnd> {
    let job = match &delivery.job {
        Ok(job) => job.clone(),
        Err(bad) => return Err(failed(ReasonKind::BadMessage, &bad.why)),
    };
    if let Some(other) = other_domain(delivery, plan) {
        return Err(failed(ReasonKind::BadJob, &other));
    }
    let row = IndexRow { fid: job.fid, dkey: Some(job.dkey.clone()), length: Some(job.length) };
    match row.classify(&plan.buckets) {
        RowClass::Source(file) => {
            let run = job.hints.run.clone().filter(|_| job.action == JobAction::Verify);
            let in_parts = job.length.0 > plan.single_request_bytes;
            let look_first = job.hints.look_first || delivery.attempt > 1 || in_parts;
            let work = known_work(job.action, &job.hints, plan.route, &file, look_first);
            Ok(Task { work, look_first, ..Task::new(file, job.action, run) })
        }
        RowClass::Temporary => Err(JobEnd::Temporary),
        RowClass::Ignored => Err(JobEnd::Ignored),
        RowClass::Rejected(why) => Err(failed(ReasonKind::BadJob, &why)),
    }
}

/// What is to be done, where that is known without asking: which way a file may come follows from
/// the policy or the sender's hint, else from a listing.
fn known_work(
    action: JobAction,
    hints: &Hints,
    policy: RoutePolicy,
    file: &SourceFile,
    look_first: bool,
) -> Option<Work> {
    if action == JobAction::Verify {
        return Some(Work::Verify { run: hints.run.clone().unwrap_or_default() });
    }
    let copy_from = match (policy, hints.route) {
        (RoutePolicy::Mogile, _) | (RoutePolicy::Auto, Some(RouteHint::Mogile)) => None,
        (_, Some(hint @ (RouteHint::Copy | RouteHint::CopyLeadingSlash))) => {
            hint.intermediary(file.fid)
        }
        (RoutePolicy::Copy, Some(RouteHint::Mogile)) | (_, None) => return None,
    };
    let mogile = policy != RoutePolicy::Copy;
    let (copy_length, meta) = (None, ObjectMeta::default());
    Some(Work::Migrate(FilePlan { copy_from, copy_length, mogile, meta, look_first }))
}

/// What is wrong with the settings, if the job says that its file is in another domain. There MogileFS
/// would not find the file, which would pass for deleted.
pub(super) fn other_domain(delivery: &Delivery, plan: &WorkPlan) -> Option<Misconfigured> {
    let jobs = delivery.job.as_ref().ok()?.hints.domain.clone()?;
    let domain = plan.domain.clone();
    (jobs != domain).then_some(Misconfigured::OtherDomain { jobs, domain })
}

fn failed(kind: ReasonKind, why: &dyn std::fmt::Display) -> JobEnd {
    back(Reason::new(kind, why))
}

pub(super) fn back(reason: Reason) -> JobEnd {
    JobEnd::Failed(Failure { reason, left: Left::Nothing })
}

fn not_started(detail: &str) -> Reason {
    Reason::new(ReasonKind::NotStarted, detail)
}

/// Of a message that is no job what could be read; 0, which no file has, where that is nothing.
fn fid_of(delivery: &Delivery) -> Fid {
    match &delivery.job {
        Ok(job) => job.fid,
        Err(bad) => bad.fid.unwrap_or(Fid(0)),
    }
}

fn count(summary: &mut WorkSummary, delivery: &Delivery, end: &JobEnd) {
    match end {
        JobEnd::Migrated(record) => {
            summary.ends.add_proven(record.route, record.length.unwrap_or_default());
        }
        JobEnd::Verified(verification) => summary.verified.add(verification.length),
        JobEnd::Gone => summary.ends.gone += 1,
        JobEnd::Temporary => summary.temporary += 1,
        JobEnd::Ignored => summary.ignored += 1,
        JobEnd::Failed(failure) => summary.ends.add_failed(fid_of(delivery), failure),
    }
}
