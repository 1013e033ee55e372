//! What makes a job a dead letter, and what does not: an outage never, a job that fails by itself
//! after five tries, a job that ends its worker after a handful of deaths. No other job follows them.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context, ensure};
use oracle::Outcome;
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, DEAD_LETTERS, FAILURES, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::dynamodb::{self, Fields};
use stand_ins::world::mogile::{Content, Fid, fid_path};
use tokio::time::sleep;

use super::{Scenario, expect, scenario, told_by};
use crate::end_state::mogile_state;
use crate::process::{self, Watched};
use crate::stage::Stage;

/// Files of its world: few batches, so that each job has neighbours in its own.
const FILES: usize = 24;

/// Tries that a job has of its own, by what the documents promise.
const TRIES: u32 = 5;

/// Workers that come and go during the outage: one more.
const WORKERS: u32 = TRIES + 1;

/// Workers that a job may end.
const DEATHS: std::ops::RangeInclusive<u32> = 4..=6;

/// So much time is skipped at once: no job waits longer for its next try.
const SKIPPED: Duration = Duration::from_mins(11);

/// So long after a worker was killed its connections are surely closed: a request for jobs that waits
/// on one of them must not take what becomes visible.
const CLOSED: Duration = Duration::from_millis(200);

/// A worker that has not ended by then hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Two jobs that cannot be done.
struct Cast {
    /// Its replicas all have other content.
    poison: u64,
    /// Whoever reads it is killed.
    deadly: u64,
    /// Jobs that need MogileFS, these two among them.
    streamed: u64,
}

pub(super) async fn run(seed: u64) -> anyhow::Result<Vec<Scenario>> {
    let mut stage = Stage::set_aside(seed, FILES).await?;
    let cast = Cast::of(&mut stage)?;
    process::clean(&["enqueue", "migrate", "--json"], stage.world.environment()).await?;
    Ok(vec![
        scenario("an outage makes no dead letter, however often it fails", outage(&stage, &cast))
            .await,
        scenario(
            "poison and a job that kills its workers are dead letters, no other",
            dead_letters(&stage, &cast),
        )
        .await,
    ])
}

impl Cast {
    /// Takes two files out of what must be moved, and spoils one of them.
    fn of(stage: &mut Stage) -> anyhow::Result<Self> {
        let expected = &mut stage.planted.expected;
        let is_streamed = |outcome| outcome == Outcome::FromMogile;
        let streamed: Vec<_> = expected
            .iter()
            .filter(|file| is_streamed(file.outcome()) && file.file.content.length() > 0)
            .map(|file| file.fid)
            .collect();
        let all = expected.iter().filter(|file| is_streamed(file.outcome())).count();
        ensure!(streamed.len() > 4, "too few files come from MogileFS");
        let (poison, deadly) = (streamed[1], streamed[streamed.len() / 2]);
        expected.retain(|file| ![poison, deadly].contains(&file.fid));
        for device in &stage.world.devices {
            if stage.world.mogile.replica(Fid(poison), *device).is_some() {
                let other = Content::from("what no key names");
                stage.world.mogile.set_replica(Fid(poison), *device, other);
            }
        }
        stage.before = mogile_state(&stage.world);
        Ok(Self { poison, deadly, streamed: all as u64 })
    }

    /// What requests for the deadly file's replicas have in their paths, whatever the device.
    fn deadly_path(&self, stage: &Stage) -> String {
        let path = fid_path(stage.world.devices[0], Fid(self.deadly));
        path.rsplit('/').next().unwrap_or_default().to_owned()
    }
}

/// One worker after another finds the trackers away and gives its jobs back: more often than a job may
/// fail by itself.
async fn outage(stage: &Stage, cast: &Cast) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    stage.world.faults.add(Rule::always(Service::Tracker, Fault::RequestLost));
    let mut number = 0;
    // A worker may give up before it has asked for every job.
    while number < 2 * WORKERS && least_deliveries(stage)? < WORKERS {
        number += 1;
        let work = ["work", "--until-empty", "--wait", "0s", "--json"];
        let (code, summary) = worker(stage, &work)?.end(PATIENCE).await?;
        if code != 3 {
            let told = told_by(&summary);
            problems.push(format!("worker {number} ended with exit code {code}, not 3; {told}"));
        }
        stage.world.sqs.skip(SKIPPED);
    }
    stage.world.faults.clear();
    let dead = stage.world.sqs.counts(DEAD_LETTERS)?.all();
    expect(&dead.into(), 0, "dead letters by an outage", &mut problems);
    let messages = stage.world.sqs.messages(QUEUE)?;
    expect(&messages.len().into(), cast.streamed, "jobs left in the queue", &mut problems);
    let least = least_deliveries(stage)?;
    if least < WORKERS {
        problems.push(format!("a job had {least} deliveries, not {WORKERS}: no outage"));
    }
    Ok(problems)
}

/// The deliveries of the job in the queue that has had the fewest.
fn least_deliveries(stage: &Stage) -> anyhow::Result<u32> {
    let messages = stage.world.sqs.messages(QUEUE)?;
    Ok(messages.iter().map(|message| message.receive_count).min().unwrap_or_default())
}

/// Workers follow one another until the queue is empty. Whoever reads the deadly file is killed.
async fn dead_letters(stage: &Stage, cast: &Cast) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut deaths = 0;
    let (code, summary) = loop {
        if deaths > *DEATHS.end() {
            return Ok(vec![format!("a job has ended {deaths} workers, and is no dead letter")]);
        }
        let deadly = Rule::once(Service::StorageNode, "GET", &cast.deadly_path(stage), Fault::Hang);
        stage.world.faults.add(deadly);
        let worker = worker(stage, &["work", "--until-empty", "--json"])?;
        tokio::select! {
            // Dropped, the worker is killed: it can say nothing any more.
            () = is_read(stage) => deaths += 1,
            ended = worker.end(PATIENCE) => break ended?,
            error = skip_pauses(stage) => match error? {},
        }
        sleep(CLOSED).await;
        // No more than that: a poison that dies at the same moment would die twice.
        stage.world.sqs.skip(in_hand(stage)? + Duration::from_secs(1));
    };
    stage.world.faults.clear();
    if code != 1 {
        let told = told_by(&summary);
        problems.push(format!("the last worker ended with exit code {code}, not 1; {told}"));
    }
    if !DEATHS.contains(&deaths) {
        problems.push(format!("the deadly job ended {deaths} workers, not {DEATHS:?}"));
    }
    let left = stage.world.sqs.counts(QUEUE)?.all();
    expect(&left.into(), 0, "jobs left in the queue", &mut problems);

    let listed = process::run(&["dlq", "list", "--json"], stage.world.environment()).await?;
    let listed: Value = serde_json::from_slice(&listed.stdout).context("reading dead letters")?;
    let reasons = listed["reasons"].as_object().cloned().unwrap_or_default();
    for (reason, fid) in [("killed", cast.deadly), ("wrong-content", cast.poison)] {
        let fids = &reasons.get(reason).unwrap_or(&Value::Null)["first_fids"];
        if *fids != serde_json::json!([fid]) {
            problems.push(format!("dead letters as {reason}: {fids}, not fid {fid}"));
        }
    }
    let dead = stage.world.sqs.counts(DEAD_LETTERS)?.all();
    expect(&dead.into(), 2, "dead letters", &mut problems);
    if !problems.is_empty() {
        problems.push(format!("the dead letters are {}", listed["reasons"]));
    }
    problems.extend(noted(stage, cast)?);
    abort_uploads(stage)?;
    problems.extend(stage.judge().problems);
    Ok(problems)
}

/// As the buckets' rule does a few days later: a killed worker may leave an upload half done.
fn abort_uploads(stage: &Stage) -> anyhow::Result<()> {
    for (_, bucket) in BUCKETS {
        for (id, upload) in stage.world.s3.uploads(bucket)? {
            stage.world.s3.abort_upload(bucket, &upload.key, &id)?;
        }
    }
    Ok(())
}

/// Of the two jobs the failures table has what happened, and of no other anything.
fn noted(stage: &Stage, cast: &Cast) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let items = dynamodb::items(&stage.world.database, FAILURES)?;
    expect(&items.len().into(), 2, "failures noted", &mut problems);
    let of_poison = |item: &&dynamodb::Item| Fields(item).number("fid") == Ok(Some(cast.poison));
    let poison = items.iter().find(of_poison).context("the poison was not noted")?;
    let own = poison.keys().find(|name| name.starts_with("own ")).context("no count of tries")?;
    let tries = Fields(poison).number(own).ok().flatten().unwrap_or_default();
    expect(&tries.into(), TRIES.into(), "own tries of the poison", &mut problems);
    Ok(problems)
}

fn worker(stage: &Stage, arguments: &[&str]) -> anyhow::Result<Watched> {
    Watched::start(arguments, stage.world.environment())
}

/// Waits until the one request is made that is to be struck.
async fn is_read(stage: &Stage) {
    while !stage.world.faults.unspent().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
}

/// How long a job is invisible that a worker has in hand.
fn in_hand(stage: &Stage) -> anyhow::Result<Duration> {
    Ok(stage.world.sqs.settings(QUEUE)?.visibility_timeout())
}

/// Skips the time in which all jobs wait for their next try: they are invisible for longer than one is
/// that a worker has in hand.
async fn skip_pauses(stage: &Stage) -> anyhow::Result<Infallible> {
    let in_hand = in_hand(stage)?;
    loop {
        sleep(Duration::from_millis(50)).await;
        if stage.world.sqs.next_in(QUEUE)?.is_some_and(|next| next > in_hand) {
            stage.world.sqs.skip(SKIPPED);
        }
    }
}
