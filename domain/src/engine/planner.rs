//! What must be read before tasks are carried out, asked for together: which way files may come, a
//! bucket at a time, and the ledger's records of files that are to be verified.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;

use super::Events;
use super::task::{EnginePorts, Task, Work};
use crate::migrate::Routes;
use crate::ports::StoreError;
use crate::retried::retried;
use crate::verify::RecordLook;
use crate::{Fid, Reason, S3Bucket, SourceFile, limits};

/// Tasks, and what is to be done for each; or why nothing is.
pub(super) type Planned = (u64, Result<Plans, Reason>);

/// What was read for tasks, in their order.
pub(super) enum Plans {
    Ways(Vec<Work>),
    Records(Vec<RecordLook>),
}

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
    ports: EnginePorts<'a>,
    routes: &'a Routes<'a>,
    aim: Aim,
    unplanned: Vec<Task>,
    /// What is being planned, by number.
    under_way: BTreeMap<u64, Vec<Task>>,
    number: u64,
    pub(super) plans: Events<'a, Planned>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(ports: EnginePorts<'a>, routes: &'a Routes<'a>, aim: Aim) -> Self {
        let (unplanned, under_way) = (Vec::new(), BTreeMap::new());
        Self { ports, routes, aim, unplanned, under_way, number: 0, plans: Events::new() }
    }

    pub(super) fn add(&mut self, task: Task) {
        self.unplanned.push(task);
    }

    pub(super) fn len(&self) -> usize {
        self.unplanned.len() + self.under_way.values().map(Vec::len).sum::<usize>()
    }

    /// Asks for all that wait. Ways by the bucket: what is wrong with one must not hold up the others'
    /// files. Records by as many as one request takes.
    pub(super) fn start(&mut self) {
        let mut by_bucket: BTreeMap<S3Bucket, Vec<Task>> = BTreeMap::new();
        let mut verified = Vec::new();
        for task in self.unplanned.drain(..) {
            if task.verifies() {
                verified.push(task);
            } else {
                by_bucket.entry(task.file.bucket.clone()).or_default().push(task);
            }
        }
        for tasks in by_bucket.into_values() {
            self.ask_for_ways(tasks);
        }
        while !verified.is_empty() {
            let rest = verified.split_off(verified.len().min(limits::LEDGER_READ));
            self.ask_for_records(std::mem::replace(&mut verified, rest));
        }
    }

    fn ask_for_ways(&mut self, tasks: Vec<Task>) {
        let (routes, aim) = (self.routes, self.aim);
        let files: Vec<SourceFile> = tasks.iter().map(|task| task.file.clone()).collect();
        self.ask(tasks, async move {
            let ways = aim.plan(routes, &files).await;
            ways.map(Plans::Ways).map_err(|error| Reason::from(&error))
        });
    }

    fn ask_for_records(&mut self, tasks: Vec<Task>) {
        let files = self.ports.files;
        let fids: Vec<Fid> = tasks.iter().map(|task| task.file.fid).collect();
        self.ask(tasks, async move {
            // Two runs may verify one file: the ledger refuses a fid that is named twice.
            let different: Vec<Fid> =
                fids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
            let salt = fids.first().map_or(0, |fid| fid.0);
            let read = retried(files.clock.as_ref(), salt, || files.ledger.read(&different)).await;
            let records = read.map_err(|error| Reason::from(&error))?;
            let records: BTreeMap<Fid, _> =
                records.into_iter().map(|record| (record.fid, record)).collect();
            let look = |fid| match records.get(fid) {
                Some(record) => RecordLook::Found(Box::new(record.clone())),
                None => RecordLook::Nothing,
            };
            Ok(Plans::Records(fids.iter().map(look).collect()))
        });
    }

    fn ask(
        &mut self,
        tasks: Vec<Task>,
        plans: impl Future<Output = Result<Plans, Reason>> + Send + 'a,
    ) {
        self.number += 1;
        let number = self.number;
        self.under_way.insert(number, tasks);
        self.plans.push(plans.map(move |plans| (number, plans)).boxed());
    }

    /// The tasks whose plans have come, each with its own; or with why it has none.
    pub(super) fn take(
        &mut self,
        (number, plans): Planned,
    ) -> Result<Vec<Task>, (Vec<Task>, Reason)> {
        let tasks = self.under_way.remove(&number).unwrap_or_default();
        match plans {
            Ok(Plans::Ways(ways)) => {
                let with_way = |(mut task, mut work): (Task, Work)| {
                    match &mut work {
                        Work::Migrate(plan) => plan.look_first |= task.look_first,
                        Work::Sync(plan) => plan.look_first |= task.look_first,
                        Work::Verify { .. } => {}
                    }
                    task.work = Some(work);
                    task
                };
                Ok(tasks.into_iter().zip(ways).map(with_way).collect())
            }
            Ok(Plans::Records(looks)) => {
                let with_record = |(mut task, look): (Task, RecordLook)| {
                    if let Some(Work::Verify { record, .. }) = &mut task.work {
                        *record = look;
                    }
                    task
                };
                Ok(tasks.into_iter().zip(looks).map(with_record).collect())
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
