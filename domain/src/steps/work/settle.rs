//! What becomes of jobs: done, held, or given back.

use std::time::Duration;

use super::JobEnd;
use super::engine::{Engine, Event};
use super::feed::{AskingState, Feed};
use super::outbox::Letter;
use super::task::{JobKey, Task, Work, Worked, other_domain};
use crate::ports::{Delivery, Receipt};
use crate::redelivery::comes_back_after;
use crate::steps::migrate_file::{FileEnd, FileOutcome, FilePlan};
use crate::steps::stop::Stop;
use crate::summary::Stopped;
use crate::{
    Failure, FailureRecord, Finding, FindingKind, Left, Reason, ReasonKind, SourceFile,
    WorkSummary, limits,
};

impl Engine<'_> {
    /// Takes messages in hand. One whose job is in hand already shares that one's end.
    pub(super) fn take_deliveries(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            self.summary.deliveries += 1;
            if let Feed::Queue { .. } = self.feed
                && let Some(other) = other_domain(&delivery, self.plan)
            {
                // All that come after it would be of that domain, too: they are left to others.
                let reason = Reason::new(ReasonKind::NotStarted, &other);
                self.settle_one(
                    &delivery,
                    &JobEnd::Failed(Failure { reason, left: Left::Nothing }),
                );
                self.stop_because(Stopped::Misconfigured(other));
                continue;
            }
            match Task::of(&delivery, self.plan) {
                Err(end) => self.settle_one(&delivery, &end),
                Ok(task) => {
                    let known = self.in_hand.entry(task.key.clone()).or_default();
                    known.push(delivery);
                    if known.len() == 1 {
                        self.begin(task);
                    }
                }
            }
        }
    }

    pub(super) fn begin(&mut self, task: Task) {
        if self.stop.is_some() {
            self.give_back(&task.key, self.not_started());
            return;
        }
        match task.known_work(self.plan.route) {
            Some(work) => self.waiting.push_back((task, work)),
            None => self.unplanned.push(task),
        }
    }

    pub(super) fn take_plans(&mut self, tasks: Vec<Task>, plans: Result<Vec<FilePlan>, Reason>) {
        self.planning -= 1;
        let tasks = tasks.into_iter();
        match plans {
            Ok(plans) => {
                for (task, mut plan) in tasks.zip(plans) {
                    plan.look_first |= task.look_first;
                    self.wait(task, Work::Migrate(plan));
                }
            }
            Err(reason) => {
                for task in tasks {
                    let left = Left::Nothing;
                    self.take_failure(task, None, Failure { reason: reason.clone(), left });
                }
            }
        }
    }

    pub(super) fn wait(&mut self, task: Task, work: Work) {
        if self.stop.is_none() {
            self.waiting.push_back((task, work));
        } else {
            self.give_back(&task.key, self.not_started());
        }
    }

    pub(super) fn take_worked(&mut self, task: Task, work: Work, worked: Worked) {
        if !self.in_hand.contains_key(&task.key) {
            // It was abandoned, and its next delivery will find what it did.
            return;
        }
        if let Worked::Migrated(FileOutcome { end, findings }) = &worked {
            // A file that failed may be tried again, and says the rest again; what it has replaced
            // is gone now.
            let is_proven = matches!(end, FileEnd::Proven(_));
            let is_kept = |found: &&Finding| is_proven || found.kind == FindingKind::Replaced;
            for finding in findings.iter().filter(is_kept) {
                self.summary.ends.add_finding(task.file.fid, finding);
            }
        }
        match worked {
            Worked::Migrated(FileOutcome { end: FileEnd::Proven(record), .. }) => {
                self.recording.insert(task.key.clone());
                self.outbox.records.add((task, record));
            }
            Worked::Migrated(FileOutcome { end: FileEnd::Gone, .. }) => {
                self.outage_is_over();
                self.settle(&task.key, &JobEnd::Gone);
            }
            Worked::Migrated(FileOutcome { end: FileEnd::Failed(failure), .. }) => {
                self.take_failure(task, Some(work), failure);
            }
            Worked::Verified(Ok(verification)) => {
                self.recording.insert(task.key.clone());
                self.outbox.verifications.add((task, verification));
            }
            Worked::Verified(Err(failure)) => self.take_failure(task, Some(work), failure),
        }
    }

    /// The time until which everything must be done, less what it takes to tell about it.
    pub(super) fn time_left(&self) -> Option<Duration> {
        let Feed::Batch { finish_by } = self.feed else { return None };
        let left = finish_by.0.saturating_sub(self.ports.files.clock.now().0);
        Some(Duration::from_millis(left).saturating_sub(limits::BATCH_RESERVE))
    }

    /// Why a file is not begun any more, if it is not. In an outage that is the reason.
    pub(super) fn too_late_for(&self, file: &SourceFile) -> Option<Reason> {
        let left = self.time_left()?;
        // What flows beside it takes its share.
        let bytes = self.bytes_under_way + u128::from(file.length.0);
        let needed = limits::expected_time(u64::try_from(bytes).unwrap_or(u64::MAX));
        (left < needed).then(|| {
            let (left, needed) = (left.as_secs(), needed.as_secs());
            let detail = format!("{left} s are left, and it is expected to take {needed} s");
            self.late(&detail)
        })
    }

    pub(super) fn take_sent(&mut self, letter: Letter, answer: Result<Vec<Receipt>, Reason>) {
        match letter {
            Letter::Records(records) => {
                let records = records.into_iter();
                let done = records.map(|(task, record)| (task, JobEnd::Migrated(record)));
                self.take_recorded(done.collect(), answer.as_ref().err());
            }
            Letter::Verifications(seen) => {
                let seen = seen.into_iter();
                let done = seen.map(|(task, verified)| (task, JobEnd::Verified(verified)));
                self.take_recorded(done.collect(), answer.as_ref().err());
            }
            Letter::Failures(failures) => {
                self.summary.unexplained += if answer.is_err() { failures.len() as u64 } else { 0 };
                for failure in failures.iter().filter(|failure| failure.doubted) {
                    let fid = failure.fid.0;
                    let doubts = &mut self.summary.unnoted_doubts;
                    // Its next delivery may be noted, in this run.
                    if answer.is_err() {
                        doubts.insert(fid)
                    } else {
                        doubts.remove(fid)
                    };
                }
            }
            Letter::Done(receipts) => {
                let refused = answer.map_or(receipts.len(), |refused| refused.len());
                self.summary.unacknowledged += refused as u64;
            }
            Letter::Healed(fids) | Letter::Ended(fids) => {
                if let Err(reason) = answer {
                    self.summary.ends.add_uncleared(fids, &reason);
                }
            }
            // What is not told here comes back by itself, later.
            Letter::Again(_) => {}
        }
    }

    fn take_recorded(&mut self, done: Vec<(Task, JobEnd)>, trouble: Option<&Reason>) {
        if trouble.is_none() {
            self.outage_is_over();
        }
        for (task, end) in done {
            self.recording.remove(&task.key);
            match trouble {
                None => self.settle(&task.key, &end),
                Some(reason) => {
                    let work = match end {
                        JobEnd::Migrated(record) => Some(Work::Record(record)),
                        JobEnd::Verified(_)
                        | JobEnd::Gone
                        | JobEnd::Temporary
                        | JobEnd::Ignored
                        | JobEnd::Failed(_) => None,
                    };
                    self.count_outage(reason);
                    self.hold_or_give_back(task, work, reason);
                }
            }
        }
    }

    /// Gives everything back that is not under way; when it is to be abandoned, that too.
    pub(super) fn take_stop(&mut self, stop: Option<Stop>) {
        let Some(stop) = stop else { return };
        if self.stop.is_none() && matches!(self.feed, Feed::Queue { .. }) {
            self.summary.stopped.get_or_insert(Stopped::Interrupted);
            let clock = &self.ports.files.clock;
            self.start(async move {
                clock.sleep(limits::STOPPING_TIME).await;
                Event::Asked(Some(Stop::Abandon))
            });
        }
        self.stop = self.stop.max(Some(stop));
        self.asking.state = AskingState::Ended;
        for (task, _) in std::mem::take(&mut self.waiting) {
            self.give_back(&task.key, self.not_started());
        }
        for task in std::mem::take(&mut self.unplanned) {
            self.give_back(&task.key, self.not_started());
        }
        for (key, held) in std::mem::take(&mut self.held) {
            self.give_back(&key, held.why);
        }
        if self.stop == Some(Stop::Abandon) {
            let kept = |key: &&JobKey| !self.recording.contains(*key);
            let abandoned: Vec<_> = self.in_hand.keys().filter(kept).cloned().collect();
            for key in abandoned {
                let detail = "it was abandoned before it was done, since the time was over";
                self.give_back(&key, self.late(detail));
            }
        }
    }

    fn not_started(&self) -> Reason {
        match self.feed {
            Feed::Batch { .. } => self.late("there was no time left to start it"),
            Feed::Queue { .. } => {
                Reason::new(ReasonKind::NotStarted, "the worker was asked to stop")
            }
        }
    }

    /// The last moment of a batch: what is not told by now comes again.
    pub(super) fn end_at_once(&mut self) {
        let detail = "its record was not written in time: the next delivery finds what was done";
        let reason = self.late(detail);
        let in_hand: Vec<_> = self.in_hand.keys().cloned().collect();
        for key in in_hand {
            self.give_back(&key, reason.clone());
        }
    }

    pub(super) fn give_back(&mut self, key: &JobKey, reason: Reason) {
        self.settle(key, &JobEnd::Failed(Failure { reason, left: Left::Nothing }));
    }

    /// The end of a job, for each of its deliveries.
    pub(super) fn settle(&mut self, key: &JobKey, end: &JobEnd) {
        let deliveries = self.in_hand.remove(key).unwrap_or_default();
        for (number, delivery) in deliveries.iter().enumerate() {
            if number > 0 && !matches!(end, JobEnd::Failed(_)) {
                self.summary.merged += 1;
                self.tell(delivery, end);
            } else {
                self.settle_one(delivery, end);
            }
        }
    }

    fn settle_one(&mut self, delivery: &Delivery, end: &JobEnd) {
        count(&mut self.summary, delivery, end);
        self.tell(delivery, end);
    }

    /// What the queue and the failures table are to hear of it.
    fn tell(&mut self, delivery: &Delivery, end: &JobEnd) {
        self.observer.settled(delivery, end);
        if let JobEnd::Failed(failure) = end {
            let now = self.ports.files.clock.now();
            if let Some(record) = FailureRecord::of(delivery, failure, now) {
                self.outbox.failures.add(record);
            }
            let salt = fid_of(delivery);
            let after = match (self.feed, failure.reason.kind) {
                // Another worker may take it at once.
                (Feed::Queue { .. }, ReasonKind::NotStarted) => Duration::ZERO,
                (_, kind) => comes_back_after(kind, delivery.attempt, salt),
            };
            self.outbox.again.add((delivery.receipt.clone(), after));
            // Only who acknowledges a batch asks for these.
            if matches!(self.feed, Feed::Batch { .. }) {
                self.again.push(delivery.message.clone());
            }
            return;
        }
        if matches!(self.feed, Feed::Queue { .. }) {
            self.outbox.done.add(delivery.receipt.clone());
        }
        if let Ok(job) = &delivery.job
            && (delivery.attempt > 1 || job.hints.failed_before)
        {
            let is_proven = matches!(end, JobEnd::Migrated(_) | JobEnd::Verified(_));
            let outbox = &mut self.outbox;
            (if is_proven { &mut outbox.healed } else { &mut outbox.ended }).add(job.fid);
        }
    }
}

/// Of a message that is no job what could be read; 0, which no file has, where that is nothing.
fn fid_of(delivery: &Delivery) -> u64 {
    match &delivery.job {
        Ok(job) => job.fid.0,
        Err(bad) => bad.fid.map_or(0, |fid| fid.0),
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
        JobEnd::Failed(failure) => summary.ends.add_failed(crate::Fid(fid_of(delivery)), failure),
    }
}
