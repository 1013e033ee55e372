use crate::{Fid, IndexRow, Obstacle, Reason, ReasonKind, StorageClasses};
use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};

/// MogileFS's index of the configured domain. The port only reads it.
#[async_trait]
pub trait SourceIndex: Send + Sync {
    /// Returns the next rows behind `after`, ascending by fid, at most about `limit` of them. Only
    /// rows that are written while the caller pages may be missed.
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError>;

    /// The row of one fid as it is now, or [`None`] when the domain has none.
    ///
    /// Errors with [`IndexError::UnreadableRow`] when the index is well and cannot give this row.
    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError>;

    /// Returns the domain's number of rows; [`None`] where that is unknown without reading them
    /// all. It may take long, or fail where everything else works, so no decision may depend on it.
    async fn count(&self) -> Result<Option<u64>, IndexError>;

    /// Returns the name of the configured domain.
    fn domain(&self) -> &str;

    /// Returns the domains that MogileFS has. The configured one may be missing.
    async fn domains(&self) -> Result<Vec<String>, IndexError>;

    /// Returns the storage classes of the configured domain with their `mindevcount`, the default class
    /// among them. They have the names that [`IndexRow::storage_class`] has. It may fail where
    /// everything else works, for example without a permission on their table, so no decision about
    /// files may depend on it.
    async fn storage_classes(&self) -> Result<StorageClasses, IndexError>;
}

/// One page of the index's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowPage {
    /// The configured domain's rows, ascending by fid.
    pub rows: Vec<IndexRow>,
    /// Rows that the index cannot give, ascending by fid, though it gives others. Their domain is
    /// not known.
    pub unreadable: Vec<UnreadableRow>,
    /// The number of rows of other domains.
    pub other_domains: u64,
    /// These rows, ascending by fid. Only what they name is known.
    pub of_others: Vec<OtherRow>,
    /// Where the next page begins, or [`None`] at the end.
    pub next: Option<Fid>,
}

/// A row of another domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherRow {
    /// Its number. No other row has it, whatever the domain is.
    pub fid: Fid,
    /// Its key, as in [`IndexRow`].
    pub dkey: Option<String>,
}

/// A row that the index cannot give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRow {
    /// Its number.
    pub fid: Fid,
    /// Why it cannot be read.
    pub why: String,
}

/// The index gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It could not be reached, or was too busy.
    #[error("the index at `{at}` cannot be read now: {cause}")]
    Unavailable {
        /// Which one.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It refuses, for example because the account lacks a permission or the domain does not exist.
    #[error("the index at `{at}` refuses to be read: {why}")]
    Refused {
        /// Which one.
        at: String,
        /// In its own words.
        why: String,
    },
    /// It gave an answer that cannot be understood.
    #[error("the index at `{at}` answered nonsense: {why}")]
    BadAnswer {
        /// Which one.
        at: String,
        /// What is wrong with it.
        why: String,
    },
    /// It gives other rows, and not this one.
    #[error("the index at `{at}` cannot give the row of fid {fid}: {why}")]
    UnreadableRow {
        /// Which one.
        at: String,
        /// The row's number.
        fid: Fid,
        /// What is wrong with it.
        why: String,
    },
}

impl Classed for IndexError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::Refused { .. } => ErrorClass::GiveUp,
            Self::BadAnswer { .. } | Self::UnreadableRow { .. } => ErrorClass::Corrupt,
        }
    }
}

impl From<&IndexError> for Reason {
    fn from(error: &IndexError) -> Self {
        let obstacle = match error {
            IndexError::Unavailable { .. } => Obstacle::Unreachable,
            IndexError::Refused { .. } => Obstacle::Refusal,
            IndexError::BadAnswer { .. } | IndexError::UnreadableRow { .. } => Obstacle::OfItsKind,
        };
        Self::new(ReasonKind::IndexUnreadable, error).because_of(obstacle)
    }
}
