use super::journal_writer::JournalTrouble;
use super::reading::read_journal;
use crate::Acceptances;
use crate::journal::{Content, Entry, StoredEntry};
use crate::ports::{Clock, Journal, LedgerError, RowId};

/// What the journal says that other commands rest on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    /// The files of one MogileFS domain that are accepted by name.
    pub accepted: Acceptances,
    /// The number of the first entry that completes a step of the cut-over.
    pub cut_over: Option<u64>,
    /// contentrepo's last row at the last freeze of that domain before the cut-over: what came behind it may
    /// never have been in MogileFS. [`RowId::START`] where there was none.
    pub frozen: Option<RowId>,
    /// Whether the journal has a table. Without one it is not known whether anything was done.
    pub has_journal: bool,
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
    let (mut decisions, mut fault) =
        (Decisions { has_journal: true, ..Decisions::default() }, None);
    let mut each = |stored: &StoredEntry, faults: Vec<_>| {
        fault = fault.take().or_else(|| faults.into_iter().next());
        let Ok(entry) = Entry::parse(&stored.line) else { return };
        if entry.content.completes_cutover() {
            decisions.cut_over.get_or_insert(entry.sequence);
        }
        if let Content::Frozen { freeze } = &entry.content
            && freeze.state.domain == domain
            && decisions.cut_over.is_none()
        {
            let last = freeze.state.contentrepo.last.as_deref();
            let last = last.and_then(|last| last.parse().ok());
            decisions.frozen = Some(last.map_or(RowId::START, RowId));
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
