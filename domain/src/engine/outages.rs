//! What is known of the systems outside: which can be reached, and what follows where one cannot.
//! Pure: it is told what happened and when, and starts nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::alike::FailuresAlike;
use super::task::{Task, TaskKey};
use crate::retry::backoff_between;
use crate::{Reason, ReasonKind, System, Timestamp, limits};

/// How long the engine waits for a system before it gives up; [`None`]: without end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For one that was not reached since the start: its address or its network is wrong, most
    /// likely.
    unreached: Option<Duration>,
    /// For one that was.
    reached: Option<Duration>,
}

impl Patience {
    pub(crate) const WITHOUT_END: Self = Self { unreached: None, reached: None };

    /// Waits this long for a system that was reached before; for one that was not, no longer than
    /// usual.
    pub(crate) fn of(wait: Option<Duration>) -> Self {
        let unreached =
            wait.map_or(limits::UNREACHED_WAIT, |wait| wait.min(limits::UNREACHED_WAIT));
        Self { unreached: Some(unreached), reached: wait }
    }
}

/// What is to be done when a system has been away for too long.
#[derive(Debug)]
pub(super) enum GiveUp {
    /// The run ends.
    Run(Reason),
    /// The files whose storage nodes are away fail, and the others go on.
    Files,
}

pub(super) struct Outages {
    patience: Patience,
    /// The number of different tasks that must fail in a row before that is an outage: one file's
    /// trouble is none.
    enough: usize,
    systems: BTreeMap<System, Standing>,
    /// When a task was last done with; at first, the start.
    progress_at: Timestamp,
    succeeded: bool,
    /// Failures that point to a setting; [`None`] where they stop nothing.
    alike: Option<Arc<FailuresAlike>>,
    /// Why S3 refused a file last.
    refused: Option<Reason>,
    /// Whether a file has failed otherwise.
    others: bool,
}

#[derive(Default)]
struct Standing {
    reached: bool,
    /// The tasks that have failed since it was last reached, as many as count.
    failed: BTreeSet<TaskKey>,
    away: Option<Away>,
    /// It was waited for long enough: what still fails there is the trouble of single files.
    given_up: bool,
}

struct Away {
    why: Reason,
    since: Timestamp,
    probes: u32,
    probe_at: Timestamp,
    /// Whether only tasks find out that it is back. Otherwise the part of the engine that found it
    /// away tries it again itself.
    by_tasks: bool,
}

impl Away {
    fn put_off_probe(&mut self, now: Timestamp) {
        self.probes = self.probes.saturating_add(1);
        let (first, longest) = (limits::OUTAGE_PAUSE_FIRST, limits::OUTAGE_PAUSE_LONGEST);
        self.probe_at = now.after(backoff_between(first, longest, self.probes, now.0));
    }
}

impl Outages {
    pub(super) fn new(
        patience: Patience,
        alike: Option<Arc<FailuresAlike>>,
        concurrency: usize,
        start: Timestamp,
    ) -> Self {
        let enough = concurrency.clamp(limits::OUTAGE_TASKS_LEAST, limits::OUTAGE_TASKS_MOST);
        let systems = BTreeMap::new();
        Self {
            patience,
            enough,
            systems,
            progress_at: start,
            succeeded: false,
            alike,
            refused: None,
            others: false,
        }
    }

    /// These were reached. Returns whether one of them had been away.
    pub(super) fn reached(&mut self, systems: &[System]) -> bool {
        let mut over = false;
        for system in systems {
            let standing = self.systems.entry(*system).or_default();
            over |= standing.away.is_some();
            *standing = Standing { reached: true, ..Standing::default() };
        }
        over
    }

    /// A file was proven or verified.
    pub(super) fn succeeded(&mut self, now: Timestamp) {
        self.succeeded = true;
        if let Some(alike) = &self.alike {
            alike.succeeded();
        }
        self.progressed(now);
    }

    /// A task was done with.
    pub(super) const fn progressed(&mut self, now: Timestamp) {
        self.progress_at = now;
    }

    /// A task failed because `system` could not be reached. Returns whether an outage begins with
    /// that. A task asks the index for its own row alone: only the feed of rows finds it away.
    pub(super) fn failed(
        &mut self,
        system: System,
        task: &TaskKey,
        why: &Reason,
        now: Timestamp,
    ) -> bool {
        let (enough, standing) = (self.enough, self.systems.entry(system).or_default());
        if let Some(away) = &mut standing.away {
            away.why = why.clone();
            return false;
        }
        if standing.failed.len() < enough {
            standing.failed.insert(task.clone());
        }
        let is_enough = !standing.reached || standing.failed.len() >= enough;
        if !is_enough || standing.given_up || system == System::Index {
            return false;
        }
        self.goes_away(system, why, true, now);
        true
    }

    /// `system` could not be reached, whatever the task; who found out tries it again. Returns
    /// whether an outage begins with that.
    pub(super) fn went_away(&mut self, system: System, why: &Reason, now: Timestamp) -> bool {
        let was_away = self.is_away(system);
        self.goes_away(system, why, false, now);
        !was_away
    }

    fn goes_away(&mut self, system: System, why: &Reason, by_tasks: bool, now: Timestamp) {
        let new = Away { why: why.clone(), since: now, probes: 0, probe_at: now, by_tasks };
        let away = self.systems.entry(system).or_default().away.get_or_insert(new);
        away.why = why.clone();
        away.by_tasks &= by_tasks;
        away.put_off_probe(now);
    }

    /// A probe has failed: the next one comes later.
    pub(super) fn put_off_probes(&mut self, now: Timestamp) {
        let away = self.systems.values_mut().filter_map(|standing| standing.away.as_mut());
        away.for_each(|away| away.put_off_probe(now));
    }

    /// A file failed, with as many others as `files` says, and not because a system was away.
    /// Returns what to say if enough files have failed in a way that points to a setting, and none
    /// has succeeded meanwhile; where a bucket is unknown, none at all: its files are not the others'
    /// trouble.
    pub(super) fn failed_by_itself(&mut self, reason: &Reason, files: u64) -> Option<Reason> {
        let kind = reason.kind;
        if matches!(kind, ReasonKind::StoreDenied | ReasonKind::NoBucket) {
            self.refused = Some(reason.clone());
        } else {
            self.others = true;
        }
        let of_one_bucket = kind == ReasonKind::NoBucket && self.succeeded;
        let alike = self.alike.as_ref().filter(|_| kind.is_of_settings())?;
        alike.add(files);
        (alike.is_enough() && !of_one_bucket).then(|| alike.explain(reason))
    }

    /// Whether enough files failed because of a setting that only one at a time is begun.
    pub(super) fn is_one_at_a_time(&self) -> bool {
        self.alike.as_ref().is_some_and(|alike| alike.is_enough())
    }

    /// A file ended otherwise than by a failure.
    pub(super) const fn ended_otherwise(&mut self) {
        self.others = true;
    }

    /// Why S3 refused every file that there was: that is not the trouble of the files.
    pub(super) fn refused_everything(&self) -> Option<&Reason> {
        self.refused.as_ref().filter(|_| !self.succeeded && !self.others)
    }

    pub(super) fn is_away(&self, system: System) -> bool {
        self.systems.get(&system).is_some_and(|standing| standing.away.is_some())
    }

    /// Why the first of the systems that are away is.
    pub(super) fn why(&self) -> Option<&Reason> {
        self.away().map(|(_, away)| &away.why).next()
    }

    /// Whether no system is away that holds up tasks.
    pub(super) fn is_calm(&self) -> bool {
        self.away().all(|(system, _)| matches!(system, System::Index | System::Queue))
    }

    /// Whether other files may succeed where those in hand fail: a storage node may be away, or one
    /// object be broken.
    pub(super) fn others_may_succeed(&self) -> bool {
        self.away().all(|(system, _)| matches!(system, System::StorageNodes | System::S3))
    }

    /// Whether a system is away that this task needs.
    pub(super) fn blocks(&self, task: &Task) -> bool {
        self.away().any(|(system, _)| match system {
            System::S3 | System::Tables => true,
            System::Trackers | System::StorageNodes => task.comes_from_mogile(),
            System::Index | System::Queue => false,
        })
    }

    /// When the next task may be tried although a system is away that it needs.
    pub(super) fn next_probe(&self) -> Option<Timestamp> {
        let away = self.away().filter(|(system, away)| match system {
            System::Trackers | System::StorageNodes | System::S3 => true,
            System::Tables => away.by_tasks,
            System::Index | System::Queue => false,
        });
        away.map(|(_, away)| away.probe_at).min()
    }

    /// When the engine gives up waiting, and what follows. `is_last`: there are no other files.
    pub(super) fn gives_up(&self, is_last: bool) -> Option<(Timestamp, GiveUp)> {
        let deadlines = self.systems.iter().filter_map(|(system, standing)| {
            let away = standing.away.as_ref()?;
            let (begun, patience) = if standing.reached {
                (self.progress_at.max(away.since), self.patience.reached)
            } else {
                // It has not answered since there was something to do, whenever that was found.
                (self.progress_at, self.patience.unreached)
            };
            let run = patience.map(|wait| (begun.after(wait), GiveUp::Run(away.why.clone())));
            let of_files = *system == System::StorageNodes && standing.reached && is_last;
            let wait = limits::LAST_NODES_WAIT;
            let files = of_files.then(|| (begun.after(wait), GiveUp::Files));
            run.into_iter().chain(files).min_by_key(|(at, _)| *at)
        });
        deadlines.min_by_key(|(at, _)| *at)
    }

    /// The storage nodes are not waited for any longer.
    pub(super) fn give_up_nodes(&mut self) {
        let standing = self.systems.entry(System::StorageNodes).or_default();
        (standing.away, standing.given_up) = (None, true);
    }

    fn away(&self) -> impl Iterator<Item = (System, &Away)> {
        self.systems
            .iter()
            .filter_map(|(system, standing)| Some((*system, standing.away.as_ref()?)))
    }
}
