use std::collections::BTreeMap;

use async_trait::async_trait;

use super::DatabaseError;
use crate::{Fid, Timestamp};

/// A database of MogileFS or of one of its clients, as its server describes it.
#[async_trait]
pub trait SurveyedDatabase: Send + Sync {
    /// Returns what the server says of itself, of the account and of the tables. It reads no row of
    /// them.
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError>;

    /// Returns the server's time, to the second, from a new answer of it.
    async fn server_time(&self) -> Result<Timestamp, DatabaseError>;
}

/// MogileFS's own database, as far as the index does not show it.
#[async_trait]
pub trait MogileDatabase: SurveyedDatabase {
    /// Returns the highest fid of the table `file`, of whatever domain; [`None`] where the table is
    /// empty.
    async fn highest_fid(&self) -> Result<Option<Fid>, DatabaseError>;

    /// Returns the uploads under way, of all domains: the rows of the table `tempfile`. A tracker adds a row
    /// when an upload is opened, and deletes it when the upload is closed; one that was given up stays for
    /// an hour (MogileFS-Server 2.73, `Worker/Delete.pm`).
    async fn uploads_under_way(&self) -> Result<UploadsUnderWay, DatabaseError>;
}

/// The rows of MogileFS's table `tempfile`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UploadsUnderWay {
    /// The number of rows.
    pub rows: u64,
    /// The highest fid among them.
    pub newest: Option<Fid>,
}

/// What a server says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseSurvey {
    /// Host, port and name of the database.
    pub at: String,
    /// The server's version, in its own words.
    pub version: String,
    /// The columns that this account may read, by table.
    pub columns: BTreeMap<String, BTreeMap<String, SurveyedColumn>>,
    /// What the account may do.
    pub rights: AccountRights,
    /// The rights on the changed table that it lacks for the cut-over, in the server's words; [`None`] where
    /// that is not known.
    pub lacking: Option<Vec<String>>,
    /// What it lacks beside them.
    pub lacking_beside: LackingBeside,
}

/// What an account lacks for the cut-over beside the rights on the changed table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LackingBeside {
    /// Tables that the cut-over reads, and the account may not.
    pub reading: Vec<String>,
    /// Whether it may not see the sessions of others: PROCESS.
    pub sessions: bool,
}

/// A column as its server describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SurveyedColumn {
    /// Its type, in the server's words: `bigint unsigned`, or `bigint(20) unsigned` on older servers.
    pub kind: String,
    /// Its collation; [`None`] for what is no text.
    pub collation: Option<String>,
}

/// What an account may do in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AccountRights {
    /// It changes nothing.
    ReadOnly,
    /// It has these rights too, in the server's words.
    Writes(Vec<String>),
    /// The server does not say it, or speaks of roles.
    #[default]
    Unknown,
}
