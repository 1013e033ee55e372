use async_trait::async_trait;

use super::{ChangeError, RepoBucket, RowId};

/// Changes the names of contentrepo's buckets. It reads nothing else and writes nothing else.
#[async_trait]
pub trait ContentRepoChanges: Send + Sync {
    /// Gives buckets their new names, in this order and in one transaction: all of them, or none.
    ///
    /// A bucket is renamed only where its row bears the old name byte for byte. No other column
    /// changes, not even one that takes the time of each change. While it works it holds the lock
    /// of all operators, so that no two change the same database. It refuses a table with triggers,
    /// and one that cannot take a change back.
    async fn rename_buckets(&self, renames: &[BucketRename]) -> Result<Renaming, ChangeError>;
}

/// A bucket and its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketRename {
    /// The column `bucketId`.
    pub id: RowId,
    /// The name that it bears.
    pub from: String,
    /// The name that it gets.
    pub to: String,
}

/// What became of a renaming.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renaming {
    /// Every bucket bears its new name.
    Done,
    /// No bucket was renamed, because a row stood in the way. Each such row is listed.
    Hindered(Vec<Hindrance>),
}

/// Why a bucket was not renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hindrance {
    /// Its row bears another name than the old one.
    OtherName {
        /// What was to be done.
        rename: BucketRename,
        /// The name that the row bears now.
        found: String,
    },
    /// It has no row.
    Missing(BucketRename),
    /// A bucket bears the new name already, by the rules of the column's own collation.
    Collision {
        /// What was to be done.
        rename: BucketRename,
        /// The bucket that bears the name.
        with: RepoBucket,
    },
}
