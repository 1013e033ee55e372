use std::sync::Arc;

use adapters::calls::{Calls, System};
use adapters::mogile::{HostRow, HostTable, HostTableError};
use adapters::mysql::MysqlIndex;
use domain::Fid;
use domain::ports::SourceIndex;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor};
use tests::containers::{FileTable, HOST, MysqlServer, create_and_plant, engine_answers};
use tests::planted::DOMAIN;

/// The table after somebody widened it, with other numbers and character sets.
const WIDENED: &str = "CREATE TABLE host (
    hostid BIGINT NOT NULL PRIMARY KEY,
    status VARCHAR(20) CHARACTER SET latin1,
    http_port INT DEFAULT 7500,
    http_get_port BIGINT UNSIGNED,
    hostname VARBINARY(255),
    hostip VARCHAR(64) CHARACTER SET latin1,
    altip VARBINARY(64),
    altmask TEXT) ENGINE=InnoDB";

const ROWS: &str = "INSERT INTO host
    (hostid, status, http_port, http_get_port, hostname, hostip, altip, altmask) VALUES
    (1, 'alive', 7500, NULL, 'store1', '10.0.0.7', NULL, NULL),
    (2, 'dead', 7500, 7600, 'store2', '10.0.0.8', '8.8.8.8', '10.0.0.0/8'),
    (3, NULL, NULL, 0, NULL, NULL, '', ''),
    (4, 'readonly', 70000, NULL, 'store4', 'no address', NULL, NULL)";

fn row(columns: [Option<&str>; 6]) -> HostRow {
    let [hostname, status, hostip, altip, http_port, http_get_port] =
        columns.map(|column| column.map(str::to_owned));
    HostRow { hostname, status, hostip, altip, http_port, http_get_port }
}

fn rows() -> Vec<HostRow> {
    vec![
        row([Some("store1"), Some("alive"), Some("10.0.0.7"), None, Some("7500"), None]),
        row([
            Some("store2"),
            Some("dead"),
            Some("10.0.0.8"),
            Some("8.8.8.8"),
            Some("7500"),
            Some("7600"),
        ]),
        row([None, None, None, Some(""), None, Some("0")]),
        row([Some("store4"), Some("readonly"), Some("no address"), None, Some("70000"), None]),
    ]
}

/// The sessions of the index's account.
async fn sessions(root: &mut MySqlConnection) -> anyhow::Result<i64> {
    let sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = ?";
    Ok(sqlx::query_scalar(sql).bind(MysqlServer::USER).fetch_one(root).await?)
}

#[tokio::test]
async fn the_hosts_are_read_on_every_schema_in_the_sessions_of_the_index() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    for (name, table) in [("schema_17", HOST), ("widened", WIDENED)] {
        let mut root = server.create_database(name).await?;
        create_and_plant(&mut root, FileTable::Schema17, &[]).await?;
        root.execute(AssertSqlSafe(table.to_owned())).await?;
        let calls = Arc::new(Calls::default());
        let index = MysqlIndex::new(server.url(name)?, DOMAIN.to_owned(), calls.clone());
        let empty = index.rows().await;
        let Err(HostTableError::BadAnswer { why, .. }) = &empty else { panic!("{empty:?}") };
        assert!(why.contains("is this the trackers' database?"), "{why}");

        root.execute(ROWS).await?;
        assert_eq!(index.rows().await, Ok(rows()), "{name}");
        index.page(Fid(0), 10).await?;
        assert_eq!(sessions(&mut root).await?, 1, "hosts and files are read in one session");
        assert_eq!(calls.all()[&(System::Mysql, "hosts")].ok, 2);
        assert!(index.origin().ends_with(&format!("/{name}`")), "{}", index.origin());
        // The next one counts its own.
        drop(index);
        while sessions(&mut root).await? > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn hosts_that_may_not_be_read_say_which_right_is_missing() -> anyhow::Result<()> {
    if !engine_answers().await? {
        return Ok(());
    }
    let server = MysqlServer::start().await?;
    let mut root = server.create_database("mogile").await?;
    create_and_plant(&mut root, FileTable::Schema17, &[]).await?;
    root.execute(HOST).await?;
    for sql in [
        "CREATE USER 'few'@'%' IDENTIFIED BY 's3cr%t'",
        "GRANT SELECT ON mogile.domain TO 'few'@'%'",
        "GRANT SELECT ON mogile.file TO 'few'@'%'",
    ] {
        root.execute(sql).await?;
    }
    let url = server.url_of("few", "s3cr%t", "mogile")?.as_str().parse()?;
    let index = MysqlIndex::new(url, DOMAIN.to_owned(), Arc::default());
    index.page(Fid(0), 10).await?;
    let refused = index.rows().await;
    let Err(HostTableError::Refused { why, .. }) = &refused else { panic!("{refused:?}") };
    assert!(
        why.contains("grant SELECT on the tables `class`, `domain`, `file` and `host`"),
        "{why}"
    );
    assert!(why.contains("SELECT command denied"), "{why}");

    root.execute("GRANT SELECT ON mogile.host TO 'few'@'%'").await?;
    root.execute(ROWS).await?;
    assert_eq!(index.rows().await, Ok(rows()));
    Ok(())
}
