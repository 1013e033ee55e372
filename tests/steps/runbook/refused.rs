//! A journal that refuses an entry for a lasting reason.

use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use domain::journal::StoredHead;
use domain::ports::{Appended, LedgerError, Repair};

use super::*;

/// A journal whose table refuses what is written, until it does not.
pub(super) struct Refusing {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) refuses: AtomicBool,
}

#[async_trait]
impl Journal for Refusing {
    fn migration(&self) -> &str {
        self.journal.migration()
    }

    async fn head(&self) -> Result<StoredHead, LedgerError> {
        self.journal.head().await
    }

    async fn last(&self) -> Result<Option<StoredEntry>, LedgerError> {
        self.journal.last().await
    }

    async fn append(&self, entry: &SealedEntry) -> Result<Appended, LedgerError> {
        if self.refuses.load(Ordering::Relaxed) {
            let (table, why) = (TABLE.to_owned(), "you may not".to_owned());
            return Err(LedgerError::Refused { table, why });
        }
        self.journal.append(entry).await
    }

    async fn restore(&self, repair: &Repair) -> Result<Appended, LedgerError> {
        self.journal.restore(repair).await
    }

    async fn read(
        &self,
        after: u64,
        each: &mut (dyn FnMut(StoredEntry) + Send),
    ) -> Result<(), LedgerError> {
        self.journal.read(after, each).await
    }
}

/// Its writer was told that it is not written.
#[test]
fn an_entry_that_was_refused_is_never_written() {
    let stage = Stage::new();
    stage.run(async {
        let refusing = Arc::new(Refusing { journal: stage.journal(), refuses: true.into() });
        let journal = Arc::clone(&refusing) as Arc<dyn Journal>;
        let clock = Arc::clone(&stage.clock) as Arc<dyn Clock>;
        let ann = JournalWriter::open(journal, clock, ("ann".to_owned(), 7)).await;
        let mut ann = ann.expect("a writer");
        let trouble = ann.append(note("refused")).await.expect_err("refused");
        assert!(matches!(trouble, JournalTrouble::Table(_)), "{trouble:?}");
        refusing.refuses.store(false, Ordering::Relaxed);
        assert_eq!(ann.append(note("let through")).await.expect("written").sequence, 1);
        let entries = stage.entries().await;
        assert!(entries.len() == 1 && entries[0].line.contains("let through"), "{entries:?}");
    });
}
