//! Reading all dead letters, each once: several requests at a time, while what was read stays
//! invisible to others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join};
use futures_util::stream::{self, FuturesUnordered};

use super::why::{Why, fid_of_failure, why};
use crate::ports::WatchPorts;
use crate::retried::retried;
use crate::{Delivery, Reason, Receipt, Timestamp, limits};

/// What is done with the letters of a sweep.
pub(super) trait Sweeper<'a>: Send {
    /// Takes new letters. Returns what is to be done for them, if anything.
    fn take(&mut self, letters: Vec<(Delivery, Why)>) -> Option<BoxFuture<'a, Step>>;

    /// What was to be done is done. Returns the letters that are gone from their queue.
    fn done(&mut self, sent: Sent) -> Vec<Receipt>;
}

/// Jobs that were sent again, and the letters that they were.
pub(super) struct Sent {
    pub(super) report: crate::SendReport,
    pub(super) receipts: Vec<Receipt>,
    /// Those that could not be deleted.
    pub(super) kept: Vec<Receipt>,
    /// Why nothing more can be done.
    pub(super) trouble: Option<Reason>,
}

/// What one request, or a few in a row, came to.
pub(super) enum Step {
    /// Letters with what they died of, and when they were asked for.
    Read(Result<(Timestamp, Vec<(Delivery, Why)>), Reason>),
    /// Letters were sent again.
    Sent(Result<Sent, Reason>),
    /// Letters stay invisible for longer, or will be seen when their time is over.
    Renewed,
}

/// Reads the dead letters.
pub(super) struct Sweep<'a> {
    ports: &'a WatchPorts,
    seen: BTreeSet<String>,
    /// What is invisible to others because of this, by message.
    kept: BTreeMap<String, Receipt>,
    /// The same by the time at which it was hidden last, the first in front.
    hidden: VecDeque<(Timestamp, String)>,
    reading: usize,
    /// Letters that were seen come again: their time of being invisible is over.
    came_round: bool,
    trouble: Option<Reason>,
}

impl<'a> Sweep<'a> {
    pub(super) const fn new(ports: &'a WatchPorts) -> Self {
        Self {
            ports,
            seen: BTreeSet::new(),
            kept: BTreeMap::new(),
            hidden: VecDeque::new(),
            reading: 0,
            came_round: false,
            trouble: None,
        }
    }

    /// Whether there may be more than were read.
    pub(super) fn is_full(&self) -> bool {
        self.came_round || self.seen.len() >= limits::DEAD_LETTERS_READ
    }

    /// Gives all letters to `sweeper`, until every reader has found none. Errors with the first
    /// trouble; what was begun by then is ended.
    pub(super) async fn run(&mut self, sweeper: &mut dyn Sweeper<'a>) -> Result<(), Reason> {
        let mut steps = FuturesUnordered::new();
        for _ in 0..limits::DEAD_LETTER_READERS {
            self.read_on(&steps);
        }
        while let Some(step) = steps.next().await {
            match step {
                Step::Read(Ok((at, letters))) => {
                    self.reading -= 1;
                    let was_empty = letters.is_empty();
                    let new = self.keep(at, letters);
                    self.came_round |= new.is_empty() && !was_empty;
                    if let Some(next) = sweeper.take(new) {
                        steps.push(next);
                    }
                    if !was_empty {
                        self.read_on(&steps);
                    }
                }
                Step::Sent(Ok(sent)) => {
                    self.trouble = self.trouble.take().or(sent.trouble.clone());
                    let gone: BTreeSet<_> = sweeper.done(sent).into_iter().collect();
                    self.kept.retain(|_, receipt| !gone.contains(receipt));
                }
                Step::Read(Err(reason)) => {
                    self.reading -= 1;
                    self.trouble.get_or_insert(reason);
                }
                Step::Sent(Err(reason)) => {
                    self.trouble.get_or_insert(reason);
                }
                Step::Renewed => {}
            }
            self.renew(&steps);
        }
        self.trouble.take().map_or(Ok(()), Err)
    }

    /// Asks for the next letters, unless enough are read or something is wrong.
    fn read_on(&mut self, steps: &FuturesUnordered<BoxFuture<'a, Step>>) {
        let asked_for = self.reading * limits::QUEUE_BATCH;
        if self.trouble.is_some()
            || self.came_round
            || self.seen.len() + asked_for >= limits::DEAD_LETTERS_READ
        {
            return;
        }
        self.reading += 1;
        steps.push(Box::pin(read(self.ports)));
    }

    /// The letters that were not seen before. All of them are kept.
    fn keep(&mut self, at: Timestamp, letters: Vec<(Delivery, Why)>) -> Vec<(Delivery, Why)> {
        for (letter, _) in &letters {
            self.kept.insert(letter.message.clone(), letter.receipt.clone());
            self.hidden.push_back((at, letter.message.clone()));
        }
        letters.into_iter().filter(|(letter, _)| self.seen.insert(letter.message.clone())).collect()
    }

    /// Hides what was hidden long ago for as long again, a batch at a time.
    fn renew(&mut self, steps: &FuturesUnordered<BoxFuture<'a, Step>>) {
        if self.reading == 0 || self.trouble.is_some() {
            return;
        }
        let now = self.ports.clock.now();
        let is_due = |at: &Timestamp| at.until(now) >= limits::DEAD_LETTER_LOOK / 2;
        while self.hidden.front().is_some_and(|(at, _)| is_due(at)) {
            let mut batch = Vec::new();
            while batch.len() < limits::QUEUE_BATCH
                && let Some((at, message)) = self.hidden.pop_front_if(|(at, _)| is_due(at))
            {
                let Some(receipt) = self.kept.get(&message) else { continue };
                batch.push((receipt.clone(), limits::DEAD_LETTER_LOOK));
                self.hidden.push_back((now.max(at), message));
            }
            if batch.is_empty() {
                continue;
            }
            let ports = self.ports;
            steps.push(Box::pin(async move {
                hide(ports, &batch).await;
                Step::Renewed
            }));
        }
    }

    /// Lets others see what was only looked at. What cannot be released becomes visible by itself.
    pub(super) async fn release(&mut self) {
        let changes = std::mem::take(&mut self.kept).into_values();
        let changes: Vec<_> = changes.map(|receipt| (receipt, Duration::ZERO)).collect();
        let ports = self.ports;
        let mut told = stream::iter(changes.chunks(limits::QUEUE_BATCH))
            .map(|batch| hide(ports, batch))
            .buffer_unordered(limits::DEAD_LETTER_READERS);
        while told.next().await.is_some_and(|told| told) {}
    }
}

/// Sets the visibility of these. Returns whether the queue was reached.
async fn hide(ports: &WatchPorts, changes: &[(Receipt, Duration)]) -> bool {
    let clock = ports.clock.as_ref();
    retried(clock, 0, || ports.dead_letters.set_visibility(changes)).await.is_ok()
}

/// The next letters, each with what it died of.
async fn read(ports: &WatchPorts) -> Step {
    let clock = ports.clock.as_ref();
    let at = clock.now();
    let (most, wait) = (limits::QUEUE_BATCH, limits::DEAD_LETTER_WAIT);
    let received = retried(clock, 0, || {
        ports.dead_letters.receive(most, wait, Some(limits::DEAD_LETTER_LOOK))
    });
    let letters = match received.await {
        Ok(letters) if letters.is_empty() => return Step::Read(Ok((at, Vec::new()))),
        Ok(letters) => letters,
        Err(error) => return Step::Read(Err(Reason::from(&error))),
    };
    // Visible again at once, if nobody can say what they died of: they are not kept.
    let receipts: Vec<_> =
        letters.iter().map(|letter| (letter.receipt.clone(), Duration::ZERO)).collect();
    match explained(ports, letters).await {
        Ok(letters) => Step::Read(Ok((at, letters))),
        Err(reason) => {
            hide(ports, &receipts).await;
            Step::Read(Err(reason))
        }
    }
}

async fn explained(
    ports: &WatchPorts,
    letters: Vec<Delivery>,
) -> Result<Vec<(Delivery, Why)>, Reason> {
    let fids: Vec<_> =
        letters.iter().filter_map(|letter| Some(letter.job.as_ref().ok()?.fid)).collect();
    let clock = ports.clock.as_ref();
    let failures = retried(clock, 0, || ports.failures.read(&fids));
    let records = retried(clock, 0, || ports.ledger.read(&fids));
    let (failures, records) = join(failures, records).await;
    let failures = failures.map_err(|error| Reason::from(&error))?;
    let records = records.map_err(|error| Reason::from(&error))?;
    let failures: BTreeMap<_, _> =
        failures.into_iter().filter_map(|item| Some((fid_of_failure(&item)?, item))).collect();
    let proven: BTreeMap<_, _> = records
        .into_iter()
        .filter(|record| record.proof.is_some())
        .map(|record| (record.fid, record))
        .collect();
    let why = |letter: Delivery| {
        let why = why(&letter, &failures, &proven);
        (letter, why)
    };
    Ok(letters.into_iter().map(why).collect())
}
