//! What every server of MogileFS's database says of it, and what every [`MogileDatabase`] makes of that.

use domain::Fid;
use domain::ports::{MogileDatabase, UploadsUnderWay};
use sqlx::mysql::MySqlConnection;

use super::client_schemas::is_described;

/// The tables that are read, as schema version 17 has them (MogileFS-Server 2.73, `Store.pm` and
/// `Store/MySQL.pm`). `@` is the collation that the server gives.
const TABLES: &[(&str, &[&str])] = &[
    (
        "class",
        &[
            "dmid smallint unsigned NOT NULL",
            "classid tinyint unsigned NOT NULL",
            "classname varchar(50) @ NULL",
            "mindevcount tinyint unsigned NOT NULL",
            "hashtype tinyint unsigned NULL",
            "replpolicy varchar(255) @ NULL",
            "unique PRIMARY (dmid, classid)",
            "unique dmid (dmid, classname)",
        ],
    ),
    (
        "domain",
        &[
            "dmid smallint unsigned NOT NULL",
            "namespace varchar(255) @ NULL",
            "unique PRIMARY (dmid)",
            "unique namespace (namespace)",
        ],
    ),
    (
        "file",
        &[
            "fid bigint unsigned NOT NULL",
            "dmid smallint unsigned NOT NULL",
            "dkey varchar(255) @ NULL",
            "length bigint unsigned NULL",
            "classid tinyint unsigned NOT NULL",
            "devcount tinyint unsigned NOT NULL",
            "unique PRIMARY (fid)",
            "unique dkey (dmid, dkey)",
            "key devcount (dmid, classid, devcount)",
        ],
    ),
    (
        "host",
        &[
            "hostid mediumint unsigned NOT NULL",
            "status enum('alive','dead','down','readonly') @ NULL",
            "http_port mediumint unsigned NULL default 7500",
            "http_get_port mediumint unsigned NULL",
            "hostname varchar(40) @ NULL",
            "hostip varchar(15) @ NULL",
            "altip varchar(15) @ NULL",
            "altmask varchar(18) @ NULL",
            "unique PRIMARY (hostid)",
            "unique altip (altip)",
            "unique hostip (hostip)",
            "unique hostname (hostname)",
        ],
    ),
    (
        "tempfile",
        &[
            "fid bigint unsigned NOT NULL",
            "createtime int unsigned NOT NULL",
            "classid tinyint unsigned NOT NULL",
            "dmid smallint unsigned NOT NULL",
            "dkey varchar(255) @ NULL",
            "devids varchar(60) @ NULL",
            "unique PRIMARY (fid)",
        ],
    ),
];

/// Checks the tables in the session's database, of schema 17 and with this default collation.
///
/// # Panics
/// When a table is not described as it should be.
pub async fn mogile_is_described(session: &mut MySqlConnection, collation: &str) {
    for (table, lines) in TABLES {
        is_described(session, table, lines, collation).await;
    }
}

/// Checks every promise on a database whose highest fid is this one, and whose fids and keys are of these
/// types.
///
/// # Panics
/// When a promise is not kept.
pub async fn mogile_database_holds(
    database: &dyn MogileDatabase,
    highest: Option<u64>,
    fid: &str,
    collation: Option<&str>,
) {
    let survey = database.survey().await.expect("an answer");
    assert!(!survey.version.is_empty() && survey.at.contains(':'), "{survey:?}");
    let file = &survey.columns["file"];
    // Widths of integers are there before MySQL 8.0.19 and on MariaDB.
    let without_width = |kind: &str| {
        let kept = |part: &str| part.split_once(')').map_or(part, |(_, rest)| rest).to_owned();
        kind.split('(').map(kept).collect::<String>()
    };
    assert_eq!(without_width(&file["fid"].kind), fid, "{file:?}");
    assert_eq!(file["fid"].collation, None);
    assert_eq!(file["dkey"].collation.as_deref(), collation, "{file:?}");
    assert!(survey.columns["domain"].contains_key("namespace"), "{survey:?}");
    assert_eq!(database.highest_fid().await.expect("an answer"), highest.map(Fid));
    let idle = database.uploads_under_way().await.expect("an answer");
    assert_eq!(idle, UploadsUnderWay::default());
    // The test runs on the server's own machine.
    let ours = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ours = ours.expect("after 1970").as_secs();
    let theirs = database.server_time().await.expect("an answer").0 / 1_000;
    assert!(ours.abs_diff(theirs) < 60, "{ours} and {theirs}");
}

/// Checks that two uploads are under way, with the fids 7 and 12.
///
/// # Panics
/// When they are not seen.
pub async fn two_uploads_are_seen(database: &dyn MogileDatabase) {
    let uploads = database.uploads_under_way().await.expect("an answer");
    assert_eq!(uploads, UploadsUnderWay { rows: 2, newest: Some(Fid(12)) });
}
