use std::fmt;

use super::IndexError;
use crate::retry::{Cause, Classed, ErrorClass};
use crate::{Obstacle, Reason, ReasonKind};

/// The id of a row, by which a table is paged. It holds whatever a column of integers can hold: a
/// server gives ids from 1 on, and an INSERT may give any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub i128);

impl RowId {
    /// Before every id: the page behind it is the first one.
    pub const START: Self = Self(i64::MIN as i128 - 1);

    /// No id is behind this one.
    pub const END: Self = Self(u64::MAX as i128);
}

impl fmt::Display for RowId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The database of contentrepo or rhino gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It could not be reached, or was too busy.
    #[error("the database `{at}` cannot be read now: {cause}")]
    Unavailable {
        /// Host, port and name.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It refuses for a lasting reason.
    #[error("the database `{at}` refuses to be read: {why}")]
    Refused {
        /// Host, port and name.
        at: String,
        /// In its own words.
        why: String,
    },
    /// It gave an answer that cannot be understood.
    #[error("the database `{at}` answered nonsense: {why}")]
    BadAnswer {
        /// Host, port and name.
        at: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Classed for DatabaseError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } => ErrorClass::Retry,
            Self::Refused { .. } => ErrorClass::GiveUp,
            Self::BadAnswer { .. } => ErrorClass::Corrupt,
        }
    }
}

/// The same failure, of a database that is read as MogileFS's index.
impl From<DatabaseError> for IndexError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Unavailable { at, cause } => Self::Unavailable { at, cause },
            DatabaseError::Refused { at, why } => Self::Refused { at, why },
            DatabaseError::BadAnswer { at, why } => Self::BadAnswer { at, why },
        }
    }
}

/// The references of contentrepo or rhino cannot be read.
impl From<&DatabaseError> for Reason {
    fn from(error: &DatabaseError) -> Self {
        let obstacle = match error {
            DatabaseError::Unavailable { .. } => Obstacle::Unreachable,
            DatabaseError::Refused { .. } => Obstacle::Refusal,
            DatabaseError::BadAnswer { .. } => Obstacle::OfItsKind,
        };
        Self::new(ReasonKind::References, error).because_of(obstacle)
    }
}
