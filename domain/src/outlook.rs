//! What the state of the queue means: what is failing, and whether waiting is safe.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use crate::redelivery::{LONGEST, is_own_failure};
use crate::summary::Sample;
use crate::{FailureRecord, Fid, QueueDepth, ReasonKind, Remedy, Timestamp};

/// Files that failed for one reason and have not succeeded since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// Which, and the words of the lowest.
    #[serde(flatten)]
    pub files: Sample,
    /// The latest of these failures, in milliseconds since the Unix epoch.
    pub latest_at: u64,
    /// The most deliveries that one of them has had.
    pub most_attempts: u32,
}

impl Failing {
    /// Counts one more.
    pub fn add(&mut self, record: &FailureRecord) {
        self.files.add(record.fid, &record.detail);
        self.latest_at = self.latest_at.max(record.failed_at.0);
        self.most_attempts = self.most_attempts.max(record.attempt);
    }
}

/// The ledger's items, by what they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LedgerCounts {
    /// Proven in a bucket that the map names.
    pub proven: u64,
    /// Proven in other buckets: for today's map these files are not migrated.
    pub elsewhere: BTreeMap<String, u64>,
    /// A former tool's claims, without a proof.
    pub claimed: u64,
    /// Items that cannot be read.
    pub unreadable: Sample,
}

/// Files that were recorded lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedLately {
    /// How many.
    pub files: u64,
    /// When the first of them was recorded.
    pub first_at: Timestamp,
    /// When the last of them was recorded.
    pub last_at: Timestamp,
}

/// Where the last file was recorded longer ago than this, nothing is going on.
pub const RATE_STALE_AFTER: Duration = Duration::from_mins(2);

/// The shortest time that a rate is computed over.
const RATE_LEAST: Duration = Duration::from_secs(10);

impl RecordedLately {
    /// Counts one more, of this time.
    pub fn add(lately: &mut Option<Self>, at: Timestamp) {
        let lately = lately.get_or_insert(Self { files: 0, first_at: at, last_at: at });
        lately.files += 1;
        lately.first_at = lately.first_at.min(at);
        lately.last_at = lately.last_at.max(at);
    }

    /// The time in which they were recorded, from the first of them until `now`; [`None`] where the
    /// last of them is older than [`RATE_STALE_AFTER`].
    #[must_use]
    pub fn time(&self, now: Timestamp) -> Option<Duration> {
        let is_stale = self.last_at.until(now) > RATE_STALE_AFTER;
        (!is_stale).then(|| self.first_at.until(now).max(RATE_LEAST))
    }
}

/// What can be seen of work that goes on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueSnapshot {
    /// The job queue.
    pub queue: QueueDepth,
    /// Messages in the dead-letter queue.
    pub dead_letters: u64,
    /// What fails, by reason.
    pub failing: BTreeMap<String, Failing>,
    /// What the ledger has, where it was read.
    pub ledger: Option<LedgerCounts>,
    /// Rows of the index, where it can count them.
    pub rows: Option<u64>,
    /// Why the index could not be counted, where it was asked and could not.
    pub uncounted: Option<String>,
    /// When this was seen.
    pub at: Timestamp,
}

/// One thing that it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// Jobs have run out of deliveries.
    DeadLetters(u64),
    /// Jobs fail for a reason that a person has to end first: they come again, and fail again.
    NeedsPerson {
        /// The reason.
        reason: ReasonKind,
    },
    /// Jobs fail because of a system that is away or set wrongly. The failure's own words say which.
    LookAtWords {
        /// The reason.
        reason: ReasonKind,
    },
    /// Something is away; its jobs come again by themselves.
    Waiting {
        /// The reason.
        reason: ReasonKind,
    },
    /// A system is away, and jobs that fail because of it are near their last delivery. If the outage
    /// lasts, they become dead letters.
    RunningOut {
        /// The reason.
        reason: ReasonKind,
        /// Deliveries so far of the job that is nearest to its last.
        attempts: u32,
        /// The number of deliveries after which a job becomes a dead letter.
        deliveries: u32,
    },
    /// The queue is empty, and the index has this many more rows than there are proven files.
    EmptyWithRowsLeft(u64),
    /// The queue is empty and there are no dead letters, but files have failed since they were last
    /// proven, or were found missing or wrong. Nothing will try them again.
    Forgotten {
        /// The number of these files.
        files: u64,
        /// The lowest of each reason.
        first_fids: Vec<Fid>,
    },
    /// This many files are proven in buckets that the map does not name.
    ProvenElsewhere(u64),
    /// The queue is empty, and there are as many proven files as rows, or more.
    Done,
    /// The queue is empty, and it is unknown whether all files are done.
    Empty(Uncounted),
    /// Jobs wait, and none is in flight: no worker has taken one.
    NotTaken {
        /// How many wait.
        waiting: u64,
    },
    /// Jobs are being worked on, and nothing stands against it.
    Working,
}

/// Why proven files and rows cannot be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncounted {
    /// Neither was asked for.
    NotAsked,
    /// The index was asked, and could not be counted now.
    IndexUnreadable,
    /// What lists the index has no count of it: trackers have none.
    IndexHasNoCount,
}

/// A failure that is older says nothing of now: its job has been delivered again since, or is done.
const RECENT: Duration = LONGEST.saturating_add(Duration::from_mins(15));

/// What all this means; the most pressing first.
#[must_use]
pub fn outlook(sight: &QueueSnapshot) -> Vec<Outlook> {
    let mut all = Vec::new();
    for (reason, failing) in &sight.failing {
        let age = Duration::from_millis(sight.at.0.saturating_sub(failing.latest_at));
        let Ok(reason) = reason.parse::<ReasonKind>() else { continue };
        // A single file's trouble is listed with its reason, and ends among the dead letters.
        let is_of_many = !is_own_failure(reason) || reason.is_of_settings();
        if !is_of_many || age > RECENT || sight.queue.all() == 0 {
            continue;
        }
        let attempts = failing.most_attempts;
        all.push(match (sight.queue.deliveries, reason.remedy()) {
            (Some(deliveries), _) if attempts + 1 >= deliveries => {
                Outlook::RunningOut { reason, attempts, deliveries }
            }
            (_, Remedy::Person) => Outlook::NeedsPerson { reason },
            (_, Remedy::WordsSay) => Outlook::LookAtWords { reason },
            (_, Remedy::Waiting) => Outlook::Waiting { reason },
        });
    }
    all.sort_by_key(Outlook::rank);
    let elsewhere: u64 = sight.ledger.iter().flat_map(|ledger| ledger.elsewhere.values()).sum();
    if elsewhere > 0 {
        all.push(Outlook::ProvenElsewhere(elsewhere));
    }
    if sight.dead_letters > 0 {
        all.push(Outlook::DeadLetters(sight.dead_letters));
    }
    if sight.queue.all() > 0 {
        let (waiting, in_flight) = (sight.queue.visible, sight.queue.in_flight);
        if waiting > 0 && in_flight == 0 {
            all.push(Outlook::NotTaken { waiting });
        } else if all.iter().all(|outlook| matches!(outlook, Outlook::ProvenElsewhere(_))) {
            all.push(Outlook::Working);
        }
        return all;
    }
    let files = sight.failing.values().map(|failing| failing.files.files).sum();
    if files > 0 && sight.dead_letters == 0 {
        let first = sight.failing.values().flat_map(|failing| &failing.files.first_fids);
        let first_fids: BTreeSet<_> = first.copied().collect();
        all.push(Outlook::Forgotten { files, first_fids: first_fids.into_iter().collect() });
    }
    match (sight.rows, sight.ledger.as_ref().map(|ledger| ledger.proven)) {
        (Some(rows), Some(proven)) if proven < rows => {
            all.push(Outlook::EmptyWithRowsLeft(rows - proven));
        }
        (Some(_), Some(_)) if all.is_empty() => all.push(Outlook::Done),
        (_, counted) if all.is_empty() => all.push(Outlook::Empty(match counted {
            None => Uncounted::NotAsked,
            Some(_) if sight.uncounted.is_some() => Uncounted::IndexUnreadable,
            Some(_) => Uncounted::IndexHasNoCount,
        })),
        _ => {}
    }
    all
}

impl Outlook {
    /// Whether waiting is enough: nothing gets lost by it, and what fails now heals by itself.
    #[must_use]
    pub const fn is_safe_to_wait(&self) -> bool {
        !matches!(
            self,
            Self::RunningOut { .. } | Self::NeedsPerson { .. } | Self::LookAtWords { .. }
        )
    }

    /// The most pressing has the lowest.
    const fn rank(&self) -> u8 {
        match self {
            Self::RunningOut { .. } => 0,
            Self::NeedsPerson { .. } => 1,
            Self::LookAtWords { .. } => 2,
            Self::Waiting { .. }
            | Self::DeadLetters(_)
            | Self::EmptyWithRowsLeft(_)
            | Self::Forgotten { .. }
            | Self::ProvenElsewhere(_)
            | Self::Done
            | Self::Empty(_)
            | Self::NotTaken { .. }
            | Self::Working => 3,
        }
    }
}

#[cfg(test)]
mod tests;
