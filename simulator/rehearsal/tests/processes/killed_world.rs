//! A world that is killed: its clients' databases have every transaction that was acknowledged, and of
//! others nothing or all. Its other services are in memory and end with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sqlx::mysql::MySqlConnection;
use sqlx::{Connection, Executor, Row};
use stand_ins::fault::Faults;
use stand_ins::wire::mysql::{self, MysqlServer};
use stand_ins::world::databases::{Collation, Databases};
use stand_ins::world::mogile::MogileFs;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::cli::rehearse;

/// For a world to come up, on a busy machine.
const STARTUP: Duration = Duration::from_mins(1);

/// `rehearse serve` in a process of its own, with its files in a folder that outlives it.
struct World {
    process: Child,
    folder: tempfile::TempDir,
    url: String,
    /// What it prints has a reader as long as it runs.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::from(rehearse());
        let mut process = command
            .args(["serve", "--files", "40", "--hazards", "none"])
            .env("TMPDIR", folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let url = async {
            while let Some(line) = lines.next_line().await.expect("text") {
                if let Some(url) = line.strip_prefix("export CONTENTREPO_DATABASE_URL='") {
                    return url.trim_end_matches('\'').to_owned();
                }
            }
            panic!("it prints no URL of contentrepo's database");
        };
        let url = timeout(STARTUP, url).await.expect("it is up in time");
        Self { process, folder, url, _lines: lines }
    }

    async fn session(&self) -> MySqlConnection {
        MySqlConnection::connect(&self.url).await.expect("a session")
    }

    /// Kills it; gives the tags that its files have now, each with the number of its rows, as another
    /// server on the same files shows them.
    async fn killed(mut self) -> BTreeMap<Option<String>, i64> {
        self.process.kill().await.expect("SIGKILL is not refused");
        let databases = Databases::reopened(left_in(self.folder.path()), Collation::Utf8Bin);
        let server = MysqlServer::new(Arc::new(MogileFs::default()), "ann", "secret")
            .with_databases(Arc::new(databases));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let task = mysql::serve(listener, Arc::new(server), Arc::new(Faults::default()));
        let task = tokio::spawn(task);
        let url = format!("mysql://ann:secret@{address}/contentrepo");
        let mut session = MySqlConnection::connect(&url).await.expect("a session");
        let sql = "SELECT tag, COUNT(*) AS rows_of_it FROM objects GROUP BY tag";
        let rows = sqlx::query(sql).fetch_all(&mut session).await.expect("rows");
        task.abort();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// The folder of the databases below this one.
fn left_in(folder: &Path) -> PathBuf {
    let folders =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("one").path());
    let mut folders = folders.filter(|folder| folder.join("contentrepo").exists());
    folders.next().expect("a killed world leaves its files")
}

/// Tags every object, in two statements, and does not commit.
async fn tag(session: &mut MySqlConnection, tag: &str) -> sqlx::Result<()> {
    session.execute("BEGIN").await?;
    for (first, last) in [(1, 20), (21, 1_000)] {
        let update = "UPDATE objects SET tag = ? WHERE id BETWEEN ? AND ?";
        sqlx::query(update).bind(tag).bind(first).bind(last).execute(&mut *session).await?;
    }
    Ok(())
}

/// Commits one transaction after the other, and counts those that are acknowledged.
async fn commit_for_ever(
    mut session: MySqlConnection,
    acknowledged: Arc<AtomicU64>,
) -> sqlx::Error {
    for round in 1_u64.. {
        let tagged = tag(&mut session, &round.to_string()).await;
        if let Err(error) = async {
            tagged?;
            session.execute("COMMIT").await
        }
        .await
        {
            return error;
        }
        acknowledged.store(round, Ordering::SeqCst);
    }
    unreachable!("there are more numbers than seconds")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_that_is_killed_in_a_transaction_has_nothing_of_it() {
    let world = World::start().await;
    let mut session = world.session().await;
    tag(&mut session, "kept").await.expect("tagged");
    session.execute("COMMIT").await.expect("acknowledged");
    tag(&mut session, "lost").await.expect("tagged");
    let tags = world.killed().await;
    let tags: Vec<_> = tags.keys().map(Option::as_deref).collect();
    assert_eq!(tags, [Some("kept")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_that_is_killed_while_it_commits_has_whole_transactions() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    for _ in 0..4 {
        let world = World::start().await;
        let mut session = world.session().await;
        tag(&mut session, "0").await.expect("tagged");
        session.execute("COMMIT").await.expect("acknowledged");
        let acknowledged = Arc::new(AtomicU64::new(0));
        // It ends by the error of its last statement.
        let client = tokio::spawn(commit_for_ever(session, Arc::clone(&acknowledged)));
        tokio::time::sleep(Duration::from_micros(rng.random_range(50_000..250_000))).await;
        let tags = world.killed().await;
        let error = client.await.expect("no panic");
        assert!(matches!(error, sqlx::Error::Io(_)), "its connection ends: {error}");
        let acknowledged = acknowledged.load(Ordering::SeqCst);
        assert!(acknowledged > 0, "it was killed among commits");
        let [(Some(tag), _)] = tags.iter().collect::<Vec<_>>()[..] else {
            panic!("half a transaction: {tags:?}");
        };
        let tag: u64 = tag.parse().expect("a number");
        // The answer to the last COMMIT may be lost.
        assert!((acknowledged..=acknowledged + 1).contains(&tag), "{tag} of {acknowledged}");
    }
}
