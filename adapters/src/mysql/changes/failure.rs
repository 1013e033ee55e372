//! What went wrong with a statement, and what that means for the database.

use std::time::Duration;

use domain::Cause;
use domain::ports::DatabaseError;
use domain::retry::{Classed, ErrorClass};
use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;

use crate::mysql::sessions::Database;
use crate::mysql::trouble::Trouble;

/// Why a statement has no answer, or one that is an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The server answered that the statement is not carried out. The session goes on.
    #[error("{words} (error {number})")]
    Answered {
        number: u16,
        /// The first two letters of its SQLSTATE.
        class: String,
        words: String,
    },
    /// The connection broke, or the time is over: the statement may have been carried out. The session
    /// is closed.
    #[error("{0}")]
    Broken(Cause),
    /// The session ended before: nothing was sent.
    #[error("the session has ended")]
    Ended,
}

/// What the caller can do about a statement that the server did not carry out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Another session holds what it needs.
    WaitForHolders,
    /// Try again.
    TryAgain,
    /// Change something first, as this says.
    Change(String),
}

/// `ER_LOCK_WAIT_TIMEOUT`.
pub(super) const LOCK_WAIT_TIMEOUT: u16 = 1205;
/// `ER_LOCK_DEADLOCK`.
pub(super) const DEADLOCK: u16 = 1213;
/// `ER_DUP_ENTRY`.
pub(super) const DUPLICATE: u16 = 1062;
/// `ER_NO_SUCH_THREAD`.
pub(super) const NO_SUCH_THREAD: u16 = 1094;

impl Failure {
    /// The answer did not come in this time.
    pub(super) fn late(time: Duration) -> Self {
        Self::Broken(format!("no answer within {} s", time.as_secs()).into())
    }

    pub(super) fn of(error: Error) -> Self {
        let answered = error.as_database_error();
        match answered.and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>()) {
            Some(error) => Self::Answered {
                number: error.number(),
                class: error.code().unwrap_or_default().chars().take(2).collect(),
                words: error.message().to_owned(),
            },
            None => Self::Broken(error.into()),
        }
    }

    /// The server's number of the error, where it answered.
    pub(super) const fn number(&self) -> Option<u16> {
        match self {
            Self::Answered { number, .. } => Some(*number),
            Self::Broken(_) | Self::Ended => None,
        }
    }

    /// The same failure of a statement that only reads.
    pub(super) fn reading(self, database: Database, at: &str) -> DatabaseError {
        let at = at.to_owned();
        match self {
            Self::Answered { number, ref class, .. } => {
                match remedy(number, class, &format!("grant SELECT on {}", database.tables())) {
                    Remedy::Change(advice) => {
                        DatabaseError::Refused { at, why: format!("{self}: {advice}") }
                    }
                    Remedy::TryAgain | Remedy::WaitForHolders => {
                        DatabaseError::Unavailable { at, cause: self.into() }
                    }
                }
            }
            Self::Broken(cause) => DatabaseError::Unavailable { at, cause },
            Self::Ended => DatabaseError::Unavailable { at, cause: self.into() },
        }
    }
}

/// For the counts of calls: an answer is one, error or not.
impl Classed for Failure {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Answered { .. } => ErrorClass::GiveUp,
            Self::Broken(_) | Self::Ended => ErrorClass::Retry,
        }
    }
}

/// A failure to connect, in the ports' own kinds.
pub(super) fn unconnected(trouble: Trouble, at: &str) -> DatabaseError {
    let at = at.to_owned();
    match trouble {
        Trouble::Passing(cause) => DatabaseError::Unavailable { at, cause },
        Trouble::Refusal(why) => DatabaseError::Refused { at, why },
        Trouble::Nonsense(why) => DatabaseError::BadAnswer { at, why },
    }
}

/// What the account needs.
impl Database {
    pub(super) fn changing(self) -> String {
        let rights = self.rights_for_changes().join(", ");
        format!("grant {rights} on the table `{}`", self.changed_table())
    }
}

/// Translates an error of the server by its number (MySQL and MariaDB error references) and by the
/// class of its SQLSTATE: 22 is a value that the column cannot hold, 23 a key, 25 a read-only
/// transaction, 28 authorization, 42 syntax or access.
pub(super) fn remedy(number: u16, class: &str, grants: &str) -> Remedy {
    let change = |advice: &str| Remedy::Change(advice.to_owned());
    match (number, class) {
        (LOCK_WAIT_TIMEOUT, _) => Remedy::WaitForHolders,
        // Too many connections or queries of this account. Their class is 42, but a later try may
        // succeed.
        (1203 | 1226, _) => Remedy::TryAgain,
        (1044 | 1142 | 1143 | 1227, _) => change(grants),
        (1290 | 1836, _) | (_, "25") => {
            change("the server takes no changes: is it a replica? give the URL of its primary")
        }
        (1054 | 1146, _) => change("is the URL that of another database?"),
        (1264 | 1265 | 1267 | 1366 | 1406 | 3854, _) | (_, "22") => {
            change("the column cannot hold the new name")
        }
        (3819 | 4025, _) | (_, "45") => change("a rule of the table does not let it happen"),
        // The disk or the tablespace is full.
        (3 | 1021 | 1114, _) => change("make room for it, and begin again"),
        (1799, _) => change(
            "stop what writes to the table, or raise innodb_online_alter_log_max_size, and begin again",
        ),
        (1665, _) => change("set binlog_format to ROW or MIXED"),
        (1553 | 1845..=1847, _) | (_, "23" | "28" | "42") => change("see the server's reference"),
        _ => Remedy::TryAgain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do() {
        let grants = &Database::Rhino.changing();
        for (number, class, wanted) in [
            (1205, "HY", Remedy::WaitForHolders),
            (1213, "40", Remedy::TryAgain),
            (1317, "70", Remedy::TryAgain),
            (1040, "08", Remedy::TryAgain),
            (1226, "42", Remedy::TryAgain),
            (1142, "42", Remedy::Change(grants.clone())),
        ] {
            assert_eq!(remedy(number, class, grants), wanted, "{number}");
        }
        for (number, class, words) in [
            (1290, "HY", "replica"),
            (1792, "25", "replica"),
            (1366, "HY", "cannot hold"),
            (1406, "22", "cannot hold"),
            (1114, "HY", "make room"),
            (1799, "HY", "innodb_online_alter_log_max_size"),
            (1665, "HY", "binlog_format"),
            (3819, "HY", "a rule of the table"),
            (4025, "23", "a rule of the table"),
            (1644, "45", "a rule of the table"),
            (1064, "42", "reference"),
            (1846, "0A", "reference"),
            (1146, "42", "another database"),
        ] {
            let remedy = remedy(number, class, grants);
            assert!(
                matches!(&remedy, Remedy::Change(advice) if advice.contains(words)),
                "{number}"
            );
        }
    }
}
