use async_trait::async_trait;

use super::LedgerError;
use crate::journal::{Head, SealedEntry, StoredEntry};

/// The journal of one migration: entries that are only ever added, each behind the last one.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns the name of the migration.
    fn migration(&self) -> &str;

    /// Returns which entry is the last one, or [`None`] of a journal without entries. Consistent.
    async fn head(&self) -> Result<Option<Head>, LedgerError>;

    /// Returns the entry of this number, or [`None`]. Consistent.
    async fn entry(&self, sequence: u64) -> Result<Option<StoredEntry>, LedgerError>;

    /// Writes an entry, and makes it the last one, in one step. It must be behind the entry that is
    /// the last one, and its number must be free. The same entry may be written again: where it is the
    /// last one already, nothing changes. Where somebody has written behind it, it is taken.
    async fn append(&self, entry: &SealedEntry) -> Result<Appended, LedgerError>;

    /// Passes every entry to `each`, ascending by number, by consistent reads.
    async fn read(&self, each: &mut (dyn FnMut(StoredEntry) + Send)) -> Result<(), LedgerError>;
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is the last entry of the journal.
    Written,
    /// Another entry has its number or stands behind it, or the journal names another last entry than
    /// the one that it was to follow. Nothing was changed by this call.
    Taken {
        /// The other entry, where there is one.
        by: Option<StoredEntry>,
    },
}
