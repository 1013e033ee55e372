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
    Empty,
    /// Jobs wait, and none is in flight: no worker has taken one.
    NotTaken {
        /// How many wait.
        waiting: u64,
    },
    /// Jobs are being worked on, and nothing stands against it.
    Working,
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
        _ if all.is_empty() => all.push(Outlook::Empty),
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
            | Self::Empty
            | Self::NotTaken { .. }
            | Self::Working => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn failing(reason: &str, attempt: u32, seconds_ago: u64) -> BTreeMap<String, Failing> {
        let mut failing = Failing::default();
        failing.add(&FailureRecord {
            fid: Fid(7),
            action: None,
            dkey: String::new(),
            reason: reason.to_owned(),
            detail: "words".to_owned(),
            attempt,
            failed_at: Timestamp(NOW - seconds_ago * 1000),
            doubted: false,
            messages: BTreeMap::new(),
        });
        BTreeMap::from([(reason.to_owned(), failing)])
    }

    fn sight(visible: u64, dead_letters: u64, failing: BTreeMap<String, Failing>) -> QueueSnapshot {
        // Where jobs wait, a worker has one of them.
        let in_flight = visible.min(1);
        let queue = QueueDepth { visible, in_flight, deliveries: Some(5), ..<_>::default() };
        let at = Timestamp(NOW);
        let ledger = LedgerCounts { proven: 10, ..LedgerCounts::default() };
        QueueSnapshot { queue, dead_letters, failing, ledger: Some(ledger), rows: Some(10), at }
    }

    #[test]
    fn what_is_seen_has_a_meaning() {
        let none = BTreeMap::new;
        let away = "source-unreachable";
        let reason = ReasonKind::SourceUnreachable;
        let waiting = Outlook::Waiting { reason };
        let running_out = Outlook::RunningOut { reason, attempts: 4, deliveries: 5 };
        let dead = Outlook::DeadLetters(3);
        let rows_left = Outlook::EmptyWithRowsLeft;
        let proven = |proven, other: u64| {
            let elsewhere = [("old".to_owned(), other)].into_iter().filter(|(_, n)| *n > 0);
            Some(LedgerCounts { proven, elsewhere: elsewhere.collect(), ..<_>::default() })
        };
        for (sight, expected) in [
            (sight(0, 0, none()), vec![Outlook::Done]),
            (sight(9, 0, none()), vec![Outlook::Working]),
            (sight(9, 0, failing(away, 2, 60)), vec![waiting.clone()]),
            (sight(9, 3, failing(away, 2, 60)), vec![waiting, dead.clone()]),
            (sight(9, 0, failing(away, 4, 60)), vec![running_out.clone()]),
            (sight(9, 0, failing(away, 4, 1200)), vec![running_out.clone()]),
            (sight(9, 0, failing(away, 4, 3600)), vec![Outlook::Working]),
            (sight(9, 0, failing("no-replica", 4, 60)), vec![Outlook::Working]),
            (sight(0, 3, none()), vec![dead.clone()]),
            (sight(0, 3, failing("missing", 5, 60)), vec![dead]),
            (
                sight(0, 0, failing("missing", 5, 60)),
                vec![Outlook::Forgotten { files: 1, first_fids: vec![Fid(7)] }],
            ),
            (QueueSnapshot { ledger: proven(7, 0), ..sight(0, 0, none()) }, vec![rows_left(3)]),
            (
                QueueSnapshot { ledger: proven(0, 10), ..sight(0, 0, none()) },
                vec![Outlook::ProvenElsewhere(10), rows_left(10)],
            ),
            (QueueSnapshot { ledger: None, ..sight(0, 0, none()) }, vec![Outlook::Empty]),
            (QueueSnapshot { rows: None, ..sight(0, 0, none()) }, vec![Outlook::Empty]),
        ] {
            assert_eq!(outlook(&sight), expected, "{sight:?}");
        }
        assert!(!running_out.is_safe_to_wait());
    }

    #[test]
    fn who_must_act_is_said_of_each_reason() {
        for (reason, expected, safe) in [
            (
                "source-unreachable",
                Outlook::Waiting { reason: ReasonKind::SourceUnreachable },
                true,
            ),
            ("not-started", Outlook::Waiting { reason: ReasonKind::NotStarted }, true),
            ("s3-no-bucket", Outlook::NeedsPerson { reason: ReasonKind::NoBucket }, false),
            ("s3-denied", Outlook::NeedsPerson { reason: ReasonKind::StoreDenied }, false),
            ("source-refused", Outlook::NeedsPerson { reason: ReasonKind::SourceRefused }, false),
            (
                "ledger-unavailable",
                Outlook::LookAtWords { reason: ReasonKind::LedgerUnavailable },
                false,
            ),
        ] {
            let sight = sight(9, 0, failing(reason, 1, 60));
            assert_eq!(outlook(&sight), std::slice::from_ref(&expected), "{reason}");
            assert_eq!(expected.is_safe_to_wait(), safe, "{reason}");
        }
        let mut two = failing("source-unreachable", 1, 60);
        two.extend(failing("s3-denied", 1, 60));
        let first = &outlook(&sight(9, 0, two))[0];
        assert_eq!(*first, Outlook::NeedsPerson { reason: ReasonKind::StoreDenied });
    }

    #[test]
    fn jobs_that_nobody_has_taken_are_not_being_worked_on() {
        let mut sight = sight(9, 0, BTreeMap::new());
        assert_eq!(outlook(&sight), [Outlook::Working]);
        sight.queue.in_flight = 0;
        assert_eq!(outlook(&sight), [Outlook::NotTaken { waiting: 9 }]);
        // A worker has all that there are.
        (sight.queue.visible, sight.queue.in_flight) = (0, 9);
        assert_eq!(outlook(&sight), [Outlook::Working]);
    }

    #[test]
    fn a_rate_is_of_files_that_were_done_lately() {
        let recorded = |ages: &[u64]| {
            let mut lately = None;
            for seconds in ages {
                RecordedLately::add(&mut lately, Timestamp(NOW - seconds * 1000));
            }
            lately.expect("some")
        };
        let time = |ages: &[u64]| recorded(ages).time(Timestamp(NOW));
        assert_eq!(recorded(&[60, 250, 1]).files, 3);
        assert_eq!(time(&[60, 250, 1]), Some(Duration::from_secs(250)));
        assert_eq!(time(&[1]), Some(RATE_LEAST), "one file is no rate of a thousand");
        assert_eq!(time(&[290, 121]), None, "the worker that did these has stopped");
    }
}
