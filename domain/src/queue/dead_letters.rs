//! Dead letters: what became of jobs that were delivered too often, why, and sending them again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use roaring::RoaringTreemap;
use serde::Serialize;

use crate::ports::WatchPorts;
use crate::retried::retried;
use crate::summary::{Sample, Stopped};
use crate::{
    Delivery, Dkey, FailureRecord, Fid, Hints, Job, JobAction, LedgerRecord, Reason, Receipt,
    limits,
};

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
    /// Why it ended before its end, if it did.
    pub stopped: Option<Stopped>,
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
    /// Whether the queue may have more than were looked at.
    pub more: bool,
    /// Why it ended before its end, if it did.
    pub stopped: Option<Stopped>,
}

/// Looks at every dead letter and leaves all as they are: each is invisible to others while this
/// goes on, [`limits::DEAD_LETTER_LOOK`] at most.
pub async fn list_dead_letters(ports: &WatchPorts) -> DeadLetters {
    let mut list = DeadLetters::default();
    let mut reader = Reader::new(ports);
    let listed = list_all(&mut reader, &mut list).await;
    list.nameless.truncate(limits::FIDS_NAMED);
    list.more = reader.is_full();
    list.stopped = listed.err().map(Stopped::Trouble);
    reader.release().await;
    list
}

async fn list_all(reader: &mut Reader<'_>, list: &mut DeadLetters) -> Result<(), Reason> {
    while let Some(batch) = reader.next().await? {
        for (letter, why) in reader.explained(&batch).await? {
            list.letters += 1;
            let sample = list.reasons.entry(why.name).or_default();
            if let Some(fid) = fid_of(letter) {
                sample.add(fid, why.words);
            } else {
                sample.add_nameless(why.words);
                list.nameless.push(letter.message.clone());
            }
        }
    }
    Ok(())
}

/// Sends the chosen dead letters to the job queue again: each is sent first, and then taken away.
pub async fn redrive(ports: &WatchPorts, choice: &Choice) -> Redriven {
    let mut redriven = Redriven::default();
    let mut reader = Reader::new(ports);
    let done = redrive_all(&mut reader, choice, &mut redriven).await;
    redriven.more = reader.is_full();
    redriven.stopped = done.err().map(Stopped::Trouble);
    reader.release().await;
    redriven
}

async fn redrive_all(
    reader: &mut Reader<'_>,
    choice: &Choice,
    redriven: &mut Redriven,
) -> Result<(), Reason> {
    // Poison comes back while others are sent yet: it is sent once.
    let mut sent_before = RoaringTreemap::new();
    while let Some(batch) = reader.next().await? {
        let mut chosen = Vec::new();
        for (letter, why) in reader.explained(&batch).await? {
            let back_already = fid_of(letter).is_some_and(|fid| sent_before.contains(fid.0));
            match &letter.job {
                _ if back_already || !choice.takes(letter, &why.name) => redriven.left += 1,
                Ok(job) => chosen.push((again(job), letter.receipt.clone())),
                Err(bad) => match bad.fid {
                    Some(fid) => redriven.unreadable.add(fid, &bad.why),
                    None => redriven.unreadable.add_nameless(&bad.why),
                },
            }
        }
        sent_before.extend(chosen.iter().map(|(job, _)| job.fid.0));
        send_again(reader, &chosen, redriven).await?;
    }
    Ok(())
}

/// The job as a new message has it: whoever does it clears the failure record.
fn again(job: &Job) -> Job {
    Job { hints: Hints { failed_before: true, ..job.hints.clone() }, ..job.clone() }
}

/// Sends these, and takes away what was sent.
async fn send_again(
    reader: &mut Reader<'_>,
    chosen: &[(Job, Receipt)],
    redriven: &mut Redriven,
) -> Result<(), Reason> {
    if chosen.is_empty() {
        return Ok(());
    }
    let ports = reader.ports;
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
    redriven.kept += receipts.len() as u64;
    let kept = retried(clock, 0, || ports.dead_letters.delete(&receipts)).await;
    let kept = kept.map_err(|error| Reason::from(&error))?;
    for gone in receipts.iter().filter(|receipt| !kept.contains(receipt)) {
        reader.kept.remove(gone);
        redriven.kept -= 1;
        redriven.sent += 1;
    }
    Ok(())
}

impl Choice {
    fn takes(&self, delivery: &Delivery, reason: &str) -> bool {
        match self {
            Self::All => true,
            Self::Reason(wanted) => wanted == reason,
            Self::Fids(fids) => fid_of(delivery).is_some_and(|fid| fids.contains(fid.0)),
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
    /// What is invisible to others because of this.
    kept: BTreeSet<Receipt>,
    /// Letters that were seen come again: their time of being invisible is over.
    came_round: bool,
}

impl<'a> Reader<'a> {
    const fn new(ports: &'a WatchPorts) -> Self {
        Self { ports, seen: BTreeSet::new(), kept: BTreeSet::new(), came_round: false }
    }

    /// Whether there may be more than were read.
    fn is_full(&self) -> bool {
        self.came_round || self.seen.len() >= limits::DEAD_LETTERS_READ
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
        let mut batch = received.await.map_err(|error| Reason::from(&error))?;
        if batch.is_empty() {
            return Ok(None);
        }
        self.kept.extend(batch.iter().map(|letter| letter.receipt.clone()));
        batch.retain(|letter| self.seen.insert(letter.message.clone()));
        self.came_round = batch.is_empty();
        Ok((!batch.is_empty()).then_some(batch))
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
        let proven: BTreeMap<_, _> = records
            .into_iter()
            .filter(|record| record.proof.is_some())
            .map(|record| (record.fid, record))
            .collect();
        Ok(batch.iter().map(|letter| (letter, why(letter, &failures, &proven))).collect())
    }

    /// Lets others see what was only looked at. What cannot be told becomes visible by itself.
    async fn release(&mut self) {
        let clock = self.ports.clock.as_ref();
        let changes = std::mem::take(&mut self.kept).into_iter();
        let changes: Vec<_> = changes.map(|receipt| (receipt, Duration::ZERO)).collect();
        for batch in changes.chunks(limits::QUEUE_BATCH) {
            let told = retried(clock, 0, || self.ports.dead_letters.set_visibility(batch)).await;
            if told.is_err() {
                return;
            }
        }
    }
}

/// The fid, where it could be read.
fn fid_of(letter: &Delivery) -> Option<Fid> {
    letter.job.as_ref().map_or_else(|bad| bad.fid, |job| Some(job.fid))
}

fn why(
    letter: &Delivery,
    failures: &BTreeMap<Fid, FailureRecord>,
    proven: &BTreeMap<Fid, LedgerRecord>,
) -> Why {
    let named = |name: &str, words: &str| Why { name: name.to_owned(), words: words.to_owned() };
    let job = match &letter.job {
        Ok(job) => job,
        Err(bad) => return named(UNREADABLE, &bad.why),
    };
    let failure = failures.get(&job.fid);
    let is_doubted = failure.is_some_and(FailureRecord::doubts_the_proof);
    // What a proof was of is told by its SHA-1: a fid may have been used again.
    let sha1 = Dkey::parse(&job.dkey).map(|dkey| dkey.sha1);
    let proof = proven.get(&job.fid).filter(|record| Some(record.sha1) == sha1 && !is_doubted);
    if let (JobAction::Migrate, Some(record)) = (job.action, proof) {
        let bucket = &record.bucket;
        return named(DONE_SINCE, &format!("it is proven in the S3 bucket `{bucket}` by now"));
    }
    match failure {
        Some(record) => named(&record.reason, &record.detail),
        // A migration clears what a verification has found.
        None if proof.is_some() => named(
            KILLED,
            "no failure record is left: killed, by memory or time-out, before it could write one; or \
             the file has been migrated again since",
        ),
        None => named(KILLED, "killed: memory or time-out, before it could say why"),
    }
}
