use std::sync::Arc;

use crate::Timestamp;
use crate::digest::Sha256;
use crate::journal::{ChainFault, Content, Entry, Head, SealError, SealedEntry, StoredEntry};
use crate::ports::{Appended, Clock, Journal, LedgerError};
use crate::retried::retried;

/// Writes the entries of one process, one behind the other.
///
/// The entry before a change is the fence: who cannot write it must not make the change. A writer that
/// finds an entry of somebody else behind its own last one has been taken over. It never writes again,
/// and never reads again to go on: what it is about to do rests on what it saw.
pub struct JournalWriter {
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    by: String,
    number: u64,
    head: Option<Head>,
    /// An entry of which it is not known whether it was written.
    unsure: Option<SealedEntry>,
    taken_over: Option<TakenOver>,
}

/// Somebody else has written behind the last entry of a writer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("taken over by {by}: entry {sequence} of the journal is theirs{}", when(.at.as_ref()))]
pub struct TakenOver {
    /// The number of the entry that could not be written.
    pub sequence: u64,
    /// Who has written the entry of this number.
    pub by: String,
    /// When, by their clock, where their entry can be read.
    pub at: Option<Timestamp>,
}

/// Why an entry was not written, or a journal cannot be continued.
#[derive(Debug, thiserror::Error)]
pub enum JournalTrouble {
    /// Somebody else has continued the journal.
    #[error(transparent)]
    TakenOver(#[from] TakenOver),
    /// Its end is not as it was written.
    #[error("the journal is not as it was written: {0}")]
    Changed(ChainFault),
    /// What was to be said cannot be an entry.
    #[error(transparent)]
    Unfit(#[from] SealError),
    /// Its table.
    #[error(transparent)]
    Table(#[from] LedgerError),
}

impl JournalWriter {
    /// Begins behind the last entry, when that is as it was written. `number` is a random one.
    pub async fn open(
        journal: Arc<dyn Journal>,
        clock: Arc<dyn Clock>,
        (by, number): (String, u64),
    ) -> Result<Self, JournalTrouble> {
        let head = retried(&*clock, 0, || journal.head()).await?;
        if let Some(head) = &head {
            let last = retried(&*clock, 0, || journal.entry(head.sequence)).await?;
            is_intact(head, last.as_ref()).map_err(JournalTrouble::Changed)?;
        }
        Ok(Self { journal, clock, by, number, head, unsure: None, taken_over: None })
    }

    /// The last entry that this writer knows of.
    #[must_use]
    pub const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Writes an entry behind the last one. Once this is [`JournalTrouble::TakenOver`] it always is.
    pub async fn append(&mut self, content: Content) -> Result<Head, JournalTrouble> {
        if let Some(taken_over) = &self.taken_over {
            return Err(taken_over.clone().into());
        }
        // An answer was lost: the entry may be there, and is written again as it was.
        if let Some(unsure) = self.unsure.clone() {
            self.write(unsure).await?;
        }
        let (now, behind) = (self.clock.now(), self.head.clone());
        let by = (&*self.by, self.number);
        let entry = SealedEntry::new(self.journal.migration(), behind, now, by, content)?;
        self.write(entry).await
    }

    async fn write(&mut self, entry: SealedEntry) -> Result<Head, JournalTrouble> {
        self.unsure = Some(entry.clone());
        let salt = entry.sequence;
        let appended =
            retried(&*self.clock, salt ^ self.number, || self.journal.append(&entry)).await?;
        self.unsure = None;
        match appended {
            Appended::Written => {
                let head = entry.head();
                self.head = Some(head.clone());
                Ok(head)
            }
            Appended::Taken { by } => {
                let taken_over = TakenOver::by(salt, by.as_ref());
                self.taken_over = Some(taken_over.clone());
                Err(taken_over.into())
            }
        }
    }
}

impl TakenOver {
    fn by(sequence: u64, other: Option<&StoredEntry>) -> Self {
        match other.map(|other| Entry::parse(&other.line)) {
            Some(Ok(Entry { sequence, by, at, .. })) => Self { sequence, by, at: Some(at) },
            Some(Err(_)) | None => Self { sequence, by: "somebody else".to_owned(), at: None },
        }
    }
}

fn when(at: Option<&Timestamp>) -> String {
    at.map(|at| format!(", written at {at}")).unwrap_or_default()
}

/// Whether the entry that a journal names as its last one is there, and is it.
fn is_intact(head: &Head, last: Option<&StoredEntry>) -> Result<(), ChainFault> {
    let sequence = head.sequence;
    let Some(last) = last else {
        return Err(ChainFault::Missing { first: sequence, last: sequence });
    };
    let hash = Sha256::of(last.line.as_bytes());
    if last.hash != Some(hash) {
        return Err(ChainFault::Changed { sequence });
    }
    if hash == head.hash { Ok(()) } else { Err(ChainFault::HeadChanged { sequence }) }
}
