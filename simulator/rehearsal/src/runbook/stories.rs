//! The stories.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, ensure};
use oracle::readers::{Readings, Store, read_all};
use oracle::state::EndState;
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, IGNORED_BUCKET};

use super::Story;
use super::clients::{dump, late_rows, rows_of};
use super::night::a_day_passes;
use super::operator::Operator;
use super::people::ingest;
use super::snapshot::snapshot;
use crate::queued::Ingest;
use crate::scenarios::Scenario;
use crate::site::DMID;

/// An operator with a world, or why there is none.
type Begun = anyhow::Result<Operator>;

/// The verification by jobs.
const RUN: &str = "runbook";

/// The whole way: from buckets without settings to applications that read from S3.
pub(crate) async fn to_the_end(
    name: &'static str,
    begun: impl Future<Output = Begun>,
    seed: u64,
) -> Story {
    story(name, begun, async |operator| {
        prepare(operator).await?;
        let Operator { world, planted, before, .. } = operator;
        let uploads = Ingest::begin(world.as_ref(), planted, before, seed).await?;
        let before = contents(operator);
        operator.line("migrate", 0).await?;
        let Operator { world, planted, before: rows, .. } = operator;
        uploads.go_on(world.as_ref(), planted, rows).await?;
        for (file, number) in operator.planted.expected.iter().zip(1..) {
            if !before.contains(&file.file.sha1) {
                late_rows(operator.world.as_ref(), &file.file, number).await?;
            }
        }
        ingests(operator, 5).await?;
        frozen_and_verified(operator).await?;
        configured(operator).await?;
        cut_over(operator).await?;
        operator.line("verify --references", 0).await?;
        operator.world.clients_start(true)?;
        operator.line("config --check-url", 0).await?;
        operator.done(10, "MogileFS stays readable until March, Ann answers for it").await?;
        operator.line("smoke --operator=ann", 0).await?;
        operator.done(12, "ingest is on again").await?;
        ingests(operator, 3).await?;
        for end in ["", " --execute --operator=ann"] {
            operator.line(&format!("intermediaries delete{end}"), 0).await?;
        }
        operator.planted.intermediaries.clear();
        operator.check_list = operator.line("runbook status", 0).await?;
        let found = operator.world.end_state().await?;
        let mut readings = read(operator, Store::S3, &found).await?;
        readings.problems.extend(operator.judge(&found).problems);
        operator.end = snapshot(operator.world.as_ref(), &found, &operator.check_list).await?;
        Ok(readings)
    })
    .await
}

/// The same up to the cut-over, and back.
pub(crate) async fn back(begun: impl Future<Output = Begun>) -> Story {
    story("back again: both databases and MogileFS serve as before", begun, async |operator| {
        operator.line("migrate", 0).await?;
        frozen_and_verified(operator).await?;
        let before = dump(operator.world.as_ref()).await?;
        cut_over(operator).await?;
        let after = dump(operator.world.as_ref()).await?;
        ensure!(after != before, "the cut-over changed nothing");
        for database in ["rhino", "contentrepo"] {
            operator
                .line(&format!("cutover {database} --revert --execute --operator=ann"), 0)
                .await?;
        }
        ensure!(
            dump(operator.world.as_ref()).await? == before,
            "the databases are not, byte for byte, what they were before the cut-over"
        );
        let found = operator.world.end_state().await?;
        read(operator, Store::MogileFs { domain: DMID }, &found).await
    })
    .await
}

/// With a file whose replicas are all lost: accepted by name, and all others are cut over.
pub(super) async fn accepted(begun: impl Future<Output = Begun>) -> Story {
    story("a file that no replica gives: accepted by name", begun, async |operator| {
        let plain = |file: &&crate::planting::Expected| !file.synced && file.bucket == BUCKETS[0].1;
        let lost = operator.planted.expected.iter().find(plain).context("a file")?;
        let (fid, sha1) = (lost.fid, lost.file.sha1.clone());
        operator.world.lose(fid).await?;
        let failed = operator.path("failed.tsv");
        operator.line(&format!("migrate --failures {failed}"), 1).await?;
        let means = "--means=ingest is off in crontab";
        operator.types(&["freeze", means, "--window=1s", "--operator=ann"], 0).await?;
        operator.line("audit --no-run", 1).await?;
        let (fids, reason) = (format!("--fids=@{failed}"), "--reason=its disks were lost in 2014");
        operator
            .types(&["audit", "accept", &fids, reason, "--execute", "--operator=ann"], 0)
            .await?;
        verified(operator).await?;
        cut_over(operator).await?;
        let found = operator.world.end_state().await?;
        let readings = read(operator, Store::S3, &found).await?;
        let (lost, others): (Vec<_>, Vec<_>) =
            readings.problems.into_iter().partition(|it| it.ends_with("does not have its content"));
        let rows = rows_of(operator.world.as_ref()).await?;
        let of_file = rows.objects.iter().filter(|it| it.sha1 == sha1 && !it.is_purged).count();
        ensure!(lost.len() == of_file, "{} rows lost, and not {of_file}: {lost:?}", lost.len());
        Ok(Readings { problems: others, ..readings })
    })
    .await
}

/// Runs one. An error that keeps it from its end is a problem, too.
async fn story(
    name: &'static str,
    operator: impl Future<Output = Begun>,
    play: impl AsyncFnOnce(&mut Operator) -> anyhow::Result<Readings>,
) -> Story {
    let begun = Instant::now();
    let mut ended = Story::default();
    let readings = match operator.await {
        Ok(mut operator) => {
            let readings = play(&mut operator).await;
            let Operator { typed, check_list, end, doctor, .. } = operator;
            ended = Story { commands: typed, check_list, end, doctor, ..ended };
            readings
        }
        Err(error) => Err(error),
    };
    let seconds = (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    let Readings { rows, problems } =
        readings.unwrap_or_else(|error| Readings { rows: 0, problems: vec![format!("{error:#}")] });
    Story { scenario: Scenario { name, seconds, problems }, rows_read: rows, ..ended }
}

/// People ingest this number of files.
async fn ingests(operator: &mut Operator, files: usize) -> anyhow::Result<()> {
    let Operator { world, planted, before, .. } = operator;
    ingest(world.as_ref(), planted, before, files).await
}

/// The SHA-1s of all files.
fn contents(operator: &Operator) -> BTreeSet<String> {
    operator.planted.expected.iter().map(|file| file.file.sha1.clone()).collect()
}

/// Buckets, tables and queues, their check, raw copies of a part, and the clean-up of unfinished uploads.
async fn prepare(operator: &mut Operator) -> anyhow::Result<()> {
    operator.line("provision --access-profile contentrepo-legacy --change-access", 0).await?;
    operator.doctor = operator.line("doctor", 0).await?;
    operator.line("tmp list", 0).await?;
    a_day_passes(operator.world.as_ref()).await?;
    operator.line("tmp delete --execute --operator=ann", 0).await?;
    operator.before = operator.world.mogile_state().await?;
    operator.planted.temporary = 0;
    let half = operator.planted.expected.len() / 2;
    let last = operator.planted.expected.iter().skip(half).map(|file| file.fid.to_string());
    let fids = format!("--fids={}", last.collect::<Vec<_>>().join(","));
    operator.line(&format!("sync {fids}"), 0).await?;
    operator.done(2, "half of the store has raw copies").await?;
    operator.done(3, "unfinished uploads are deleted, no key is wrong").await
}

/// Ingest is stopped, what came since is migrated through the queue, and everything is verified.
async fn frozen_and_verified(operator: &mut Operator) -> anyhow::Result<()> {
    let means = "--means=ingest is off in crontab";
    operator.types(&["freeze", means, "--window=1s", "--operator=ann"], 0).await?;
    operator.line("enqueue migrate", 0).await?;
    operator.line("work --until-empty", 0).await?;
    operator.line("migrate", 0).await?;
    verified(operator).await
}

async fn verified(operator: &mut Operator) -> anyhow::Result<()> {
    operator.line(&format!("enqueue verify --run {RUN}"), 0).await?;
    operator.line("work --until-empty", 0).await?;
    operator.line(&format!("audit --run {RUN}"), 0).await?;
    operator.line("verify", 0).await?;
    operator.line("freeze check", 0).await.map(drop)
}

/// Both databases, each after a dry run.
async fn cut_over(operator: &mut Operator) -> anyhow::Result<()> {
    for database in ["contentrepo", "rhino"] {
        let dry = format!("cutover {database} --left-behind {IGNORED_BUCKET} --queue-window=1s");
        operator.line(&dry, 0).await?;
        let backup = operator.path(&format!("{database}-names.gz"));
        operator.line(&format!("{dry} --execute --backup {backup} --operator=ann"), 0).await?;
    }
    Ok(())
}

/// contentrepo and rhino get the configuration that `config` prints, and `config --check` finds it there.
async fn configured(operator: &mut Operator) -> anyhow::Result<()> {
    let printed = operator.line("config --json --access-profile contentrepo-legacy", 0).await?;
    let printed: Value = serde_json::from_str(&printed).context("the JSON of `config`")?;
    let resource = printed["texts"]["resource"].as_str().context("a resource")?;
    // An operator writes the keys of contentrepo's account here.
    let context = format!("<Context>{}</Context>", resource.replace("THE-", "the-real-"));
    let context = operator.writes("context.xml", &context)?;
    let [corpus, editorial] = BUCKETS.map(|(_, new)| new);
    let rhino = format!(
        "contentRepo:\n  corpus:\n    bucket: {corpus}\n  editorial:\n    bucket: {editorial}\n"
    );
    let rhino = operator.writes("rhino.yaml", &rhino)?;
    operator.line(&format!("config --check {context} --check {rhino}"), 0).await?;
    operator.done(8, "both files are on every node; lemur has the same").await
}

/// What the applications can read. The ignored bucket is left behind in S3 alone.
async fn read(operator: &Operator, store: Store, found: &EndState) -> anyhow::Result<Readings> {
    let world = operator.world.as_ref();
    let left_behind = match store {
        Store::S3 => BTreeSet::from([IGNORED_BUCKET.to_owned()]),
        Store::MogileFs { .. } => BTreeSet::new(),
    };
    let readings = read_all(&rows_of(world).await?, store, found, &left_behind);
    ensure!(readings.rows > 0, "the applications have no rows");
    Ok(readings)
}
