use std::collections::BTreeMap;

use async_trait::async_trait;

use super::DatabaseError;

/// A database of one of MogileFS's clients, as its server describes it.
#[async_trait]
pub trait SurveyedDatabase: Send + Sync {
    /// Returns what the server says of itself, of the account and of the tables. It reads no row of
    /// them.
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError>;
}

/// What a server says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseSurvey {
    /// Host, port and name of the database.
    pub at: String,
    /// The server's version, in its own words.
    pub version: String,
    /// The columns that this account may read, by table, each with its collation if it is a text.
    pub columns: BTreeMap<String, BTreeMap<String, Option<String>>>,
    /// What the account may do.
    pub rights: AccountRights,
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
