//! A frozen database: every tracker accepts and never answers. The command must name the cause, start
//! nothing new, and go on when the database thaws, without one failed file.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use stand_ins::embedded::{DEAD_LETTERS, FAILURES, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::dynamodb;
use tokio::time::{Instant, sleep};

use super::{Scenario, expect, scenario, told_by};
use crate::process::{self, Watched};
use crate::stage::Stage;

/// Files of its world: half of them come from MogileFS.
const FILES: usize = 60;

/// Requests that trackers answer before: the index is read, and some files are under way.
const ANSWERED: u32 = 16;

/// A request is given up after so many seconds, so that the command finds out soon that all of its
/// tries fail.
const PATIENCE_SECONDS: u64 = 2;

/// Files in progress at once: as many as find the outage together.
const CONCURRENCY: &str = "4";

/// So soon after the freeze the command must have named the cause.
const NAMED_WITHIN: Duration = Duration::from_secs(15);

/// So soon it must have paused: after the tries of the first files.
const PAUSED_WITHIN: Duration = Duration::from_secs(40);

/// So long we watch whether anything is begun meanwhile.
const WATCHED: Duration = Duration::from_secs(1);

/// So soon after the thaw all must be done.
const DONE_WITHIN: Duration = Duration::from_mins(1);

/// By a run without a queue.
pub(super) async fn migrate(seed: u64) -> Scenario {
    let told = async {
        let stage = Stage::set_aside(seed, FILES).await?;
        freeze_and_thaw(&stage, "migrate", &[]).await
    };
    scenario("the trackers' database freezes: `migrate` says so, waits, goes on", told).await
}

/// By a worker on the queue.
pub(super) async fn work(seed: u64) -> Scenario {
    let told = async {
        let stage = Stage::set_aside(seed, FILES).await?;
        process::clean(&["enqueue", "migrate", "--json"], stage.world.environment()).await?;
        let mut problems = freeze_and_thaw(&stage, "work", &["--until-empty"]).await?;
        for queue in [QUEUE, DEAD_LETTERS] {
            let left = stage.world.sqs.counts(queue)?.all();
            expect(&left.into(), 0, &format!("left in `{queue}`"), &mut problems);
        }
        let noted = dynamodb::items(&stage.world.database, FAILURES)?.len();
        expect(&noted.into(), 0, "failures noted", &mut problems);
        Ok(problems)
    };
    scenario("the trackers' database freezes: `work` says so, waits, goes on", told).await
}

async fn freeze_and_thaw(
    stage: &Stage,
    command: &str,
    more: &[&str],
) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut environment = stage.world.environment().clone();
    environment.insert("REQUEST_TIMEOUT_SECONDS", PATIENCE_SECONDS.to_string());
    // Its words are what is looked at.
    environment.insert("RUST_LOG", "warn".to_owned());
    let frozen = Rule::always(Service::Tracker, Fault::Hang);
    stage.world.faults.add(Rule { skip: ANSWERED, ..frozen });

    let arguments = [&[command, "--json", "--concurrency", CONCURRENCY], more].concat();
    let mut run = Watched::start(&arguments, &environment)?;
    let frozen_at = first_unanswered(stage).await?;
    if !run.says("waiting for tracker: ", frozen_at + NAMED_WITHIN).await? {
        let seconds = NAMED_WITHIN.as_secs();
        problems.push(format!("`{command}` did not name the trackers within {seconds} s"));
    }
    if !run.says("paused until it can be reached again: ", frozen_at + PAUSED_WITHIN).await? {
        problems.push(format!("`{command}` did not pause"));
    }
    let before = moved(stage);
    sleep(WATCHED).await;
    expect(&moved(stage).into(), before, "files moved before and during the pause", &mut problems);

    stage.world.faults.clear();
    if !run.says("it can be reached again: continuing", Instant::now() + DONE_WITHIN).await? {
        problems.push(format!("`{command}` did not go on after the thaw"));
    }
    let (code, summary) = run.end(DONE_WITHIN).await?;
    if code != 0 || summary["failed"] != Value::Object(<_>::default()) {
        let told = told_by(&summary);
        problems.push(format!("`{command}` ended with exit code {code}, not 0; {told}"));
    }
    problems.extend(stage.judge().problems);
    Ok(problems)
}

/// The moment in which a request is not answered any more.
async fn first_unanswered(stage: &Stage) -> anyhow::Result<Instant> {
    let asked = || -> u64 {
        let counts = stage.world.faults.counts().into_iter();
        counts.filter(|((of, _), _)| *of == Service::Tracker).map(|(_, count)| count).sum()
    };
    let begun = Instant::now();
    while asked() <= ANSWERED.into() {
        let is_late = begun.elapsed() > DONE_WITHIN;
        (!is_late).then_some(()).context("the trackers were not asked often enough to freeze")?;
        sleep(Duration::from_millis(20)).await;
    }
    Ok(Instant::now())
}

/// Objects that were written with content from MogileFS.
fn moved(stage: &Stage) -> u64 {
    let counts = stage.world.faults.counts();
    counts.get(&(Service::S3, "PUT".to_owned())).copied().unwrap_or_default()
}
