use std::fmt;

use crate::retry::{Cause, Classed, ErrorClass};

/// A change of a client's database was not made, or the server did not say whether it was.
///
/// Every error except [`ChangeError::Uncertain`] promises that the call changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The server could not be reached, was too busy, or ended the transaction in favour of another
    /// one. The caller may try again.
    #[error("the database `{at}` cannot be changed now, and nothing was changed: {cause}")]
    Unavailable {
        /// Host, port and name.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// Another session held the rows or the table for longer than
    /// [`crate::limits::LOCK_WAIT`]. The caller may try again.
    #[error("nothing was changed in `{at}`: {why}; {holders}")]
    Blocked {
        /// Host, port and name.
        at: String,
        /// In the server's own words.
        why: String,
        /// Who holds the table.
        holders: TableHolders,
    },
    /// Another session holds the lock by which operators exclude each other. The caller stops.
    #[error(
        "nothing was changed in `{at}`: {holder} changes it now; wait for it, or where nobody is at work \
         there any more `KILL {}`",
        holder.id
    )]
    Locked {
        /// Host, port and name.
        at: String,
        /// Who holds the lock.
        holder: ServerSession,
    },
    /// The server refuses for a lasting reason.
    #[error("the database `{at}` refuses the change, and nothing was changed: {why}")]
    Refused {
        /// Host, port and name.
        at: String,
        /// In the server's own words.
        why: String,
    },
    /// The session has ended, and its lock with it. The caller takes the lock again before it goes
    /// on.
    #[error("nothing was changed in `{at}`: the session that held the lock has ended")]
    SessionLost {
        /// Host, port and name.
        at: String,
    },
    /// The connection broke, or no answer came in time, when the server may have made the change.
    /// The caller looks at the database before it goes on.
    #[error("the database `{at}` may or may not have been changed: {cause}")]
    Uncertain {
        /// Host, port and name.
        at: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
}

impl Classed for ChangeError {
    fn class(&self) -> ErrorClass {
        match self {
            // Every change is guarded by what it replaces, so that a second try does no harm.
            Self::Unavailable { .. } | Self::Blocked { .. } | Self::Uncertain { .. } => {
                ErrorClass::Retry
            }
            Self::Locked { .. } | Self::Refused { .. } | Self::SessionLost { .. } => {
                ErrorClass::GiveUp
            }
        }
    }
}

/// The sessions that hold a table, so that its definition cannot be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableHolders {
    /// The sessions, the oldest statement or transaction first.
    pub sessions: Vec<ServerSession>,
    /// Whether the server itself says that they hold it. Where it does not show the account its
    /// locks, these are all other sessions in the same database, as far as the account sees them.
    pub are_certain: bool,
}

/// A session on a database server, as its list of processes shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerSession {
    /// Its number, for `KILL`.
    pub id: u64,
    /// The account.
    pub user: Option<String>,
    /// Where it comes from, as the server sees it.
    pub host: Option<String>,
    /// Since when it does what it does now.
    pub seconds: Option<u64>,
    /// What it does: `Sleep`, `Query`.
    pub command: Option<String>,
}

impl fmt::Display for TableHolders {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sessions: Vec<_> = self.sessions.iter().map(ToString::to_string).collect();
        match (self.are_certain, sessions.as_slice()) {
            (true, []) => out.write_str("no session holds the table any more"),
            (false, []) => out.write_str(
                "the account does not see which session holds the table: grant it PROCESS, and \
                 SELECT on performance_schema",
            ),
            (true, all) => write!(out, "the table is held by {}", all.join(", ")),
            (false, all) => write!(out, "the table may be held by {}", all.join(", ")),
        }
    }
}

impl fmt::Display for ServerSession {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "session {}", self.id)?;
        if let Some(user) = &self.user {
            write!(out, " of `{user}`")?;
        }
        if let Some(host) = &self.host {
            write!(out, " from {host}")?;
        }
        match (&self.command, self.seconds) {
            (Some(command), Some(seconds)) => write!(out, " ({command} for {seconds} s)"),
            (Some(command), None) => write!(out, " ({command})"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_are_named_as_far_as_they_are_known() {
        let session = ServerSession {
            id: 7,
            user: Some("app".to_owned()),
            host: Some("10.0.0.7:5000".to_owned()),
            seconds: Some(61),
            command: Some("Sleep".to_owned()),
        };
        let unseen = ServerSession { id: 8, ..ServerSession::default() };
        let holders = |sessions, are_certain| TableHolders { sessions, are_certain }.to_string();
        assert_eq!(
            holders(vec![session, unseen.clone()], true),
            "the table is held by session 7 of `app` from 10.0.0.7:5000 (Sleep for 61 s), session 8"
        );
        assert_eq!(holders(vec![unseen], false), "the table may be held by session 8");
        assert_eq!(holders(vec![], true), "no session holds the table any more");
        assert!(holders(vec![], false).contains("grant it PROCESS"));
    }
}
