//! Scenarios: after a whole migration somebody sets something wrongly, or harms the archive. What the
//! commands say of it must be true, and what they advise must mend it.

mod alike;
mod dead_letters;
mod frozen;

use std::time::{Duration, Instant};

use anyhow::Context;
use oracle::Outcome;
use serde::Serialize;
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, DEAD_LETTERS, DOMAIN, FAILURES, QUEUE};
use stand_ins::fault::Service;
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb;
use stand_ins::world::mogile::{ClassId, Fid, FileRow};

use crate::hazard::Hazards;
use crate::planting::Expected;
use crate::process;
use crate::stage::{Options, Stage};

/// A scenario that was run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Scenario {
    pub(super) name: &'static str,
    pub(super) seconds: f64,
    /// All that is not as it must be.
    pub(super) problems: Vec<String>,
}

impl Scenario {
    /// Its problems, each behind its name.
    pub(super) fn all_problems(&self) -> impl Iterator<Item = String> {
        self.problems.iter().map(|problem| format!("{}: {problem}", self.name))
    }
}

/// A bucket to which the map is changed.
const ELSEWHERE: &str = "corpus-elsewhere";

/// Files that a scenario is about.
const CAST: usize = 3;

/// Runs all of them in a world that has been migrated; none, where the corpus has too few files with
/// which nothing is wrong. Each leaves the world as it found it.
pub(super) async fn run_all(stage: &Stage) -> anyhow::Result<Vec<Scenario>> {
    let is_fit = |file: &&Expected| {
        let is_moved = matches!(file.outcome(), Outcome::ByCopy | Outcome::FromMogile);
        let is_plain = file.hazard.is_none() && !file.goes_in_parts();
        is_moved && is_plain && file.bucket == BUCKETS[0].1 && file.file.content.length() > 0
    };
    let fitting: Vec<_> = stage.planted.expected.iter().filter(is_fit).collect();
    // One from the beginning, the middle and the end.
    let Some(last) = fitting.len().checked_sub(1).filter(|last| *last >= CAST - 1) else {
        return Ok(Vec::new());
    };
    let cast = [fitting[0], fitting[last / 2], fitting[last]];
    stage.world.s3.create_bucket(ELSEWHERE).context("creating a bucket")?;
    Ok(vec![
        scenario("MOGILE_DOMAIN or BUCKETS is wrong: refused, nothing written", wrong(stage)).await,
        scenario("files move to a new bucket and back on purpose", moved_on_purpose(stage, &cast))
            .await,
        scenario("an object is deleted, one overwritten: found and mended", harmed(stage, &cast))
            .await,
        scenario(
            "a row's class is not registered: trackers name it, MySQL reads it",
            classless(stage, &cast),
        )
        .await,
    ])
}

/// Runs those of whole services, each in a world of its own: most of their time is waiting, so that
/// they may run beside others. None where nothing is to be wrong but what heals.
pub(super) async fn run_aside(options: &Options) -> Vec<Scenario> {
    if options.hazards != Hazards::All {
        return Vec::new();
    }
    vec![frozen::migrate(options.seed).await, alike::strange_trackers(options.seed).await]
}

/// The same for a worker on the queue.
pub(super) async fn run_queued(options: &Options) -> anyhow::Result<Vec<Scenario>> {
    if options.hazards != Hazards::All {
        return Ok(Vec::new());
    }
    let (frozen, dead_letters) =
        tokio::join!(frozen::work(options.seed), dead_letters::run(options.seed));
    Ok([vec![frozen], dead_letters?].concat())
}

/// Runs one. An error that keeps it from its end is a problem too.
async fn scenario(
    name: &'static str,
    told: impl Future<Output = anyhow::Result<Vec<String>>>,
) -> Scenario {
    let begun = Instant::now();
    let problems = told.await.unwrap_or_else(|error| vec![format!("{error:#}")]);
    let seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    Scenario { name, seconds, problems }
}

/// The commands that read the whole index.
const READERS: [&[&str]; 3] =
    [&["migrate", "--json"], &["enqueue", "migrate", "--json"], &["plan", "--json"]];

/// A domain that does not exist, a map under which no row falls, and maps that take what is migrated
/// already to a new bucket, or its two buckets to each other's.
async fn wrong(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for command in READERS {
        let setting = ("MOGILE_DOMAIN", "plos_rep".to_owned());
        refused(stage, command, setting, &[DOMAIN], &mut problems).await?;
        let setting = ("BUCKETS", format!("mogilefs-prod-rep:{}", BUCKETS[0].1));
        let named = ["mogilefs-prod-rep", BUCKETS[0].0];
        refused(stage, command, setting, &named, &mut problems).await?;
    }
    for command in &READERS[..2] {
        let setting = ("BUCKETS", map_elsewhere());
        refused(stage, command, setting, &[BUCKETS[0].1, ELSEWHERE, "$"], &mut problems).await?;
        let [(first, one), (second, other)] = BUCKETS;
        let setting = ("BUCKETS", format!("{first}:{other},{second}:{one}"));
        refused(stage, command, setting, &[one, other], &mut problems).await?;
    }
    Ok(problems)
}

fn map_elsewhere() -> String {
    let [(first, _), (second, target)] = BUCKETS;
    format!("{first}:{ELSEWHERE},{second}:{target}")
}

/// A command under a wrong setting must end with 2, say what is wrong by these names, and have sent
/// and written nothing.
async fn refused(
    stage: &Stage,
    command: &[&str],
    (variable, value): (&'static str, String),
    names: &[&str],
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    let told = format!("{variable}={value} mogile2s3 {}", command.join(" "));
    let mut environment = stage.environment()?;
    environment.insert(variable, value);
    let before = stage.world.faults.counts();
    let ended = process::run(command, &environment).await?;
    if ended.code != 2 {
        problems.push(format!("`{told}` ended with exit code {}, not 2", ended.code));
    }
    let said = String::from_utf8_lossy(&ended.stdout);
    let unnamed = names.iter().filter(|name| !said.contains(**name));
    problems.extend(unnamed.map(|name| format!("`{told}` does not name `{name}`")));
    for (service, operation) in stage.world.faults.counts_since(&before).into_keys() {
        let operation = operation.as_str();
        let is_read = matches!(operation, "HEAD" | "LIST" | "Scan" | "Query" | "BatchGetItem")
            || is_look_at_settings(operation);
        let writes = match service {
            Service::S3 | Service::DynamoDb => !is_read,
            Service::Sqs => operation.starts_with("Send"),
            Service::Tracker
            | Service::StorageNode
            | Service::Lambda
            | Service::Sts
            | Service::Mysql
            | Service::ContentRepo
            | Service::Rhino => false,
        };
        if writes {
            problems.push(format!("`{told}` asked for {service} {operation}"));
        }
    }
    Ok(())
}

/// Whether a request of S3 or DynamoDB only reads how a bucket or a table is set up.
#[must_use]
pub fn is_look_at_settings(operation: &str) -> bool {
    operation.starts_with("GET_") || operation.starts_with("Describe")
}

/// The ledger has one record a file: what has moved away is proven there, and back home again.
async fn moved_on_purpose(stage: &Stage, cast: &[&Expected]) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let fids = fids(cast);
    let mut environment = stage.environment()?;
    environment.insert("BUCKETS", map_elsewhere());
    let away = ["migrate", "--json", "--fids", &fids, "--moved-from", BUCKETS[0].1];
    let summary = process::clean(&away, &environment).await?;
    // The intermediaries are not where the files go.
    expect(&summary["by_mogile"]["files"], cast.len() as u64, "moved away", &mut problems);
    for file in cast {
        let object = stage.world.s3.get(ELSEWHERE, &file.file.sha1, &Condition::None);
        let right = object.is_ok_and(|object| object.content.sha1()[..] == sha1(file)[..]);
        if !right {
            problems.push(format!("fid {} is not whole in `{ELSEWHERE}`", file.fid));
        }
    }
    let back = ["migrate", "--json", "--fids", &fids, "--moved-from", ELSEWHERE];
    let summary = process::clean(&back, &stage.environment()?).await?;
    expect(&summary["already_there"]["files"], cast.len() as u64, "found again", &mut problems);
    Ok(problems)
}

/// A verification finds a deleted and an overwritten object; the next `migrate` mends both, though the
/// ledger has their proofs; the verification's jobs, sent again, then find all whole.
async fn harmed(stage: &Stage, cast: &[&Expected]) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let [deleted, overwritten] = [cast[0], cast[1]];
    let s3 = &stage.world.s3;
    s3.delete(deleted.bucket, &deleted.file.sha1, &Condition::None)?;
    s3.plant_plain(overwritten.bucket, &overwritten.file.sha1, "something else")?;

    let environment = stage.environment()?;
    let verify = ["enqueue", "verify", "--run", "scenario", "--json", "--fids", &fids(cast)];
    let sent = process::clean(&verify, &environment).await?;
    expect(&sent["sent"]["files"], cast.len() as u64, "sent for verification", &mut problems);
    let found = work(stage).await?;
    expect(&found["verified"]["files"], cast.len() as u64 - 2, "found whole", &mut problems);
    expect(&found["exit_code"], 1, "the exit code of a worker with failures", &mut problems);
    // Each delivery that failed is counted.
    for reason in ["missing", "wrong-object"] {
        let failed = &found["failed"][reason]["files"];
        expect(
            failed,
            domain::limits::TRIES.into(),
            &format!("deliveries failed as {reason}"),
            &mut problems,
        );
    }

    let failures = || dynamodb::items(&stage.world.database, FAILURES).map(|items| items.len());
    let noted = failures()?;
    let ended = process::run(&["migrate", "--json"], &environment).await?;
    let mended: Value = serde_json::from_slice(&ended.stdout).context("reading a summary")?;
    let moved = mended["by_copy"]["files"].as_u64().unwrap_or_default()
        + mended["by_mogile"]["files"].as_u64().unwrap_or_default();
    expect(&moved.into(), 2, "mended", &mut problems);
    let replaced = &mended["findings"]["replaced-object"]["files"];
    expect(replaced, 1, "told as replaced", &mut problems);
    expect(&failures()?.into(), noted as u64 - 2, "failures left", &mut problems);

    process::clean(&["dlq", "redrive", "--all", "--json"], &environment).await?;
    let whole = work(stage).await?;
    expect(&whole["verified"]["files"], 2, "found whole in the end", &mut problems);
    for queue in [QUEUE, DEAD_LETTERS] {
        let left = stage.world.sqs.counts(queue)?.all();
        expect(&left.into(), 0, &format!("left in `{queue}`"), &mut problems);
    }
    Ok(problems)
}

/// Trackers fail at every page with a row of a class that is not registered. That row is named, and
/// all others are read, behind it too. MySQL gives that row as any other.
async fn classless(stage: &Stage, cast: &[&Expected]) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    let (by_trackers, by_mysql) = (stage.environment_by_trackers()?, stage.environment()?);
    let plan = async |environment| {
        let ended = process::run(&["plan", "--json"], environment).await?;
        serde_json::from_slice::<Value>(&ended.stdout).context("reading a plan")
    };
    let before = plan(&by_trackers).await?;
    let fid = cast[1].fid;
    let row = stage.world.mogile.row(Fid(fid)).context("a file without a row")?;
    stage.world.mogile.plant(FileRow { classid: ClassId(9), ..row.clone() });
    let told = (plan(&by_trackers).await, plan(&by_mysql).await);
    stage.world.mogile.plant(row);
    let (told, by_mysql) = (told.0?, told.1?);
    let unreadable = &told["rejected"]["unreadable-row"];
    expect(&unreadable["files"], 1, "rows that cannot be read", &mut problems);
    expect(&unreadable["first_fids"][0], fid, "is the fid of the row", &mut problems);
    for counted in ["rows", "other_domains", "highest_fid"] {
        let wanted = before[counted].as_u64().unwrap_or_default();
        expect(&told[counted], wanted, counted, &mut problems);
        expect(&by_mysql[counted], wanted, &format!("{counted} by MySQL"), &mut problems);
    }
    let unreadable = by_mysql["rejected"]["unreadable-row"]["files"].as_u64().unwrap_or_default();
    expect(&unreadable.into(), 0, "rows that MySQL does not give", &mut problems);
    Ok(problems)
}

/// Works on the queue until it is empty. What failed comes back within seconds: so much time is
/// skipped.
async fn work(stage: &Stage) -> anyhow::Result<Value> {
    let mut environment = stage.environment()?;
    // That they fail is the scenario, not news.
    environment.insert("RUST_LOG", "error".to_owned());
    let skipping = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            stage.world.sqs.skip(Duration::from_secs(6));
        }
    };
    let ended = tokio::select! {
        ended = process::run(&["work", "--until-empty", "--json"], &environment) => ended?,
        () = skipping => unreachable!("it never ends"),
    };
    serde_json::from_slice(&ended.stdout).context("`mogile2s3 work` gave no summary")
}

fn expect(seen: &Value, wanted: u64, what: &str, problems: &mut Vec<String>) {
    let seen = seen.as_u64().unwrap_or_default();
    if seen != wanted {
        problems.push(format!("{seen} {what}, not {wanted}"));
    }
}

/// What a command says that ended otherwise than it must, as far as a line can have it.
fn told_by(summary: &Value) -> String {
    format!("stopped: {}, failed: {}", summary["stopped"], summary["failed"])
}

fn fids(cast: &[&Expected]) -> String {
    let fids: Vec<_> = cast.iter().map(|file| file.fid.to_string()).collect();
    fids.join(",")
}

fn sha1(file: &Expected) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(file.file.sha1.as_bytes()).unwrap_or_default()
}
