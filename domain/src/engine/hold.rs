//! Tasks that wait: for their next try, or for a system to come back.

use std::collections::VecDeque;
use std::time::Duration;

use super::outages::{GiveUp, Outages};
use super::task::{Task, TaskKey};
use crate::retry::backoff_between;
use crate::{Failure, Finding, Reason, System, Timestamp, limits};

struct HeldTask {
    task: Task,
    /// [`None`] where it has not been tried in this outage.
    why: Option<Unreached>,
    /// When it is tried again, unless a system is away that it needs.
    due: Timestamp,
}

/// How a task failed that is held.
pub(super) struct Unreached {
    /// The system that it could not reach.
    pub(super) system: System,
    pub(super) failure: Failure,
    /// What was noticed at that try.
    pub(super) findings: Vec<Finding>,
}

impl HeldTask {
    /// Whether a system is away that it needs, as far as is known: which it met at its last try
    /// included.
    fn is_blocked(&self, outages: &Outages) -> bool {
        let could_not = self.why.as_ref().is_some_and(|why| outages.is_away(why.system));
        could_not || outages.blocks(&self.task)
    }
}

/// The tasks that wait, and what is known of the systems that they wait for.
pub(super) struct Hold {
    pub(super) outages: Outages,
    tasks: VecDeque<HeldTask>,
    /// The task that is tried although a system is away that it needs.
    probe: Option<TaskKey>,
}

/// What has become due.
#[derive(Default)]
pub(super) struct Due {
    pub(super) begin: Vec<Task>,
    pub(super) fail: Vec<(Task, Unreached)>,
    /// Why the engine is to stop.
    pub(super) give_up: Option<Reason>,
}

impl Hold {
    pub(super) const fn new(outages: Outages) -> Self {
        Self { outages, tasks: VecDeque::new(), probe: None }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is one that was not tried in this outage.
    pub(super) fn has_untried(&self) -> bool {
        self.tasks.iter().any(|held| held.why.is_none())
    }

    /// Whether a system is away that this task needs, and it is not the one to find out.
    pub(super) fn blocks(&self, task: &Task) -> bool {
        self.outages.blocks(task) && self.probe.as_ref() != Some(&task.key)
    }

    /// Keeps a task that is blocked.
    pub(super) fn add(&mut self, mut task: Task, now: Timestamp) {
        task.forget_record();
        self.tasks.push_back(HeldTask { task, why: None, due: now });
    }

    /// A task has come to an end, of whatever kind. Returns whether it was the probe.
    pub(super) fn is_over(&mut self, task: &TaskKey) -> bool {
        self.probe.take_if(|probe| probe == task).is_some()
    }

    /// A task failed because `system` could not be reached. While that is away it is held; while
    /// others reach it, it is tried a few times. Returns it when that is enough, or when its next
    /// try would come too late for `time_left`.
    pub(super) fn take_failure(
        &mut self,
        mut task: Task,
        why: Unreached,
        time_left: Option<Duration>,
        now: Timestamp,
    ) -> Option<(Task, Unreached)> {
        let mut pause = Duration::ZERO;
        if !self.outages.is_away(why.system) {
            task.tries += 1;
            let (first, longest) = (limits::OUTAGE_PAUSE_FIRST, limits::OUTAGE_PAUSE_LONGEST);
            pause = backoff_between(first, longest, task.tries, task.file.fid.0);
        }
        let needed = pause.saturating_add(task.expected_time(0));
        let in_time = time_left.is_none_or(|left| left > needed);
        if task.tries >= limits::OUTAGE_TRIES || !in_time {
            return Some((task, why));
        }
        task.forget_record();
        self.tasks.push_back(HeldTask { task, why: Some(why), due: now.after(pause) });
        None
    }

    /// Takes those that nothing blocks any more.
    pub(super) fn take_unblocked(&mut self) -> Vec<Task> {
        let Self { tasks, outages, .. } = self;
        take(tasks, |held| !held.is_blocked(outages)).map(|held| held.task).collect()
    }

    /// Takes all, each with how it failed if it was tried.
    pub(super) fn take_all(&mut self) -> Vec<(Task, Option<Unreached>)> {
        self.tasks.drain(..).map(|held| (held.task, held.why)).collect()
    }

    /// What is due now. `are_last`: the engine has no other tasks.
    pub(super) fn take_due(&mut self, are_last: bool, now: Timestamp) -> Due {
        let Self { tasks, outages, .. } = self;
        let is_due = |held: &HeldTask| held.due <= now && !held.is_blocked(outages);
        let begin = take(tasks, is_due).map(|held| held.task).collect();
        let mut due = Due { begin, ..Due::default() };
        match self.outages.gives_up(are_last) {
            Some((at, GiveUp::Run(why))) if at <= now => due.give_up = Some(why),
            Some((at, GiveUp::Files)) if at <= now => {
                self.outages.give_up_nodes();
                due.fail = self.take_failed_by_nodes();
                due.begin.extend(self.take_unblocked());
            }
            Some(_) | None => {}
        }
        if self.next_probe().is_some_and(|at| at <= now) {
            due.begin.extend(self.take_probe());
        }
        due
    }

    fn take_failed_by_nodes(&mut self) -> Vec<(Task, Unreached)> {
        let is_of_nodes = |why: &Unreached| why.system == System::StorageNodes;
        take(&mut self.tasks, |held| held.why.as_ref().is_some_and(is_of_nodes))
            .filter_map(|held| Some((held.task, held.why?)))
            .collect()
    }

    /// One to see whether it can be done: one that was not tried yet, else the one whose last try is
    /// the longest ago.
    fn take_probe(&mut self) -> Option<Task> {
        let blocked = |held: &HeldTask| held.is_blocked(&self.outages);
        let untried = self.tasks.iter().position(|held| held.why.is_none() && blocked(held));
        let at = untried.or_else(|| self.tasks.iter().position(blocked))?;
        let task = self.tasks.remove(at)?.task;
        self.probe = Some(task.key.clone());
        Some(task)
    }

    fn next_probe(&self) -> Option<Timestamp> {
        let at = self.outages.next_probe()?;
        let is_blocked = |held: &HeldTask| held.is_blocked(&self.outages);
        (self.probe.is_none() && self.tasks.iter().any(is_blocked)).then_some(at)
    }

    /// When something becomes due.
    pub(super) fn next_due(&self, are_last: bool) -> Option<Timestamp> {
        let unblocked = self.tasks.iter().filter(|held| !held.is_blocked(&self.outages));
        let give_up = self.outages.gives_up(are_last).map(|(at, _)| at);
        unblocked.map(|held| held.due).chain(self.next_probe()).chain(give_up).min()
    }
}

fn take(
    tasks: &mut VecDeque<HeldTask>,
    wanted: impl Fn(&HeldTask) -> bool,
) -> impl Iterator<Item = HeldTask> {
    let (taken, kept): (VecDeque<_>, _) = std::mem::take(tasks).into_iter().partition(wanted);
    *tasks = kept;
    taken.into_iter()
}
