//! A table of `dynoxide`'s, in requests of the sizes that the real one takes.

use std::collections::HashMap;
use std::sync::Arc;

use domain::Fid;
use domain::ports::{LedgerError, Segment};
use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::batch_write_item::{
    BatchWriteItemRequest, DeleteRequest, PutRequest, WriteRequest,
};
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::{AttributeValue, Database, DynoxideError};

use super::{Call, Met, NoAnswer, PortFaults};

/// An item, or the key of one, as `dynoxide` takes it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// What one call writes at most, and reads.
const WRITES: usize = 25;
const READS: usize = 100;

/// Items of one page of a scan or query: few, so that there is more than one.
const PAGE: usize = 20;

/// One table.
pub(super) struct Table {
    database: Database,
    name: String,
    faults: Arc<PortFaults>,
}

impl Table {
    pub(super) const fn new(database: Database, name: String, faults: Arc<PortFaults>) -> Self {
        Self { database, name, faults }
    }

    /// The script of faults.
    #[cfg(test)]
    pub(super) fn faults(&self) -> &PortFaults {
        &self.faults
    }

    /// Writes each of these items, which have distinct keys: a batch with one key twice is refused
    /// whole.
    pub(super) fn put(&self, items: &[Item]) -> Result<(), LedgerError> {
        self.write(items, |item| WriteRequest {
            put_request: Some(PutRequest { item: item.clone() }),
            delete_request: None,
        })
    }

    /// Takes the items of these distinct keys away.
    pub(super) fn delete(&self, keys: &[Item]) -> Result<(), LedgerError> {
        self.write(keys, |key| WriteRequest {
            put_request: None,
            delete_request: Some(DeleteRequest { key: key.clone() }),
        })
    }

    fn write(
        &self,
        items: &[Item],
        write: impl Fn(&Item) -> WriteRequest,
    ) -> Result<(), LedgerError> {
        for batch in items.chunks(WRITES) {
            let writes = batch.iter().map(&write).collect();
            let request = BatchWriteItemRequest {
                request_items: HashMap::from([(self.name.clone(), writes)]),
                ..BatchWriteItemRequest::default()
            };
            self.database.batch_write_item(request).map_err(|error| self.refused(&error))?;
        }
        Ok(())
    }

    /// The items that exist for these distinct keys.
    pub(super) fn get(&self, keys: &[Item]) -> Result<Vec<Item>, LedgerError> {
        let mut items = Vec::new();
        for batch in keys.chunks(READS) {
            let keys = KeysAndAttributes {
                keys: batch.to_vec(),
                consistent_read: Some(true),
                ..KeysAndAttributes::default()
            };
            let request = BatchGetItemRequest {
                request_items: HashMap::from([(self.name.clone(), keys)]),
                ..BatchGetItemRequest::default()
            };
            let answer = self.database.batch_get_item(request);
            let answer = answer.map_err(|error| self.refused(&error))?;
            items.extend(answer.responses.into_values().flatten());
        }
        Ok(items)
    }

    /// Every item of one segment.
    pub(super) fn scan(&self, segment: Segment) -> Result<Vec<Item>, LedgerError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request = ScanRequest {
                table_name: self.name.clone(),
                segment: Some(segment.number),
                total_segments: Some(segment.of),
                limit: Some(PAGE),
                exclusive_start_key: start,
                ..ScanRequest::default()
            };
            let page = self.database.scan(request).map_err(|error| self.refused(&error))?;
            items.extend(page.items.into_iter().flatten());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// Every item with this hash key.
    pub(super) fn query(
        &self,
        (name, value): (String, AttributeValue),
    ) -> Result<Vec<Item>, LedgerError> {
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let request = QueryRequest {
                table_name: self.name.clone(),
                key_condition_expression: Some("#key = :key".to_owned()),
                expression_attribute_names: Some(HashMap::from([(
                    "#key".to_owned(),
                    name.clone(),
                )])),
                expression_attribute_values: Some(HashMap::from([(
                    ":key".to_owned(),
                    value.clone(),
                )])),
                consistent_read: Some(true),
                limit: Some(PAGE),
                exclusive_start_key: start,
                ..QueryRequest::default()
            };
            let page = self.database.query(request).map_err(|error| self.refused(&error))?;
            items.extend(page.items.into_iter().flatten());
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
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
    pub(super) async fn ask_batch<T: Sync>(
        &self,
        call: Call,
        key: &str,
        items: &[T],
        act: impl Fn(&[T]) -> Result<(), LedgerError> + Send + Sync,
    ) -> Result<(), LedgerError> {
        match self.faults.meet(call, key, async { act(items) }).await {
            Met::Answer(answer) => answer,
            Met::AnswerLost(_) | Met::RequestLost => Err(self.unavailable(NoAnswer::Lost)),
            Met::Busy | Met::HalfFails => {
                act(&items[..items.len() / 2])?;
                Err(self.unavailable(NoAnswer::Busy))
            }
        }
    }

    fn unavailable(&self, why: NoAnswer) -> LedgerError {
        LedgerError::Unavailable { table: self.name.clone(), cause: why.into() }
    }

    fn refused(&self, error: &DynoxideError) -> LedgerError {
        let table = self.name.clone();
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

/// A number as an attribute.
pub(super) fn number(name: &str, value: u64) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::N(value.to_string()))
}

/// A text as an attribute.
pub(super) fn text(name: &str, value: &str) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::S(value.to_owned()))
}

/// The attributes of an item, as whoever parses it asks for them.
pub(super) struct Fields<'a>(pub(super) &'a Item);

impl<'a> Fields<'a> {
    /// A text, if there is such an attribute.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text.as_str())),
            Some(other) => Err(format!("{name} is {other:?}, not a string")),
        }
    }

    /// A number, if there is such an attribute.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => digits
                .parse::<u64>()
                .map(Some)
                .map_err(|error| format!("{name} `{digits}`: {error}")),
            Some(other) => Err(format!("{name} is {other:?}, not a number")),
        }
    }

    /// A number that must be there.
    pub(super) fn the_number(&self, name: &str) -> Result<u64, String> {
        self.number(name)?.ok_or_else(|| format!("it has no {name}"))
    }

    /// A text that must be there.
    pub(super) fn the_text(&self, name: &str) -> Result<&'a str, String> {
        self.text(name)?.ok_or_else(|| format!("it has no {name}"))
    }
}
