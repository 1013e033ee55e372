use crate::journal::{Chain, ChainFault, StoredEntry, StoredHead};
use crate::ports::{Clock, Journal, LedgerError};
use crate::retried::retried;
use crate::retry::backoff;

/// How a journal ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEnd {
    /// What the journal says of its last entry.
    pub head: StoredHead,
    /// What is wrong with its end.
    pub fault: Option<ChainFault>,
}

/// Passes every entry to `each`, with what is wrong with it, and returns how the journal ends. Entries
/// that others write meanwhile are read, too. `salt` spreads the pauses between tries.
pub async fn read_journal(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
    each: &mut (dyn FnMut(&StoredEntry, Vec<ChainFault>) + Send),
) -> Result<JournalEnd, LedgerError> {
    let mut chain = Chain::of(journal.migration());
    let mut follow = |entry: StoredEntry| {
        let faults = chain.follow(&entry).1;
        each(&entry, faults);
    };
    let head = read_all(journal, clock, salt, &mut follow).await?;
    let fault = chain.end(&head);
    Ok(JournalEnd { head, fault })
}

/// Passes every entry to `each`, ascending by number. Returns the head.
///
/// The head is read behind the entries: where it names a later entry, others have written meanwhile,
/// and their entries are read next. An entry and the head that names it are written in one step, so a
/// head that names an earlier entry than the last one is damage.
pub(super) async fn read_all(
    journal: &dyn Journal,
    clock: &dyn Clock,
    salt: u64,
    each: &mut (dyn FnMut(StoredEntry) + Send),
) -> Result<StoredHead, LedgerError> {
    let (mut highest, mut rounds) = (0, 0);
    loop {
        let before = highest;
        let mut take = |entry: StoredEntry| {
            highest = highest.max(entry.sequence);
            each(entry);
        };
        journal.read(before, &mut take).await?;
        let head = retried(clock, salt, || journal.head()).await?;
        rounds += 1;
        // Every later round must bring an entry: an end that is missing never comes.
        let goes_on = rounds == 1 || highest > before;
        match &head {
            StoredHead::Names(named) if named.sequence > highest && goes_on => {}
            StoredHead::Names(named) if named.sequence >= highest => return Ok(head),
            StoredHead::Absent if highest == 0 => return Ok(head),
            // A query and the reading of one item are no transaction: a look behind a pause is sure.
            StoredHead::Names(_) | StoredHead::Absent if goes_on => {
                clock.sleep(backoff(1, salt)).await;
            }
            StoredHead::Names(_) | StoredHead::Absent | StoredHead::Damaged { .. } => {
                return Ok(head);
            }
        }
    }
}
