//! Dead letters: what became of jobs that were delivered too often, why, and sending them again.

mod sweep;
mod why;

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use roaring::RoaringTreemap;
use serde::Serialize;

use crate::ports::WatchPorts;
use crate::retried::retried;
use crate::summary::{Sample, Stopped};
use crate::{Delivery, Fid, Hints, Job, Reason, Receipt, limits};

use self::sweep::{Sent, Step, Sweep, Sweeper};
use self::why::{Why, fid_of};

/// Dead letters by what they died of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeadLetters {
    /// Messages that were looked at.
    pub letters: u64,
    /// By reason, as the failures table has it; `killed`, `unreadable`, `unreadable-failure` or
    /// `done-since` where that is not what the file needs.
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

/// A letter whose file has a failure record that cannot be read.
pub const UNREADABLE_FAILURE: &str = "unreadable-failure";

/// A letter that is no job.
pub const UNREADABLE: &str = "unreadable";

/// A letter whose file was proven since: nothing is lost without it.
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

impl Redriven {
    /// Letters that were chosen, whatever became of them.
    #[must_use]
    pub const fn chosen(&self) -> u64 {
        self.sent + self.kept + self.unreadable.files + self.failed.files
    }
}

/// Looks at every dead letter and leaves all as they are: each is invisible to others while this
/// goes on. What it leaves behind when it is killed is visible again after
/// [`limits::DEAD_LETTER_LOOK`] at most.
pub async fn list_dead_letters(ports: &WatchPorts) -> DeadLetters {
    let mut lister = Lister::default();
    let mut sweep = Sweep::new(ports);
    let swept = sweep.run(&mut lister).await;
    let mut list = lister.0;
    list.nameless.sort_unstable();
    list.nameless.truncate(limits::FIDS_NAMED);
    list.more = sweep.is_full();
    list.stopped = swept.err().map(Stopped::Trouble);
    sweep.release().await;
    list
}

#[derive(Default)]
struct Lister(DeadLetters);

impl<'a> Sweeper<'a> for Lister {
    fn take(&mut self, letters: Vec<(Delivery, Why)>) -> Option<BoxFuture<'a, Step>> {
        let list = &mut self.0;
        for (letter, why) in letters {
            list.letters += 1;
            let sample = list.reasons.entry(why.name).or_default();
            if let Some(fid) = fid_of(&letter) {
                sample.add(fid, why.words);
            } else {
                sample.add_nameless(why.words);
                list.nameless.push(letter.message);
            }
        }
        None
    }

    fn done(&mut self, _sent: Sent) -> Vec<Receipt> {
        Vec::new()
    }
}

/// The files of some dead letters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeadFiles {
    /// Their fids.
    pub fids: RoaringTreemap,
    /// Whether the queue may have more than were looked at.
    pub more: bool,
    /// Why it ended before its end, if it did.
    pub stopped: Option<Stopped>,
}

/// Looks at every dead letter as [`list_dead_letters`] does. Returns the files of those whose reason has
/// one of these names.
pub async fn files_of_dead_letters(
    ports: &WatchPorts,
    reasons: &'static [&'static str],
) -> DeadFiles {
    let mut collector = Collector { reasons, fids: RoaringTreemap::new() };
    let mut sweep = Sweep::new(ports);
    let swept = sweep.run(&mut collector).await;
    let more = sweep.is_full();
    sweep.release().await;
    let stopped = swept.err().map(Stopped::Trouble);
    DeadFiles { fids: collector.fids, more, stopped }
}

struct Collector {
    reasons: &'static [&'static str],
    fids: RoaringTreemap,
}

impl<'a> Sweeper<'a> for Collector {
    fn take(&mut self, letters: Vec<(Delivery, Why)>) -> Option<BoxFuture<'a, Step>> {
        let wanted = letters.iter().filter(|(_, why)| self.reasons.contains(&why.name.as_str()));
        self.fids.extend(wanted.filter_map(|(letter, _)| fid_of(letter)).map(|fid| fid.0));
        None
    }

    fn done(&mut self, _sent: Sent) -> Vec<Receipt> {
        Vec::new()
    }
}

/// Sends the chosen dead letters to the job queue again: each is sent first, and then taken away.
pub async fn redrive(ports: &WatchPorts, choice: &Choice) -> Redriven {
    let (sent_before, redriven) = <_>::default();
    let mut letters = Redriver { ports, choice, redriven, sent_before };
    let mut sweep = Sweep::new(ports);
    let done = sweep.run(&mut letters).await;
    let mut redriven = letters.redriven;
    redriven.more = sweep.is_full();
    redriven.stopped = done.err().map(Stopped::Trouble);
    sweep.release().await;
    redriven
}

struct Redriver<'a> {
    ports: &'a WatchPorts,
    choice: &'a Choice,
    redriven: Redriven,
    /// Poison comes back while others are sent yet: it is sent once.
    sent_before: RoaringTreemap,
}

impl<'a> Sweeper<'a> for Redriver<'a> {
    fn take(&mut self, letters: Vec<(Delivery, Why)>) -> Option<BoxFuture<'a, Step>> {
        let (redriven, mut chosen) = (&mut self.redriven, Vec::new());
        for (letter, why) in &letters {
            let back_already = fid_of(letter).is_some_and(|fid| self.sent_before.contains(fid.0));
            match &letter.job {
                _ if back_already || !self.choice.takes(letter, &why.name) => redriven.left += 1,
                Ok(job) => chosen.push((again(job), letter.receipt.clone())),
                Err(bad) => match bad.fid {
                    Some(fid) => redriven.unreadable.add(fid, &bad.why),
                    None => redriven.unreadable.add_nameless(&bad.why),
                },
            }
        }
        if chosen.is_empty() {
            return None;
        }
        self.sent_before.extend(chosen.iter().map(|(job, _)| job.fid.0));
        let ports = self.ports;
        Some(Box::pin(async move { Step::Sent(send_again(ports, chosen).await) }))
    }

    fn done(&mut self, sent: Sent) -> Vec<Receipt> {
        let redriven = &mut self.redriven;
        for failure in &sent.report.failed {
            redriven.failed.add(failure.fid, &failure.why);
        }
        redriven.kept += sent.kept.len() as u64;
        let is_gone = |receipt: &Receipt| !sent.kept.contains(receipt);
        let gone: Vec<_> = sent.receipts.into_iter().filter(is_gone).collect();
        redriven.sent += gone.len() as u64;
        gone
    }
}

/// The job as a new message has it: the worker that does it clears the failure record. Its bucket is the
/// one that the worker's map names: the letter may be older than that map.
fn again(job: &Job) -> Job {
    let hints = Hints { failed_before: true, bucket: None, ..job.hints.clone() };
    Job { hints, ..job.clone() }
}

/// Sends these, and takes away what was sent.
async fn send_again(ports: &WatchPorts, chosen: Vec<(Job, Receipt)>) -> Result<Sent, Reason> {
    let clock = ports.clock.as_ref();
    let jobs: Vec<_> = chosen.iter().map(|(job, _)| job.clone()).collect();
    let report = retried(clock, 0, || ports.queue.send(&jobs)).await;
    let report = report.map_err(|error| Reason::from(&error))?;
    // A fid may be in a batch twice, for two actions: whichever failed, both stay.
    let failed = |fid: Fid| report.failed.iter().any(|failure| failure.fid == fid);
    let sent = |fid: Fid| report.sent.contains(&fid) && !failed(fid);
    let sent = chosen.iter().filter(|(job, _)| sent(job.fid));
    let receipts: Vec<_> = sent.map(|(_, receipt)| receipt.clone()).collect();
    let kept = retried(clock, 0, || ports.dead_letters.delete(&receipts)).await;
    let (kept, trouble) = match kept {
        Ok(kept) => (kept, None),
        Err(error) => (receipts.clone(), Some(Reason::from(&error))),
    };
    Ok(Sent { report, receipts, kept, trouble })
}

impl Choice {
    fn takes(&self, delivery: &Delivery, reason: &str) -> bool {
        match self {
            Self::All => true,
            Self::Reason(wanted) => wanted == reason,
            Self::Fids(fids) => fid_of(delivery).is_some_and(|fid| fids.contains(fid.0)),
        }
    }

    /// Whether a letter can have this reason.
    #[must_use]
    pub fn is_reason(name: &str) -> bool {
        let of_letters = [KILLED, UNREADABLE, UNREADABLE_FAILURE, DONE_SINCE].contains(&name);
        of_letters || name.parse::<crate::ReasonKind>().is_ok()
    }
}
