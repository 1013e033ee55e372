//! A pass: a command run over the world, what it and the world say of it, and what they must say.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use stand_ins::fault::RequestCounts;

use super::{Account, Budget, Round};
use crate::stage::Stage;
use crate::stall::{StallMeter, TOO_LONG};

/// A way to run a command, or several that make one pass, in processes of their own.
#[async_trait]
pub trait Runner: Send + Sync {
    /// The command, as an operator would type it.
    fn command(&self) -> &'static str;

    /// Runs it to its end.
    async fn run(&self, stage: &Stage) -> anyhow::Result<CommandResult>;

    /// The requests that it may have made, when it took so long.
    fn budget(&self, stage: &Stage, round: Round, took: Duration) -> Budget;
}

/// What a command that has ended says.
#[derive(Debug)]
pub struct CommandResult {
    /// Its account of every row.
    pub account: Account,
    /// The most memory that it had at once, where the system tells.
    pub peak_rss_bytes: Option<u64>,
}

/// One pass, before it is run.
pub struct Pass {
    /// Its name in the report.
    pub name: &'static str,
    /// Whether there is something to do for it.
    pub round: Round,
    /// How it is run.
    pub runner: Box<dyn Runner>,
}

/// One pass, when it is over.
#[derive(Debug)]
pub struct PassResult {
    pub(crate) name: &'static str,
    pub(crate) command: &'static str,
    pub(crate) ran: CommandResult,
    /// What it should have said.
    pub(crate) due: Account,
    /// The requests that reached the world.
    pub(crate) asked: RequestCounts,
    pub(crate) budget: Budget,
    pub(crate) took: Duration,
    pub(crate) problems: Vec<String>,
    /// What is no problem, and is told all the same.
    pub(crate) notes: Vec<String>,
}

impl PassResult {
    /// All that is not as it was to be; with none the pass went well.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl Pass {
    /// Runs it, and compares all that can be seen of it with what was planted.
    pub async fn run(&self, stage: &Stage) -> anyhow::Result<PassResult> {
        let before = stage.world.faults.counts();
        let (begun, meter) = (Instant::now(), StallMeter::start());
        let ran = self.runner.run(stage).await?;
        let (took, stalled) = (begun.elapsed(), meter.stop());
        let asked = stage.world.faults.counts_since(&before);
        let due = Account::due(&stage.planted, self.round);
        let budget = self.runner.budget(stage, self.round, took);
        let mut problems = ran.account.differences(&due);
        let mut notes = Vec::new();
        let over = over_budget(&budget, &asked);
        if stalled < TOO_LONG {
            problems.extend(over);
        } else if !over.is_empty() {
            notes.push(format!(
                "the machine was busy: nothing ran for {} ms, so that commands asked again ({})",
                stalled.as_millis(),
                over.join("; ")
            ));
        }
        problems.extend(never_struck(stage));
        problems.extend(stage.misrouted());
        problems.extend(stage.judge().problems);
        let command = self.runner.command();
        Ok(PassResult { name: self.name, command, ran, due, asked, budget, took, problems, notes })
    }
}

fn over_budget(budget: &Budget, asked: &RequestCounts) -> Vec<String> {
    let beside = budget.beside(asked).into_iter();
    let over = beside.filter(|(_, (asked, most))| asked > most);
    over.map(|((service, operation), (asked, most))| {
        format!("{service} {operation} {asked}, over its budget of {most}")
    })
    .collect()
}

/// What was planted and met nobody rehearsed nothing.
fn never_struck(stage: &Stage) -> Vec<String> {
    let unspent = stage.world.faults.unspent().into_iter();
    unspent
        .map(|rule| {
            let operation = rule.operation.unwrap_or_default();
            let target = rule.target.filter(|target| !target.is_empty());
            let target = target.map_or_else(String::new, |target| format!(" `{target}`"));
            let (service, fault, times) = (rule.service, rule.fault, rule.times);
            format!("{service} {operation}{target} was still to be struck {times} times: {fault:?}")
        })
        .collect()
}
