use super::journal_writer::JournalTrouble;
use super::reading::read_journal;
use crate::Acceptances;
use crate::journal::{Entry, StoredEntry};
use crate::ports::{Clock, Journal, LedgerError};

/// What the journal says that other commands rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// The files of one MogileFS domain that are accepted by name.
    pub accepted: Acceptances,
    /// The number of the first entry that completes a step of the cut-over.
    pub cut_over: Option<u64>,
}

/// Reads them. Where the journal has no table yet nothing was decided. A journal that is not as it was
/// written decides nothing: it errors with [`JournalTrouble::Changed`]. `salt` spreads the pauses between
/// tries.
pub async fn read_decisions(
    journal: &dyn Journal,
    clock: &dyn Clock,
    domain: &str,
    salt: u64,
) -> Result<Decisions, JournalTrouble> {
    let (mut decisions, mut fault) = (Decisions::default(), None);
    let mut each = |stored: &StoredEntry, faults: Vec<_>| {
        fault = fault.take().or_else(|| faults.into_iter().next());
        let Ok(entry) = Entry::parse(&stored.line) else { return };
        if entry.content.completes_cutover() {
            decisions.cut_over.get_or_insert(entry.sequence);
        }
        decisions.accepted.take(domain, entry);
    };
    let end = match read_journal(journal, clock, salt, &mut each).await {
        Err(LedgerError::NoTable { .. }) => return Ok(Decisions::default()),
        end => end?,
    };
    match fault.or(end.fault) {
        Some(fault) => Err(JournalTrouble::Changed(fault)),
        None => Ok(decisions),
    }
}
