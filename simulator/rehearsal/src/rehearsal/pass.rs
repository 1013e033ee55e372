//! A pass: a command run over the world, what it and the world say of it, and what they must say.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use stand_ins::fault::RequestCounts;

use super::{Account, Budget, Stage, Turn};

/// A way to run a command, or several that make one pass, in processes of their own.
#[async_trait]
pub trait Way: Send + Sync {
    /// The command, as an operator would type it.
    fn command(&self) -> &'static str;

    /// Runs it to its end.
    async fn run(&self, stage: &Stage) -> anyhow::Result<Ran>;

    /// The requests that it may have made, when it took so long.
    fn budget(&self, stage: &Stage, turn: Turn, took: Duration) -> Budget;
}

/// What a command that has ended says.
#[derive(Debug)]
pub struct Ran {
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
    pub turn: Turn,
    /// How it is run.
    pub way: Box<dyn Way>,
}

/// One pass, when it is over.
#[derive(Debug)]
pub struct Passed {
    pub(super) name: &'static str,
    pub(super) command: &'static str,
    pub(super) ran: Ran,
    /// What it should have said.
    pub(super) due: Account,
    /// The requests that reached the world.
    pub(super) asked: RequestCounts,
    pub(super) budget: Budget,
    pub(super) took: Duration,
    pub(super) problems: Vec<String>,
}

impl Passed {
    /// All that is not as it was to be; with none the pass went well.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl Pass {
    /// Runs it, and compares all that can be seen of it with what was planted.
    pub async fn run(&self, stage: &Stage) -> anyhow::Result<Passed> {
        let before = stage.world.faults.counts();
        let begun = Instant::now();
        let ran = self.way.run(stage).await?;
        let took = begun.elapsed();
        let asked = stage.world.faults.counts_since(&before);
        let due = Account::due(&stage.planted, self.turn);
        let budget = self.way.budget(stage, self.turn, took);
        let mut problems = ran.account.differences(&due);
        problems.extend(over_budget(&budget, &asked));
        problems.extend(never_struck(stage));
        problems.extend(stage.misrouted());
        problems.extend(stage.judge().problems);
        let command = self.way.command();
        Ok(Passed { name: self.name, command, ran, due, asked, budget, took, problems })
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
