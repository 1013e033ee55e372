use crate::{Fid, KeyTrouble, LedgerItem, LedgerRecord, Obstacle, Reason, ReasonKind, Thing};
use async_trait::async_trait;

use crate::retry::{Cause, Classed, ErrorClass};

/// The ledger: one record for each file that was migrated, keyed by fid.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Writes all records, or errors; after an error any of them may have been written. Of several
    /// with one fid the last counts.
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError>;

    /// Returns the existing records of these fids as they are now, in no order. A fid that is named
    /// several times is asked for once. An item that cannot be read proves nothing: it is logged and
    /// left out.
    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError>;

    /// Passes every item of one segment to `each`, in no order, and also items that cannot be read.
    /// Items that are written meanwhile may be missed. An item may come twice when a page was read
    /// again.
    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError>;
}

/// One of several equal parts of the ledger, which can be scanned in parallel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The segment's number, from 0.
    pub number: u32,
    /// The number of segments.
    pub of: u32,
}

/// Why the ledger or another table did not carry out a request.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// It could not be reached, or asks to slow down.
    #[error("the table `{table}` cannot be used now: {cause}")]
    Unavailable {
        /// Its table.
        table: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// There is no such table.
    #[error("the table `{table}` does not exist")]
    NoTable {
        /// Its name.
        table: String,
    },
    /// The account's keys are not accepted.
    #[error("the table `{table}` cannot be used with these keys: {why}")]
    Keys {
        /// Its table.
        table: String,
        /// In its own words.
        why: String,
        /// What is wrong with the keys.
        trouble: KeyTrouble,
    },
    /// The account may not, or the request is refused for another lasting reason.
    #[error("the table `{table}` refuses: {why}")]
    Refused {
        /// Its table.
        table: String,
        /// In its own words.
        why: String,
    },
}

impl Classed for LedgerError {
    fn class(&self) -> ErrorClass {
        match self {
            // Who logs in again renews keys that have expired.
            Self::Unavailable { .. } | Self::Keys { trouble: KeyTrouble::Expired, .. } => {
                ErrorClass::Retry
            }
            Self::NoTable { .. }
            | Self::Keys {
                trouble: KeyTrouble::Unknown | KeyTrouble::WrongClock | KeyTrouble::NotSignedUp,
                ..
            }
            | Self::Refused { .. } => ErrorClass::GiveUp,
        }
    }
}

impl From<&LedgerError> for Reason {
    fn from(error: &LedgerError) -> Self {
        let obstacle = match error {
            LedgerError::Unavailable { .. } => Obstacle::Unreachable,
            LedgerError::NoTable { .. } => Obstacle::Absent(Thing::Table),
            LedgerError::Keys { trouble, .. } => Obstacle::Keys(*trouble),
            LedgerError::Refused { .. } => Obstacle::Refusal,
        };
        Self::new(ReasonKind::LedgerUnavailable, error).because_of(obstacle)
    }
}
