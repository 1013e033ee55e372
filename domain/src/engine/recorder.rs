//! What the tables are to hear: gathered, and written when there is a request's worth of it or when
//! it has waited long enough. A record that the tables did not take is kept and written again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures_util::FutureExt;

use super::Events;
use super::task::{EnginePorts, Record, Task};
use crate::ports::LedgerError;
use crate::retried::retried;
use crate::retry::backoff_between;
use crate::{FailureNote, Fid, MessageTries, Reason, Timestamp, limits};

/// Things that wait for others of their kind, to be sent together.
pub(super) struct Gathered<T> {
    things: Vec<T>,
    most: usize,
}

impl<T> Gathered<T> {
    pub(super) const fn new(most: usize) -> Self {
        Self { things: Vec::new(), most }
    }

    pub(super) fn add(&mut self, thing: T) {
        self.things.push(thing);
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.things.is_empty()
    }

    /// The next batch: a full one, or, if `all`, whatever there is.
    pub(super) fn next(&mut self, all: bool) -> Option<Vec<T>> {
        let enough = if all { 1 } else { self.most };
        let batch = self.things.len().min(self.most);
        (batch >= enough).then(|| self.things.drain(..batch).collect())
    }
}

/// One request's worth of what is to be written.
#[derive(Debug, Clone)]
pub(crate) enum OutgoingBatch {
    /// For the ledger or the verifications table: all of one kind.
    Records(Vec<(Task, Record)>),
    Failures(Vec<FailureNote>),
    /// Files that are proven: their failure records are out of date.
    Proven(Vec<Fid>),
    /// Files that ended without a proof: a verification's doubt of them stays.
    Ended(Vec<Fid>),
}

/// The number of a batch, and whether the table took it; of failures with what is known of each
/// message then.
pub(super) type Sent = (u64, Result<Vec<MessageTries>, Reason>);

pub(crate) struct Recorder<'a> {
    ports: EnginePorts<'a>,
    migrated: Gathered<(Task, Record)>,
    verified: Gathered<(Task, Record)>,
    failures: Gathered<FailureNote>,
    proven: Gathered<Fid>,
    ended: Gathered<Fid>,
    /// Batches of records that were not taken.
    kept: VecDeque<Vec<(Task, Record)>>,
    /// Refusals in a row, and when records are written again after the last of them.
    refusals: u32,
    again_at: Timestamp,
    /// Tasks that are done and whose records are not written.
    unrecorded: usize,
    /// When what is gathered has waited long enough.
    due: Option<Timestamp>,
    /// The batches that are being written, by number.
    under_way: BTreeMap<u64, Arc<OutgoingBatch>>,
    number: u64,
    pub(super) sending: Events<'a, Sent>,
}

impl<'a> Recorder<'a> {
    /// Records are written by as many as files may be under way, at most: with few of these a full
    /// request would keep them waiting.
    pub(super) fn new(ports: EnginePorts<'a>, concurrency: usize) -> Self {
        let most = limits::LEDGER_BATCH;
        Self {
            ports,
            migrated: Gathered::new(most.min(concurrency)),
            verified: Gathered::new(most.min(concurrency)),
            failures: Gathered::new(most),
            proven: Gathered::new(most),
            ended: Gathered::new(most),
            kept: VecDeque::new(),
            refusals: 0,
            again_at: Timestamp(0),
            unrecorded: 0,
            due: None,
            under_way: BTreeMap::new(),
            number: 0,
            sending: Events::new(),
        }
    }

    pub(super) fn record(&mut self, task: Task, record: Record) {
        self.unrecorded += 1;
        match record {
            Record::Migrated(_) => self.migrated.add((task, record)),
            Record::Verified(_) => self.verified.add((task, record)),
        }
        self.has_more();
    }

    pub(super) fn note_failure(&mut self, failure: FailureNote) {
        self.failures.add(failure);
        self.has_more();
    }

    pub(super) fn clear_failure_of_proven(&mut self, fid: Fid) {
        self.proven.add(fid);
        self.has_more();
    }

    pub(super) fn clear_failure_of_ended(&mut self, fid: Fid) {
        self.ended.add(fid);
        self.has_more();
    }

    fn has_more(&mut self) {
        self.due.get_or_insert(self.ports.after(limits::LEDGER_FLUSH_AFTER));
        self.send_full();
    }

    pub(super) const fn unrecorded(&self) -> usize {
        self.unrecorded
    }

    pub(super) fn is_idle(&self) -> bool {
        self.unrecorded == 0 && self.sending.is_empty() && self.due.is_none()
    }

    /// When this has something to do.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let again = (self.refusals > 0 && self.has_records()).then_some(self.again_at);
        self.due.into_iter().chain(again).min()
    }

    /// Does what is due.
    pub(super) fn on_time(&mut self, now: Timestamp) {
        if self.due.is_some_and(|due| due <= now) {
            self.send_all();
        }
        if self.refusals > 0 && self.again_at <= now {
            // One batch shows whether the tables take records again.
            self.again_at = Timestamp(u64::MAX);
            let kept = self.kept.pop_front().map(OutgoingBatch::Records);
            if let Some(batch) = kept.or_else(|| self.next_records(true)) {
                self.send(batch);
            }
        }
    }

    /// Sends full batches.
    fn send_full(&mut self) {
        self.send_gathered(false);
    }

    /// Sends all that is gathered.
    pub(super) fn send_all(&mut self) {
        self.due = None;
        self.send_gathered(true);
    }

    fn send_gathered(&mut self, all: bool) {
        while let Some(batch) = self.next(all) {
            self.send(batch);
        }
    }

    fn next(&mut self, all: bool) -> Option<OutgoingBatch> {
        let records = if self.refusals == 0 { self.next_records(all) } else { None };
        records
            .or_else(|| self.failures.next(all).map(OutgoingBatch::Failures))
            .or_else(|| self.proven.next(all).map(OutgoingBatch::Proven))
            .or_else(|| self.ended.next(all).map(OutgoingBatch::Ended))
    }

    fn next_records(&mut self, all: bool) -> Option<OutgoingBatch> {
        let records = self.migrated.next(all).or_else(|| self.verified.next(all));
        records.map(OutgoingBatch::Records)
    }

    fn has_records(&self) -> bool {
        !self.kept.is_empty() || !self.migrated.is_empty() || !self.verified.is_empty()
    }

    fn send(&mut self, batch: OutgoingBatch) {
        let (ports, batch) = (self.ports, Arc::new(batch));
        self.number += 1;
        let number = self.number;
        self.under_way.insert(number, Arc::clone(&batch));
        let sent = async move { (number, batch.send(ports).await) };
        self.sending.push(sent.boxed());
    }

    /// The batch that was answered.
    pub(super) fn take(&mut self, number: u64) -> Option<OutgoingBatch> {
        self.under_way.remove(&number).map(Arc::unwrap_or_clone)
    }

    /// Waits for no answer any longer. Returns all that may not be written.
    pub(super) fn give_up(&mut self) -> Vec<OutgoingBatch> {
        self.sending.clear();
        (self.due, self.unrecorded, self.refusals) = (None, 0, 0);
        let under_way = std::mem::take(&mut self.under_way).into_values().map(Arc::unwrap_or_clone);
        let kept = std::mem::take(&mut self.kept).into_iter().map(OutgoingBatch::Records);
        let mut all: Vec<_> = under_way.chain(kept).collect();
        all.extend(std::iter::from_fn(|| self.next(true)));
        all
    }

    /// The tables took records: those that were kept are written again, and what was gathered since.
    pub(super) fn taken(&mut self, records: usize) {
        self.unrecorded -= records;
        if self.refusals == 0 {
            return;
        }
        self.refusals = 0;
        for records in std::mem::take(&mut self.kept) {
            self.send(OutgoingBatch::Records(records));
        }
        self.send_all();
    }

    /// The tables did not take these records: they are written again after a pause.
    pub(super) fn keep(&mut self, records: Vec<(Task, Record)>, now: Timestamp) {
        self.kept.push_back(records);
        self.refusals = self.refusals.saturating_add(1);
        let (first, longest) = (limits::OUTAGE_PAUSE_FIRST, limits::OUTAGE_PAUSE_LONGEST);
        self.again_at = now.after(backoff_between(first, longest, self.refusals, now.0));
    }

    /// These records are given up.
    pub(super) const fn forget(&mut self, records: usize) {
        self.unrecorded -= records;
    }

    /// The engine stops: whatever waits is written now, once more where it was not taken.
    pub(super) fn write_once_more(&mut self) {
        self.refusals = 0;
        for records in std::mem::take(&mut self.kept) {
            self.send(OutgoingBatch::Records(records));
        }
        self.send_all();
    }
}

impl OutgoingBatch {
    /// Sends it, again and again while that may help: each comes out the same twice.
    async fn send(&self, ports: EnginePorts<'_>) -> Result<Vec<MessageTries>, Reason> {
        let (clock, failures) = (ports.files.clock.as_ref(), ports.files.failures.as_ref());
        let sent = match self {
            Self::Records(records) => write_records(records, ports).await,
            Self::Failures(notes) => {
                let salt = notes.first().map_or(0, |note| note.record.fid.0);
                let tries = retried(clock, salt, || failures.note(notes)).await;
                return tries.map_err(|error| Reason::from(&error));
            }
            Self::Proven(fids) => retried(clock, salt(fids), || failures.clear(fids)).await,
            Self::Ended(fids) => {
                retried(clock, salt(fids), || failures.clear_undoubted(fids)).await
            }
        };
        sent.map(|()| Vec::new()).map_err(|error| Reason::from(&error))
    }
}

async fn write_records(
    records: &[(Task, Record)],
    ports: EnginePorts<'_>,
) -> Result<(), LedgerError> {
    let (mut migrated, mut verified) = (Vec::new(), Vec::new());
    for (_, record) in records {
        match record {
            Record::Migrated(record) => migrated.push(record.clone()),
            Record::Verified(seen) => verified.push(seen.clone()),
        }
    }
    let (files, clock) = (ports.files, ports.files.clock.as_ref());
    let salt = records.first().map_or(0, |(task, _)| task.file.fid.0);
    if !migrated.is_empty() {
        retried(clock, salt, || files.ledger.record(&migrated)).await?;
    }
    if !verified.is_empty() {
        retried(clock, salt, || ports.verifications.record(&verified)).await?;
    }
    Ok(())
}

fn salt(fids: &[Fid]) -> u64 {
    fids.first().map_or(0, |fid| fid.0)
}
