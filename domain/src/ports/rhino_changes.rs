use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{ChangeError, DatabaseError, RowId, TableHolders};
use crate::name_changes::NameChanges;
use crate::server_ids::ServerIds;

/// Changes the bucket names in rhino's table `articleFile`, which has about ten million rows.
#[async_trait]
pub trait RhinoChanges: Send + Sync {
    /// Returns what the server says of itself and of the table, before anything is changed.
    async fn facts(&self) -> Result<RhinoFacts, DatabaseError>;

    /// Returns the other sessions that hold the table at this moment.
    async fn holders(&self) -> Result<TableHolders, DatabaseError>;

    /// Returns the statements that a change of these rows takes, in their order and in the server's own words:
    /// the first one of those that rename, of which each has a range of its own. `index` is dropped before
    /// them and made behind them.
    async fn statements(
        &self,
        rows: RowRange,
        changes: &NameChanges,
        index: Option<&IndexDefinition>,
    ) -> Result<Vec<String>, DatabaseError>;

    /// Opens a session that holds the lock of all operators until it is dropped or ends. It refuses
    /// a table with triggers and one that cannot take a change back, and does not wait for another
    /// holder.
    async fn lock(&self) -> Result<Box<dyn RhinoSession>, ChangeError>;
}

/// A session that holds the lock of all operators. Where the connection ends, the lock is gone: from
/// then on every call is [`ChangeError::SessionLost`] and sends nothing.
#[async_trait]
pub trait RhinoSession: Send {
    /// Drops the index on the bucket names. One that [`Self::add_index`] could not create again is
    /// refused.
    async fn drop_index(&mut self) -> Result<IndexChange, ChangeError>;

    /// Creates the index on the bucket names, which may take an hour. An index of that name with
    /// another definition is refused.
    async fn add_index(&mut self, index: &IndexDefinition) -> Result<IndexChange, ChangeError>;

    /// Renames the buckets of rows in one transaction, and returns the number of rows for each
    /// change, in the order of the changes.
    ///
    /// A row changes where it bears an old name byte for byte and is not in `kept`, of which there
    /// are at most [`crate::limits::KEPT_ROWS`]. A second call for the same rows changes
    /// nothing.
    async fn rename_buckets(
        &mut self,
        rows: RowRange,
        changes: &NameChanges,
        kept: &[RowId],
    ) -> Result<Vec<u64>, ChangeError>;

    /// Returns the number of rows for each bucket name, byte for byte. [`None`] stands for NULL.
    async fn rows_by_bucket(
        &mut self,
        rows: RowRange,
    ) -> Result<BTreeMap<Option<String>, u64>, ChangeError>;
}

/// Rows by their ids, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRange {
    /// The lowest id.
    pub first: RowId,
    /// The highest id.
    pub last: RowId,
}

/// What became of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexChange {
    /// The call made the change.
    Made,
    /// The table was already so.
    AlreadySo,
}

/// An index, in the words in which the server shows the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDefinition(pub String);

/// What the server says of itself and of the table `articleFile`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct RhinoFacts {
    /// The server's version.
    pub version: String,
    /// Its ids.
    pub ids: ServerIds,
    /// Whether the server can change an index beside other sessions' statements.
    pub changes_indexes_online: bool,
    /// Whether the server writes a binary log.
    pub has_binlog: bool,
    /// The format of the binary log: `ROW`, `MIXED` or `STATEMENT`.
    pub binlog_format: Option<String>,
    /// What the binary log holds of a changed row: `FULL` or `MINIMAL`.
    pub binlog_row_image: Option<String>,
    /// Whether the server refuses to be changed, as a replica does.
    pub is_read_only: bool,
    /// The isolation of transactions that choose none.
    pub isolation: Option<String>,
    /// The statement that would make the table.
    pub create_table: String,
    /// The index on the bucket names, where there is one.
    pub index: Option<IndexDefinition>,
    /// Whether it could be made again as it is, where there is one.
    pub index_can_return: bool,
    /// The privileges on the table that the account needs for a change and does not have.
    pub lacks: Vec<String>,
    /// The triggers on the table; [`None`] where the account may not see them.
    pub triggers: Option<Vec<String>>,
}
