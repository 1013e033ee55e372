//! What becomes of tasks while something cannot be reached.

use super::JobEnd;
use super::engine::{Engine, Event, Held};
use super::task::{Task, Work};
use crate::retry::backoff_between;
use crate::{Failure, Left, Reason, ReasonKind, limits};

impl Engine<'_> {
    pub(super) fn take_failure(&mut self, task: Task, work: Option<Work>, failure: Failure) {
        if failure.reason.kind.is_outage() {
            self.count_outage(&failure.reason);
            self.hold_or_give_back(task, work, &failure.reason);
        } else {
            // All that it needed was reached.
            self.outage_is_over();
            self.settle(&task.key, &JobEnd::Failed(failure));
        }
    }

    pub(super) fn count_outage(&mut self, reason: &Reason) {
        self.outages = self.outages.saturating_add(1);
        self.away = Some(reason.clone());
        // Told once, when it begins.
        if self.outages == limits::WORKER_BREAKER_FAILURES {
            let reason = reason.clone();
            self.observer.holding(&Failure { reason, left: Left::Nothing });
        }
    }

    /// While everything fails a task is held as long as there is time; while others succeed it is
    /// tried a few times more.
    pub(super) fn hold_or_give_back(&mut self, mut task: Task, work: Option<Work>, why: &Reason) {
        task.outages += 1;
        let pause = backoff_between(
            limits::OUTAGE_PAUSE_FIRST,
            limits::OUTAGE_PAUSE_LONGEST,
            task.outages,
            task.file.fid.0,
        );
        let worth = self.is_holding() || task.outages < limits::WORKER_OUTAGE_TRIES;
        let in_time = self.time_left().is_none_or(|left| {
            left > pause.saturating_add(limits::expected_time(task.file.length.0))
        });
        if self.stop.is_some() || !worth || !in_time {
            self.give_back(&task.key, why.clone());
            return;
        }
        let key = task.key.clone();
        self.held.insert(key.clone(), Held { task, work, why: why.clone() });
        let clock = &self.ports.files.clock;
        self.start(async move {
            clock.sleep(pause).await;
            Event::Due(key)
        });
    }

    pub(super) fn try_again(&mut self, held: Held) {
        match held.work {
            Some(work) => self.wait(held.task, work),
            None => self.begin(held.task),
        }
    }

    /// Something was reached and recorded: what is held is tried again now.
    pub(super) fn outage_is_over(&mut self) {
        if self.is_holding() {
            self.observer.going_on();
            let held = std::mem::take(&mut self.held);
            for mut held in held.into_values() {
                // Its tries count anew: the outage was not its own.
                held.task.outages = 0;
                self.try_again(held);
            }
        }
        (self.outages, self.away) = (0, None);
    }

    /// Why something was not done in time: what is away, where that is known.
    pub(super) fn late(&self, detail: &str) -> Reason {
        let away = self.away.clone();
        away.unwrap_or_else(|| Reason::new(ReasonKind::NotStarted, detail))
    }
}
