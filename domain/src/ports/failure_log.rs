use async_trait::async_trait;

use super::LedgerError;
use crate::{FailureItem, FailureNote, Fid, MessageTries};

/// The failures table: the last failure of each file that a worker gave back to the queue, keyed by
/// fid. It explains dead letters and keeps the doubts of verifications: the proof of a doubted file
/// does not count. An item that cannot be read may be such a doubt, so [`read`](Self::read) and
/// [`scan`](Self::scan) pass it on. Everything else logs such an item and leaves it out.
///
/// Several workers write at the same time. Each promise below holds for every single record,
/// whatever other workers write meanwhile.
#[async_trait]
pub trait FailureLog: Send + Sync {
    /// Writes all notes, or errors; after an error any of them may have been written. Of several
    /// with one fid the last counts. Of a long text at least the first kilobyte is kept. Returns
    /// for each note the counts of its message's deliveries, this one included. A note whose answer
    /// was lost may be counted twice.
    ///
    /// A doubt stays. The written record is doubted where the existing one [doubts the
    /// proof](crate::FailureRecord::doubts_the_proof), or where one of several notes with the same fid
    /// does. A note that [says nothing of the file](FailureNote::leaves_doubts_alone) counts its
    /// delivery and changes nothing else of such a record.
    async fn note(&self, notes: &[FailureNote]) -> Result<Vec<MessageTries>, LedgerError>;

    /// Deletes the records of these fids. A fid without a record is no error.
    async fn clear(&self, fids: &[Fid]) -> Result<(), LedgerError>;

    /// Deletes the records of these fids, except those that [doubt the
    /// proof](crate::FailureRecord::doubts_the_proof).
    async fn clear_undoubted(&self, fids: &[Fid]) -> Result<(), LedgerError>;

    /// Returns the existing items of these fids as they are now, in no order, and also items that cannot
    /// be read, each with its fid.
    async fn read(&self, fids: &[Fid]) -> Result<Vec<FailureItem>, LedgerError>;

    /// Passes every item to `each`, in no order, and also items that cannot be read. Records that are
    /// written meanwhile may be missed. An item may come twice when a page was read again.
    async fn scan(&self, each: &mut (dyn FnMut(FailureItem) + Send)) -> Result<(), LedgerError>;
}
