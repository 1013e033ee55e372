//! Which steps people may confirm, and when.

use super::{CheckList, State, Step};

/// Why a step cannot be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotConfirmed {
    /// A command proves it, and no word of people does.
    ByCommand(&'static str),
    /// A step before it is not done.
    NotYet(Step),
}

/// Whether people may confirm this step now.
pub fn may_confirm(list: &CheckList, step: Step) -> Result<(), NotConfirmed> {
    if let Some(command) = step.proven_by() {
        return Err(NotConfirmed::ByCommand(command));
    }
    let needs: &[Step] = match step {
        Step::KeepMogile => &[Step::CutOver],
        Step::EnableIngest => &[Step::CutOver, Step::KeepMogile, Step::Test],
        Step::Build
        | Step::Sync
        | Step::BadData
        | Step::Migrate
        | Step::StopIngest
        | Step::MigrateAgain
        | Step::Verify
        | Step::ConfigureClients
        | Step::CutOver
        | Step::Test => &[],
    };
    // A stale cut-over cannot be repeated, and both databases have the S3 names: people go on.
    let is_settled = |step: Step| {
        let state = list.state(step);
        state.is_settled() || (step == Step::CutOver && state == State::Stale)
    };
    match needs.iter().find(|step| !is_settled(**step)) {
        Some(first) => Err(NotConfirmed::NotYet(*first)),
        None => Ok(()),
    }
}
