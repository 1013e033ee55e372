//! The tables of contentrepo and rhino, column by column and key by key, as their own sources make them
//! (PLOS/content-repo, `setup.mysql`; PLOS/rhino, `V1__init.sql`).

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Row};

/// A line a column. `@` is the collation that the server gives, where the table names none.
const CONTENTREPO: &[(&str, &[&str])] = &[
    (
        "buckets",
        &[
            "bucketId int NOT NULL auto_increment",
            "bucketName varchar(255) @ NOT NULL",
            "timestamp timestamp NOT NULL default current_timestamp on update current_timestamp",
            "creationDate timestamp NOT NULL default 0000-00-00 00:00:00",
            "unique PRIMARY (bucketId)",
            "unique keyBucket (bucketName)",
        ],
    ),
    (
        "objects",
        &[
            "id int NOT NULL auto_increment",
            "bucketId int NULL",
            "objkey varchar(255) @ NOT NULL",
            "checksum varchar(255) @ NOT NULL",
            "timestamp timestamp NOT NULL default current_timestamp on update current_timestamp",
            "downloadName varchar(1000) @ NULL",
            "contentType varchar(200) @ NULL",
            "size int NOT NULL",
            "tag varchar(200) @ NULL",
            "status tinyint NOT NULL default 0",
            "versionNumber int NOT NULL",
            "creationDate timestamp NOT NULL default 0000-00-00 00:00:00",
            "userMetadata longtext @ NULL",
            "uuid char(36) @ NOT NULL",
            "unique PRIMARY (id)",
            "unique keyVersion (bucketId, objkey, versionNumber)",
            "unique ObjkeyUniversalID (bucketId, objkey, uuid)",
        ],
    ),
    (
        "collections",
        &[
            "id int NOT NULL auto_increment",
            "bucketId int NOT NULL",
            "collkey varchar(255) @ NOT NULL",
            "timestamp timestamp NOT NULL default current_timestamp on update current_timestamp",
            "versionNumber int NOT NULL",
            "status tinyint NOT NULL default 0",
            "tag varchar(200) @ NULL",
            "creationDate timestamp NOT NULL default 0000-00-00 00:00:00",
            "userMetadata longtext @ NULL",
            "uuid char(36) @ NOT NULL",
            "unique PRIMARY (id)",
            "unique CollkeyUniversalID (bucketId, collkey, uuid)",
            "unique keyVersion (bucketId, collkey, versionNumber)",
        ],
    ),
    (
        "collectionObject",
        &[
            "collectionId int NOT NULL",
            "objectId int NOT NULL",
            "unique keySum (collectionId, objectId)",
            "key objectId (objectId)",
        ],
    ),
    (
        "audit",
        &[
            "id int NOT NULL auto_increment",
            "bucketName varchar(255) @ NOT NULL",
            "keyValue varchar(255) @ NULL",
            "operation varchar(20) @ NOT NULL",
            "uuid char(36) @ NULL",
            "timestamp timestamp NOT NULL default current_timestamp",
            "unique PRIMARY (id)",
        ],
    ),
    (
        "CREPO_SCHEMA_INFO",
        &[
            "timestamp timestamp NOT NULL default current_timestamp on update current_timestamp",
            "schema_ver varchar(100) @ NOT NULL",
        ],
    ),
];

/// The same of rhino, which names its collations itself.
const RHINO: &[(&str, &[&str])] = &[(
    "articleFile",
    &[
        "fileId bigint NOT NULL auto_increment",
        "ingestionId bigint NOT NULL",
        "itemId bigint NULL",
        "fileType varchar(128) utf8_unicode_ci NULL",
        "bucketName varchar(255) utf8_bin NOT NULL",
        "crepoKey varchar(255) utf8_bin NOT NULL",
        "crepoUuid varchar(36) utf8_bin NOT NULL",
        "fileSize bigint NOT NULL",
        "ingestedFileName varchar(255) utf8_bin NOT NULL",
        "created timestamp NOT NULL default current_timestamp",
        "unique PRIMARY (fileId)",
        "unique crepoUuid_UNIQUE (crepoUuid)",
        "unique ingest_ingestedFileName (ingestionId, ingestedFileName)",
        "unique ingest_item_filetype (ingestionId, itemId, fileType)",
        "key bucketName_index (bucketName)",
        "key fk_articleFile_2 (itemId)",
    ],
)];

const COLUMNS: &str = "SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable, \
                       COLUMN_DEFAULT AS filled, EXTRA AS extra, COLLATION_NAME AS collation \
                       FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
                       AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";

const KEYS: &str = "SELECT INDEX_NAME AS name, COLUMN_NAME AS part, NON_UNIQUE AS more \
                    FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() \
                    AND TABLE_NAME = ? ORDER BY INDEX_NAME, SEQ_IN_INDEX";

/// Checks contentrepo's tables in the session's database, on a server with this default collation.
///
/// # Panics
/// When a table is not as it should be.
pub async fn content_repo_is_whole(session: &mut MySqlConnection, collation: &str) {
    is_whole(session, CONTENTREPO, collation).await;
}

/// Checks rhino's table in the session's database.
///
/// # Panics
/// When the table is not as it should be.
pub async fn rhino_is_whole(session: &mut MySqlConnection) {
    is_whole(session, RHINO, "of nobody").await;
}

async fn is_whole(session: &mut MySqlConnection, tables: &[(&str, &[&str])], collation: &str) {
    for (table, lines) in tables {
        is_described(session, table, lines, collation).await;
        let create = AssertSqlSafe(format!("SHOW CREATE TABLE {table}"));
        let shown = sqlx::query(create).fetch_one(&mut *session).await.expect("the table");
        let shown: String = shown.get(1);
        assert!(shown.contains("ENGINE=InnoDB"), "{shown}");
    }
}

/// Checks what `information_schema` says of one table: a line a column, then a line a key. `@` stands for
/// the collation.
pub(super) async fn is_described(
    session: &mut MySqlConnection,
    table: &str,
    lines: &[&str],
    collation: &str,
) {
    let expected: Vec<_> = lines.iter().map(|line| line.replace('@', collation)).collect();
    let columns = sqlx::query(COLUMNS).bind(table).fetch_all(&mut *session).await;
    let mut found: Vec<_> = columns.expect("the columns").iter().map(column_line).collect();
    let keys = sqlx::query(KEYS).bind(table).fetch_all(&mut *session).await;
    found.extend(key_lines(&keys.expect("the keys")));
    assert_eq!(found, expected, "{table}");
}

/// A column without what only some versions say of it: widths of integers before MySQL 8.0.19, the
/// brackets and quotes of MariaDB, `utf8mb3` for `utf8`.
fn column_line(row: &MySqlRow) -> String {
    let mut kind = text(row, "type").expect("a type");
    if let Some((name, rest)) = kind.clone().split_once("int(") {
        let sign = rest.split_once(')').map_or("", |(_, sign)| sign);
        kind = format!("{name}int{sign}");
    }
    let mut line = format!("{} {kind}", text(row, "name").expect("a name"));
    if let Some(collation) = text(row, "collation") {
        line.extend([" ", &collation.replace("utf8mb3", "utf8")]);
    }
    line += if text(row, "nullable").as_deref() == Some("YES") { " NULL" } else { " NOT NULL" };
    let plain = |text: String| text.to_lowercase().replace("()", "").replace('\'', "");
    if let Some(default) = text(row, "filled").map(plain).filter(|default| default != "null") {
        line.extend([" default ", &default]);
    }
    let extra = text(row, "extra").map(plain).unwrap_or_default();
    let extra = extra.replace("default_generated", "");
    if !extra.trim().is_empty() {
        line.extend([" ", extra.trim()]);
    }
    line
}

/// A line for each key, unique ones first.
fn key_lines(rows: &[MySqlRow]) -> Vec<String> {
    let mut keys: Vec<(bool, String, Vec<String>)> = Vec::new();
    for row in rows {
        let name = text(row, "name").expect("a name");
        let part = text(row, "part").expect("a column");
        let more: i64 = row.try_get_unchecked("more").expect("a number");
        match keys.last_mut() {
            Some((_, last, parts)) if *last == name => parts.push(part),
            _ => keys.push((more != 0, name, vec![part])),
        }
    }
    // The primary key first, the others by name: servers sort letters in different ways.
    keys.sort_by_key(|(more, name, _)| (*more, name != "PRIMARY", name.to_lowercase()));
    let line = |(more, name, parts): (bool, String, Vec<String>)| {
        let kind = if more { "key" } else { "unique" };
        format!("{kind} {name} ({})", parts.join(", "))
    };
    keys.into_iter().map(line).collect()
}

/// As bytes: some versions say that these texts are binary.
fn text(row: &MySqlRow, column: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).expect("a text");
    bytes.map(|bytes| String::from_utf8(bytes).expect("UTF-8"))
}
