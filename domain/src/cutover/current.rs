//! The freeze that the journal has, and what was journalled since.

use super::smoke_rows::SmokeRows;
use crate::journal::{
    ChainFault, ClientDatabase, CondemnedFile, Content, Direction, Entry, SparedFile, StoredEntry,
};
use crate::ports::{Clock, Journal, LedgerError};
use crate::runbook::read_journal;
use crate::store_state::{Freeze, RowsDigest, StoreState};
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
    /// What `tmp delete` has deleted since.
    pub deleted: DeletedSince,
}

/// Unfinished uploads that `tmp delete` deleted behind a freeze.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletedSince {
    /// Their number.
    pub files: u64,
    /// The entry that says that files are to be deleted, where none behind it says which of them were.
    pub open: Option<u64>,
    /// The digest of the other rows without them.
    pub other: RowsDigest,
    /// The files of the last entry that says so.
    condemned: Vec<CondemnedFile>,
}

/// A change of our own that ends a freeze.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreezeEnded {
    /// The number of the entry.
    pub sequence: u64,
    /// The number of its writer.
    pub writer: u64,
    /// The file whose key `rekey` began to change.
    pub fid: Fid,
}

/// What a journal says of changes to the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalledChanges {
    /// The last freeze.
    pub freeze: Option<CurrentFreeze>,
    /// The last entry that changes the store, or may: its number, and who wrote it.
    pub last_change: Option<(u64, String)>,
    /// A change of a key that was begun, and of which the journal does not say what came of it.
    pub open_rekey: Option<(u64, Fid)>,
    /// The rows that `smoke` has written by contentrepo's API.
    pub smoke: SmokeRows,
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

/// Reads the whole journal.
pub async fn journalled_changes(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
) -> Result<JournalledChanges, UnreadableJournal> {
    let (mut changes, mut faults) = (JournalledChanges::default(), Vec::new());
    let mut each = |stored: &StoredEntry, found: Vec<ChainFault>| {
        faults.extend(found);
        // A line that is no entry has a fault.
        if let Ok(entry) = Entry::parse(&stored.line) {
            changes.take(entry);
        }
    };
    let end = read_journal(journal, clock, salt, &mut each).await?;
    faults.extend(end.fault);
    match faults.into_iter().next() {
        Some(fault) => Err(UnreadableJournal::Changed(fault)),
        None => Ok(changes),
    }
}

impl JournalledChanges {
    /// Takes an entry. Entries come in their order.
    pub fn take(&mut self, Entry { sequence, at, by, writer, content, .. }: Entry) {
        match content {
            Content::Frozen { freeze } => {
                let (freeze, by) = (*freeze, by.clone());
                let deleted =
                    DeletedSince { other: freeze.state.other, ..DeletedSince::default() };
                let ended = None;
                self.freeze = Some(CurrentFreeze { sequence, at, by, freeze, ended, deleted });
                self.smoke.freeze();
            }
            Content::RekeyBegun { fid, .. } => {
                if let Some(freeze) = &mut self.freeze {
                    freeze.ended.get_or_insert(FreezeEnded { sequence, writer, fid });
                }
                self.open_rekey = Some((sequence, fid));
            }
            Content::RekeyEnded { .. } => {
                self.open_rekey = None;
                return;
            }
            Content::TemporaryCondemned { domain, files } => {
                if let Some(freeze) = self.freeze_of(&domain) {
                    freeze.deleted.open = Some(sequence);
                    freeze.deleted.condemned = files;
                }
            }
            Content::TemporaryDeleted { spared, .. } => {
                if let Some(freeze) = &mut self.freeze {
                    freeze.deleted.end(&spared);
                }
                return;
            }
            Content::SmokeKey(key) => {
                self.smoke.take(key);
                return;
            }
            // A later version may have changed the store.
            Content::Other => {}
            Content::Note { .. }
            | Content::Data(_)
            | Content::Restored { .. }
            | Content::IntermediariesCondemned { .. }
            | Content::IntermediariesDeleted { .. }
            | Content::TemporarySeen { .. }
            | Content::FilesAccepted { .. }
            | Content::AcceptanceEnded { .. }
            | Content::Evidence(_)
            | Content::JobsBegun { .. }
            | Content::GateOverridden(_)
            // They change names in the clients' databases alone, and no freeze counts names.
            | Content::CutoverBegun(_)
            | Content::CutoverStatement(_) => return,
            Content::StepDone { step } => {
                // Behind the way back clients write to MogileFS again.
                if step == ClientDatabase::Contentrepo.step(Direction::ToMogile) {
                    self.freeze = None;
                }
                return;
            }
        }
        self.last_change = Some((sequence, by));
    }

    fn freeze_of(&mut self, domain: &str) -> Option<&mut CurrentFreeze> {
        self.freeze.as_mut().filter(|freeze| freeze.freeze.state.domain == domain)
    }
}

impl DeletedSince {
    fn end(&mut self, spared: &[SparedFile]) {
        for file in std::mem::take(&mut self.condemned) {
            if spared.iter().all(|spared| spared.fid != file.fid) {
                // Its content was as long as its row says, or it would not have been deleted.
                self.other.remove(file.fid, Some(&file.key), Some(file.length));
                self.files += 1;
            }
        }
        self.open = None;
    }
}

impl CurrentFreeze {
    /// What the store is to hold now: all but what `tmp delete` deleted since.
    #[must_use]
    pub fn state_now(&self) -> StoreState {
        StoreState { other: self.deleted.other, ..self.freeze.state.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ByteCount, IndexRow, Sha1};

    fn entry(sequence: u64, content: Content) -> Entry {
        let (migration, by) = ("ledger".to_owned(), format!("writer {sequence}"));
        let (previous, at, writer) = (None, Timestamp(sequence), sequence);
        Entry { migration, sequence, previous, at, by, writer, content }
    }

    /// `F` a freeze, `R` a rekey that begins and `r` one that ends, `D` files that are to be deleted, `n` a
    /// note, `?` an entry of a later version. Then the entry of the freeze, the one that ended it, the last
    /// change and the open rekey.
    #[test]
    fn the_last_freeze_counts_until_a_key_changes() {
        for (entries, freeze, ended, change, open) in [
            ("", None, None, None, None),
            ("n", None, None, None, None),
            ("F", Some(1), None, Some(1), None),
            ("FnRr", Some(1), Some(3), Some(3), None),
            ("FRrRr", Some(1), Some(2), Some(4), None),
            ("RrF", Some(3), None, Some(3), None),
            ("RF", Some(2), None, Some(2), Some(1)),
            ("FRrF", Some(4), None, Some(4), None),
            ("FD", Some(1), None, Some(2), None),
            ("F?", Some(1), None, Some(2), None),
            ("FR", Some(1), Some(2), Some(2), Some(2)),
        ] {
            let mut changes = JournalledChanges::default();
            for (sequence, what) in (1..).zip(entries.chars()) {
                changes.take(entry(sequence, content(what)));
            }
            let JournalledChanges { freeze: found, last_change, open_rekey, .. } = changes;
            let found_ended = found.as_ref().and_then(|freeze| freeze.ended.as_ref());
            let found_ended = found_ended.map(|ended| ended.sequence);
            assert_eq!(found.as_ref().map(|freeze| freeze.sequence), freeze, "{entries}");
            assert_eq!(found_ended, ended, "{entries}");
            assert_eq!(last_change.map(|(sequence, _)| sequence), change, "{entries}");
            assert_eq!(open_rekey.map(|(sequence, _)| sequence), open, "{entries}");
        }
    }

    /// Files 1 to 3 are to be deleted behind a freeze, 3 is spared.
    #[test]
    fn what_tmp_delete_has_deleted_is_taken_from_the_digest() {
        let row = |fid| IndexRow {
            fid: Fid(fid),
            dkey: Some(format!("{fid}.tmp")),
            length: Some(ByteCount(fid)),
            replicas: Some(1),
            storage_class: None,
        };
        let of = |fids: &[u64]| {
            let mut digest = RowsDigest::default();
            for fid in fids {
                digest.add(&row(*fid));
            }
            digest
        };
        let file = |fid| CondemnedFile {
            fid: Fid(fid),
            key: format!("{fid}.tmp"),
            sha1: Sha1::of(b""),
            length: ByteCount(fid),
            because: String::new(),
        };
        let state =
            StoreState { domain: "d".into(), other: of(&[1, 2, 3, 4]), ..StoreState::default() };
        let freeze = Box::new(Freeze { means: String::new(), window_seconds: 1, state });
        let mut changes = JournalledChanges::default();
        changes.take(entry(1, Content::Frozen { freeze }));
        let files = vec![file(1), file(2), file(3)];
        changes.take(entry(2, Content::TemporaryCondemned { domain: "d".into(), files }));
        let deleted = |changes: &JournalledChanges| changes.freeze.clone().expect("one").deleted;
        assert_eq!((deleted(&changes).open, deleted(&changes).files), (Some(2), 0));
        let spared = vec![SparedFile { fid: Fid(3), why: String::new() }];
        changes.take(entry(3, Content::TemporaryDeleted { deleted: 2, spared }));
        assert_eq!((deleted(&changes).open, deleted(&changes).files), (None, 2));
        assert_eq!(changes.freeze.expect("one").state_now().other, of(&[3, 4]));
    }

    fn content(what: char) -> Content {
        let text = String::new;
        match what {
            'F' => {
                let (means, window_seconds) = (text(), 600);
                let state = StoreState::default();
                Content::Frozen { freeze: Box::new(Freeze { means, window_seconds, state }) }
            }
            'R' => Content::RekeyBegun {
                domain: text(),
                fid: Fid(7),
                from: text(),
                to: text(),
                length: ByteCount(1),
                way: text(),
            },
            'r' => Content::RekeyEnded { fid: Fid(7), outcome: text(), why: text() },
            'D' => Content::TemporaryCondemned { domain: text(), files: Vec::new() },
            'n' => Content::Note { text: text() },
            _ => Content::Other,
        }
    }
}
