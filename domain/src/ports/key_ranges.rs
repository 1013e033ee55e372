use async_trait::async_trait;

use super::source_index::{IndexError, UnreadableRow};
use crate::{Fid, IndexRow};

/// MogileFS's index of the configured domain, by ranges of keys. The port only reads it.
///
/// The index has an order of its own, by the collation of its column: it may take capitals for small
/// letters, ignore accents and spaces at the end, or compare bytes. Callers may rely on two things
/// only. It is one order for every call: any two keys are in it before, behind or equal. And no two
/// rows of the domain have equal keys.
#[async_trait]
pub trait KeyRanges: Send + Sync {
    /// Returns the rows whose key is at `from` or behind it and before `end`, ascending in the
    /// index's own order: the first `limit` of them, or all. A bound that is absent leaves its side
    /// open. A row without a key is in no range.
    async fn rows_between(
        &self,
        from: Option<&str>,
        end: Option<&str>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError>;

    /// Returns the rows behind `after` that have no key, ascending by fid: the first `limit` of
    /// them, or all.
    async fn rows_without_key(&self, after: Fid, limit: usize)
    -> Result<Vec<KeyedRow>, IndexError>;
}

/// A row as a range of keys gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyedRow {
    /// It was read.
    Read(IndexRow),
    /// A value of it cannot be; its key can.
    Unreadable {
        /// Its number, and what is wrong.
        row: UnreadableRow,
        /// Its key.
        dkey: Option<String>,
    },
}

impl KeyedRow {
    /// The file's number.
    #[must_use]
    pub const fn fid(&self) -> Fid {
        match self {
            Self::Read(row) => row.fid,
            Self::Unreadable { row, .. } => row.fid,
        }
    }

    /// The key.
    #[must_use]
    pub fn dkey(&self) -> Option<&str> {
        match self {
            Self::Read(row) => row.dkey.as_deref(),
            Self::Unreadable { dkey, .. } => dkey.as_deref(),
        }
    }
}
