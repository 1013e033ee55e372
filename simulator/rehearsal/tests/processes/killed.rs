//! A run that is killed at any moment costs the next one little, and nothing is ever wrong: real
//! processes, real signals, a world that stays up.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rehearsal::stage::Stage;
use stand_ins::embedded::BUCKETS;
use stand_ins::fault::Service;

use crate::cli::{is_honest, json, mogile2s3, rehearse, stage, text};

const FILES: usize = 120;

/// Records that a killed run may not have written: one ledger batch.
const UNRECORDED: u64 = 25;

/// All requests that the world has seen.
fn requests(stage: &Stage) -> u64 {
    stage.world.faults.counts().values().sum()
}

/// How many requests a run makes when nobody kills it.
async fn requests_of_a_whole_run(concurrency: &str) -> u64 {
    let stage = stage(9, FILES).await;
    let output =
        mogile2s3(stage.world.environment(), &["migrate", "--concurrency", concurrency]).await;
    assert!(output.status.success(), "{}", text(&output.stderr));
    requests(&stage)
}

/// Starts a run and kills it once the world has seen so many requests and a little time more.
/// Whether it was under way still.
async fn killed(stage: &Stage, what: &str, concurrency: &str, after: u64, pause: Duration) -> bool {
    let mut command = tokio::process::Command::from(rehearse());
    let mut run = command
        .args(["mogile2s3", what, "--concurrency", concurrency])
        .envs(stage.world.environment())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("started");
    while requests(stage) < after && run.try_wait().expect("it can be asked").is_none() {
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    tokio::time::sleep(pause).await;
    let under_way = run.try_wait().expect("it can be asked").is_none();
    run.kill().await.expect("SIGKILL is not refused");
    under_way
}

/// Does what the buckets' rule for stale uploads does: those from before this time go. A killed run
/// cannot abort its own.
fn end_stale_uploads(stage: &Stage, before: SystemTime) {
    for (_, bucket) in BUCKETS {
        for (id, upload) in stage.world.s3.uploads(bucket).expect("it is there") {
            if upload.initiated < before {
                let ended = stage.world.s3.abort_upload(bucket, &upload.key, &id);
                ended.expect("it is under way");
            }
        }
    }
}

/// Kills runs at random moments, each in a world of its own, and looks at what the next run makes
/// of it.
async fn kill_and_complete(seed: u64, moments: usize, concurrency: u64) {
    let at_once = concurrency.to_string();
    let all = requests_of_a_whole_run(&at_once).await;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut under_way = 0;
    for moment in 0..moments {
        let (after, pause) = (rng.random_range(1..all), rng.random_range(0..3_000));
        let stage = stage(seed + moment as u64, FILES).await;
        let pause = Duration::from_micros(pause);
        under_way += usize::from(killed(&stage, "migrate", &at_once, after, pause).await);
        let told = format!("seed {seed}, moment {moment}: killed after {after} of {all} requests");
        // What the killed run had sent is still carried out.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let died = SystemTime::now();

        let arguments = ["migrate", "--json", "--concurrency", &at_once];
        let second = mogile2s3(stage.world.environment(), &arguments).await;
        let summary = json(&second);
        assert!(second.status.success() && is_honest(&second), "{told}: {summary}");
        let again = summary["already_there"]["files"].as_u64().expect("a count");
        let most = UNRECORDED + concurrency;
        assert!(again <= most, "{told}: {again} files proven again, not {most} at most");
        end_stale_uploads(&stage, died);
        let judgement = stage.judge();
        assert!(judgement.is_content(), "{told}: {:?}", judgement.problems);
    }
    assert!(under_way * 2 > moments, "{under_way} of {moments} runs were killed before their end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_killed_at_any_moment_costs_the_next_one_a_ledger_batch_at_most() {
    kill_and_complete(1, 14, 64).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_it_is_with_one_file_at_a_time() {
    kill_and_complete(101, 6, 1).await;
}

/// Contents that storage nodes were asked for.
fn reads(stage: &Stage) -> u64 {
    stage.world.faults.counts().get(&(Service::StorageNode, "GET".to_owned())).copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_sync_goes_on_and_what_it_brought_is_copied() {
    for seed in 201..203 {
        let stage = stage(seed, FILES).await;
        let mut kills = 0;
        while killed(&stage, "sync", "8", requests(&stage) + 60, Duration::from_millis(1)).await {
            kills += 1;
            assert!(kills < 50, "seed {seed}: each goes on where the one before it was killed");
        }
        assert!(kills > 1, "seed {seed}: {kills}");
        let synced = json(&mogile2s3(stage.world.environment(), &["sync", "--json"]).await);
        assert_eq!((&synced["exit_code"], &synced["written"]["files"]), (&0.into(), &0.into()));
        // Of raw copies that others left some have other content of the right length.
        let looked =
            json(&mogile2s3(stage.world.environment(), &["sync", "--again", "--json"]).await);
        assert_eq!(looked["exit_code"], 0, "{looked}");
        let too_large = looked["too_large"]["files"].as_u64().expect("a count");

        let before = reads(&stage);
        let migrated = mogile2s3(stage.world.environment(), &["migrate", "--json"]).await;
        assert!(migrated.status.success() && is_honest(&migrated), "seed {seed}: {migrated:?}");
        assert_eq!(reads(&stage) - before, too_large, "seed {seed}: the others are copied");
        // The oracle knows of no raw copies but those that were planted.
        let mut problems = stage.judge().problems;
        problems.retain(|problem| !problem.contains(".fid`"));
        assert!(problems.is_empty(), "seed {seed}: {problems:?}");
    }
}
