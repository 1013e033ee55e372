//! What the journal says of files and of the cut-over.

use domain::Acceptances;
use domain::ports::LedgerError;
use domain::runbook::Decisions;
use domain::verify::references::{Journalled, Lacking};

use crate::acceptances::decisions;
use crate::commands::verify::Arguments;
use crate::wiring::Services;

/// The same, as a comparison takes it.
pub struct History {
    /// The files that are accepted by name.
    pub accepted: Acceptances,
    /// What is known of the cut-over.
    pub journalled: Journalled,
}

impl History {
    /// Reads it. Without a ledger's name there is none. A journal that cannot be read decides nothing: then no
    /// file counts as accepted, and nothing as broken before the migration.
    pub async fn read(services: &Services<'_>, arguments: &Arguments) -> anyhow::Result<Self> {
        if !arguments.aws.has_ledger_table() {
            return Ok(Self::unread(Lacking::NoLedger));
        }
        let domain = &arguments.source.domain;
        Ok(Self::of(decisions(services, &arguments.journal, domain).await?))
    }

    fn unread(why: Lacking) -> Self {
        Self { accepted: Acceptances::default(), journalled: Journalled::Unread(why) }
    }

    fn of(read: Result<Decisions, LedgerError>) -> Self {
        match read {
            Err(why) => {
                tracing::warn!(
                    "no file counts as accepted, because the journal cannot be read: {why}"
                );
                Self::unread(Lacking::JournalUnread(why.to_string()))
            }
            Ok(Decisions { has_journal: false, .. }) => Self::unread(Lacking::NoJournal),
            Ok(Decisions { accepted, frozen, cut_over, .. }) => {
                let journalled = match (frozen, cut_over) {
                    (Some(last), _) => Journalled::Frozen(last),
                    (None, Some(entry)) => Journalled::CutOver(entry),
                    (None, None) => Journalled::Nothing,
                };
                Self { accepted, journalled }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::ports::RowId;

    use super::*;

    #[test]
    fn the_last_freeze_before_the_cut_over_counts() {
        let decided = |has_journal, frozen: Option<i128>, cut_over| {
            let frozen = frozen.map(RowId);
            let read = Decisions { has_journal, frozen, cut_over, ..Decisions::default() };
            History::of(Ok(read)).journalled
        };
        let frozen = Journalled::Frozen(RowId(7));
        assert_eq!(decided(true, None, None), Journalled::Nothing);
        assert_eq!(decided(true, Some(7), None), frozen);
        assert_eq!(decided(true, Some(7), Some(3)), frozen);
        assert_eq!(decided(true, None, Some(3)), Journalled::CutOver(3));
        assert_eq!(decided(false, None, None), Journalled::Unread(Lacking::NoJournal));
        let away = LedgerError::Refused { table: "journal".to_owned(), why: "no".to_owned() };
        let Journalled::Unread(Lacking::JournalUnread(why)) = History::of(Err(away)).journalled
        else {
            panic!("it was not read")
        };
        assert!(why.contains("`journal`"), "{why}");
    }
}
