//! The clients' databases: what a transaction leaves, what an index is named, what collides.

use super::*;

const BUCKETS: &str = "SELECT bucketId, bucketName FROM contentrepo.buckets ORDER BY bucketId";

impl Client {
    /// An OK: the rows that were found, and the last number.
    pub(super) async fn done(&mut self, sql: &str) -> (u8, u8) {
        self.ask(sql).await;
        let packet = self.packet().await;
        assert_eq!(packet[0], 0, "{sql}: {}", String::from_utf8_lossy(&packet));
        (packet[1], packet[2])
    }

    pub(super) async fn refused(&mut self, sql: &str) -> (u16, String) {
        self.ask(sql).await;
        self.error().await
    }

    /// Rows, a text of each.
    pub(super) async fn shown(&mut self, sql: &str) -> Vec<String> {
        self.ask(sql).await;
        let rows = self.rows().await;
        rows.iter().map(|row| texts(row).join(" ")).collect()
    }

    async fn insert(&mut self, bucket: &str) {
        let sql = format!("INSERT INTO contentrepo.buckets (bucketName) VALUES ('{bucket}')");
        assert_eq!(self.done(&sql).await.0, 1);
    }
}

/// The values of a row of texts.
fn texts(row: &[u8]) -> Vec<String> {
    let (mut fields, mut texts) = (packet::Fields::of(row), Vec::new());
    while let Some(first) = fields.rest().first() {
        if *first == 0xfb {
            fields.byte().unwrap();
            texts.push("NULL".to_owned());
        } else {
            texts.push(String::from_utf8_lossy(fields.counted().unwrap()).into_owned());
        }
    }
    texts
}

#[tokio::test]
async fn a_transaction_is_whole_or_not_there() {
    for (begin, end, left) in [
        ("BEGIN", "ROLLBACK", 0),
        ("START TRANSACTION", "COMMIT", 2),
        ("SET autocommit = 0", "ROLLBACK", 0),
        ("SET autocommit = 0", "COMMIT", 2),
        ("SET autocommit = 0", "SET autocommit = 1", 2),
        ("BEGIN", "BEGIN", 2),
    ] {
        let mut client = Client::new().await;
        let mut other = client.another().await;
        client.done(begin).await;
        client.insert("a").await;
        client.insert("b").await;
        assert_eq!(client.shown(BUCKETS).await.len(), 2, "{begin} {end}");
        assert_eq!(other.shown(BUCKETS).await.len(), 0, "{begin} {end}");
        client.done(end).await;
        assert_eq!(other.shown(BUCKETS).await.len(), left, "{begin} {end}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_takes_its_transaction_back() {
    let mut client = Client::new().await;
    for begin in ["BEGIN", "SET autocommit = 0"] {
        let mut killed = client.another().await;
        killed.done(begin).await;
        killed.insert("a").await;
        drop(killed);
        // The server learns of it a moment later; until then nobody else can write.
        for _ in 0..100 {
            client.ask("INSERT INTO contentrepo.buckets (bucketName) VALUES ('z')").await;
            let answer = client.packet().await;
            if answer[0] == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let names = client.shown(BUCKETS).await;
        assert!(names.len() == 1 && names[0].ends_with(" z"), "{begin}: {names:?}");
        client.done("DELETE FROM contentrepo.buckets WHERE bucketName = 'z'").await;
    }
}

#[tokio::test]
async fn a_commit_is_done_or_not_and_only_its_answer_is_lost() {
    for (fault, rows) in [(Fault::AnswerLost, 1), (Fault::RequestLost, 0)] {
        let mut client = Client::new().await;
        let mut other = client.another().await;
        client.done("BEGIN").await;
        client.insert("a").await;
        client.faults.add(Rule::once(Service::Mysql, "COMMIT", "", fault.clone()));
        client.ask("COMMIT").await;
        assert_eq!(client.next().await, Came::End(0));
        assert_eq!(other.shown(BUCKETS).await.len(), rows, "{fault:?}");
    }
}

#[tokio::test]
async fn a_session_that_hangs_holds_its_transaction() {
    let mut client = Client::new().await;
    let mut other = client.another().await;
    client.done("BEGIN").await;
    client.faults.add(Rule::once(Service::Mysql, "INSERT buckets", "'a'", Fault::Hang));
    client.ask("INSERT INTO contentrepo.buckets (bucketName) VALUES ('a')").await;
    assert_eq!(client.next().await, Came::Silence);
    let insert = "INSERT INTO contentrepo.buckets (bucketName) VALUES ('b')";
    assert_eq!(other.refused(insert).await.0, 1205);
    assert_eq!(other.shown(BUCKETS).await.len(), 0);
}

#[tokio::test]
async fn a_deadlock_takes_the_transaction_back_and_a_lock_that_is_waited_for_does_not() {
    for (number, rows) in [(1213, 0), (1205, 1), (1317, 1), (1290, 1)] {
        let mut client = Client::new().await;
        client.done("BEGIN").await;
        client.insert("a").await;
        client.faults.add(Rule::once(Service::Mysql, "UPDATE buckets", "", refuse(number)));
        let update = "UPDATE contentrepo.buckets SET bucketName = 'b' WHERE bucketId = 1";
        assert_eq!(client.refused(update).await.0, number);
        client.done("COMMIT").await;
        assert_eq!(client.shown(BUCKETS).await.len(), rows, "{number}");
    }
}

#[tokio::test]
async fn who_writes_beside_another_is_refused_at_once() {
    let mut client = Client::new().await;
    let mut other = client.another().await;
    client.insert("a").await;
    other.done("BEGIN").await;
    other.shown(BUCKETS).await;
    client.done("BEGIN").await;
    client.insert("b").await;
    let third = &mut client.another().await;
    let update = "UPDATE contentrepo.buckets SET bucketName = 'c' WHERE bucketId = 1";
    assert_eq!(third.refused(update).await.0, 1205);
    client.done("COMMIT").await;
    // What it has read is no longer so.
    assert_eq!(other.refused(update).await.0, 1213);
    assert_eq!(other.shown(BUCKETS).await, ["1 a", "2 b"]);
    assert_eq!(other.done(update).await.0, 1);
}

#[tokio::test]
async fn an_update_tells_how_many_rows_it_found_and_keeps_the_time_where_nothing_changes() {
    let mut client = Client::new().await;
    for name in ["a", "b", "c"] {
        let sql = format!(
            "INSERT INTO contentrepo.buckets (bucketName, timestamp) \
             VALUES ('{name}', '2001-01-01 00:00:00')"
        );
        client.done(&sql).await;
    }
    let stamps = "SELECT bucketId, timestamp FROM contentrepo.buckets WHERE bucketId = 1";
    let old = ["1 2001-01-01 00:00:00"];
    for (sql, found, is_old) in [
        ("SET bucketName = 'a' WHERE bucketId BETWEEN 1 AND 2 AND bucketName = 'a'", 1, true),
        ("SET bucketName = 'x', timestamp = timestamp WHERE bucketId < 2", 1, true),
        ("SET creationDate = creationDate WHERE bucketId >= 1", 3, true),
        ("SET bucketName = 'y' WHERE bucketId = 9", 0, true),
        ("SET bucketName = 'X' WHERE BINARY bucketName = 'X'", 0, true),
        ("SET bucketName = 'X' WHERE bucketName = 'X  '", 1, false),
    ] {
        let sql = format!("UPDATE contentrepo.buckets {sql}");
        assert_eq!(client.done(&sql).await.0, found, "{sql}");
        assert_eq!(client.shown(stamps).await == old, is_old, "{sql}");
    }
}

#[tokio::test]
async fn an_index_goes_and_comes_and_the_table_shows_it() {
    let mut client = Client::new().await;
    let shown = "SHOW CREATE TABLE rhino.articleFile";
    let before = client.shown(shown).await.concat();
    for words in [
        "articleFile CREATE TABLE `articleFile` (\n  `fileId` bigint NOT NULL AUTO_INCREMENT,\n",
        "`fileType` varchar(128) CHARACTER SET utf8 COLLATE utf8_unicode_ci DEFAULT NULL",
        "  PRIMARY KEY (`fileId`),\n  UNIQUE KEY `ingest_ingestedFileName` (`ingestionId`,`ingestedFileName`)",
        "  KEY `fk_articleFile_2` (`itemId`),\n  KEY `bucketName_index` (`bucketName`),\n",
        "CONSTRAINT `fk_articleFile_2` FOREIGN KEY",
        "ENGINE=InnoDB DEFAULT CHARSET=utf8 COLLATE=utf8_bin",
    ] {
        assert!(before.contains(words), "nothing of `{words}`: {before}");
    }
    client.done("BEGIN").await;
    client.insert("a").await;
    client.done("ALTER TABLE rhino.articleFile DROP INDEX bucketName_index").await;
    let without = client.shown(shown).await.concat();
    assert!(!without.contains("bucketName_index"), "{without}");
    // Such a statement commits what is open.
    client.done("ROLLBACK").await;
    assert_eq!(client.shown(BUCKETS).await.len(), 1);
    let again = "ALTER TABLE rhino.articleFile DROP KEY bucketName_index";
    assert_eq!(client.refused(again).await.0, 1091);
    let add = "ALTER TABLE rhino.articleFile ADD INDEX bucketName_index (bucketName), \
               ALGORITHM=INPLACE, LOCK=NONE";
    client.done(add).await;
    assert_eq!(client.shown(shown).await.concat(), before);
    assert_eq!(client.refused(add).await.0, 1061);
    let unknown = "ALTER TABLE rhino.articleFile ADD KEY k (nothing)";
    assert_eq!(client.refused(unknown).await.0, 1072);
}

#[tokio::test]
async fn a_server_of_latin1_shows_it() {
    let mut client = Client::new().await;
    let text = client.shown("SHOW CREATE TABLE contentrepo.objects").await.concat();
    for words in [
        "`downloadName` varchar(1000) DEFAULT NULL",
        "`status` tinyint NOT NULL DEFAULT '0'",
        "`timestamp` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,",
        "`creationDate` timestamp NOT NULL DEFAULT '0000-00-00 00:00:00'",
        "`userMetadata` longtext,",
        "UNIQUE KEY `keyVersion` (`bucketId`,`objkey`,`versionNumber`)",
        "DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci",
    ] {
        assert!(text.contains(words), "nothing of `{words}`: {text}");
    }
}

#[tokio::test]
async fn rows_are_counted_by_their_bucket() {
    let mut client = Client::new().await;
    client.done("USE rhino").await;
    for (number, bucket) in ["b", "a", "b", "B"].into_iter().enumerate() {
        let sql = format!(
            "INSERT INTO articleFile (ingestionId, bucketName, crepoKey, crepoUuid, fileSize, \
             ingestedFileName) VALUES ({number}, '{bucket}', 'k', '{number}', 1, 'f')"
        );
        assert_eq!(client.done(&sql).await, (1, u8::try_from(number).unwrap() + 1));
    }
    let counted = "SELECT bucketName, COUNT(*) FROM articleFile GROUP BY bucketName \
                   ORDER BY bucketName";
    assert_eq!(client.shown(counted).await, ["B 1", "a 1", "b 2"]);
    let range = "SELECT MIN(fileId), MAX(fileId) FROM articleFile WHERE itemId IS NULL";
    assert_eq!(client.shown(range).await, ["1 4"]);
}

#[tokio::test]
async fn what_cannot_be_written_says_why() {
    let mut client = Client::new().await;
    client.insert("a").await;
    for (sql, number, named) in [
        ("INSERT INTO contentrepo.buckets (bucketName) VALUES ('A ')", 1062, "bucketName"),
        ("INSERT INTO contentrepo.buckets (bucketName) VALUES (NULL)", 1048, "'bucketName'"),
        ("INSERT INTO contentrepo.nothing (a) VALUES (1)", 1146, "'contentrepo.nothing'"),
        ("UPDATE contentrepo.buckets SET a = 1 WHERE bucketId = 1", 1054, "'a' in 'field list'"),
        ("DELETE FROM contentrepo.buckets WHERE a = 1", 1054, "'a' in 'where clause'"),
        (
            "UPDATE contentrepo.buckets SET bucketId = 9999999999999999999 WHERE bucketId = 1",
            1264,
            "9999",
        ),
        ("SELECT bucketId FROM contentrepo.buckets LIMIT -1", 1210, "LIMIT"),
        ("DELETE FROM file WHERE fid = 1", 1064, "DELETE FROM file WHERE fid = 1"),
        ("SHOW CREATE TABLE file", 1064, "SHOW CREATE TABLE file"),
        ("SELECT MIN(fid) FROM file", 1235, "MogileFS"),
    ] {
        let (got, text) = client.refused(sql).await;
        assert_eq!(got, number, "{sql}: {text}");
        assert!(text.contains(named), "{sql}: {text}");
    }
    let beyond = "DELETE FROM contentrepo.buckets WHERE bucketId > 18446744073709551615";
    assert_eq!(client.done(beyond).await.0, 0);
    client.done("SET SESSION TRANSACTION READ ONLY").await;
    for sql in [
        "INSERT INTO contentrepo.buckets (bucketName) VALUES ('b')",
        "DELETE FROM contentrepo.buckets WHERE bucketId = 1",
        "ALTER TABLE rhino.articleFile DROP INDEX bucketName_index",
    ] {
        assert_eq!(client.refused(sql).await.0, 1792, "{sql}");
    }
    assert_eq!(client.shown(BUCKETS).await, ["1 a"]);
}
