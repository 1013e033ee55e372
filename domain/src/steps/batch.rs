//! Ledger records on their way: gathered, and written when there are enough or when they waited.

use crate::{LedgerRecord, limits};

/// Records of files that are proven but not yet in the ledger.
#[derive(Default)]
pub(super) struct Gathered {
    records: Vec<LedgerRecord>,
}

impl Gathered {
    /// Takes one more; gives a full batch when there is one.
    pub(super) fn add(&mut self, record: LedgerRecord) -> Option<Vec<LedgerRecord>> {
        self.records.push(record);
        (self.records.len() >= limits::LEDGER_BATCH).then(|| self.take())
    }

    /// All that is there.
    pub(super) fn take(&mut self) -> Vec<LedgerRecord> {
        std::mem::take(&mut self.records)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}
