//! What follows when a task has been carried out, or its record written.

use super::Flow;
use crate::engine::OutgoingBatch;
use crate::engine::feed::Feed;
use crate::engine::hold::Unreached;
use crate::engine::planner::Planned;
use crate::engine::recorder::Sent;
use crate::engine::task::{Carried, Outcome, Record, Task, TaskEnd};
use crate::engine::under_way::Worked;
use crate::migrate::SyncEnd;
use crate::{Failure, Finding, FindingKind, Left, Route, Stopped, System, limits};

impl<F: Feed> Flow<'_, F> {
    /// Takes what a request for several tasks has brought: their routes or their records.
    pub(super) fn take_planned(&mut self, planned: Planned) {
        match self.planner.take(planned) {
            Ok(tasks) => {
                // The recorder may wait for another table than the ledger.
                let outages = &self.hold.outages;
                let awaits =
                    outages.is_probed_by_tasks(System::Tables) || !outages.is_away(System::Tables);
                if awaits && tasks.iter().any(Task::verifies) {
                    self.reached(&[System::Tables]);
                }
                self.begin_all(tasks);
            }
            Err((tasks, reason)) => {
                // One request failed for all of them.
                let now = self.ports.now();
                if System::met_by(reason.kind).0 == Some(System::Tables)
                    && self.hold.outages.failed_for_several(System::Tables, &reason, now)
                {
                    self.observer.holding(&reason);
                }
                let weight = (tasks.len() as u64).min(limits::SETTINGS_FAILURES / 10);
                let mut weight = Some(weight);
                for task in tasks {
                    if self.stopping.is_some() {
                        self.end(&task, TaskEnd::NotBegun(self.why_not_done()));
                        continue;
                    }
                    let failure = Failure { reason: reason.clone(), left: Left::Nothing };
                    self.take_failure(task, failure, Vec::new(), weight.take().unwrap_or_default());
                }
            }
        }
    }

    pub(super) fn take_worked(&mut self, (task, Outcome { end, findings }): Worked) {
        let task = self.under_way.take(task);
        // A file that is held is tried again, and says the rest again; what it has replaced is gone
        // now.
        let (counted, later): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| {
            matches!(end, Carried::Proven(_) | Carried::Synced(_))
                || finding.kind == FindingKind::Replaced
        });
        self.notice(&task, &counted);
        match end {
            Carried::Proven(record) => {
                self.hold.is_over(&task.key);
                self.hold.outages.succeeded(self.ports.now());
                let route = match &record {
                    Record::Migrated(record) => record.route,
                    Record::Verified(_) => None,
                };
                self.recorder.record(task, record);
                self.reached(System::reached_by(route));
            }
            Carried::Synced(end) => {
                if let SyncEnd::Proven { written, .. } = end {
                    self.hold.outages.succeeded(self.ports.now());
                    self.reached(System::reached_by(written.then_some(Route::Mogile)));
                } else {
                    self.hold.outages.ended_otherwise();
                }
                self.end(&task, TaskEnd::Synced(end));
            }
            Carried::Gone => {
                self.hold.outages.ended_otherwise();
                self.reached(&[System::Trackers]);
                self.end(&task, TaskEnd::Gone);
            }
            Carried::Failed(failure) => self.take_failure(task, failure, later, 1),
        }
    }

    pub(super) fn notice(&mut self, task: &Task, findings: &[Finding]) {
        for finding in findings {
            self.feed.noticed(&task.file, finding);
        }
    }

    pub(super) fn fail(&mut self, task: &Task, failure: Failure, findings: &[Finding]) {
        if F::COUNTS_FINDINGS_OF_FAILED {
            self.notice(task, findings);
        }
        self.end(task, TaskEnd::Failed(failure));
    }

    /// A task failed, with as many others as `weight` says.
    pub(super) fn take_failure(
        &mut self,
        task: Task,
        failure: Failure,
        findings: Vec<Finding>,
        weight: u64,
    ) {
        let was_probe = self.hold.is_over(&task.key);
        let (kind, reason) = (failure.reason.kind, failure.reason.clone());
        let (unreached, reached) = System::met_by(kind);
        self.reached(reached);
        let Some(system) = unreached else {
            self.fail(&task, failure, &findings);
            // What failed before says nothing new.
            let weight = if task.failed_before { 0 } else { weight };
            if let Some(why) = self.hold.outages.failed_by_itself(&reason, weight) {
                self.stop(Stopped::Trouble(why));
            }
            return;
        };
        let now = self.ports.now();
        if self.hold.outages.failed(system, &task.key, &reason, now) {
            self.observer.holding(&reason);
        } else if was_probe {
            self.hold.outages.put_off_probes(now);
        }
        let why = Unreached { system, failure, findings };
        let given_up = if self.stopping.is_some() {
            Some((task, why))
        } else {
            self.hold.take_failure(task, why, self.feed.time_left(), now)
        };
        if let Some((task, Unreached { failure, findings, .. })) = given_up {
            self.fail(&task, failure, &findings);
        }
    }

    pub(super) fn take_sent(&mut self, (number, answer): Sent) {
        let Some(batch) = self.recorder.take(number) else { return };
        let OutgoingBatch::Records(records) = batch else {
            return self.feed.noted(&batch, answer.as_ref().cloned());
        };
        match answer {
            Ok(_) => {
                self.recorder.taken(records.len());
                // Tasks that could not read the ledger wait for that table, not for the passes' one.
                let is_ledger =
                    records.iter().any(|(_, record)| matches!(record, Record::Migrated(_)));
                if is_ledger || !self.hold.outages.is_probed_by_tasks(System::Tables) {
                    self.reached(&[System::Tables]);
                }
                for (task, record) in records {
                    self.end(&task, TaskEnd::Recorded(record));
                }
            }
            Err(reason) if self.stopping.is_some() => {
                self.recorder.forget(records.len());
                for (task, _) in records {
                    self.end(&task, TaskEnd::Unrecorded(reason.clone()));
                }
            }
            Err(reason) => {
                self.recorder.keep(records, self.ports.now());
                self.is_away(System::Tables, &reason);
            }
        }
    }
}
