//! The tasks that are being carried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;

use super::Events;
use super::task::{EnginePorts, Outcome, Task, TaskKey, Work};

/// A task, and what came of it.
pub(super) type Worked = (Arc<Task>, Outcome);

pub(super) struct UnderWay<'a> {
    ports: EnginePorts<'a>,
    tasks: BTreeMap<TaskKey, Arc<Task>>,
    /// What flows through this process for all of them; each may be any number that a message can
    /// hold.
    flowing: u128,
    pub(super) working: Events<'a, Worked>,
}

impl<'a> UnderWay<'a> {
    pub(super) fn new(ports: EnginePorts<'a>) -> Self {
        Self { ports, tasks: BTreeMap::new(), flowing: 0, working: Events::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether it is one that is worked on alone.
    pub(super) fn is_one_alone(&self) -> bool {
        self.tasks.len() == 1 && self.tasks.values().all(|task| task.is_alone())
    }

    pub(super) const fn flowing(&self) -> u128 {
        self.flowing
    }

    pub(super) fn start(&mut self, task: Task, work: Work) {
        let (ports, task) = (self.ports, Arc::new(task));
        self.flowing += u128::from(task.flowing());
        self.tasks.insert(task.key.clone(), Arc::clone(&task));
        let worked = async move {
            let outcome = task.carry_out(&work, ports).await;
            (task, outcome)
        };
        self.working.push(worked.boxed());
    }

    /// One has come to its end: it is handed out.
    pub(super) fn take(&mut self, task: Arc<Task>) -> Task {
        self.tasks.remove(&task.key);
        self.flowing -= u128::from(task.flowing());
        Arc::unwrap_or_clone(task)
    }

    /// Leaves all of them where they are.
    pub(super) fn abandon(&mut self) -> Vec<Arc<Task>> {
        self.working.clear();
        self.flowing = 0;
        std::mem::take(&mut self.tasks).into_values().collect()
    }
}
