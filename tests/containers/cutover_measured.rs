//! What it costs to rename the buckets of a million rows of `articleFile`: our way and three others, on one real
//! server in one run, while other sessions read and write. docs/TESTING.md has the command.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use adapters::backup::FileBackups;
use adapters::clock::SystemClock;
use adapters::mysql::MysqlRhinoChanges;
use domain::cleanup::never;
use domain::cutover::rhino::{
    Conduct, CutoverGrounds, Pace, RhinoEnd, RhinoPorts, cut_over_rhino, plan_rhino,
};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tests::containers::client_tables::{TEXTS, new_rhino};
use tests::containers::{MysqlServer, engine_answers};
use tests::rhino_cutover::{Stage, buckets};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use url::Url;

/// Rows, unless `MEASURED_ROWS` says otherwise.
const ROWS: u64 = 1_000_000;

/// Rows of one range of those who keep the index.
const RANGE: u64 = 5_000;

const OLD: &str = "repo";
const NEW: &str = "corpus-prod";

/// Ways to rename, in the order in which they are measured. Each finds the names that the one before has made.
const WAYS: [&str; 4] = [
    "one UPDATE, with the index",
    "ranges of 5,000 rows, with the index",
    "the runbook's three statements",
    "cutover rhino",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it takes minutes and states no fact: it measures"]
async fn a_million_rows_are_renamed_four_ways() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let rows = std::env::var("MEASURED_ROWS").ok().map_or(Ok(ROWS), |rows| rows.parse())?;
    let server = MysqlServer::start().await?;
    let mut session = new_rhino(&server, "rhino", TEXTS[0]).await?;
    fill(&mut session, rows).await?;
    let url = server.url_of(MysqlServer::USER, MysqlServer::PASSWORD, "rhino")?;
    let mut measured = Vec::new();
    for (number, way) in WAYS.into_iter().enumerate() {
        // The last one is ours, from the old name to the new one.
        let (from, to) = if number % 2 == 0 { (NEW, OLD) } else { (OLD, NEW) };
        let bystanders = Bystanders::begin(&url, rows);
        let begun = Instant::now();
        match number {
            0 => update(&mut session, from, to, None).await?,
            1 => ranges(&mut session, from, to, rows).await?,
            2 => three_statements(&mut session, from, to).await?,
            _ => ours(&server).await?,
        }
        let took = begun.elapsed();
        measured.push((way, took, bystanders.end().await?));
        require_names(&mut session, to, rows).await?;
    }
    print(rows, &version(&mut session).await?, &measured)
}

/// The rows, of which each has its own key and uuid.
async fn fill(session: &mut MySqlConnection, rows: u64) -> anyhow::Result<()> {
    let columns = "ingestionId, itemId, fileType, bucketName, crepoKey, crepoUuid, fileSize, ingestedFileName";
    let first = format!(
        "INSERT INTO articleFile ({columns}) VALUES (1, 1, 'manuscript', '{NEW}', '10.1371/journal.pone.1', \
         UUID(), 1593790, 'pone.1.xml')"
    );
    session.execute(AssertSqlSafe(first)).await?;
    let mut there = 1;
    while there < rows {
        let more = there.min(rows - there);
        let double = format!(
            "INSERT INTO articleFile ({columns}) SELECT ingestionId + {there}, itemId + {there}, fileType, \
             bucketName, CONCAT('10.1371/journal.pone.', ingestionId + {there}), UUID(), fileSize, \
             CONCAT('pone.', ingestionId + {there}, '.xml') FROM articleFile ORDER BY fileId LIMIT {more}"
        );
        session.execute(AssertSqlSafe(double)).await?;
        there += more;
    }
    session.execute("ANALYZE TABLE articleFile").await?;
    Ok(())
}

async fn update(
    session: &mut MySqlConnection,
    from: &str,
    to: &str,
    ids: Option<(u64, u64)>,
) -> anyhow::Result<()> {
    let ids = ids
        .map_or(String::new(), |(first, last)| format!(" AND fileId BETWEEN {first} AND {last}"));
    let sql =
        format!("UPDATE articleFile SET bucketName = '{to}' WHERE bucketName = '{from}'{ids}");
    session.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

async fn ranges(
    session: &mut MySqlConnection,
    from: &str,
    to: &str,
    rows: u64,
) -> anyhow::Result<()> {
    // Doubling leaves gaps between the ids.
    let highest = highest(session).await?;
    let mut first = 1;
    while first <= highest {
        update(session, from, to, Some((first, first + RANGE - 1))).await?;
        first += RANGE;
    }
    anyhow::ensure!(highest >= rows, "the table has its rows");
    Ok(())
}

async fn three_statements(
    session: &mut MySqlConnection,
    from: &str,
    to: &str,
) -> anyhow::Result<()> {
    session.execute("ALTER TABLE articleFile DROP INDEX bucketName_index").await?;
    update(session, from, to, None).await?;
    session.execute("ALTER TABLE articleFile ADD INDEX bucketName_index (bucketName)").await?;
    Ok(())
}

/// The very steps of the command, with a backup on the disk and a journal.
async fn ours(server: &MysqlServer) -> anyhow::Result<()> {
    let (url, calls) = (server.url("rhino")?, Arc::default());
    let account = server.url_of(MysqlServer::USER, MysqlServer::PASSWORD, "rhino")?;
    let stage = Stage::on(account.to_string()).await;
    let ports = RhinoPorts {
        changes: Arc::new(MysqlRhinoChanges::new(url, calls)),
        clock: Arc::new(SystemClock),
        journal: stage.journal(),
        ..stage.unharmed().ports()
    };
    let conduct = Conduct { pace: Pace::default(), progress: &|_| {}, stop: never(), salt: 1 };
    let folder = tempfile::tempdir()?;
    let backups = FileBackups::new(folder.path().join("rhino.jsonl.gz"));
    let plan = plan_rhino(&ports, &buckets(), &stage.cutovers().await, false, &conduct).await?;
    let mut writer = stage.writer("measure", ports.journal.clone()).await;
    let grounds = CutoverGrounds::default();
    let end = cut_over_rhino(&ports, &plan, grounds, &backups, &mut writer, &conduct);
    let end = Box::pin(end).await?;
    anyhow::ensure!(matches!(end, RhinoEnd::Done { .. }), "{end:?}");
    Ok(())
}

async fn highest(session: &mut MySqlConnection) -> anyhow::Result<u64> {
    let row = session.fetch_one("SELECT CAST(MAX(fileId) AS UNSIGNED) FROM articleFile").await?;
    Ok(row.try_get(0)?)
}

async fn require_names(session: &mut MySqlConnection, name: &str, rows: u64) -> anyhow::Result<()> {
    let sql = format!("SELECT COUNT(*) FROM articleFile WHERE bucketName = '{name}'");
    let counted: i64 = session.fetch_one(AssertSqlSafe(sql)).await?.try_get(0)?;
    anyhow::ensure!(u64::try_from(counted)? == rows, "{counted} rows have the name, of {rows}");
    Ok(())
}

async fn version(session: &mut MySqlConnection) -> anyhow::Result<String> {
    Ok(session.fetch_one("SELECT VERSION()").await?.try_get(0)?)
}

/// Sessions that read and write single rows by their ids, and the longest that each waited.
struct Bystanders {
    stop: Arc<AtomicBool>,
    reader: JoinHandle<anyhow::Result<Duration>>,
    writer: JoinHandle<anyhow::Result<Duration>>,
}

impl Bystanders {
    fn begin(url: &Url, rows: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let begin =
            |sql: &'static str| tokio::spawn(longest_wait(url.clone(), sql, rows, stop.clone()));
        let reader = begin("SELECT bucketName FROM articleFile WHERE fileId = ");
        let writer = begin("UPDATE articleFile SET fileSize = fileSize + 1 WHERE fileId = ");
        Self { stop, reader, writer }
    }

    /// The reader's longest wait, and the writer's.
    async fn end(self) -> anyhow::Result<(Duration, Duration)> {
        self.stop.store(true, Ordering::Relaxed);
        Ok((self.reader.await??, self.writer.await??))
    }
}

async fn longest_wait(
    url: Url,
    sql: &'static str,
    rows: u64,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<Duration> {
    let mut session = MySqlConnection::connect(url.as_str()).await?;
    let (mut longest, mut id) = (Duration::ZERO, 1);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        session.execute(AssertSqlSafe(format!("{sql}{id}"))).await?;
        longest = longest.max(begun.elapsed());
        // All over the table, in an order without a pattern.
        id = (id * 48_271 + 11) % rows + 1;
        sleep(Duration::from_millis(5)).await;
    }
    Ok(longest)
}

fn print(
    rows: u64,
    version: &str,
    measured: &[(&str, Duration, (Duration, Duration))],
) -> anyhow::Result<()> {
    let ours = measured.last().map_or(0.0, |(_, took, _)| took.as_secs_f64());
    let mut out = std::io::stdout();
    writeln!(
        out,
        "\n{rows} rows of articleFile on {version}, with a session that reads and one that writes:\n"
    )?;
    writeln!(
        out,
        "{:>38} {:>9} {:>8} {:>14} {:>14}",
        "way", "seconds", "ratio", "longest read", "longest write"
    )?;
    for (way, took, (read, write)) in measured {
        let (took, read, write) = (took.as_secs_f64(), read.as_secs_f64(), write.as_secs_f64());
        writeln!(out, "{way:>38} {took:>9.1} {:>8.2} {read:>12.2} s {write:>12.2} s", took / ours)?;
    }
    writeln!(
        out,
        "\nA ratio of 2 is twice the time of `cutover rhino`, which also writes a backup and a journal."
    )?;
    Ok(())
}
