//! `verify --references`: the real command against the clients' databases, with references that are broken in
//! each way.

use std::fs;
use std::process::Command;
use std::time::Duration;

use rehearsal::hazard::Hazards;
use rehearsal::planting::Expected;
use rehearsal::stage::{Options, Stage};
use serde_json::Value;
use stand_ins::embedded::{BUCKETS, LEDGER};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Condition;
use stand_ins::world::databases::{ArticleFileRow, Database, ObjectRow, Status};
use stand_ins::world::dynamodb::{self, Item, Table};

use crate::cli::{json, mogile2s3, text};

/// A world whose files are all migrated.
async fn migrated(seed: u64, files: usize) -> Stage {
    let options = Options { seed, files, folder: None, hazards: Hazards::None };
    let stage = Stage::set(&options).await.expect("a world");
    let output = mogile2s3(stage.world.environment(), &["migrate"]).await;
    assert!(output.status.success(), "{}", text(&output.stdout));
    stage
}

/// What the command says, which ends with this exit code.
async fn verified(stage: &Stage, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["verify", "--references", "--wait", "1s", "--json"], arguments].concat();
    let output = mogile2s3(stage.world.environment(), &arguments).await;
    let said = json(&output);
    assert_eq!(output.status.code(), Some(code), "{said} {}", text(&output.stderr));
    assert_eq!(said["exit_code"].as_i64(), Some(code.into()), "{said}");
    said
}

/// The same for people, with other settings.
async fn printed(
    stage: &Stage,
    more: &[(&'static str, &str)],
    arguments: &[&str],
    code: i32,
) -> String {
    let mut environment = stage.world.environment().clone();
    environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    let arguments = [&["verify", "--references"], arguments].concat();
    let output = mogile2s3(&environment, &arguments).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

fn number(said: &Value, path: &str) -> u64 {
    said.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

fn change(stage: &Stage, database: Database, sql: &str) {
    let connection = stage.world.databases.open(database).expect("opened");
    assert!(connection.execute(sql, ()).expect("a statement") > 0, "{sql}");
}

/// The rows of contentrepo that have this file's content.
fn rows_of(stage: &Stage, file: &Expected) -> Vec<String> {
    let sql = format!(
        "SELECT id FROM objects JOIN buckets USING (bucketId) WHERE checksum = '{}' AND bucketName = '{}'",
        file.file.sha1,
        old_name(file.bucket)
    );
    let rows = stage.world.databases.texts(Database::ContentRepo, &sql).expect("rows");
    rows.into_iter().map(|row| row[0].clone()).collect()
}

fn old_name(new: &str) -> &'static str {
    BUCKETS.iter().find(|(_, name)| *name == new).expect("a bucket").0
}

/// A file whose one row is in contentrepo and in rhino.
fn with_one_row(stage: &Stage, nth: usize) -> &Expected {
    let mut files = stage.planted.expected.iter();
    files.by_ref().filter(|file| rows_of(stage, file).len() == 1).nth(nth).expect("a file")
}

/// A row of contentrepo whose content is nowhere, and one of rhino that names no row.
fn plant_lost(stage: &Stage) {
    let (bucket, sha1) = (old_name(stage.planted.expected[0].bucket), "f".repeat(40));
    let sql = format!("SELECT bucketId FROM buckets WHERE bucketName = '{bucket}'");
    let id = stage.world.databases.texts(Database::ContentRepo, &sql).expect("a row");
    let id = id[0][0].parse().expect("a number");
    let planted = stage.world.databases.plant(|planting| {
        planting.object(&ObjectRow {
            bucket: id,
            key: "lost",
            version: 0,
            sha1: &sha1,
            size: 7,
            name: None,
            content_type: None,
            status: Status::Deleted,
            uuid: "00000000-0000-4000-8000-000000000001",
        })?;
        planting.article_file(&ArticleFileRow {
            ingestion: 999_999,
            item: None,
            file_type: None,
            bucket,
            key: "nowhere",
            uuid: "00000000-0000-4000-8000-000000000002",
            size: 7,
            name: "nowhere",
        })
    });
    planted.expect("planted");
}

#[tokio::test(flavor = "multi_thread")]
async fn honest_references_are_sound_and_broken_ones_are_named_and_mended() {
    let stage = migrated(61, 90).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let list = path("list");
    let said = verified(&stage, &["--list", &list], 0).await;
    let sound = ["objects", "article_files"].map(|table| number(&said, &format!("/{table}/sound")));
    assert!(sound[0] >= 90 && sound[1] > 60 && number(&said, "/objects/purged") > 0, "{said}");
    assert_eq!(number(&said, "/objects/rows"), stage.planted.repo_objects as u64, "{said}");
    let lines = fs::read_to_string(&list).expect("written");
    let whole = lines.lines().filter(|line| line.starts_with("=\t\t")).count() as u64;
    assert_eq!(whole, sound[0] + sound[1]);
    assert!(lines.ends_with(&format!("# {whole} lines\n")), "{lines}");

    let [gone, cut, wrong] = [0, 1, 2].map(|nth| with_one_row(&stage, nth));
    stage.world.s3.delete(gone.bucket, &gone.file.sha1, &Condition::None).expect("deleted");
    let [id] = &rows_of(&stage, cut)[..] else { panic!("one row") };
    // What a server that is not strict leaves of a larger size.
    let sql = format!("UPDATE objects SET size = 2147483647 WHERE id = {id}");
    change(&stage, Database::ContentRepo, &sql);
    let [id] = &rows_of(&stage, wrong)[..] else { panic!("one row") };
    let sql = format!("UPDATE objects SET size = size + 1 WHERE id = {id}");
    change(&stage, Database::ContentRepo, &sql);
    plant_lost(&stage);
    let failures = path("failures");
    let said = verified(&stage, &["--failures", &failures], 1).await;
    let broken = |kind: &str| number(&said, &format!("/objects/broken/{kind}/rows"));
    let kinds = ["broken-by-migration", "broken-before", "wrong-size"].map(broken);
    assert_eq!((kinds, number(&said, "/objects/unknown_size")), ([1, 1, 1], 1), "{said}");
    assert_eq!(number(&said, "/article_files/broken/no-row/rows"), 1, "{said}");
    assert_eq!(
        (number(&said, "/broken_before"), &said["incomplete"]),
        (3, &false.into()),
        "{said}"
    );
    let lines = fs::read_to_string(&failures).expect("written");
    let fid = format!("{}\tbroken-by-migration\tobjects\t", gone.fid);
    assert!(lines.starts_with(&fid) || lines.contains(&format!("\n{fid}")), "{lines}");
    assert!(
        lines.contains("\n#\tno-row\tarticleFile\t") && lines.contains("\tnowhere\t"),
        "{lines}"
    );

    // Both printed commands do what is said of them.
    let said = printed(&stage, &[], &[], 1).await;
    let next = format!("\n  mogile2s3 migrate --again --fids {}\n", gone.fid);
    assert!(said.contains(&next), "{next}: {said}");
    let fids = format!("@{failures}");
    let mended =
        mogile2s3(stage.world.environment(), &["migrate", "--again", "--fids", &fids]).await;
    assert!(mended.status.success(), "{}", text(&mended.stdout));
    let said = printed(&stage, &[], &[], 1).await;
    let next = "\n  mogile2s3 verify --references --failures FILE    (which lists all of them)\n  mogile2s3 verify \
                --references --allow-broken-before FILE\n";
    assert!(said.contains(next) && !said.contains("broken-by-migration"), "{said}");
    let before = path("before");
    let said = printed(&stage, &[], &["--failures", &before], 1).await;
    let next = format!("\n  mogile2s3 verify --references --allow-broken-before {before}\n");
    assert!(said.contains(&next), "{next}: {said}");
    let allow = ["--allow-broken-before", &before];
    let said = printed(&stage, &[], &allow, 0).await;
    assert!(said.contains("except 3 that were broken before the migration"), "{said}");
    broken_later_is_never_broken_before(&stage, &before).await;
}

/// As many references are broken, and one of them has another name; then evidence lacks, and then it shows
/// that S3 had the content.
async fn broken_later_is_never_broken_before(stage: &Stage, before: &str) {
    let allow = ["--allow-broken-before", before];
    let other = "e".repeat(40);
    let sql = format!("UPDATE objects SET checksum = '{other}' WHERE objkey = 'lost'");
    change(stage, Database::ContentRepo, &sql);
    let said = verified(stage, &allow, 1).await;
    let counts = ["/allowed/rows", "/allowed/stale", "/not_allowed", "/broken_before"];
    assert_eq!(counts.map(|path| number(&said, path)), [2, 1, 1, 3], "{said}");
    for (setting, words) in [
        ("DYNAMODB_TABLE", "DYNAMODB_TABLE is not set"),
        ("MOGILE_TRACKERS", "MOGILE_TRACKERS is not set"),
    ] {
        let said = printed(stage, &[(setting, "")], &allow, 3).await;
        assert!(said.contains("NOT DECIDED: ") && said.contains(words), "{words}: {said}");
    }
    let record = Item::from([
        dynamodb::number("fid", 4_000_000),
        dynamodb::text("sha1", &other),
        dynamodb::text("md5", "0"),
        dynamodb::text("bucket", stage.planted.expected[0].bucket),
    ]);
    Table::new(stage.world.database.clone(), LEDGER.to_owned()).put(&[record]).expect("put");
    let said = verified(stage, &allow, 1).await;
    assert_eq!(number(&said, "/objects/broken/lost/rows"), 1, "{said}");

    let cut = fs::read_to_string(before).expect("written");
    let cut = cut.rsplit_once("# ").expect("a last line").0;
    let lines = cut.lines().count() + 1;
    fs::write(before, cut).expect("cut");
    let said = printed(stage, &[], &allow, 2).await;
    let words = format!("--allow-broken-before: `{before}`, line {lines}: the last line");
    assert!(said.contains(&words), "{words}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_cut_over_shows_and_a_whole_one_is_sound() {
    let stage = migrated(62, 40).await;
    let rename = |table: &str, database| {
        for (old, new) in BUCKETS {
            let sql = format!("UPDATE {table} SET bucketName = '{new}' WHERE bucketName = '{old}'");
            change(&stage, database, &sql);
        }
    };
    rename("buckets", Database::ContentRepo);
    let said = verified(&stage, &[], 1).await;
    let rows = number(&said, "/article_files/sound");
    assert_eq!(number(&said, "/half_cut_over"), rows, "{said}");
    assert_eq!(said["objects"]["broken"], serde_json::json!({}), "{said}");
    let said = printed(&stage, &[], &[], 1).await;
    assert!(said.contains("HALF CUT OVER: ") && !said.contains("Clean"), "{said}");
    // rhino's cut-over breaks off: it has rows under both names.
    let (old, new) = BUCKETS[0];
    let first = format!("(SELECT fileId FROM articleFile WHERE bucketName = '{old}' LIMIT 1)");
    let sql = format!("UPDATE articleFile SET bucketName = '{new}' WHERE fileId = {first}");
    change(&stage, Database::Rhino, &sql);
    let said = verified(&stage, &[], 1).await;
    let both = &said["both_names"][0];
    assert_eq!((&both["client"], number(both, "/rows_new")), (&"rhino".into(), 1), "{said}");
    rename("articleFile", Database::Rhino);
    let said = verified(&stage, &[], 0).await;
    assert_eq!((number(&said, "/half_cut_over"), number(&said, "/article_files/sound")), (0, rows));
    let by_new_name =
        BUCKETS.map(|(_, new)| number(&said, &format!("/article_files/by_name/{new}")));
    assert_eq!(by_new_name.iter().sum::<u64>(), rows, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_set_wrong_is_never_clean() {
    let stage = migrated(63, 30).await;
    let away = "mysql://user:s3cret@127.0.0.1:1/repo";
    for (setting, arguments, code, words) in [
        (("CONTENTREPO_DATABASE_URL", ""), &[][..], 2, "CONTENTREPO_DATABASE_URL is not set"),
        (("RHINO_DATABASE_URL", ""), &[], 3, "Set RHINO_DATABASE_URL; or,"),
        (("RHINO_DATABASE_URL", ""), &["--no-rhino"], 0, "rhino was not compared: --no-rhino."),
        (("MOGILE_DATABASE_URL", ""), &[], 0, "Note: MOGILE_DATABASE_URL is not set"),
        (("CONTENTREPO_DATABASE_URL", away), &[], 3, "STOPPED: references: "),
        (("RHINO_DATABASE_URL", away), &[], 3, "STOPPED: references: "),
        (("MOGILE_DOMAIN", "nowhere"), &[], 2, "MogileFS has no domain `nowhere`"),
        (
            ("BUCKETS", "no-such:corpus-prod"),
            &[],
            2,
            "rows of contentrepo's database is in a bucket",
        ),
        (("BUCKETS", "mogilefs-prod-repo:not-made"), &[], 2, "bucket `not-made` does not exist"),
        (("MOGILE_TRACKERS", ""), &["--deep"], 2, "cannot be used with"),
        (("MOGILE_TRACKERS", ""), &["--spool-dir", "/no/such"], 2, "`/no/such` is no directory"),
    ] {
        let said = printed(&stage, &[setting], arguments, code).await;
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(said.contains("Clean: "), code == 0, "{setting:?}: {said}");
        assert!(!said.contains("s3cret"), "a secret: {said}");
    }
    let without = [("MOGILE_TRACKERS", ""), ("DYNAMODB_TABLE", ""), ("SQS_URL", "")];
    assert!(printed(&stage, &without, &[], 0).await.contains("Clean: "));

    let said = verified(&stage, &["--no-rhino"], 0).await;
    assert!(said["article_files"].is_null(), "{said}");
    let slow_down = Fault::Refuse { status: 503, code: "SlowDown".to_owned() };
    let busy = Rule { operation: Some("LIST".to_owned()), ..Rule::always(Service::S3, slow_down) };
    stage.world.faults.add(busy);
    let said = verified(&stage, &[], 3).await;
    assert!(said["stopped"].as_str().is_some_and(|why| why.contains("s3-unreachable")), "{said}");
    assert_eq!(said["objects"]["broken"], serde_json::json!({}), "nothing was seen: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_and_says_that_it_is_not_complete() {
    let stage = migrated(64, 30).await;
    let slow = Rule {
        operation: Some("LIST".to_owned()),
        ..Rule::always(Service::S3, Fault::Delay(Duration::from_secs(3)))
    };
    stage.world.faults.add(slow);
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().display().to_string();
    let mut command = crate::cli::rehearse();
    command.args(["mogile2s3", "verify", "--references", "--json", "--spool-dir", &spool]);
    command.envs(stage.world.environment());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut run =
        tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("started");
    let process = run.id().expect("it runs");
    let lists = || stage.world.faults.counts().get(&(Service::S3, "LIST".to_owned())).copied();
    let before = lists();
    while lists() == before {
        assert!(run.try_wait().expect("a process").is_none(), "it ended before it listed anything");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let kill = format!("kill -INT {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    let output = run.wait_with_output().await.expect("it ends");
    let said = json(&output);
    assert_eq!((output.status.code(), &said["incomplete"]), (Some(1), &true.into()), "{said}");
    assert_eq!(said["stopped"], "interrupted");
    assert!(number(&said, "/objects/rows") > 0, "{said}");
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "nothing stays on disk");
}
