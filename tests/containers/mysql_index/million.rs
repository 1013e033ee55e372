use std::sync::Arc;
use std::time::Instant;

use adapters::mysql::MysqlIndex;
use domain::ports::SourceIndex;
use domain::{Fid, limits};
use sqlx::Executor;
use tests::containers::{FileTable, MysqlServer, create_and_plant, engine_answers, say};
use tests::planted::DOMAIN;

const ROWS: u64 = 1_000_000;

/// Paging may cost the process so much more, whatever the number of rows.
const MOST_GROWTH_KIB: u64 = 20 * 1024;

/// What the process holds in memory, where the system tells.
fn resident_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[tokio::test]
async fn a_million_rows_are_paged_in_constant_memory() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Schema17, &[]).await?;
    root.execute("CREATE TABLE digit (d bigint unsigned NOT NULL PRIMARY KEY)").await?;
    root.execute("INSERT INTO digit VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)").await?;
    // Every tenth fid is missing, every hundredth row is another domain's.
    root.execute(
        "INSERT INTO file
         SELECT n + n DIV 9 + 1, IF(n MOD 100 = 0, 2, 1), CONCAT(SHA1(n), '-repo'), n, 0, 2
         FROM (SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d AS n
               FROM digit a, digit b, digit c, digit e, digit f, digit g) AS numbers
         ORDER BY n",
    )
    .await?;

    let index = MysqlIndex::new(server.url("mogile")?, DOMAIN.to_owned(), Arc::default());
    assert_eq!(index.count().await?, Some(ROWS / 100 * 99));
    let (before, started) = (resident_kib(), Instant::now());
    let (mut ours, mut other_domains, mut after) = (0, 0, Fid(0));
    loop {
        let page = index.page(after, limits::PAGE_ROWS).await?;
        ours += page.rows.len() as u64;
        other_domains += page.other_domains;
        let Some(next) = page.next else { break };
        after = next;
    }
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!((ours, other_domains), (ROWS / 100 * 99, ROWS / 100));
    #[expect(clippy::cast_precision_loss, reason = "a million is not much")]
    let rate = ROWS as f64 / seconds;
    if let (Some(before), Some(after)) = (before, resident_kib()) {
        say(&format!("{ROWS} rows: {rate:.0} rows/s, RSS {before} KiB before, {after} KiB after"));
        assert!(after < before + MOST_GROWTH_KIB, "{before} KiB became {after} KiB");
    }
    Ok(())
}
