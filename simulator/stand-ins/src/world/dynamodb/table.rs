//! One table, asked in requests of the sizes that the real service takes.

use std::collections::HashMap;

use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::batch_write_item::{
    BatchWriteItemRequest, DeleteRequest, PutRequest, WriteRequest,
};
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::{AttributeValue, Database};

use super::Item;

/// What one call writes at most, and reads.
const WRITES: usize = 25;
const READS: usize = 100;

/// Items of one page of a segment's scan, or of a query: few, so that there is more than one.
const PAGE: usize = 20;

/// A table.
pub struct Table {
    database: Database,
    name: String,
}

impl Table {
    /// The table of this name, which need not exist.
    #[must_use]
    pub const fn new(database: Database, name: String) -> Self {
        Self { database, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes each of these items, which have distinct keys: a batch with one key twice is refused
    /// whole.
    pub fn put(&self, items: &[Item]) -> dynoxide::Result<()> {
        self.write(items, |item| WriteRequest {
            put_request: Some(PutRequest { item: HashMap::from_iter(item.clone()) }),
            delete_request: None,
        })
    }

    /// Takes the items of these distinct keys away.
    pub fn delete(&self, keys: &[Item]) -> dynoxide::Result<()> {
        self.write(keys, |key| WriteRequest {
            put_request: None,
            delete_request: Some(DeleteRequest { key: HashMap::from_iter(key.clone()) }),
        })
    }

    fn write(&self, items: &[Item], write: impl Fn(&Item) -> WriteRequest) -> dynoxide::Result<()> {
        for batch in items.chunks(WRITES) {
            let writes = batch.iter().map(&write).collect();
            let request = BatchWriteItemRequest {
                request_items: HashMap::from([(self.name.clone(), writes)]),
                ..BatchWriteItemRequest::default()
            };
            self.database.batch_write_item(request)?;
        }
        Ok(())
    }

    /// The items that exist for these distinct keys.
    pub fn get(&self, keys: &[Item]) -> dynoxide::Result<Vec<Item>> {
        let mut items = Vec::new();
        for batch in keys.chunks(READS) {
            let keys = KeysAndAttributes {
                keys: batch.iter().cloned().map(HashMap::from_iter).collect(),
                consistent_read: Some(true),
                ..KeysAndAttributes::default()
            };
            let request = BatchGetItemRequest {
                request_items: HashMap::from([(self.name.clone(), keys)]),
                ..BatchGetItemRequest::default()
            };
            let answer = self.database.batch_get_item(request)?;
            items.extend(answer.responses.into_values().flatten().map(Item::from_iter));
        }
        Ok(items)
    }

    /// Every item of one of so many segments.
    pub fn scan(&self, segment: u32, of: u32) -> dynoxide::Result<Vec<Item>> {
        all_pages(|start| {
            let page = self.database.scan(ScanRequest {
                table_name: self.name.clone(),
                segment: Some(segment),
                total_segments: Some(of),
                limit: Some(PAGE),
                exclusive_start_key: start,
                ..ScanRequest::default()
            })?;
            Ok((page.items, page.last_evaluated_key))
        })
    }

    /// Every item with this hash key.
    pub fn query(&self, (name, value): (String, AttributeValue)) -> dynoxide::Result<Vec<Item>> {
        let names = HashMap::from([("#key".to_owned(), name)]);
        let values = HashMap::from([(":key".to_owned(), value)]);
        all_pages(|start| {
            let page = self.database.query(QueryRequest {
                table_name: self.name.clone(),
                key_condition_expression: Some("#key = :key".to_owned()),
                expression_attribute_names: Some(names.clone()),
                expression_attribute_values: Some(values.clone()),
                consistent_read: Some(true),
                // Ascending by range key, as where nothing else is asked for on the wire.
                scan_index_forward: true,
                limit: Some(PAGE),
                exclusive_start_key: start,
                ..QueryRequest::default()
            })?;
            Ok((page.items, page.last_evaluated_key))
        })
    }
}

/// An item as `dynoxide` gives it.
type Given = HashMap<String, AttributeValue>;

/// The items of every page, where a page comes with the key at which the next one begins.
pub(super) fn all_pages(
    mut page: impl FnMut(Option<Given>) -> dynoxide::Result<(Option<Vec<Given>>, Option<Given>)>,
) -> dynoxide::Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let (given, next) = page(start)?;
        items.extend(given.into_iter().flatten().map(Item::from_iter));
        start = next;
        if start.is_none() {
            return Ok(items);
        }
    }
}
