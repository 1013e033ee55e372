//! What hinders a change of rhino's database, before anything is changed.

use std::collections::BTreeMap;

use super::trouble::{COMMAND, revert_command};
use crate::limits;

/// What hinders a change. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RhinoRefusal {
    /// Triggers would run at every change.
    #[error("the table `articleFile` has triggers, which would run at every change: {}; drop them first", .0.join(", "))]
    Triggers(Vec<String>),
    /// The account may not see triggers.
    #[error(
        "the account cannot see whether the table `articleFile` has triggers: grant it TRIGGER"
    )]
    TriggersUnseen,
    /// The account may not make the change.
    #[error("the account lacks {} on the table `articleFile`: grant it these privileges", .0.join(", "))]
    Privileges(Vec<String>),
    /// The server takes no changes.
    #[error("the server is read_only: is it a replica? Give the URL of its primary")]
    ReadOnly,
    /// What would be dropped could not be made again.
    #[error(
        "the index bucketName_index could not be made again as it is: `{0}`; replace it by a plain one first"
    )]
    IndexCannotReturn(String),
    /// Neither `BUCKETS` nor `IGNORE_BUCKETS` has these names.
    #[error(
        "rows bear bucket names that are neither in BUCKETS nor in IGNORE_BUCKETS, byte for byte: {}; add \
         each to one of them",
        named(.0)
    )]
    Unmapped(BTreeMap<String, u64>),
    /// No setting can hold these names.
    #[error(
        "rows bear bucket names that no setting can hold, for they are empty or have white space: {}; no \
         bucket of MogileFS has such a name. Correct these rows, and begin again",
        named(.0)
    )]
    NoNames(BTreeMap<String, u64>),
    /// Rows bear a new name already.
    #[error(
        "rows bear an S3 name already: {}; a way back could not know them from the others. With \
         --keep-existing their ids are kept in the journal, and they keep their names both ways",
        named(.0)
    )]
    NewNames(BTreeMap<String, u64>),
    /// Too many rows bear a new name already.
    #[error(
        "the ids of the rows that bear an S3 name already take {bytes} bytes, of at most {most} that the \
         journal takes; rename them back to their MogileFS names by hand first",
        most = limits::KEPT_BITMAP_BYTES
    )]
    TooManyKept {
        /// The size of the bitmap.
        bytes: usize,
    },
    /// A row that bears a new name already has an id below 0.
    #[error(
        "the row {0} bears an S3 name already, and ids below 0 cannot be kept: rename it by hand first"
    )]
    KeptBelowZero(String),
    /// No row bears a name of the bucket map.
    #[error(
        "no row of `articleFile` bears a bucket name of BUCKETS: is RHINO_DATABASE_URL another database's?"
    )]
    NothingMapped,
    /// contentrepo's names come first.
    #[error(
        "the cut-over of contentrepo is not done: rhino's rows would name buckets that contentrepo does \
         not have. First `mogile2s3 cutover contentrepo`"
    )]
    ContentrepoFirst,
    /// The change under way is of another database.
    #[error(
        "the change that entry {sequence} began is of the database `{of}`, and this one is `{now}`: give the URL of \
         the same database. {}", moved(.of)
    )]
    OtherServer {
        /// The number of the entry.
        sequence: u64,
        /// What the entry says.
        of: String,
        /// What the settings say.
        now: String,
    },
    /// The change under way has other names.
    #[error(
        "the change that entry {sequence} began renames {of}, and BUCKETS says {now}: give it the same \
         BUCKETS, or take it back with `{command}`",
        command = revert_command()
    )]
    OtherMap {
        /// The number of the entry.
        sequence: u64,
        /// What the entry says.
        of: String,
        /// What the settings say.
        now: String,
    },
    /// A way back has no end.
    #[error("the way back that entry {0} began has no end: `{command}` goes on with it", command = revert_command())]
    RevertUnderWay(u64),
    /// There is nothing to take back.
    #[error(
        "the journal has no cut-over of rhino to take back; where the journal has lost it, give its backup \
         with --from FILE (a cut-over is begun with `{COMMAND}`)"
    )]
    NothingToTakeBack,
    /// The backup is of a database of another name.
    #[error(
        "the backup is of the database `{of}`, and this one is `{now}`: give the URL of the same database. {}",
        moved(.of)
    )]
    BackupOfOtherServer {
        /// What the backup says.
        of: String,
        /// What the settings say.
        now: String,
    },
    /// The database is not the one that the operator takes it for.
    #[error(
        "`{now}` is not the database that was `{known}` before: {found}. Give the URL of the same database"
    )]
    NotTheSame {
        /// What the journal or the backup says.
        known: String,
        /// What the settings say.
        now: String,
        /// The rows that show it.
        found: String,
    },
    /// The backup is another one's.
    #[error("the backup is not that of this cut-over: {0}")]
    OtherBackup(String),
}

/// The way on where a database has another name than before.
fn moved(known: &str) -> String {
    format!(
        "Where it is the same database, which moved or has another host name since, take the change back with `{} \
         --database-was {known}`",
        revert_command()
    )
}

/// Names with the number of their rows. A server has few of them; where it has many, the first ones.
fn named(rows: &BTreeMap<String, u64>) -> String {
    let mut names: Vec<_> = rows
        .iter()
        .take(limits::ROWS_NAMED)
        .map(|(name, rows)| format!("{name:?} ({rows} rows)"))
        .collect();
    if rows.len() > names.len() {
        names.push(format!("and {} more", rows.len() - names.len()));
    }
    names.join(", ")
}
