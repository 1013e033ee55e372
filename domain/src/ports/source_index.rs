use crate::{Fid, IndexRow, Obstacle, Reason, ReasonKind};
use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};

/// MogileFS's index of the configured domain. It is only ever read.
#[async_trait]
pub trait SourceIndex: Send + Sync {
    /// The next rows behind `after`, ascending by fid, at most about `limit` of them. What is
    /// written while somebody pages may be missed or seen; nothing else is.
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError>;

    /// The row of one fid as it is now, or [`None`] when the domain has none.
    ///
    /// Errors with [`IndexError::UnreadableRow`] when the index is well and cannot give this row.
    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError>;

    /// How many rows the domain has, where that can be told without reading them all. It may take
    /// long, or fail where all else works: nothing that matters may depend on it.
    async fn count(&self) -> Result<Option<u64>, IndexError>;

    /// The configured domain.
    fn domain(&self) -> &str;

    /// The domains that MogileFS has, the configured one among them or not.
    async fn domains(&self) -> Result<Vec<String>, IndexError>;
}

/// Some rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowPage {
    /// The configured domain's rows, ascending by fid.
    pub rows: Vec<IndexRow>,
    /// Rows that the index cannot give, ascending by fid, though it gives others. Their domain is
    /// not known.
    pub unreadable: Vec<UnreadableRow>,
    /// Rows of other domains that were passed over.
    pub other_domains: u64,
    /// Where the next page begins, or [`None`] at the end.
    pub next: Option<Fid>,
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
    /// It refuses: an account without rights, a domain that does not exist.
    #[error("the index at `{at}` refuses to be read: {why}")]
    Refused {
        /// Which one.
        at: String,
        /// In its own words.
        why: String,
    },
    /// It answered what cannot be understood.
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
