//! Others' MySQL clients against the stand-in: `PyMySQL` from `PyPI` and the command-line client. They
//! read the world's own MogileFS, and see a change at once; they change the clients' databases.
//!
//! `PyMySQL` runs in a virtual environment of its own. Without Python or the package index its test is
//! skipped, and says so; with `REQUIRE_PYMYSQL=1` it fails instead. The command-line client is looked
//! for on the path; with `REQUIRE_MYSQL_CLIENT=1` its absence is a failure.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use stand_ins::embedded::EmbeddedWorld;
use stand_ins::world::databases::Database;
use stand_ins::world::mogile::{ClassId, Content, Fid, FileRow};
use tests::python::{self, Package, say};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const PYMYSQL: Package =
    Package { module: "pymysql", wanted: "PyMySQL>=1.1,<2", required_by: "REQUIRE_PYMYSQL" };

/// For all that a client does.
const SESSION: Duration = Duration::from_secs(30);

const PLAIN_FILES: usize = 20;

/// A world with plain files, and behind them one without key and length and one with an odd key.
async fn world() -> EmbeddedWorld {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    for number in 0..PLAIN_FILES {
        let key = format!("{number:040x}-mogilefs-prod-repo");
        world.mogile.store(world.dmid, &key, &Content::from("x"), &world.devices[..1]);
    }
    let empty = FileRow {
        fid: Fid(10_000_000_000),
        dmid: world.dmid,
        dkey: None,
        length: None,
        classid: ClassId(0),
        devids: Vec::new(),
    };
    world.mogile.plant(empty);
    let odd = "gr\u{fc}\u{df}e 'x'";
    world.mogile.store(world.dmid, odd, &Content::from("hello"), &world.devices[..1]);
    world
}

#[tokio::test]
async fn pymysql_reads_the_tables() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(PYMYSQL, home).await else { return };
    let world = world().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/mysql/pymysql_session.py");
    let mut client = Command::new(python);
    client.arg(script).envs(world.environment()).env("FILES", (PLAIN_FILES + 2).to_string());
    python::run(client, SESSION).await.expect("every step as it should be");
}

#[tokio::test]
async fn a_client_that_is_killed_in_its_transaction_leaves_nothing() {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(PYMYSQL, home).await else { return };
    let world = world().await;
    let names = || world.databases.texts(Database::ContentRepo, "SELECT bucketName FROM buckets");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/mysql/pymysql_killed.py");
    let mut command = Command::new(python);
    command.arg(script).envs(world.environment()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut client = command.spawn().expect("started");
    let mut said = BufReader::new(client.stdout.take().expect("piped")).lines();
    let line = timeout(SESSION, said.next_line()).await.expect("in time").expect("text");
    assert_eq!(line.as_deref(), Some("written"), "it has written, and not committed");
    client.kill().await.expect("killed");
    // Whoever writes next proves that the killed one holds nothing any more.
    let planted = async {
        while let Err(why) = world.databases.plant(|planting| planting.bucket("later").map(drop)) {
            say(&format!("the killed client is not gone yet: {why:#}"));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SESSION, planted).await.expect("its transaction ends with it");
    assert_eq!(names().expect("rows"), [["kept"], ["later"]]);
}

/// The command-line client under one of its names.
async fn client() -> Option<&'static str> {
    for name in ["mariadb", "mysql"] {
        if Command::new(name).arg("--version").output().await.is_ok_and(|it| it.status.success()) {
            return Some(name);
        }
    }
    let required = std::env::var("REQUIRE_MYSQL_CLIENT").is_ok_and(|set| set == "1");
    assert!(!required, "neither `mariadb` nor `mysql` is on the path");
    say("SKIPPED: neither `mariadb` nor `mysql` is on the path");
    None
}

/// What the command-line client prints of a statement, or its error.
async fn asked(client: &str, world: &EmbeddedWorld, sql: &str) -> Result<String, String> {
    let url = &world.environment()["MOGILE_DATABASE_URL"];
    let (login, place) = url.trim_start_matches("mysql://").split_once('@').expect("a login");
    let (user, password) = login.split_once(':').expect("a password");
    let (address, database) = place.split_once('/').expect("a database");
    let (host, port) = address.split_once(':').expect("a port");
    let mut command = Command::new(client);
    command
        .args(["--no-defaults", "--protocol=TCP", "--batch", "--skip-column-names"])
        .args(["-h", host, "-P", port, "-u", user, "-e", sql, database])
        .env("MYSQL_PWD", password)
        .kill_on_drop(true);
    let output = timeout(SESSION, command.output()).await.expect("an end").expect("started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[tokio::test]
async fn the_command_line_client_reads_and_changes_the_tables() {
    let Some(client) = client().await else { return };
    let world = world().await;
    for (sql, printed) in [
        ("SELECT fid, length FROM file WHERE fid > 1 ORDER BY fid LIMIT 2", "2\t1\n3\t1\n"),
        ("SELECT dkey, length FROM file WHERE fid = 10000000000", "NULL\tNULL\n"),
        ("SELECT COUNT(*) FROM file", "22\n"),
        ("SHOW DATABASES", "contentrepo\ninformation_schema\nmogilefs\nrhino\n"),
        ("SELECT GET_LOCK('a', 0), IS_FREE_LOCK('a'), RELEASE_LOCK('a')", "1\t0\t1\n"),
        (
            "SELECT COLUMN_NAME, EXTRA FROM information_schema.COLUMNS \
             WHERE TABLE_SCHEMA = 'rhino' AND EXTRA = 'auto_increment'",
            "fileId\tauto_increment\n",
        ),
        ("SELECT namespace FROM domain WHERE dmid = 1", "plos_repo\n"),
        ("BEGIN; SELECT 1; COMMIT", "1\n"),
    ] {
        assert_eq!(asked(client, &world, sql).await.as_deref(), Ok(printed), "{sql}");
    }
    // The tables are the world's own.
    world.mogile.drop_row(Fid(2));
    assert_eq!(asked(client, &world, "SELECT COUNT(*) FROM file").await.as_deref(), Ok("21\n"));
    // Its script locks, changes a bucket under a name that is exactly reverted, and reads it again.
    let bucket = "INSERT INTO contentrepo.buckets (bucketName, timestamp) \
                  VALUES ('old', '2001-01-01 00:00:00')";
    let rename = "BEGIN; UPDATE contentrepo.buckets SET bucketName = 'new', timestamp = timestamp \
                  WHERE BINARY bucketName = 'old'; COMMIT; \
                  SELECT bucketName, timestamp FROM contentrepo.buckets";
    assert_eq!(asked(client, &world, bucket).await.as_deref(), Ok(""));
    let renamed = Ok("new\t2001-01-01 00:00:00\n");
    assert_eq!(asked(client, &world, rename).await.as_deref(), renamed);
    let delete = "DELETE FROM contentrepo.buckets WHERE bucketId = 1";
    assert_eq!(asked(client, &world, delete).await.as_deref(), Ok(""));
    // A client that ends inside a transaction leaves nothing of it.
    let insert = "INSERT INTO contentrepo.buckets (bucketName) VALUES";
    let kept = format!("{insert} ('kept'); BEGIN; {insert} ('lost')");
    assert_eq!(asked(client, &world, &kept).await.as_deref(), Ok(""));
    let names = "SELECT bucketName FROM contentrepo.buckets";
    assert_eq!(asked(client, &world, names).await.as_deref(), Ok("kept\n"));
    let error = asked(client, &world, "DROP TABLE file").await.expect_err("it is not on the list");
    assert!(error.contains("1064") && error.contains("DROP TABLE file"), "{error}");
}
