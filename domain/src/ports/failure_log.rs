use async_trait::async_trait;

use super::LedgerError;
use crate::{FailureNote, FailureRecord, Fid, MessageTries};

/// The failures table: the last failure of each file that a worker gave back to the queue, keyed
/// by fid. It explains dead letters, and it keeps the doubts of verifications: the proof of a
/// doubted file does not count. An item in it that cannot be read is passed over, and logged.
///
/// Several workers write at the same time. Each promise below holds for each record by itself,
/// whatever others do meanwhile.
#[async_trait]
pub trait FailureLog: Send + Sync {
    /// Writes all of these, or errors; on an error any of them may have been written. Of several
    /// with one fid the last counts. Of long texts the beginning is kept, a kilobyte at the least.
    /// Returns for each what is known of its message's deliveries now, this one included. A note
    /// whose answer was lost may count twice.
    ///
    /// A doubt stays: where the record that is there [doubts the
    /// proof](FailureRecord::doubts_the_proof), or one of several with the same fid does, the
    /// written one is doubted.
    async fn note(&self, notes: &[FailureNote]) -> Result<Vec<MessageTries>, LedgerError>;

    /// Takes the records of these fids away; those that have none do not matter.
    async fn clear(&self, fids: &[Fid]) -> Result<(), LedgerError>;

    /// Takes the records of these fids away, except those that [doubt the
    /// proof](FailureRecord::doubts_the_proof).
    async fn clear_undoubted(&self, fids: &[Fid]) -> Result<(), LedgerError>;

    /// The records that exist for these fids, as they are now, in no order.
    async fn read(&self, fids: &[Fid]) -> Result<Vec<FailureRecord>, LedgerError>;

    /// Gives every record to `each`, in no order. What is written meanwhile may be missed; a
    /// record may come twice when a page had to be asked for again.
    async fn scan(&self, each: &mut (dyn FnMut(FailureRecord) + Send)) -> Result<(), LedgerError>;
}
