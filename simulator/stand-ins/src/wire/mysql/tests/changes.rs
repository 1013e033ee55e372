//! What sessions that change names ask and say.

use super::*;

const GUARD: &str = "CAST(CONVERT(bucketName USING utf8mb4) AS BINARY)";

#[tokio::test]
async fn names_are_compared_by_their_bytes_and_rows_left_out() {
    let mut client = Client::new().await;
    client.done("USE contentrepo").await;
    client.done("INSERT INTO buckets (bucketName) VALUES ('Corpus'), ('other'), ('third')").await;
    let named = |name: &str, more: &str| {
        format!("SELECT bucketId FROM buckets WHERE {GUARD} = CAST('{name}' AS BINARY){more}")
    };
    assert_eq!(
        client.shown("SELECT bucketId FROM buckets WHERE bucketName = 'corpus'").await,
        ["1"]
    );
    for (name, more, ids) in [
        ("Corpus", "", &["1"][..]),
        ("corpus", "", &[]),
        ("Corpus ", "", &[]),
        ("Corpus", " AND bucketId NOT IN (2, 3)", &["1"]),
        ("Corpus", " AND bucketId NOT IN (3, 1)", &[]),
    ] {
        assert_eq!(client.shown(&named(name, more)).await, ids, "{name}{more}");
    }
    for sql in [
        "SELECT bucketId FROM buckets WHERE CAST(bucketName AS CHAR) = 'a'",
        "SELECT bucketId FROM buckets WHERE bucketName = CAST('a' AS CHAR)",
        "SELECT bucketId FROM buckets WHERE bucketId NOT IN ()",
        "SELECT bucketId FROM buckets WHERE bucketId IN (1)",
        "SHOW VARIABLES",
        "SHOW VARIABLES LIKE 'version'",
        "SHOW FULL TABLES",
        "KILL 1",
    ] {
        assert_eq!(client.refused(sql).await.0, 1064, "{sql}");
    }
}

#[tokio::test]
async fn sessions_and_variables_are_shown() {
    let mut client = Client::new().await;
    client.done("USE rhino").await;
    let mut other = client.another().await;
    assert_eq!(client.shown("SELECT IS_USED_LOCK('a') AS holder").await, ["NULL"]);
    assert_eq!(other.shown("SELECT GET_LOCK('a', 0)").await, ["1"]);
    let holder = client.shown("SELECT IS_USED_LOCK('A') AS holder").await;
    assert_eq!(other.shown("SELECT CONNECTION_ID()").await, holder);
    let processes = client.shown("SHOW FULL PROCESSLIST").await;
    assert_eq!(processes.len(), 2, "{processes:?}");
    let is_of = |line: &str, id: &str| line.starts_with(&format!("{id} {USER} 127.0.0.1 "));
    assert!(processes.iter().any(|line| is_of(line, &holder[0]) && line.contains(" Sleep 0 ")));
    assert!(processes.iter().any(|line| line.contains(" rhino Query 0 ")), "{processes:?}");
    drop(other);
    for _ in 0..100 {
        if client.shown("SHOW PROCESSLIST").await.len() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(client.shown("SHOW PROCESSLIST").await.len(), 1, "it is shown after its end");
    let variables =
        "SHOW VARIABLES WHERE Variable_name IN ('log_bin', 'tx_isolation', 'READ_ONLY')";
    assert_eq!(client.shown(variables).await, ["log_bin OFF", "read_only OFF"]);
    let triggers = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS \
                    WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 'articleFile'";
    assert_eq!(client.shown(triggers).await.len(), 0);
}
