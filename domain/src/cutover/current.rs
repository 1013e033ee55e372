//! The freeze that the journal has.

use crate::journal::{ChainFault, Content, Entry, StoredEntry};
use crate::ports::{Clock, Journal, LedgerError};
use crate::runbook::read_journal;
use crate::store_state::Freeze;
use crate::{Fid, Timestamp};

/// The last freeze of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentFreeze {
    /// The number of its entry.
    pub sequence: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: String,
    /// What was seen.
    pub freeze: Freeze,
    /// The entry behind it that ended it, if there is one.
    pub ended: Option<FreezeEnded>,
}

/// A change of our own that ends a freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeEnded {
    /// The number of the entry.
    pub sequence: u64,
    /// The file whose key `rekey` changed.
    pub fid: Fid,
}

/// Why it is not known which freeze there is.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableJournal {
    /// The journal's table.
    #[error(transparent)]
    Table(#[from] LedgerError),
    /// The journal is not as it was written.
    #[error("{0}")]
    Changed(ChainFault),
}

/// Reads the whole journal. Returns its last freeze, or [`None`] where it has none.
pub async fn current_freeze(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
) -> Result<Option<CurrentFreeze>, UnreadableJournal> {
    let (mut current, mut faults) = (None::<CurrentFreeze>, Vec::new());
    let mut each = |stored: &StoredEntry, found: Vec<ChainFault>| {
        faults.extend(found);
        // A line that is no entry has a fault.
        let Ok(Entry { sequence, at, by, content, .. }) = Entry::parse(&stored.line) else {
            return;
        };
        match content {
            Content::Frozen { freeze } => {
                current = Some(CurrentFreeze { sequence, at, by, freeze: *freeze, ended: None });
            }
            Content::RekeyBegun { fid, .. } => {
                if let Some(current) = &mut current {
                    current.ended.get_or_insert(FreezeEnded { sequence, fid });
                }
            }
            Content::Note { .. }
            | Content::Data(_)
            | Content::Restored { .. }
            | Content::TemporarySeen { .. }
            | Content::TemporaryCondemned { .. }
            | Content::TemporaryDeleted { .. }
            | Content::RekeyEnded { .. }
            | Content::Other => {}
        }
    };
    let end = read_journal(journal, clock, salt, &mut each).await?;
    faults.extend(end.fault);
    match faults.into_iter().next() {
        Some(fault) => Err(UnreadableJournal::Changed(fault)),
        None => Ok(current),
    }
}
