//! Which way files may come: asked for together, a bucket at a time.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use super::Events;
use super::task::{Task, Work};
use crate::migrate::Routes;
use crate::ports::StoreError;
use crate::{Reason, S3Bucket, SourceFile};

/// Tasks, and what is to be done for each; or why nothing is.
pub(super) type Planned = (u64, Result<Vec<Work>, Reason>);

/// Where files are brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To their final keys.
    Migrate,
    /// To the keys of their intermediaries.
    Sync,
}

impl Aim {
    async fn plan(
        self,
        routes: &Routes<'_>,
        files: &[SourceFile],
    ) -> Result<Vec<Work>, StoreError> {
        Ok(match self {
            Self::Migrate => routes.plan(files).await?.into_iter().map(Work::Migrate).collect(),
            Self::Sync => {
                routes.plan_intermediaries(files).await?.into_iter().map(Work::Sync).collect()
            }
        })
    }
}

pub(super) struct Planner<'a> {
    routes: &'a Routes<'a>,
    aim: Aim,
    unplanned: Vec<Task>,
    /// What is being planned, by number.
    under_way: BTreeMap<u64, Vec<Task>>,
    number: u64,
    pub(super) plans: Events<'a, Planned>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(routes: &'a Routes<'a>, aim: Aim) -> Self {
        let (unplanned, under_way) = (Vec::new(), BTreeMap::new());
        Self { routes, aim, unplanned, under_way, number: 0, plans: Events::new() }
    }

    pub(super) fn add(&mut self, task: Task) {
        self.unplanned.push(task);
    }

    pub(super) fn len(&self) -> usize {
        self.unplanned.len() + self.under_way.values().map(Vec::len).sum::<usize>()
    }

    /// Asks for all that wait. A bucket at a time: what is wrong with one must not hold up the
    /// others' files.
    pub(super) fn start(&mut self) {
        let mut by_bucket: BTreeMap<S3Bucket, Vec<Task>> = BTreeMap::new();
        for task in self.unplanned.drain(..) {
            by_bucket.entry(task.file.bucket.clone()).or_default().push(task);
        }
        let (routes, aim) = (self.routes, self.aim);
        for tasks in by_bucket.into_values() {
            self.number += 1;
            let number = self.number;
            let files: Vec<SourceFile> = tasks.iter().map(|task| task.file.clone()).collect();
            self.under_way.insert(number, tasks);
            let plans = async move {
                let plans = aim.plan(routes, &files).await;
                (number, plans.map_err(|error| Reason::from(&error)))
            };
            self.plans.push(plans.boxed());
        }
    }

    /// The tasks whose plans have come, each with its own; or with why it has none.
    pub(super) fn take(
        &mut self,
        (number, plans): Planned,
    ) -> Result<Vec<Task>, (Vec<Task>, Reason)> {
        let tasks = self.under_way.remove(&number).unwrap_or_default();
        match plans {
            Ok(plans) => {
                let with_plan = |(mut task, mut work): (Task, Work)| {
                    match &mut work {
                        Work::Migrate(plan) => plan.look_first |= task.look_first,
                        Work::Sync(plan) => plan.look_first |= task.look_first,
                        Work::Verify { .. } => {}
                    }
                    task.work = Some(work);
                    task
                };
                Ok(tasks.into_iter().zip(plans).map(with_plan).collect())
            }
            Err(reason) => Err((tasks, reason)),
        }
    }

    /// All tasks that have no plan yet: none will get one.
    pub(super) fn give_back(&mut self) -> Vec<Task> {
        self.plans.clear();
        let under_way = std::mem::take(&mut self.under_way).into_values().flatten();
        self.unplanned.drain(..).chain(under_way).collect()
    }
}
