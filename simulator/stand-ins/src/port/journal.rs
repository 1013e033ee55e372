//! The journal, straight in DynamoDB's tables.

use std::sync::Arc;

use async_trait::async_trait;
use domain::digest::Sha256;
use domain::journal::{Head, SealedEntry, StoredEntry, StoredHead};
use domain::ports::{Appended, Journal, LedgerError, Repair};
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

    fn item(&self, sequence: u64) -> Result<Option<Item>, LedgerError> {
        Ok(self.table.get(&[key(&self.migration, sequence)])?.pop())
    }

    fn entry(&self, sequence: u64) -> Result<Option<StoredEntry>, LedgerError> {
        Ok(self.item(sequence)?.as_ref().map(entry_of))
    }

    fn stored_head(&self) -> Result<StoredHead, LedgerError> {
        Ok(self.item(0)?.as_ref().map_or(StoredHead::Absent, head_of))
    }

    fn above(&self, sequence: u64) -> Result<Vec<StoredEntry>, LedgerError> {
        let items = self.table.query(text("migration", &self.migration))?;
        let entries = items.iter().map(entry_of);
        Ok(entries.filter(|entry| entry.sequence > sequence).collect())
    }

    /// Looks and writes with nothing between them. `behind` is the head that must be there.
    fn write(
        &self,
        sealed: &SealedEntry,
        behind: &StoredHead,
        others: Vec<Item>,
        is_as_it_was: bool,
        instead_of: Option<&StoredEntry>,
    ) -> Result<Appended, LedgerError> {
        let under_its_number = self.entry(sealed.sequence)?;
        let head = self.stored_head()?;
        let is_behind = match behind {
            StoredHead::Damaged { .. } => true,
            StoredHead::Absent | StoredHead::Names(_) => *behind == head,
        };
        if under_its_number.as_ref() != instead_of || !is_behind || !is_as_it_was {
            let behind_it = self.entry(sealed.sequence.saturating_add(1))?;
            return Ok(Appended::after_refusal(sealed, &head, under_its_number, behind_it));
        }
        let entry = item(&self.migration, &sealed.stored());
        let mut head = key(&self.migration, 0);
        head.extend([number("last", sealed.sequence), text("hash", &sealed.hash.to_string())]);
        let all: Vec<_> = others.into_iter().chain([entry, head]).collect();
        self.table.put(&all)?;
        Ok(Appended::Written)
    }

    fn repair(&self, repair: &Repair) -> Result<Appended, LedgerError> {
        let (mut items, mut is_as_it_was) = (Vec::new(), true);
        let is_free = |sequence| {
            Ok::<_, LedgerError>(self.table.get(&[key(&repair.kept_as, sequence)])?.is_empty())
        };
        for difference in &repair.entries {
            let there = self.entry(difference.exported.sequence)?;
            is_as_it_was &= there == difference.found;
            items.push(item(&self.migration, &difference.exported));
            if let Some(found) = &difference.found {
                is_as_it_was &= is_free(found.sequence)?;
                items.push(item(&repair.kept_as, found));
            }
        }
        if let Some(found) = &repair.instead_of {
            is_as_it_was &= is_free(found.sequence)?;
            items.push(item(&repair.kept_as, found));
        }
        if repair.keeps_head() {
            is_as_it_was &= is_free(0)?;
            let head = self.item(0)?.into_iter().flatten();
            let kept = head.chain([text("migration", &repair.kept_as)]).collect();
            items.push(kept);
        }
        let instead_of = repair.instead_of.as_ref();
        self.write(&repair.entry, &repair.head, items, is_as_it_was, instead_of)
    }
}

#[async_trait]
impl Journal for PortJournal {
    fn migration(&self) -> &str {
        &self.migration
    }

    async fn head(&self) -> Result<StoredHead, LedgerError> {
        self.table.ask(Call::JournalHead, &self.migration, || self.stored_head()).await
    }

    async fn last(&self) -> Result<Option<StoredEntry>, LedgerError> {
        let look = || Ok(self.above(0)?.pop());
        self.table.ask(Call::JournalLast, &self.migration, look).await
    }

    async fn append(&self, sealed: &SealedEntry) -> Result<Appended, LedgerError> {
        let write = || self.write(sealed, &sealed.behind.clone().into(), Vec::new(), true, None);
        self.table.ask(Call::Append, &sealed.sequence.to_string(), write).await
    }

    async fn restore(&self, repair: &Repair) -> Result<Appended, LedgerError> {
        let key = repair.entry.sequence.to_string();
        self.table.ask(Call::RestoreJournal, &key, || self.repair(repair)).await
    }

    async fn read(
        &self,
        after: u64,
        each: &mut (dyn FnMut(StoredEntry) + Send),
    ) -> Result<(), LedgerError> {
        let entries = self.table.ask(Call::ReadJournal, &self.migration, || self.above(after));
        entries.await?.into_iter().for_each(each);
        Ok(())
    }
}

fn key(migration: &str, sequence: u64) -> Item {
    Item::from([text("migration", migration), number("sequence", sequence)])
}

fn item(migration: &str, entry: &StoredEntry) -> Item {
    let mut item = key(migration, entry.sequence);
    item.extend([text("line", &entry.line)]);
    item.extend(entry.hash.map(|hash| text("hash", &hash.to_string())));
    item
}

fn head_of(item: &Item) -> StoredHead {
    let last = Fields(item).the_number("last").ok().filter(|last| *last != 0);
    match (last, hash_of(item)) {
        (Some(sequence), Some(hash)) => StoredHead::Names(Head { sequence, hash }),
        (None, _) => StoredHead::Damaged { why: "it has no usable `last`".to_owned() },
        (Some(_), None) => StoredHead::Damaged { why: "it has no usable `hash`".to_owned() },
    }
}

fn entry_of(item: &Item) -> StoredEntry {
    let fields = Fields(item);
    StoredEntry {
        sequence: fields.the_number("sequence").unwrap_or(u64::MAX),
        line: fields.text("line").ok().flatten().unwrap_or_default().to_owned(),
        hash: hash_of(item),
    }
}

fn hash_of(item: &Item) -> Option<Sha256> {
    Sha256::from_hex(Fields(item).the_text("hash").ok()?).ok()
}
