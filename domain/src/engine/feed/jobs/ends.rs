//! What follows when a job ends: for the counts, the failures table, and the queues.

use super::{JobFeed, Source};
use crate::engine::feed::message::{back, not_started};
use crate::engine::task::{Record, TaskEnd, TaskKey};
use crate::engine::{JobEnd, OutgoingBatch, Recorder};
use crate::redelivery::{comes_back_after, is_own_failure};
use crate::{
    Delivery, Failure, FailureNote, Fid, MessageTries, Reason, ReasonKind, WorkSummary, limits,
};

impl JobFeed<'_> {
    pub(super) fn take_end(&mut self, key: &TaskKey, end: TaskEnd, recorder: &mut Recorder<'_>) {
        let is_queue = matches!(self.source, Source::Queue(_));
        let end = match end {
            TaskEnd::Recorded(Record::Migrated(record)) => JobEnd::Migrated(record),
            TaskEnd::Recorded(Record::Verified(seen)) => JobEnd::Verified(seen),
            TaskEnd::Gone => JobEnd::Gone,
            // A queue gives no such task.
            TaskEnd::Synced(_) => back(not_started("a job does not sync")),
            TaskEnd::Failed(failure) => JobEnd::Failed(failure),
            TaskEnd::Unrecorded(reason) => back(reason),
            TaskEnd::NotBegun(why) if is_queue => {
                back(why.unwrap_or_else(|| not_started("the worker was asked to stop")))
            }
            TaskEnd::NotBegun(why) => {
                back(why.unwrap_or_else(|| not_started("there was no time left to start it")))
            }
            TaskEnd::Abandoned(away, left) => {
                let late = "it was abandoned before it was done, since the time was over";
                let reason = away.unwrap_or_else(|| not_started(late));
                JobEnd::Failed(Failure { reason, left })
            }
        };
        self.settle(key, &end, recorder);
    }

    /// What has no end by now comes again, for this reason if there is one.
    pub(super) fn end_all(&mut self, away: Option<&Reason>, recorder: &mut Recorder<'_>) {
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
            self.take_failure(delivery, failure, recorder);
            return;
        }
        match &delivery.job {
            // The record first: if the worker ended between the two, no delivery would clear it.
            Ok(job) if delivery.attempt > 1 || job.hints.failed_before => {
                self.clearing.entry(job.fid).or_default().push(delivery.clone());
                if matches!(end, JobEnd::Migrated(_) | JobEnd::Verified(_)) {
                    recorder.clear_failure_of_proven(job.fid);
                } else {
                    recorder.clear_failure_of_ended(job.fid);
                }
            }
            Ok(_) | Err(_) => self.acknowledge(delivery),
        }
    }

    /// The queue is not to deliver its message again.
    fn acknowledge(&mut self, delivery: &Delivery) {
        match &mut self.source {
            Source::Queue(_) => self.answers.done(delivery, &self.events),
            Source::Batch { done, .. } => {
                done.insert(delivery.message.clone());
            }
        }
    }

    fn take_failure(
        &mut self,
        delivery: &Delivery,
        failure: &Failure,
        recorder: &mut Recorder<'_>,
    ) {
        let kind = failure.reason.kind;
        let note = FailureNote::of(delivery, failure, self.ports.files.clock.now());
        match note {
            Some(note) if is_own_failure(kind) => {
                // How often it has failed by itself decides what becomes of it.
                let key = (note.record.fid, note.message.clone());
                self.counting.entry(key).or_default().push((delivery.clone(), kind));
                recorder.note_failure(note);
            }
            Some(note) => {
                recorder.note_failure(note);
                self.give_back(delivery, kind, delivery.attempt);
            }
            // Nothing can be written down of a message without a fid: its deliveries count.
            None => self.decide(delivery.clone(), kind, delivery.attempt),
        }
    }

    /// What becomes of a job that has failed by itself this many times.
    fn decide(&mut self, delivery: Delivery, kind: ReasonKind, times: u32) {
        let is_enough = times >= limits::TRIES || kind == ReasonKind::Killed;
        if is_enough && self.ports.dead_letters.is_some() {
            self.answers.dead(delivery, &self.events);
        } else {
            self.give_back(&delivery, kind, times);
        }
    }

    fn give_back(&mut self, delivery: &Delivery, kind: ReasonKind, times: u32) {
        let salt = delivery.fid().map_or(0, |fid| fid.0);
        let after = match (&self.source, kind) {
            // Another worker may take it at once.
            (Source::Queue(_), ReasonKind::NotStarted | ReasonKind::OtherSettings) => {
                std::time::Duration::ZERO
            }
            (Source::Queue(_) | Source::Batch { .. }, kind) => comes_back_after(kind, times, salt),
        };
        self.answers.comes_back(delivery, after, &self.events);
    }

    pub(super) fn take_noted(
        &mut self,
        notice: &OutgoingBatch,
        answer: Result<Vec<MessageTries>, &Reason>,
    ) {
        match notice {
            OutgoingBatch::Failures(notes) => self.take_counted(notes, answer),
            OutgoingBatch::Proven(fids) | OutgoingBatch::Ended(fids) => {
                if let Err(why) = answer {
                    self.summary.ends.add_uncleared(fids.iter().copied(), why);
                }
                for fid in fids {
                    for delivery in self.clearing.remove(fid).unwrap_or_default() {
                        self.acknowledge(&delivery);
                    }
                }
            }
            OutgoingBatch::Records(_) => {}
        }
    }

    fn take_counted(&mut self, notes: &[FailureNote], answer: Result<Vec<MessageTries>, &Reason>) {
        let is_unexplained = answer.is_err();
        self.summary.unexplained += if is_unexplained { notes.len() as u64 } else { 0 };
        let mut tries = answer.unwrap_or_default().into_iter();
        for FailureNote { message, record, .. } in notes {
            let tries = tries.next();
            if record.doubted {
                // Its next delivery may be noted, in this run.
                let (doubts, fid) = (&mut self.summary.unnoted_doubts, record.fid.0);
                if is_unexplained {
                    doubts.insert(fid)
                } else {
                    doubts.remove(fid)
                };
            }
            let key = (record.fid, message.clone());
            for (delivery, kind) in self.counting.remove(&key).unwrap_or_default() {
                // Uncounted it comes back: it is not known how often it has failed.
                match tries {
                    Some(tries) => self.decide(delivery, kind, tries.own),
                    None => self.give_back(&delivery, kind, delivery.attempt),
                }
            }
        }
    }

    /// The dead-letter queue has taken these, but for some.
    pub(super) fn take_moved(
        &mut self,
        letters: Vec<Delivery>,
        (refused, why): (Vec<usize>, &str),
    ) {
        self.answers.told();
        for (place, letter) in letters.into_iter().enumerate() {
            if !refused.contains(&place) {
                self.summary.dead_letters += 1;
                self.acknowledge(&letter);
                continue;
            }
            match letter.fid() {
                Some(fid) => self.summary.unmoved.add(fid, why),
                None => self.summary.unmoved.add_nameless(why),
            }
            self.give_back(&letter, ReasonKind::QueueUnavailable, letter.attempt);
        }
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
        // Of a message that is no job what could be read; 0, which no file has, where that is
        // nothing.
        JobEnd::Failed(failure) => {
            summary.ends.add_failed(delivery.fid().unwrap_or(Fid(0)), failure);
        }
    }
}
