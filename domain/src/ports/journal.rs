use async_trait::async_trait;

use super::LedgerError;
use crate::journal::{ChainFault, Difference, SealedEntry, StoredEntry, StoredHead};

/// The journal of one migration: entries that are only ever added, each behind the last one.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns the name of the migration.
    fn migration(&self) -> &str;

    /// Returns what the journal says of its last entry. Consistent.
    async fn head(&self) -> Result<StoredHead, LedgerError>;

    /// Returns the entry of the highest number, or [`None`] where there is no entry. Consistent.
    async fn last(&self) -> Result<Option<StoredEntry>, LedgerError>;

    /// Writes an entry, and makes it the last one, in one step. It must be behind the entry that is
    /// the last one, and its number must be free. The same entry may be written again: where it is the
    /// last one already, nothing changes. Where somebody has written behind it, it is taken.
    async fn append(&self, entry: &SealedEntry) -> Result<Appended, LedgerError>;

    /// Puts entries back, keeps what stood in their places and the head that is not right, and writes
    /// an entry as [`Self::append`] does, all in one step. The same repair may be written again, as an entry may.
    async fn restore(&self, repair: &Repair) -> Result<Appended, LedgerError>;

    /// Passes every entry of a higher number than `after` to `each` once, ascending by number, by
    /// consistent reads. Entries that are written meanwhile may be missed.
    async fn read(
        &self,
        after: u64,
        each: &mut (dyn FnMut(StoredEntry) + Send),
    ) -> Result<(), LedgerError>;
}

/// Entries to put back, with the entry that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Each with what was found in its place, which must still stand there.
    pub entries: Vec<Difference>,
    /// The head as it was found. It must still be that.
    pub head: StoredHead,
    /// The entry that says so. It becomes the last one.
    pub entry: SealedEntry,
    /// What stands under its number, and must still stand there. Otherwise that must be free.
    pub instead_of: Option<StoredEntry>,
    /// The migration's name under which what was found is kept, each under its number.
    pub kept_as: String,
}

impl Repair {
    /// Whether a head was found that does not name the entry before the new one, and is kept.
    #[must_use]
    pub fn keeps_head(&self) -> bool {
        match &self.head {
            StoredHead::Absent => false,
            StoredHead::Damaged { .. } => true,
            StoredHead::Names(head) => Some(head) != self.entry.behind.as_ref(),
        }
    }
}

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is the last entry of the journal.
    Written,
    /// Another entry has its number or stands behind it, or the journal names another last entry than
    /// the one that it was to follow. Nothing was changed by this call.
    Taken {
        /// The other entry, where there is one.
        by: Option<StoredEntry>,
    },
    /// The journal was damaged meanwhile. Nothing was changed by this call.
    Damaged(ChainFault),
}

impl Appended {
    /// What became of an entry whose conditions did not hold: by the head of the journal, and by the
    /// entries under its number and under the next one.
    #[must_use]
    pub fn after_refusal(
        entry: &SealedEntry,
        head: &StoredHead,
        under_its_number: Option<StoredEntry>,
        behind_it: Option<StoredEntry>,
    ) -> Self {
        match head {
            // It is there from a try whose answer was lost. That counts only while nobody has written
            // behind it.
            StoredHead::Names(head) if *head == entry.head() => Self::Written,
            StoredHead::Damaged { why } => {
                Self::Damaged(ChainFault::HeadDamaged { why: why.clone() })
            }
            StoredHead::Absent if let Some(behind) = &entry.behind => {
                Self::Damaged(ChainFault::NoHead { last: behind.sequence })
            }
            StoredHead::Absent if let Some(first) = under_its_number => {
                Self::Damaged(ChainFault::NoHead { last: first.sequence })
            }
            StoredHead::Absent | StoredHead::Names(_) => match under_its_number {
                Some(own) if own == entry.stored() => Self::Taken { by: behind_it },
                by => Self::Taken { by },
            },
        }
    }
}
