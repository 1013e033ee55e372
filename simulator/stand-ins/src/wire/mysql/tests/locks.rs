//! Locks that a session holds, and what the server says of itself.

use super::*;

impl Client {
    /// The only value of the only row.
    async fn value(&mut self, sql: &str) -> String {
        let rows = self.shown(sql).await;
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.concat()
    }
}

#[tokio::test]
async fn a_lock_is_held_by_one_session_until_it_gives_it_back() {
    const TAKE: &str = "SELECT GET_LOCK('mogile2s3:rhino', 0)";
    const GIVE: &str = "SELECT RELEASE_LOCK('mogile2s3:rhino')";
    const FREE: &str = "SELECT IS_FREE_LOCK('MOGILE2S3:RHINO') AS free";
    let mut client = Client::new().await;
    let mut other = client.another().await;
    assert_eq!(client.value(GIVE).await, "NULL", "nobody holds it");
    assert_eq!(other.value(FREE).await, "1");
    // Taken twice, it is to be given back twice.
    for _ in 0..2 {
        assert_eq!(client.value(TAKE).await, "1");
    }
    assert_eq!(other.value(TAKE).await, "0");
    assert_eq!(other.value(GIVE).await, "0");
    assert_eq!(other.value("SELECT GET_LOCK('another', 0)").await, "1");
    for still_free in ["0", "1"] {
        assert_eq!(client.value(GIVE).await, "1");
        assert_eq!(other.value(FREE).await, still_free);
    }
    assert_eq!(other.value(TAKE).await, "1");
    for name in ["''".to_owned(), "NULL".to_owned(), format!("'{}'", "x".repeat(65))] {
        let (number, _) = client.refused(&format!("SELECT GET_LOCK({name}, 0)")).await;
        assert_eq!(number, 3057, "{name}");
    }
}

#[tokio::test]
async fn a_lock_goes_with_its_connection_and_with_nothing_less() {
    const FREE: &str = "SELECT IS_FREE_LOCK('a')";
    let mut client = Client::new().await;
    let mut holder = client.another().await;
    holder.done("BEGIN").await;
    assert_eq!(holder.value("SELECT GET_LOCK('a', 0)").await, "1");
    holder.done("ROLLBACK").await;
    assert_eq!(client.value(FREE).await, "0", "after ROLLBACK");
    holder.done("BEGIN").await;
    holder.done("COMMIT").await;
    assert_eq!(client.value(FREE).await, "0", "after COMMIT");
    drop(holder);
    // The server learns of it a moment later.
    for _ in 0..100 {
        if client.value(FREE).await == "1" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the lock outlives its session");
}

#[tokio::test]
async fn the_tables_are_described_as_they_are_now() {
    let mut client = Client::new().await;
    client.done("USE contentrepo").await;
    let columns = "SELECT COLUMN_NAME, EXTRA FROM information_schema.COLUMNS \
                   WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'buckets' \
                   ORDER BY ORDINAL_POSITION";
    assert_eq!(
        client.shown(columns).await,
        [
            "bucketId auto_increment",
            "bucketName ",
            "timestamp DEFAULT_GENERATED on update CURRENT_TIMESTAMP",
            "creationDate ",
        ]
    );
    let keys = "SELECT column_name, seq_in_index FROM information_schema.statistics \
                WHERE TABLE_SCHEMA = 'rhino' AND INDEX_NAME = 'bucketName_index'";
    assert_eq!(client.shown(keys).await, ["bucketName 1"]);
    client.done("ALTER TABLE rhino.articleFile DROP INDEX bucketName_index").await;
    assert_eq!(client.shown(keys).await.len(), 0);
    let sizes = "SELECT TABLE_NAME, TABLE_ROWS FROM information_schema.TABLES \
                 WHERE TABLE_SCHEMA = DATABASE() AND ENGINE = 'InnoDB' AND TABLE_NAME = 'buckets'";
    assert_eq!(client.shown(sizes).await, ["buckets 0"]);
    client.done("INSERT INTO buckets (bucketName) VALUES ('a')").await;
    assert_eq!(client.shown(sizes).await, ["buckets 1"]);
    assert_eq!(client.shown("SHOW TABLES").await.len(), 6);
    let grants = client.value("SHOW GRANTS FOR CURRENT_USER()").await;
    assert_eq!(grants, format!("GRANT ALL PRIVILEGES ON *.* TO `{USER}`@`127.0.0.1`"));
    for (sql, number, named) in [
        ("SELECT * FROM information_schema.PROCESSLIST", 1109, "PROCESSLIST"),
        ("SELECT NAME FROM information_schema.COLUMNS", 1054, "'NAME'"),
        ("DELETE FROM information_schema.TABLES WHERE ENGINE = 'x'", 1064, "DELETE FROM"),
        ("SHOW CREATE TABLE information_schema.TABLES", 1064, "SHOW CREATE"),
    ] {
        let (got, text) = client.refused(sql).await;
        assert_eq!(got, number, "{sql}: {text}");
        assert!(text.contains(named), "{sql}: {text}");
    }
}
