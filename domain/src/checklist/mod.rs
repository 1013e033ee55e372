//! The runbook's check-list: where a migration is by its journal, and what comes next.
//!
//! All of it is decided from the journal's entries, in their order, and from the systems that the settings name
//! today. So it is right wherever a command was killed: a command that has written no entry has not ended.

mod confirm;
mod convergence;
mod facts;
mod next;
mod rules;
mod step;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use confirm::{NotConfirmed, done_already, may_confirm};
pub use convergence::Convergence;
pub use facts::{Facts, Recorded, read_facts};
pub use next::{CommandLine, Next, next};
pub use step::{Actor, Step};

use crate::Timestamp;
use crate::journal::MigrationPlace;
use std::collections::BTreeMap;

/// The check-list of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckList {
    /// All steps, in their order.
    pub steps: Vec<StepState>,
    /// How fast the number of files falls that are left to migrate, until the freeze.
    pub convergence: Option<Convergence>,
    /// Whether the databases are between the two stores: a client that is started reads from the wrong one.
    pub clients_must_stay_stopped: bool,
    /// Entries of kinds that this version does not know. What they say is in no step.
    pub unknown_entries: u64,
}

/// How far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepState {
    /// Which step.
    #[serde(flatten)]
    pub step: Step,
    /// How far it is.
    pub state: State,
    /// Why it is not done, why it was passed over, or what was allowed in it.
    pub why: Vec<String>,
    /// The entry on which that rests.
    pub proof: Option<StepProof>,
}

/// How far a step is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// No entry is of it, or none that is behind a way back.
    NotBegun,
    /// It was begun and has not come to its end.
    UnderWay,
    /// It is done, and its evidence still counts.
    Done,
    /// It was done, and its evidence does not count any more.
    Stale,
    /// It is not needed, or a later step does the same.
    Skipped,
    /// Its last command found something that is not as it must be, or could not look at everything.
    Failed,
}

/// The entry that shows how far a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepProof {
    /// The number of the entry.
    pub entry: u64,
    /// When it was written, by the clock of its writer.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// What it is: a command, or what people did.
    pub what: String,
    /// What the command counted.
    pub counted: BTreeMap<String, u64>,
    /// The operator's own words.
    pub note: Option<String>,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::NotBegun, Self::UnderWay, Self::Done, Self::Stale, Self::Skipped, Self::Failed];

    /// Whether nothing is left to do in the step.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Skipped)
    }

    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotBegun => "not-begun",
            Self::UnderWay => "under-way",
            Self::Done => "done",
            Self::Stale => "stale",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

impl CheckList {
    /// The check-list of a journal, for the systems of today.
    #[must_use]
    pub fn of(facts: &Facts, today: &MigrationPlace) -> Self {
        let steps = rules::steps(facts, today);
        let is_frozen = facts.freeze().is_some();
        let convergence = if is_frozen { None } else { convergence::of(facts, today) };
        Self {
            steps,
            convergence,
            clients_must_stay_stopped: facts.is_between(),
            unknown_entries: facts.unknown_entries,
        }
    }

    /// How far this step is.
    #[must_use]
    pub fn state(&self, step: Step) -> State {
        let found = self.steps.iter().find(|it| it.step == step);
        found.map_or(State::NotBegun, |it| it.state)
    }

    /// Whether a step has failed or is stale, or the journal has entries that this version cannot judge.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        let is_finding = |it: &StepState| matches!(it.state, State::Failed | State::Stale);
        self.steps.iter().any(is_finding) || self.unknown_entries > 0
    }
}
