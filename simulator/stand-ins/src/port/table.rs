//! A table of the world as the port face asks it: with faults between, and the port's errors.

use std::sync::Arc;

use domain::Fid;
use domain::ports::{LedgerError, Segment};
use dynoxide::{AttributeValue, Database, DynoxideError};

use super::{Call, Met, NoAnswer, PortFaults};
use crate::world::dynamodb::{self, Item};

/// One table.
pub(super) struct Table {
    table: dynamodb::Table,
    faults: Arc<PortFaults>,
}

impl Table {
    pub(super) const fn new(database: Database, name: String, faults: Arc<PortFaults>) -> Self {
        Self { table: dynamodb::Table::new(database, name), faults }
    }

    /// The script of faults.
    #[cfg(test)]
    pub(super) fn faults(&self) -> &PortFaults {
        &self.faults
    }

    /// Writes each of these items, which have distinct keys.
    pub(super) fn put(&self, items: &[Item]) -> Result<(), LedgerError> {
        self.table.put(items).map_err(|error| self.refused(&error))
    }

    /// Takes the items of these distinct keys away.
    pub(super) fn delete(&self, keys: &[Item]) -> Result<(), LedgerError> {
        self.table.delete(keys).map_err(|error| self.refused(&error))
    }

    /// The items that exist for these distinct keys.
    pub(super) fn get(&self, keys: &[Item]) -> Result<Vec<Item>, LedgerError> {
        self.table.get(keys).map_err(|error| self.refused(&error))
    }

    /// Every item of one segment.
    pub(super) fn scan(&self, segment: Segment) -> Result<Vec<Item>, LedgerError> {
        self.table.scan(segment.number, segment.of).map_err(|error| self.refused(&error))
    }

    /// Every item with this hash key.
    pub(super) fn query(&self, key: (String, AttributeValue)) -> Result<Vec<Item>, LedgerError> {
        self.table.query(key).map_err(|error| self.refused(&error))
    }

    /// Makes a call, as far as the script lets it.
    pub(super) async fn ask<T: Send>(
        &self,
        call: Call,
        key: &str,
        act: impl FnOnce() -> Result<T, LedgerError> + Send,
    ) -> Result<T, LedgerError> {
        let met = self.faults.meet(call, key, async { act() }).await;
        met.answer().map_err(|why| self.unavailable(why))?
    }

    /// Makes a call on a batch, as far as the script lets it; to who is busy half of it is done.
    pub(super) async fn ask_batch<T: Sync, A: Send>(
        &self,
        call: Call,
        key: &str,
        items: &[T],
        act: impl Fn(&[T]) -> Result<A, LedgerError> + Send + Sync,
    ) -> Result<A, LedgerError> {
        match self.faults.meet(call, key, async { act(items) }).await {
            Met::Answer(answer) => answer,
            Met::AnswerLost(_) | Met::RequestLost => Err(self.unavailable(NoAnswer::Lost)),
            Met::Busy | Met::HalfFails => {
                act(&items[..items.len() / 2])?;
                Err(self.unavailable(NoAnswer::Busy))
            }
        }
    }

    fn name(&self) -> String {
        self.table.name().to_owned()
    }

    fn unavailable(&self, why: NoAnswer) -> LedgerError {
        LedgerError::Unavailable { table: self.name(), cause: why.into() }
    }

    fn refused(&self, error: &DynoxideError) -> LedgerError {
        let table = self.name();
        if matches!(error, DynoxideError::ResourceNotFoundException(_)) {
            return LedgerError::NoTable { table };
        }
        LedgerError::Refused { table, why: error.to_string() }
    }
}

/// Fids as a call's key.
pub(super) fn listed(fids: impl Iterator<Item = Fid>) -> String {
    fids.map(|fid| fid.to_string()).collect::<Vec<_>>().join(" ")
}
