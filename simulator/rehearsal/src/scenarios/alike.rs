//! A failure that is no outage and meets every file: trackers that know no key of the index, as those
//! of another store do. The run must stop before it has failed all files.

use serde_json::Value;
use stand_ins::embedded::BUCKETS;
use stand_ins::fault::Service;
use stand_ins::world::mogile::{ClassId, Fid, FileRow};

use super::{Scenario, expect, scenario};
use crate::corpus::of_bytes;
use crate::process;
use crate::stage::Stage;

/// Files that may fail alike in a row, by what the documents promise.
const ALIKE: u64 = 1_000;

/// Rows of its world beyond those: they must not be begun.
const MORE: u64 = 300;

/// Files in progress at once.
const CONCURRENCY: u64 = 32;

pub(super) async fn strange_trackers(seed: u64) -> Scenario {
    let told = async {
        let stage = Stage::set_aside(seed, 0).await?;
        let rows = ALIKE + MORE;
        (0..rows).for_each(|number| plant_row(&stage, seed, number));
        let concurrency = CONCURRENCY.to_string();
        let command = ["migrate", "--json", "--concurrency", &concurrency];
        let mut environment = stage.world.environment().clone();
        // It would say that the rows are of another store than contentrepo's, before any is begun.
        environment.remove("CONTENTREPO_DATABASE_URL");
        let ended = process::run(&command, &environment).await?;
        let summary: Value = serde_json::from_slice(&ended.stdout)?;
        let mut problems = judge(&summary, rows);
        if ended.code != 3 {
            problems.push(format!("exit code {}, not 3", ended.code));
        }
        let counts = stage.world.faults.counts();
        let written = counts.get(&(Service::S3, "PUT".to_owned())).copied().unwrap_or_default();
        expect(&written.into(), 0, "objects written", &mut problems);
        problems.extend(stage.judge().problems.into_iter().filter(|problem| !is_new_row(problem)));
        Ok(problems)
    };
    scenario("trackers know no key of the index: stopped after 1,000 files", told).await
}

/// A row that is listed, and that no look-up by its key finds. Devices hold nothing of it.
fn plant_row(stage: &Stage, seed: u64, number: u64) {
    let world = &stage.world;
    let (mogile, _) = BUCKETS[0];
    let file = of_bytes(format!("row {number} of seed {seed}").into());
    let fid = Fid(number + 1);
    world.mogile.plant(FileRow {
        fid,
        dmid: world.dmid,
        dkey: Some(format!("{}-{mogile}", file.sha1)),
        length: Some(file.content.length()),
        classid: ClassId(0),
        devids: world.devices[..2].to_vec(),
    });
    world.mogile.hide_from_lookups(fid);
}

/// What the run must say: it failed 1,000 files and those under way then, no more, and why.
fn judge(summary: &Value, rows: u64) -> Vec<String> {
    let mut problems = Vec::new();
    let failed = summary["failed"]["key-unknown"]["files"].as_u64().unwrap_or_default();
    if !(ALIKE..=ALIKE + CONCURRENCY).contains(&failed) {
        problems.push(format!("{failed} files failed as key-unknown, not {ALIKE} and a few"));
    }
    let stopped = summary["stopped"].as_str().unwrap_or_default();
    if !stopped.contains("points to a wrong setting") {
        problems.push(format!("it does not say that a setting is wrong, but: `{stopped}`"));
    }
    let read = summary["rows"].as_u64().unwrap_or_default();
    if read > rows {
        problems.push(format!("{read} rows read, of {rows}"));
    }
    expect(&summary["by_mogile"]["files"], 0, "migrated", &mut problems);
    problems
}

/// The stage was set before the rows were planted.
fn is_new_row(problem: &str) -> bool {
    problem.starts_with("MogileFS: fid ") && problem.ends_with(" is new")
}
