use async_trait::async_trait;

use super::ChangeError;
use crate::Fid;

/// Changes keys in MogileFS's own table of files. It changes no other column and no other table.
#[async_trait]
pub trait KeyChanges: Send + Sync {
    /// Gives a file of the configured domain another key: one row changes, or none.
    ///
    /// The row must have the fid, and bear the old key byte for byte. While it works it holds the lock
    /// of all operators. It refuses a table with triggers, and one that cannot take a change back.
    async fn change_key(&self, change: &KeyChange) -> Result<KeyChanged, ChangeError>;

    /// Returns the key of a file of the configured domain as it is now, in the database that is
    /// changed; [`None`] where there is no such row, or its key is NULL.
    async fn key_of(&self, fid: Fid) -> Result<Option<String>, ChangeError>;

    /// Returns the same as [`key_of`](Self::key_of) while it holds the lock of all operators: a session of
    /// ours whose COMMIT had no answer has ended, and changes nothing any more.
    ///
    /// Errors with [`ChangeError::Locked`] where another session has the lock.
    async fn settled_key_of(&self, fid: Fid) -> Result<Option<String>, ChangeError>;

    /// Returns why every change would be refused, as far as that shows without one, and what to do: rights
    /// that the account lacks, a server that takes no changes, triggers. [`None`] where nothing shows. It
    /// writes nothing, and takes no lock.
    async fn hindrance(&self) -> Result<Option<String>, ChangeError>;
}

/// A file and its two keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The file's number.
    pub fid: Fid,
    /// The key that it bears.
    pub from: String,
    /// The key that it gets.
    pub to: String,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChanged {
    /// The row bears its new key.
    Done,
    /// Nothing was changed: the domain has no row of this fid with the old key. The key that the row
    /// has now, where there is a row and a key.
    OtherKey(Option<String>),
    /// Nothing was changed: another row has the new key, by the rules of the column's own collation.
    Taken,
}
