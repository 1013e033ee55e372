//! Dead letters: what became of jobs that were delivered too often, why, and sending them again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roaring::RoaringTreemap;
use serde::Serialize;

use super::WatchPorts;
use super::retried::retried;
use crate::ports::{Delivery, Receipt};
use crate::summary::Sample;
use crate::{FailureRecord, Fid, Hints, Job, JobAction, Reason, limits};

/// Dead letters by what they died of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeadLetters {
    /// Messages that were looked at.
    pub letters: u64,
    /// By reason, as the failures table has it; `killed`, `unreadable` or `done-since` where
    /// that is not what the file needs.
    pub reasons: BTreeMap<String, Sample>,
    /// Messages without a fid, by their own names.
    pub nameless: Vec<String>,
    /// Whether the queue may have more than were looked at.
    pub more: bool,
}

/// A letter whose file has no failure record: its worker was killed, for its memory or its time,
/// before it could write one.
pub const KILLED: &str = "killed";

/// A letter that is no job.
pub const UNREADABLE: &str = "unreadable";

/// A letter whose file is proven by now.
pub const DONE_SINCE: &str = "done-since";

/// Which dead letters are sent again.
#[derive(Debug, Clone, PartialEq)]
pub enum Choice {
    /// All that are jobs.
    All,
    /// Those with this reason.
    Reason(String),
    /// Those of these fids.
    Fids(RoaringTreemap),
}

/// What became of the dead letters when some were sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Sent to the job queue, and taken away from the dead letters.
    pub sent: u64,
    /// Sent, but still among the dead letters too: their jobs are done twice, which harms nothing.
    pub kept: u64,
    /// Not chosen.
    pub left: u64,
    /// Chosen, but no job that could be sent.
    pub unreadable: Sample,
    /// Chosen, but the job queue did not take them; they stay dead letters.
    pub failed: Sample,
}

/// Looks at every dead letter and leaves all as they are: each is invisible to others while this
/// goes on, [`limits::DEAD_LETTER_LOOK`] at most.
pub async fn list_dead_letters(ports: &WatchPorts) -> Result<DeadLetters, Reason> {
    let mut list = DeadLetters::default();
    let mut reader = Reader::new(ports);
    while let Some(batch) = reader.next().await? {
        let explained = match reader.explained(&batch).await {
            Ok(explained) => explained,
            Err(reason) => return Err(reader.give_up(batch, reason).await),
        };
        for (delivery, reason) in explained {
            list.letters += 1;
            let (words, fid) = match &delivery.job {
                Ok(job) => (reason.words, Some(job.fid)),
                Err(bad) => (bad.why.clone(), bad.fid),
            };
            let sample = list.reasons.entry(reason.name).or_default();
            if let Some(fid) = fid {
                sample.add(fid, words);
            } else {
                sample.files += 1;
                sample.example = words;
                list.nameless.push(delivery.message.clone());
            }
        }
        reader.keep(batch);
    }
    list.nameless.truncate(limits::FIDS_NAMED);
    list.more = reader.is_full();
    reader.release().await;
    Ok(list)
}

/// Sends the chosen dead letters to the job queue again: each is sent first, and then taken away.
pub async fn redrive(ports: &WatchPorts, choice: &Choice) -> Result<Redriven, Reason> {
    let mut redriven = Redriven::default();
    let mut reader = Reader::new(ports);
    while let Some(batch) = reader.next().await? {
        let mut chosen = Vec::new();
        let explained = match reader.explained(&batch).await {
            Ok(explained) => explained,
            Err(reason) => return Err(reader.give_up(batch, reason).await),
        };
        for (delivery, reason) in explained {
            match (&delivery.job, choice.takes(delivery, &reason.name)) {
                (_, false) => redriven.left += 1,
                (Ok(job), true) => chosen.push((again(job), delivery.receipt.clone())),
                (Err(bad), true) => redriven.unreadable.add(bad.fid.unwrap_or(Fid(0)), &bad.why),
            }
        }
        let answered = send_again(ports, &chosen, &mut redriven).await;
        let gone: BTreeSet<_> = answered.iter().flatten().collect();
        reader.keep(batch.into_iter().filter(|letter| !gone.contains(&letter.receipt)).collect());
        if let Err(reason) = answered {
            reader.release().await;
            return Err(reason);
        }
    }
    reader.release().await;
    Ok(redriven)
}

/// The job as a new message has it: whoever does it clears the failure record.
fn again(job: &Job) -> Job {
    Job { hints: Hints { failed_before: true, ..job.hints.clone() }, ..job.clone() }
}

/// Gives the receipts that are taken away.
async fn send_again(
    ports: &WatchPorts,
    chosen: &[(Job, Receipt)],
    redriven: &mut Redriven,
) -> Result<Vec<Receipt>, Reason> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let clock = ports.clock.as_ref();
    let jobs: Vec<_> = chosen.iter().map(|(job, _)| job.clone()).collect();
    let report = retried(clock, 0, || ports.queue.send(&jobs)).await;
    let report = report.map_err(|error| Reason::from(&error))?;
    for failure in &report.failed {
        redriven.failed.add(failure.fid, &failure.why);
    }
    // A fid may be in a batch twice, for two actions: whichever failed, both stay.
    let failed = |fid: Fid| report.failed.iter().any(|failure| failure.fid == fid);
    let sent = |fid: Fid| report.sent.contains(&fid) && !failed(fid);
    let sent = chosen.iter().filter(|(job, _)| sent(job.fid));
    let receipts: Vec<_> = sent.map(|(_, receipt)| receipt.clone()).collect();
    let kept = retried(clock, 0, || ports.dead_letters.delete(&receipts)).await;
    let kept = kept.unwrap_or_else(|_| receipts.clone());
    redriven.kept += kept.len() as u64;
    redriven.sent += (receipts.len() - kept.len()) as u64;
    Ok(receipts.into_iter().filter(|receipt| !kept.contains(receipt)).collect())
}

impl Choice {
    fn takes(&self, delivery: &Delivery, reason: &str) -> bool {
        match (self, &delivery.job) {
            (Self::All, _) => true,
            (Self::Reason(wanted), _) => wanted == reason,
            (Self::Fids(fids), Ok(job)) => fids.contains(job.fid.0),
            (Self::Fids(fids), Err(bad)) => bad.fid.is_some_and(|fid| fids.contains(fid.0)),
        }
    }
}

/// What a letter died of.
struct Why {
    name: String,
    words: String,
}

/// Reads the dead letters one batch after another, each once.
struct Reader<'a> {
    ports: &'a WatchPorts,
    seen: BTreeSet<String>,
    kept: Vec<Receipt>,
}

impl<'a> Reader<'a> {
    const fn new(ports: &'a WatchPorts) -> Self {
        Self { ports, seen: BTreeSet::new(), kept: Vec::new() }
    }

    fn is_full(&self) -> bool {
        self.seen.len() >= limits::DEAD_LETTERS_READ
    }

    /// The next letters; [`None`] when there are no more, or enough.
    async fn next(&mut self) -> Result<Option<Vec<Delivery>>, Reason> {
        if self.is_full() {
            return Ok(None);
        }
        let clock = self.ports.clock.as_ref();
        let (most, wait) = (limits::QUEUE_BATCH, limits::DEAD_LETTER_WAIT);
        let received = retried(clock, 0, || {
            self.ports.dead_letters.receive(most, wait, Some(limits::DEAD_LETTER_LOOK))
        });
        let mut batch = match received.await {
            Ok(batch) => batch,
            Err(error) => {
                self.release().await;
                return Err(Reason::from(&error));
            }
        };
        if batch.is_empty() {
            return Ok(None);
        }
        batch.retain(|letter| self.seen.insert(letter.message.clone()));
        Ok(Some(batch))
    }

    /// Each letter of a batch with what it died of.
    async fn explained<'b>(
        &self,
        batch: &'b [Delivery],
    ) -> Result<Vec<(&'b Delivery, Why)>, Reason> {
        let fids: Vec<_> =
            batch.iter().filter_map(|letter| Some(letter.job.as_ref().ok()?.fid)).collect();
        let clock = self.ports.clock.as_ref();
        let failures = retried(clock, 0, || self.ports.failures.read(&fids)).await;
        let failures = failures.map_err(|error| Reason::from(&error))?;
        let failures: BTreeMap<_, _> =
            failures.into_iter().map(|record| (record.fid, record)).collect();
        let records = retried(clock, 0, || self.ports.ledger.read(&fids)).await;
        let records = records.map_err(|error| Reason::from(&error))?;
        let proven: BTreeSet<_> = records
            .into_iter()
            .filter(|record| record.proof.is_some())
            .map(|record| record.fid)
            .collect();
        Ok(batch.iter().map(|letter| (letter, why(letter, &failures, &proven))).collect())
    }

    /// Others may look at all of it again at once.
    async fn give_up(&mut self, batch: Vec<Delivery>, reason: Reason) -> Reason {
        self.keep(batch);
        self.release().await;
        reason
    }

    fn keep(&mut self, letters: Vec<Delivery>) {
        self.kept.extend(letters.into_iter().map(|letter| letter.receipt));
    }

    /// Lets others see what was only looked at. What cannot be told becomes visible by itself.
    async fn release(&mut self) {
        let clock = self.ports.clock.as_ref();
        for receipts in std::mem::take(&mut self.kept).chunks(limits::QUEUE_BATCH) {
            let changes: Vec<_> =
                receipts.iter().map(|receipt| (receipt.clone(), Duration::ZERO)).collect();
            let _ = retried(clock, 0, || self.ports.dead_letters.set_visibility(&changes)).await;
        }
    }
}

fn why(letter: &Delivery, failures: &BTreeMap<Fid, FailureRecord>, proven: &BTreeSet<Fid>) -> Why {
    let named = |name: &str, words: &str| Why { name: name.to_owned(), words: words.to_owned() };
    let job = match &letter.job {
        Ok(job) => job,
        Err(bad) => return named(UNREADABLE, &bad.why),
    };
    if job.action == JobAction::Migrate && proven.contains(&job.fid) {
        return named(DONE_SINCE, "it is proven and in the ledger by now");
    }
    match failures.get(&job.fid) {
        Some(record) => named(&record.reason, &record.detail),
        None => named(KILLED, "killed: memory or time-out, before it could say why"),
    }
}
