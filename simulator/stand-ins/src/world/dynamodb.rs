//! Amazon DynamoDB: `dynoxide`'s state, the tables of a migration in it, and their items. The wire
//! face serves the very same database.

use std::collections::HashMap;

use anyhow::Context;
use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::storage::Storage;
use dynoxide::types::{AttributeDefinition, KeySchemaElement, KeyType, ScalarAttributeType};
use dynoxide::{Database, ImportOptions};

mod item;
mod table;

pub use item::{Fields, Item, number, text};
pub use table::Table;

use table::all_pages;

/// An empty database in memory, gone with its last clone.
pub fn new_database() -> dynoxide::Result<Database> {
    Database::memory()
}

/// Makes the ledger's table: hash key `fid`, a number; paid by request.
pub fn create_ledger_table(database: &Database, name: &str) -> dynoxide::Result<()> {
    create_table(database, name, &[FID])
}

/// Makes the failures table: hash key `fid`, a number; paid by request.
pub fn create_failures_table(database: &Database, name: &str) -> dynoxide::Result<()> {
    create_table(database, name, &[FID])
}

/// Makes the verifications table: hash key `run`, a text, and range key `fid`, a number; paid by
/// request.
pub fn create_verifications_table(database: &Database, name: &str) -> dynoxide::Result<()> {
    create_table(database, name, &[("run", ScalarAttributeType::S), FID])
}

/// Makes the journal's table: hash key `migration`, a text, and range key `sequence`, a number; paid by
/// request.
pub fn create_journal_table(database: &Database, name: &str) -> dynoxide::Result<()> {
    let keys = [("migration", ScalarAttributeType::S), ("sequence", ScalarAttributeType::N)];
    create_table(database, name, &keys)
}

const FID: (&str, ScalarAttributeType) = ("fid", ScalarAttributeType::N);

/// Makes a table with a hash key, and a range key where there are two.
fn create_table(
    database: &Database,
    name: &str,
    keys: &[(&str, ScalarAttributeType)],
) -> dynoxide::Result<()> {
    let kinds = [KeyType::HASH, KeyType::RANGE];
    let element = |((name, _), key_type): (&(&str, ScalarAttributeType), KeyType)| {
        KeySchemaElement { attribute_name: (*name).to_owned(), key_type }
    };
    let definition = |(name, kind): &(&str, ScalarAttributeType)| AttributeDefinition {
        attribute_name: (*name).to_owned(),
        attribute_type: kind.clone(),
    };
    database.create_table(CreateTableRequest {
        table_name: name.to_owned(),
        key_schema: keys.iter().zip(kinds).map(element).collect(),
        attribute_definitions: keys.iter().map(definition).collect(),
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        ..CreateTableRequest::default()
    })?;
    Ok(())
}

/// Every item of a table, for a judge that looks past the requests.
pub fn items(database: &Database, table: &str) -> dynoxide::Result<Vec<Item>> {
    all_pages(|start| {
        let page = database.scan(ScanRequest {
            table_name: table.to_owned(),
            exclusive_start_key: start,
            ..ScanRequest::default()
        })?;
        Ok((page.items, page.last_evaluated_key))
    })
}

/// Puts an item into a table without a request. It replaces another of its key.
pub fn put(database: &Database, table: &str, item: Item) -> dynoxide::Result<()> {
    let (table_name, item) = (table.to_owned(), HashMap::from_iter(item));
    database.put_item(PutItemRequest { table_name, item, ..PutItemRequest::default() })?;
    Ok(())
}

/// Gives a table an index in the order of a scan in segments. Without it `dynoxide` reads the whole
/// table for every page of such a scan, so that twice the items take four times as long. The answers
/// stay the same. Call it while the database is empty: it is copied.
pub fn index_segments(database: &Database, table: &str) -> anyhow::Result<()> {
    // The database in memory hands out no connection; a copy of it in a file has one.
    let folder = tempfile::tempdir().context("making a folder for a copy of the database")?;
    let path = folder.path().join("copy");
    let path = path.to_str().context("a folder whose name is no text")?;
    database.vacuum_into(path)?;
    let index = format!("CREATE INDEX \"{table}::segments\" ON \"{table}\" (hash_prefix, pk, sk)");
    Storage::new(path)?.conn().execute_batch(&index).context("making the index")?;
    database.restore_from(path)?;
    Ok(())
}

/// Puts items into a table in one transaction and without a request. An item replaces another of its
/// key.
pub fn import(
    database: &Database,
    table: &str,
    items: impl IntoIterator<Item = Item>,
) -> dynoxide::Result<()> {
    let items = items.into_iter().map(HashMap::from_iter).collect();
    database.import_items(table, items, ImportOptions::default())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_changes_no_answer_of_a_scan_in_segments() {
        let pages = |indexed: bool| {
            let database = new_database().unwrap();
            create_ledger_table(&database, "ledger").unwrap();
            if indexed {
                index_segments(&database, "ledger").unwrap();
            }
            import(&database, "ledger", (0..60).map(|fid| Item::from([number("fid", fid)])))
                .unwrap();
            let mut pages = Vec::new();
            for segment in 0..4 {
                let mut start = None;
                loop {
                    let page = database.scan(ScanRequest {
                        table_name: "ledger".to_owned(),
                        segment: Some(segment),
                        total_segments: Some(4),
                        limit: Some(7),
                        exclusive_start_key: start,
                        ..ScanRequest::default()
                    });
                    let page = page.unwrap();
                    pages.push(page.items.unwrap());
                    start = page.last_evaluated_key;
                    if start.is_none() {
                        break;
                    }
                }
            }
            pages
        };
        let indexed = pages(true);
        assert_eq!(indexed, pages(false));
        assert_eq!(indexed.iter().map(Vec::len).sum::<usize>(), 60);
    }
}
