use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Timestamp;
use crate::digest::Sha256;
use crate::journal::{
    ChainFault, Content, Entry, Head, SealError, SealedEntry, StoredEntry, StoredHead,
};
use crate::limits;
use crate::ports::{Appended, Clock, Journal, LedgerError};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff};

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
#[error(
    "taken over by {by}: entry {sequence} of the journal is theirs{}{}",
    when(.at.as_ref()),
    behind(.own.as_ref())
)]
pub struct TakenOver {
    /// The number of their entry.
    pub sequence: u64,
    /// The number of our own entry before it, where that was written though its answer was lost.
    pub own: Option<u64>,
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
    #[error(transparent)]
    Changed(ChainFault),
    /// What was to be said cannot be an entry.
    #[error(transparent)]
    Unfit(#[from] SealError),
    /// The table did not answer in time, and then did not have the entry.
    #[error("entry {sequence} was not written: {error}")]
    NotWritten {
        /// The number of the entry.
        sequence: u64,
        /// The number of its writer, by which the entry can be found.
        writer: u64,
        /// Why it was not.
        error: LedgerError,
    },
    /// The table did not answer, and could not be asked whether it has the entry.
    #[error("it is not known whether entry {sequence} was written: {error}")]
    Unsure {
        /// The number of the entry.
        sequence: u64,
        /// The number of its writer, by which the entry can be found.
        writer: u64,
        /// Why there was no answer.
        error: LedgerError,
    },
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
        let head = intact_head(&*journal, &*clock, number).await?;
        Ok(Self { journal, clock, by, number, head, unsure: None, taken_over: None })
    }

    /// Writes one entry that changes nothing on which others rest: where another operator writes at the same time, it
    /// is written behind theirs. `number` is a random one.
    pub async fn write_beside_others(
        journal: &Arc<dyn Journal>,
        clock: &Arc<dyn Clock>,
        by: &(String, u64),
        content: &Content,
    ) -> Result<(), JournalTrouble> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut writer = Self::open(journal.clone(), clock.clone(), by.clone()).await?;
            match writer.append(content.clone()).await {
                Ok(_) => return Ok(()),
                // The answer was lost, and another process has written behind the entry.
                Err(JournalTrouble::TakenOver(taken)) if taken.own.is_some() => return Ok(()),
                Err(JournalTrouble::TakenOver(_)) if tries < limits::ATTEMPTS => {}
                Err(why) => return Err(why),
            }
        }
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
        let sequence = entry.sequence;
        let is_lost = AtomicBool::new(false);
        let append = async || {
            let appended = self.journal.append(&entry).await;
            if appended.as_ref().is_err_and(|error| error.class() == ErrorClass::Retry) {
                is_lost.store(true, Ordering::Relaxed);
            }
            appended
        };
        let appended = match retried(&*self.clock, sequence ^ self.number, append).await {
            Err(error) if is_lost.into_inner() => self.look_for(&entry, error).await?,
            appended => {
                // Every try was answered: what was refused is not there, and never will be.
                self.unsure = None;
                appended?
            }
        };
        self.unsure = None;
        match appended {
            Appended::Written => {
                let head = entry.head();
                self.head = Some(head.clone());
                Ok(head)
            }
            Appended::Taken { by } => {
                let taken_over = TakenOver::by(sequence, by.as_ref());
                self.taken_over = Some(taken_over.clone());
                Err(taken_over.into())
            }
            Appended::Damaged(fault) => Err(JournalTrouble::Changed(fault)),
        }
    }

    /// Looks what became of an entry whose answer was lost.
    async fn look_for(
        &self,
        entry: &SealedEntry,
        error: LedgerError,
    ) -> Result<Appended, JournalTrouble> {
        let sequence = entry.sequence;
        let (salt, writer) = (sequence ^ self.number, self.number);
        // The entry of this number, and the one behind it.
        let read = || async {
            let mut found = Vec::new();
            let mut take = |entry| {
                if found.len() < 2 {
                    found.push(entry);
                }
            };
            self.journal.read(sequence - 1, &mut take).await.map(|()| found)
        };
        let Ok(found) = retried(&*self.clock, salt, read).await else {
            return Err(JournalTrouble::Unsure { sequence, writer, error });
        };
        let mut found = found.into_iter();
        match (found.next(), found.next()) {
            (Some(own), None) if own == entry.stored() => Ok(Appended::Written),
            (Some(own), behind @ Some(_)) if own == entry.stored() => {
                Ok(Appended::Taken { by: behind })
            }
            (by @ Some(_), _) => Ok(Appended::Taken { by }),
            (None, _) => Err(JournalTrouble::NotWritten { sequence, writer, error }),
        }
    }
}

impl TakenOver {
    pub(super) fn by(sequence: u64, other: Option<&StoredEntry>) -> Self {
        // Where their entry is behind the one that could not be written, that one is our own.
        let own = other.is_some_and(|other| other.sequence > sequence).then_some(sequence);
        let sequence = other.map_or(sequence, |other| other.sequence);
        match other.map(|other| Entry::parse(&other.line)) {
            Some(Ok(Entry { by, at, .. })) => Self { sequence, own, by, at: Some(at) },
            Some(Err(_)) | None => Self { sequence, own, by: "somebody else".to_owned(), at: None },
        }
    }
}

fn when(at: Option<&Timestamp>) -> String {
    at.map(|at| format!(", written at {at}")).unwrap_or_default()
}

fn behind(own: Option<&u64>) -> String {
    own.map(|own| format!(", behind your entry {own}, which is written")).unwrap_or_default()
}

/// The head of a journal whose end is as it was written. Others may write between the two readings: so
/// only what is found twice, behind the same head, is damage.
async fn intact_head(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
) -> Result<Option<Head>, JournalTrouble> {
    let mut before = None;
    for attempt in 1..=limits::ATTEMPTS {
        let head = retried(clock, salt, || journal.head()).await?;
        let last = retried(clock, salt, || journal.last()).await?;
        let Some(fault) = fault_of_end(&head, last.as_ref()) else {
            return Ok(head.named().cloned());
        };
        if before.as_ref() == Some(&head) {
            return Err(JournalTrouble::Changed(fault));
        }
        before = Some(head);
        clock.sleep(backoff(attempt, salt)).await;
    }
    // Others write all the time. The first entry shows whether one of them was faster.
    Ok(before.as_ref().and_then(StoredHead::named).cloned())
}

/// What is wrong with the end of a journal that has this entry as its last one.
fn fault_of_end(head: &StoredHead, last: Option<&StoredEntry>) -> Option<ChainFault> {
    let of = |last: &StoredEntry| Head {
        sequence: last.sequence,
        hash: Sha256::of(last.line.as_bytes()),
    };
    let (stored, last) = (last.and_then(|last| last.hash), last.map(of));
    match (ChainFault::of_end(last.as_ref(), head), last) {
        (None | Some(ChainFault::HeadChanged { .. }), Some(last)) if stored != Some(last.hash) => {
            Some(ChainFault::Changed { sequence: last.sequence })
        }
        (fault, _) => fault,
    }
}
