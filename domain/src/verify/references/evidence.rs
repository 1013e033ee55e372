//! What must be known before a reference counts as one that was broken before the migration: that the index
//! is as new as the trackers', that the ledger was read, and which rows of contentrepo are older than the
//! cut-over.

use std::fmt;

use serde::{Serialize, Serializer};

use super::MogileSide;
use crate::ports::{Clock, RowId};
use crate::retried::retried;
use crate::retry::backoff;
use crate::{Fid, Reason};

/// What the journal says of the time in which MogileFS took all files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Journalled {
    /// No freeze and no step of the cut-over: MogileFS takes all files still.
    #[default]
    Nothing,
    /// contentrepo's last row at the last freeze before the cut-over. What came behind it may never have been
    /// in MogileFS.
    Frozen(RowId),
    /// The number of the entry that completes a step of the cut-over, before which there is no freeze.
    CutOver(u64),
    /// It was not read.
    Unread(Lacking),
}

/// What lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacking {
    /// The trackers list this fid, which is behind the highest one of MogileFS's database: that is a copy, or a
    /// replica that lags.
    TrackersAhead {
        /// The database's highest.
        database: Option<Fid>,
        /// The trackers'.
        trackers: Fid,
    },
    /// The settings name no trackers.
    NoTrackers,
    /// Trackers and database could not be compared.
    TrackersUnread(String),
    /// The settings name no ledger.
    NoLedger,
    /// The ledger could not be read.
    LedgerUnread(String),
    /// The journal has no table.
    NoJournal,
    /// The journal could not be read.
    JournalUnread(String),
    /// The journal has a step of the cut-over, and no freeze before it.
    NoFreeze {
        /// The number of the step's entry.
        entry: u64,
    },
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrackersAhead { database, trackers } => {
                let highest = database.unwrap_or_default();
                write!(
                    f,
                    "the trackers list fid {trackers}, and the highest fid of MOGILE_DATABASE_URL is {highest}: that \
                     database is a copy, or a replica that lags"
                )
            }
            Self::NoTrackers => f.write_str(
                "MOGILE_TRACKERS is not set: nothing shows that MOGILE_DATABASE_URL is no old copy",
            ),
            Self::TrackersUnread(why) => {
                write!(f, "MogileFS's database could not be compared with its trackers: {why}")
            }
            Self::NoLedger => {
                f.write_str("DYNAMODB_TABLE is not set: nothing shows what S3 had once")
            }
            Self::LedgerUnread(why) => write!(f, "the ledger was not read: {why}"),
            Self::NoJournal => f.write_str(
                "the journal's table does not exist: nothing shows whether the cut-over has begun",
            ),
            Self::JournalUnread(why) => write!(f, "the journal was not read: {why}"),
            Self::NoFreeze { entry } => write!(
                f,
                "entry {entry} of the journal completes a step of the cut-over, and no freeze is before it: nothing \
                 shows which rows of contentrepo are older"
            ),
        }
    }
}

impl Serialize for Lacking {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl Journalled {
    /// What a row is where nothing else shows that S3 had its content. Errors with what lacks.
    pub(super) fn is_from_before(&self, row: RowId) -> Result<bool, Lacking> {
        match self {
            Self::Nothing => Ok(true),
            Self::Frozen(last) => Ok(row <= *last),
            Self::CutOver(entry) => Err(Lacking::NoFreeze { entry: *entry }),
            Self::Unread(why) => Err(why.clone()),
        }
    }
}

/// Fids behind the highest one that the trackers are asked for.
const FIDS_BEHIND: usize = 100;

/// Looks at a database that seems to be behind. A replica may be behind by seconds, and files are stored while
/// this looks.
const LOOKS: u32 = 4;

/// Errors where MogileFS's database is not as new as its trackers, or where that is not known.
///
/// What the database says behind this of a file that was there before is true.
pub(super) async fn require_new(mogile: &MogileSide<'_>, clock: &dyn Clock) -> Result<(), Lacking> {
    let trackers = mogile.trackers.ok_or(Lacking::NoTrackers)?;
    let unread = |why: Reason| Lacking::TrackersUnread(why.detail);
    let highest = async || {
        let highest = retried(clock, 0, || mogile.database.highest_fid()).await;
        highest.map_err(|error| unread(Reason::from(&error)))
    };
    let mut ahead = None;
    for look in 1..=LOOKS {
        let database = highest().await?;
        let last = database.unwrap_or_default();
        let behind = retried(clock, last.0, || trackers.page(last, FIDS_BEHIND)).await;
        let behind = behind.map_err(|error| unread(Reason::from(&error)))?;
        let fids = behind.rows.iter().map(|row| row.fid);
        let newest = fids.chain(behind.unreadable.iter().map(|row| row.fid)).max();
        // The database's highest fid is that of all domains.
        let of_others = (behind.other_domains > 0).then_some(Fid(last.0 + 1));
        let Some(trackers) = newest.or(of_others) else { return Ok(()) };
        ahead = Some(Lacking::TrackersAhead { database, trackers });
        // A file that is stored between both questions is no sign.
        clock.sleep(backoff(look, trackers.0)).await;
    }
    ahead.map_or(Ok(()), Err)
}
