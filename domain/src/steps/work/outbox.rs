//! What a worker has to tell others, gathered so that few requests carry it.

use std::time::Duration;

use crate::ports::Receipt;
use crate::steps::WorkPorts;
use crate::steps::retried::retried;
use crate::{FailureRecord, Fid, LedgerRecord, Reason, Verification, limits};

use super::task::Task;

/// Things that wait for others of their kind, to be sent together.
pub(super) struct Gathered<T> {
    things: Vec<T>,
    most: usize,
}

impl<T> Gathered<T> {
    const fn new(most: usize) -> Self {
        Self { things: Vec::new(), most }
    }

    pub(super) fn add(&mut self, thing: T) {
        self.things.push(thing);
    }

    pub(super) const fn len(&self) -> usize {
        self.things.len()
    }

    /// The next batch: a full one, or, if `all`, whatever there is.
    fn next(&mut self, all: bool) -> Option<Vec<T>> {
        let enough = if all { 1 } else { self.most };
        let batch = self.things.len().min(self.most);
        (batch >= enough).then(|| self.things.drain(..batch).collect())
    }
}

/// All that waits to be sent.
pub(super) struct Outbox {
    /// Proven files without their ledger records.
    pub(super) records: Gathered<(Task, LedgerRecord)>,
    /// Verified files without their records.
    pub(super) verifications: Gathered<(Task, Verification)>,
    /// Failures to note.
    pub(super) failures: Gathered<FailureRecord>,
    /// Fids whose failure records are out of date.
    pub(super) healed: Gathered<Fid>,
    /// Fids whose jobs have ended without a proof: a verification's doubt of them stays.
    pub(super) ended: Gathered<Fid>,
    /// Deliveries to acknowledge.
    pub(super) done: Gathered<Receipt>,
    /// Deliveries that are to come again when their time has passed.
    pub(super) again: Gathered<(Receipt, Duration)>,
}

/// One request's worth of it.
pub(super) enum Letter {
    Records(Vec<(Task, LedgerRecord)>),
    Verifications(Vec<(Task, Verification)>),
    Failures(Vec<FailureRecord>),
    Healed(Vec<Fid>),
    Ended(Vec<Fid>),
    Done(Vec<Receipt>),
    Again(Vec<(Receipt, Duration)>),
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            records: Gathered::new(limits::LEDGER_BATCH),
            verifications: Gathered::new(limits::LEDGER_BATCH),
            failures: Gathered::new(limits::LEDGER_BATCH),
            healed: Gathered::new(limits::LEDGER_BATCH),
            ended: Gathered::new(limits::LEDGER_BATCH),
            done: Gathered::new(limits::QUEUE_BATCH),
            again: Gathered::new(limits::QUEUE_BATCH),
        }
    }
}

impl Outbox {
    /// The next request that is worth sending; if `all`, the next of any size.
    pub(super) fn next(&mut self, all: bool) -> Option<Letter> {
        let records = self.records.next(all).map(Letter::Records);
        records
            .or_else(|| self.verifications.next(all).map(Letter::Verifications))
            .or_else(|| self.failures.next(all).map(Letter::Failures))
            .or_else(|| self.healed.next(all).map(Letter::Healed))
            .or_else(|| self.ended.next(all).map(Letter::Ended))
            .or_else(|| self.done.next(all).map(Letter::Done))
            .or_else(|| self.again.next(all).map(Letter::Again))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.records.len()
            + self.verifications.len()
            + self.failures.len()
            + self.healed.len()
            + self.ended.len()
            + self.done.len()
            + self.again.len()
            == 0
    }
}

impl Letter {
    /// Sends it, again and again while that may help: each comes out the same twice. Gives the
    /// receipts that the queue did not take.
    pub(super) async fn send(&self, ports: &WorkPorts) -> Result<Vec<Receipt>, Reason> {
        let clock = ports.files.clock.as_ref();
        let none = |()| Vec::new();
        match self {
            Self::Records(proven) => {
                let records: Vec<_> = proven.iter().map(|(_, record)| record.clone()).collect();
                let salt = records.first().map_or(0, |record| record.fid.0);
                let written = retried(clock, salt, || ports.files.ledger.record(&records)).await;
                written.map(none).map_err(|error| Reason::from(&error))
            }
            Self::Verifications(seen) => {
                let seen: Vec<_> = seen.iter().map(|(_, seen)| seen.clone()).collect();
                let salt = seen.first().map_or(0, |seen| seen.fid.0);
                let written = retried(clock, salt, || ports.verifications.record(&seen)).await;
                written.map(none).map_err(|error| Reason::from(&error))
            }
            Self::Failures(failures) => {
                let salt = failures.first().map_or(0, |failure| failure.fid.0);
                let noted = retried(clock, salt, || ports.files.failures.note(failures)).await;
                noted.map(none).map_err(|error| Reason::from(&error))
            }
            Self::Healed(fids) => {
                let cleared = retried(clock, 0, || ports.files.failures.clear(fids)).await;
                cleared.map(none).map_err(|error| Reason::from(&error))
            }
            Self::Ended(fids) => {
                let log = ports.files.failures.as_ref();
                let cleared = retried(clock, 0, || log.clear_undoubted(fids)).await;
                cleared.map(none).map_err(|error| Reason::from(&error))
            }
            Self::Done(receipts) => {
                let deleted = retried(clock, 0, || ports.queue.delete(receipts)).await;
                deleted.map_err(|error| Reason::from(&error))
            }
            Self::Again(changes) => {
                let told = retried(clock, 0, || ports.queue.set_visibility(changes)).await;
                told.map_err(|error| Reason::from(&error))
            }
        }
    }
}
