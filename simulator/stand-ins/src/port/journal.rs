//! The journal, straight in DynamoDB's tables.

use std::sync::Arc;

use async_trait::async_trait;
use domain::digest::Sha256;
use domain::journal::{Head, SealedEntry, StoredEntry};
use domain::ports::{Appended, Journal, LedgerError};
use dynoxide::Database;

use super::table::Table;
use super::{Call, PortFaults};
use crate::world::dynamodb::{Fields, Item, number, text};

/// [`Journal`] over a table of `dynoxide`'s: hash key `migration`, range key `sequence`, and `line` and
/// `hash`. Item 0 has `last` and `hash` of the last entry.
pub struct PortJournal {
    table: Table,
    migration: String,
}

impl PortJournal {
    /// The journal of this migration, over this table.
    #[must_use]
    pub const fn new(
        database: Database,
        table: String,
        migration: String,
        faults: Arc<PortFaults>,
    ) -> Self {
        Self { table: Table::new(database, table, faults), migration }
    }

    fn key(&self, sequence: u64) -> Item {
        Item::from([text("migration", &self.migration), number("sequence", sequence)])
    }

    fn item(&self, sequence: u64) -> Result<Option<Item>, LedgerError> {
        Ok(self.table.get(&[self.key(sequence)])?.pop())
    }

    fn last(&self) -> Result<Option<Head>, LedgerError> {
        Ok(self.item(0)?.as_ref().and_then(head_of))
    }

    /// Looks and writes with nothing between them.
    fn write(&self, sealed: &SealedEntry) -> Result<Appended, LedgerError> {
        let there = self.item(sealed.sequence)?.as_ref().and_then(entry_of);
        let last = self.last()?;
        if last == Some(sealed.head()) {
            return Ok(Appended::Written);
        }
        if there.as_ref() == Some(&sealed.stored()) {
            let by = self.item(sealed.sequence.saturating_add(1))?.as_ref().and_then(entry_of);
            return Ok(Appended::Taken { by });
        }
        if there.is_some() || last != sealed.behind {
            return Ok(Appended::Taken { by: there });
        }
        let hash = || text("hash", &sealed.hash.to_string());
        let mut entry = self.key(sealed.sequence);
        entry.extend([text("line", &sealed.line), hash()]);
        let mut head = self.key(0);
        head.extend([number("last", sealed.sequence), hash()]);
        self.table.put(&[entry, head])?;
        Ok(Appended::Written)
    }
}

#[async_trait]
impl Journal for PortJournal {
    fn migration(&self) -> &str {
        &self.migration
    }

    async fn head(&self) -> Result<Option<Head>, LedgerError> {
        self.table.ask(Call::JournalHead, &self.migration, || self.last()).await
    }

    async fn entry(&self, sequence: u64) -> Result<Option<StoredEntry>, LedgerError> {
        let look = || Ok(self.item(sequence)?.as_ref().and_then(entry_of));
        self.table.ask(Call::JournalEntry, &sequence.to_string(), look).await
    }

    async fn append(&self, sealed: &SealedEntry) -> Result<Appended, LedgerError> {
        self.table.ask(Call::Append, &sealed.sequence.to_string(), || self.write(sealed)).await
    }

    async fn read(&self, each: &mut (dyn FnMut(StoredEntry) + Send)) -> Result<(), LedgerError> {
        let all = || self.table.query(text("migration", &self.migration));
        let items = self.table.ask(Call::ReadJournal, &self.migration, all).await?;
        items.iter().filter_map(entry_of).filter(|entry| entry.sequence != 0).for_each(each);
        Ok(())
    }
}

fn head_of(item: &Item) -> Option<Head> {
    Some(Head { sequence: Fields(item).the_number("last").ok()?, hash: hash_of(item)? })
}

fn entry_of(item: &Item) -> Option<StoredEntry> {
    let fields = Fields(item);
    let line = fields.text("line").ok().flatten().unwrap_or_default().to_owned();
    Some(StoredEntry { sequence: fields.the_number("sequence").ok()?, line, hash: hash_of(item) })
}

fn hash_of(item: &Item) -> Option<Sha256> {
    Sha256::from_hex(Fields(item).the_text("hash").ok()?).ok()
}
