//! What the journal keeps of the changes of bucket names in the databases of contentrepo and rhino.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::server_ids::ServerIds;

/// A database whose bucket names are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientDatabase {
    /// contentrepo's, with about ten rows in the table `buckets`.
    Contentrepo,
    /// rhino's, with about ten million rows in the table `articleFile`.
    Rhino,
}

/// Which way names are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the MogileFS names to the S3 names: the cut-over.
    ToS3,
    /// From the S3 names back to the MogileFS names: the way back.
    ToMogile,
}

/// A change of names that is about to begin. The backup of the names is whole before this is written, and
/// this is written before the first statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutoverBegun {
    /// Whose names are changed.
    pub database: ClientDatabase,
    /// Which way.
    pub direction: Direction,
    /// The database: host, port and name.
    pub server: String,
    /// The ids of its server. An entry of an older form has none.
    #[serde(default)]
    pub server_ids: ServerIds,
    /// How the same database was called when the names of before were written, in the operator's word: it moved
    /// since, or has another host name. Of a way back alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_was: Option<String>,
    /// The number of the freeze that it rests on. A way back rests on none.
    pub freeze: Option<u64>,
    /// The number of the entry that this takes back, for a way back that the journal knows the way of.
    pub takes_back: Option<u64>,
    /// The names of before, as they are changed. For a way back they are those of the cut-over, unchanged:
    /// `from` is the name that rows get back.
    pub names: NamesBefore,
    /// The backup.
    pub backup: Option<BackupSeal>,
    /// Ignored buckets with content whose loss the operator accepts by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// What is readable from S3 only after a way back: a list that was written before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingested: Option<IngestedSeal>,
}

impl CutoverBegun {
    /// A change that rests on nothing but these names.
    #[must_use]
    pub fn new(
        database: ClientDatabase,
        direction: Direction,
        server: impl Into<String>,
        names: NamesBefore,
    ) -> Self {
        Self {
            database,
            direction,
            server: server.into(),
            server_ids: ServerIds::default(),
            database_was: None,
            freeze: None,
            takes_back: None,
            names,
            backup: None,
            left_behind: Vec::new(),
            ingested: None,
        }
    }
}

/// The names in a database before a cut-over. It is also the first line of the backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamesBefore {
    /// The renames, in the order of the bucket map.
    pub renames: Vec<NameRename>,
    /// contentrepo: the rows of `buckets` with each name, 1 each. rhino: the rows of `articleFile`.
    pub rows: BTreeMap<String, u64>,
    /// The rows whose bucket name is NULL.
    #[serde(default)]
    pub nameless: u64,
    /// The highest row id of contentrepo's `objects`, or rhino's `articleFile`, in decimal digits; [`None`]
    /// of an empty table.
    pub last: Option<String>,
    /// rhino's index on the bucket names, as `SHOW CREATE TABLE` has it; [`None`] where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<String>,
    /// The whole of `SHOW CREATE TABLE articleFile`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_table: Option<String>,
    /// Rows that bore a new name before. They keep it, both ways.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<KeptRows>,
}

/// A bucket's two names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRename {
    /// contentrepo's `bucketId`, in decimal digits; rhino has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The MogileFS name.
    pub from: String,
    /// The S3 name.
    pub to: String,
}

/// Rows that keep their names: a bitmap of their ids, in [`Data`](super::Data) entries of this name before
/// this entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRows {
    /// The name of the data.
    pub data: String,
    /// The digest of the data.
    pub sha256: Sha256,
    /// The number of rows.
    pub rows: u64,
}

/// A backup that is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSeal {
    /// The file's name, without the folders of the machine that wrote it.
    pub file: String,
    /// The digest of the file's bytes.
    pub sha256: Sha256,
    /// The number of rows in it.
    pub rows: u64,
}

/// A list of what was ingested after a cut-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IngestedSeal {
    /// The file's name, without folders.
    pub file: String,
    /// The digest of the file's bytes.
    pub sha256: Sha256,
    /// The number of contentrepo's objects in it.
    pub objects: u64,
    /// The number of rhino's rows in it. A list of an older form has none.
    #[serde(default)]
    pub files: u64,
}

/// A statement that is about to be sent. The entry is written before each one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutoverStatement {
    /// In which database.
    pub database: ClientDatabase,
    /// Which way.
    pub direction: Direction,
    /// What it does.
    pub does: Statement,
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "statement", rename_all = "kebab-case")]
pub enum Statement {
    /// Renames all mapped rows of contentrepo's `buckets`.
    RenameBuckets,
    /// Drops rhino's index on the bucket names.
    DropIndex,
    /// Renames rows of `articleFile`, by ids in decimal digits, both included.
    RenameRows {
        /// The lowest id.
        first: String,
        /// The highest id.
        last: String,
    },
    /// Creates rhino's index again, as it was.
    AddIndex,
    /// Something that a later version of this program has written.
    #[serde(other)]
    Other,
}

impl ClientDatabase {
    /// The name of the step that ends a change of this database, for [`Content::StepDone`](super::Content).
    #[must_use]
    pub const fn step(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Contentrepo, Direction::ToS3) => "cutover contentrepo",
            (Self::Rhino, Direction::ToS3) => "cutover rhino",
            (Self::Contentrepo, Direction::ToMogile) => "revert contentrepo",
            (Self::Rhino, Direction::ToMogile) => "revert rhino",
        }
    }
}

impl fmt::Display for ClientDatabase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Contentrepo => "contentrepo",
            Self::Rhino => "rhino",
        })
    }
}
