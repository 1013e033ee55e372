//! `cutover`: the whole way and the way back by the real commands, and the gates in between.

mod operators;

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, IGNORED_BUCKET};
use stand_ins::world::databases::{ArticleFileRow, Database, ObjectRow, Planting, Status};
use stand_ins::world::mogile::Content;

use crate::cli::{mogile2s3, text};

struct Case {
    world: EmbeddedWorld,
    environment: BTreeMap<&'static str, String>,
    folder: tempfile::TempDir,
}

fn sha1(number: u32) -> String {
    domain::Sha1::of(&number.to_be_bytes()).to_string()
}

fn plant(rows: &Planting<'_>, bucket: (i64, &str), number: u32) -> anyhow::Result<()> {
    let (key, uuid) =
        (format!("10.1371/{number}"), format!("b2d3a0c4-0000-4000-8000-{number:012}"));
    rows.object(&ObjectRow {
        bucket: bucket.0,
        key: &key,
        version: 0,
        sha1: &sha1(number),
        size: 1_000,
        name: None,
        content_type: None,
        status: Status::InUse,
        uuid: &uuid,
    })?;
    rows.article_file(&ArticleFileRow {
        ingestion: 1,
        item: None,
        file_type: None,
        bucket: bucket.1,
        key: &key,
        uuid: &uuid,
        size: 1_000,
        name: &key,
    })
}

impl Case {
    /// Both mapped buckets, and an ignored one that has a row in each client.
    async fn new() -> Self {
        let world = EmbeddedWorld::start().await.expect("loopback ports");
        let names = [BUCKETS[0].0, BUCKETS[1].0, IGNORED_BUCKET];
        for (number, name) in (1..).zip(names) {
            let content = Content::from(u32::to_be_bytes(number).to_vec());
            let key = format!("{}-{name}", sha1(number));
            world.mogile.store(world.dmid, &key, &content, &world.devices[..2]);
        }
        let planted = world.databases.plant(|rows| {
            for (number, name) in (1..).zip(names) {
                plant(rows, (rows.bucket(name)?, name), number)?;
            }
            Ok(())
        });
        planted.expect("planted");
        let mut environment = world.environment().clone();
        // The looks at the queues take minutes.
        for setting in ["SQS_URL", "SQS_DLQ_URL"] {
            environment.insert(setting, String::new());
        }
        Self { world, environment, folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// All that names may change in, and the indexes.
    fn dump(&self) -> Vec<Vec<String>> {
        let rows = |database, sql| self.world.databases.texts(database, sql).expect("rows");
        let indexes = "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name";
        [
            rows(Database::ContentRepo, "SELECT * FROM buckets ORDER BY bucketId"),
            rows(Database::Rhino, "SELECT * FROM articleFile ORDER BY fileId"),
            rows(Database::Rhino, indexes),
        ]
        .concat()
    }

    async fn run(&self, arguments: &str, code: i32) -> String {
        self.run_in(&self.environment, arguments, code).await
    }

    async fn run_in(
        &self,
        environment: &BTreeMap<&'static str, String>,
        arguments: &str,
        code: i32,
    ) -> String {
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let output = mogile2s3(environment, &arguments).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("rehearsal-password"), "{said}");
        said
    }

    /// The command that executes what a dry run has printed, with this file.
    fn printed(said: &str, file: &str) -> String {
        let line = said.lines().rfind(|line| line.contains("--execute")).expect("a command");
        let command = line.trim().strip_prefix("mogile2s3 ").expect("a command");
        command.replace("FILE", file) + " --operator=ann"
    }

    /// Gates that are shut, in a dry run and in earnest: in these words, and nothing changes.
    async fn refused(&self, arguments: &str, words: &[&str]) {
        let before = self.dump();
        let backup = format!("--backup {}", self.path("never.gz"));
        let backup = if arguments.contains("--revert") { "" } else { &backup };
        for more in ["", "--execute --operator=ann"] {
            let more = if more.is_empty() { String::new() } else { format!("{more} {backup}") };
            let said = self.run(&format!("{arguments} {more}"), 4).await;
            for words in words {
                assert!(said.contains(words), "no `{words}` in: {said}");
            }
        }
        assert_eq!(self.dump(), before);
        assert!(fs::metadata(self.path("never.gz")).is_err(), "no backup of a change that is none");
    }

    /// Migrates and verifies, by workers too, and returns what a cut-over says while jobs are in the queue.
    async fn migrate_and_verify(&self, dry_run: &str) -> String {
        let all = self.world.environment();
        self.run_in(all, "migrate", 0).await;
        self.run_in(all, "enqueue verify --run june", 0).await;
        let said = self.run_in(all, dry_run, 4).await;
        for command in ["work --until-empty", "audit --run june", "verify"] {
            self.run_in(all, command, 0).await;
        }
        said
    }

    async fn freeze(&self) {
        let freeze = ["freeze", "--means", "cron is off", "--window", "1s", "--operator=ann"];
        let output = mogile2s3(&self.environment, &freeze).await;
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_are_cut_over_and_come_back_as_they_were() {
    let case = Case::new().await;
    let before = case.dump();
    case.refused("cutover contentrepo", &["the journal has no freeze", "REFUSED  left-behind"])
        .await;
    case.freeze().await;
    let named = format!("--left-behind {IGNORED_BUCKET}");
    let lines = ["REFUSED  audit", "the journal has no result of `verify`", "--no-queue"];
    case.refused(&format!("cutover contentrepo {named}"), &lines).await;
    let said = case.migrate_and_verify(&format!("cutover contentrepo {named}")).await;
    assert!(said.contains("the queue has 2 visible messages, 0 in flight, 0 delayed"), "{said}");
    let used = "by entry 3 jobs were sent to";
    case.refused(&format!("cutover contentrepo {named} --no-queue"), &[used, "ok       verified"])
        .await;
    let missing = ["--override: this gate cannot be overridden", "REFUSED  left-behind"];
    let overriding = "--override queue,left-behind --reason tested";
    case.refused(&format!("cutover contentrepo {overriding}"), &missing).await;
    case.refused("cutover rhino", &["contentrepo's cut-over is not done"]).await;
    let left = format!("`{IGNORED_BUCKET}`: 1 of contentrepo's objects, 1000 B; 1 of rhino's rows");
    case.refused("cutover contentrepo", &["ok       freeze", &left]).await;
    let mut unmapped = case.environment.clone();
    unmapped.insert("IGNORE_BUCKETS", String::new());
    let said = case.run_in(&unmapped, "cutover contentrepo", 4).await;
    assert!(said.contains("REFUSED  unmapped") && said.contains(IGNORED_BUCKET), "{said}");
    let said = case.run("cutover contentrepo --left-behind absent", 2).await;
    assert!(said.contains("`absent` is no bucket of IGNORE_BUCKETS"), "{said}");
    let said = case.run("cutover contentrepo --execute", 2).await;
    assert!(said.contains("--backup is missing"), "{said}");

    let named = format!("{named} --override queue --reason tested");
    let said = case.run(&format!("cutover contentrepo {named}"), 0).await;
    let statement = format!("SET bucketName = '{}'", BUCKETS[0].1);
    assert!(said.contains(&statement) && said.contains("OVERRIDDEN, because: tested"), "{said}");
    assert_eq!(case.dump(), before, "a dry run");
    let (crepo, rhino) = (case.path("contentrepo.gz"), case.path("rhino.gz"));
    let said = case.run(&Case::printed(&said, &crepo), 0).await;
    assert!(said.contains("DONE: contentrepo has the S3 names"), "{said}");
    assert!(said.contains("GATE OVERRIDDEN: `queue` is closed"), "{said}");
    let said = case.run("cutover contentrepo --execute --operator=ann", 0).await;
    assert!(said.contains("DONE already"), "{said}");

    let said = case.run(&format!("cutover rhino {named}"), 0).await;
    assert!(said.contains("DROP INDEX") && said.contains("UPDATE articleFile"), "{said}");
    let said = case.run(&Case::printed(&said, &rhino), 0).await;
    assert!(said.contains("DONE: rhino has the S3 names"), "{said}");
    let after = case.dump();
    let new_names = |dump: &[Vec<String>]| format!("{dump:?}").matches(BUCKETS[0].1).count();
    assert_eq!((new_names(&before), new_names(&after)), (0, 2), "one bucket, one file: {after:?}");

    // What comes to S3 now is not in MogileFS.
    let planted = case.world.databases.plant(|rows| {
        let object = ObjectRow {
            bucket: 1,
            key: "late",
            version: 0,
            sha1: &sha1(9),
            size: 7,
            name: None,
            content_type: None,
            status: Status::InUse,
            uuid: "b2d3a0c4-0000-4000-8000-000000000009",
        };
        rows.object(&object)?;
        rows.article_file(&ArticleFileRow {
            ingestion: 1,
            item: None,
            file_type: None,
            bucket: BUCKETS[0].1,
            key: "late",
            uuid: object.uuid,
            size: 7,
            name: "late",
        })
    });
    planted.expect("planted");
    case.refused("cutover contentrepo --revert", &["`mogile2s3 cutover rhino --revert`"]).await;
    case.refused("cutover rhino --revert", &["1 of contentrepo's objects and 1 of rhino's rows"])
        .await;
    let list = case.path("ingested.tsv");
    let said = case.run(&format!("cutover rhino --revert --leave-behind {list}"), 0).await;
    assert!(fs::metadata(&list).is_err(), "a dry run writes no list");
    let said = case.run(&Case::printed(&said, ""), 0).await;
    let words =
        "lists 1 objects of contentrepo that are readable from S3 only, and 1 rows of rhino";
    assert!(said.contains(words), "{said}");
    let (listed, bucket) = (fs::read_to_string(&list).expect("a list"), BUCKETS[0].1);
    let line = format!("{bucket}\tlate\tb2d3a0c4-0000-4000-8000-000000000009\t{}\t7\t4\n", sha1(9));
    assert!(listed.contains(&line), "{listed}");
    let line = format!("{bucket}\tlate\tb2d3a0c4-0000-4000-8000-000000000009\t\t7\t4\n# 2 lines\n");
    assert!(listed.ends_with(&line), "{listed}");

    let said = case.run("cutover rhino --revert", 0).await;
    assert!(said.contains("DONE already: rhino has the MogileFS names"), "{said}");

    let list = case.path("ingested-2.tsv");
    let back = format!("cutover contentrepo --revert --from {crepo} --leave-behind {list}");
    let said = case.run(&back, 0).await;
    let said = case.run(&Case::printed(&said, ""), 0).await;
    assert!(said.contains("DONE: contentrepo has the MogileFS names"), "{said}");
    let late = "DELETE FROM articleFile WHERE fileId = 4 AND bucketName = ?";
    let rhino = case.world.databases.open(Database::Rhino).expect("opened");
    assert_eq!(rhino.execute(late, [bucket]).expect("executed"), 1, "it keeps the S3 name");
    assert_eq!(case.dump(), before, "byte for byte, with the times of changes and the index");
    let output = mogile2s3(&case.environment, &["cutover", "contentrepo", "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["outcome"], &report["exit_code"]), (&"refused".into(), &4.into()));
}
