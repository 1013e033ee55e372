//! What to do next.

mod lines;

use serde::Serialize;

use self::lines::Lines;
use super::facts::Facts;
use super::{CheckList, State, Step, StepState};
use crate::journal::MigrationPlace;

/// What to do next, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// The step; [`None`] where all are done.
    pub step: Option<Step>,
    /// Why this step, and what else is not as it must be.
    pub why: Vec<String>,
    /// What to type, in this order.
    pub commands: Vec<CommandLine>,
    /// Earlier steps that are not settled, of a migration whose names are changed.
    pub open: Vec<Step>,
    /// How to go back from this step.
    pub way_back: Option<&'static str>,
}

/// A command of this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandLine {
    /// Its words, without the program's name. Those in capitals stand for something that the operator knows.
    pub words: Vec<String>,
    /// Whether it may be started without an operator: it needs no words and changes no database.
    pub automatic: bool,
    /// What it is for.
    pub purpose: &'static str,
}

impl Next {
    /// The command that `runbook run` starts: the first one, where it may be started without an operator.
    #[must_use]
    pub fn automatic(&self) -> Option<&CommandLine> {
        self.commands.first().filter(|command| command.automatic)
    }
}

/// Says what comes next.
#[must_use]
pub fn next(facts: &Facts, today: &MigrationPlace, list: &CheckList) -> Next {
    let chosen = chosen(facts, list);
    let is_earlier = |it: &&StepState| chosen.is_none_or(|step| it.step < step);
    let cut_over = facts.cut_over().is_some();
    let open = list.steps.iter().filter(|it| cut_over && !it.state.is_settled());
    let open: Vec<_> = open.filter(is_earlier).collect();
    let unsettled = open.iter().map(|found| {
        let (number, state) = (found.step.number(), found.state.name());
        format!("step {number} is {state}: `runbook status` says why")
    });
    let (lines, open) = (Lines { facts, today, list }, open.iter().map(|it| it.step).collect());
    let Some(step) = chosen else {
        let mogile = "MogileFS is still the way back: what proves that it may go is a clean audit, a clean smoke, and \
                      what step 10 says";
        let mut why: Vec<_> = unsettled.collect();
        why.push(if why.is_empty() {
            format!("all twelve steps are done. {mogile}")
        } else {
            format!("steps 10 to 12 are done. Decide about each earlier step first. {mogile}")
        });
        return Next { step: None, why, commands: lines.behind_all(), open, way_back: None };
    };
    let mut why = reasons(facts, list, step);
    why.extend(unsettled);
    let commands = lines.of(step);
    Next { step: Some(step), why, commands, open, way_back: Some(step.way_back()) }
}

/// The step that comes next.
///
/// Databases between the two stores come first, then changes of the store without an end. Behind the cut-over
/// an earlier step is not repeated.
fn chosen(facts: &Facts, list: &CheckList) -> Option<Step> {
    if facts.is_between() {
        return Some(Step::CutOver);
    }
    let is_open = facts.changes.open_rekey.is_some() || facts.open_deletion.is_some();
    let first = match facts.cut_over() {
        _ if is_open => return Some(Step::BadData),
        Some(_) => Step::KeepMogile,
        None => Step::Build,
    };
    Step::ALL.into_iter().find(|step| *step >= first && !list.state(*step).is_settled())
}

fn reasons(facts: &Facts, list: &CheckList, step: Step) -> Vec<String> {
    let Some(found) = list.steps.iter().find(|it| it.step == step) else { return Vec::new() };
    let mut why = found.why.clone();
    let usual = match step {
        Step::Build => "no `doctor` has found every system as it must be",
        Step::Sync => {
            "raw copies in S3 spare MogileFS the reading; a migration may go without them"
        }
        Step::BadData => {
            "what cannot be migrated is cheaper to find before ten million files are moved"
        }
        Step::Migrate => "no pass of the migration has come to its end",
        Step::StopIngest => "what comes in behind the last pass would not be in S3",
        Step::MigrateAgain => "files that came before the freeze may not be in S3",
        Step::Verify => "nothing is proven behind the freeze",
        Step::ConfigureClients => "contentrepo and lemur must find S3 when they are started again",
        Step::CutOver => "every file is proven, and the clients' databases have the MogileFS names",
        Step::KeepMogile => {
            "proxies keep answers that lead to MogileFS for 6 hours, and it is the way back: say how long it stays \
             readable, and who answers for it"
        }
        Step::Test => "the applications have not been read through since the names changed",
        Step::EnableIngest => "all is proven and read. What is ingested from now on is in S3 only",
    };
    if found.state == State::NotBegun {
        why.push(usual.to_owned());
    }
    if facts.is_between() {
        let needed = [Step::StopIngest, Step::MigrateAgain, Step::Verify];
        let open =
            list.steps.iter().filter(|it| needed.contains(&it.step) && !it.state.is_settled());
        why.extend(open.map(|it| {
            let (number, name) = (it.step.number(), it.step.name());
            format!("step {number}, {name}, is not done: a cut-over that is to begin refuses until it is")
        }));
    }
    if step == Step::StopIngest
        && let Some(back) = facts.taken_back
    {
        why.push(format!(
            "the cut-over was taken back by entry {back}: the freeze before it is over, and clients write to \
             MogileFS"
        ));
    }
    why
}
