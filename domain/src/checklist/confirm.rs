//! Which steps people may confirm, and when.

use super::{CheckList, State, Step, StepProof};

/// Why a step cannot be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotConfirmed {
    /// These commands prove it, in their order, and no word of people does.
    ByCommands(&'static [&'static str]),
    /// A step before it is not done.
    NotYet(Step),
}

/// The entry that has said already what people would say of this step, where nothing would become different: a
/// command's, or their own.
#[must_use]
pub fn done_already(list: &CheckList, step: Step) -> Option<&StepProof> {
    let found = list.steps.iter().find(|it| it.step == step)?;
    let proof = found.proof.as_ref()?;
    let is_said = match found.state {
        // What a command has not looked at people may still confirm.
        State::Done => !step.proven_by().is_empty() || proof.what == step.confirmation(),
        State::Skipped => proof.what == step.confirmation(),
        State::NotBegun | State::UnderWay | State::Failed | State::Stale => false,
    };
    is_said.then_some(proof)
}

/// Whether people may confirm this step now.
pub fn may_confirm(list: &CheckList, step: Step) -> Result<(), NotConfirmed> {
    let commands = step.proven_by();
    if !commands.is_empty() {
        return Err(NotConfirmed::ByCommands(commands));
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
