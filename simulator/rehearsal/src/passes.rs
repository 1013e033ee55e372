//! The passes of a rehearsal: the real commands migrate a corpus, one pass after the other, and the
//! oracle judges after each.

mod account;
mod budget;
mod migrate;
mod pass;

use anyhow::Context;

pub use account::{Account, Round, Sample};
pub use budget::Budget;
pub use pass::{CommandResult, Pass, PassResult, Runner};

use crate::report::Report;
use crate::scenarios;
use crate::stage::{Options, Stage};
use crate::verified::Verified;
pub use migrate::Index;
use migrate::Migrate;

/// The passes of a rehearsal, one after the other in one world.
fn passes() -> Vec<Pass> {
    vec![
        Pass { name: "first run", round: Round::First, runner: Box::new(Migrate(Index::Mysql)) },
        Pass { name: "second run", round: Round::Again, runner: Box::new(Migrate(Index::Mysql)) },
        Pass {
            name: "by trackers",
            round: Round::Again,
            runner: Box::new(Migrate(Index::Trackers)),
        },
    ]
}

/// Rehearses the migration: every pass, every scenario and every verification is run, and all that is
/// not as planted is a problem.
pub async fn rehearse(options: &Options) -> anyhow::Result<Report> {
    let stage = Stage::set(options).await?;
    let in_this_world = async {
        let mut passed = Vec::new();
        for pass in passes() {
            passed.push(pass.run(&stage).await.with_context(|| format!("the {}", pass.name))?);
        }
        let scenarios = scenarios::run_all(&stage).await?;
        anyhow::Ok((passed, scenarios, Verified::run(&stage).await.context("verifying")?))
    };
    let (in_this_world, aside) = tokio::join!(in_this_world, scenarios::run_aside(options));
    let (passed, mut scenarios, verified) = in_this_world?;
    scenarios.extend(aside);
    Ok(Report::new(options, &stage.planted, (passed, scenarios, verified), stage.judge()))
}
