//! The journal's table. Its items: `migration` (S) and `sequence` (N), which are the key, `line` (S),
//! which is the entry byte for byte, and `hash` (S). The item of sequence 0 is the head: it names the
//! last entry, in `last` (N) and `hash` (S). Items of `{migration}#replaced-{sequence}-{writer}` are what a
//! repair has replaced: entries with the same attributes, and a head with all that it had.
//!
//! An entry and the item that names it are written in one transaction: the second one shows when
//! the last entries were deleted.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use domain::Timestamp;
use domain::digest::Sha256;
use domain::journal::{Difference, Head, SealedEntry, StoredEntry, StoredHead};
use domain::ports::{Appended, Journal, LedgerError, Repair, ServiceTime};

use super::item::{Item, number, number_of, text, text_of};
use super::table::{Aliases, Range, Table, Write};
use crate::aws::Timeouts;
use crate::calls::Calls;

/// The number under which the last entry is named.
const HEAD: u64 = 0;

/// Attributes of a damaged head that must be as they were found.
const ATTRIBUTES_COMPARED: usize = 20;

/// The attributes of an entry.
const ENTRY: [&str; 3] = ["sequence", "line", "hash"];

/// [`Journal`] in a `DynamoDB` table with the hash key `migration` (S) and the range key `sequence` (N).
pub struct DynamoJournal {
    table: Table,
    migration: String,
}

impl DynamoJournal {
    /// Takes the shared settings of [`crate::aws::load`].
    #[must_use]
    pub fn new(config: &SdkConfig, table: String, migration: String, calls: Arc<Calls>) -> Self {
        Self { table: Table::new(config, table, calls), migration }
    }

    /// Replaces the default time-outs, which are production's.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { table: self.table.with_timeouts(timeouts), ..self }
    }

    async fn item(&self, sequence: u64) -> Result<Option<Item>, LedgerError> {
        Ok(self.table.get(&[key(&self.migration, sequence)]).await?.pop())
    }

    async fn entry(&self, sequence: u64) -> Result<Option<StoredEntry>, LedgerError> {
        Ok(self.item(sequence).await?.as_ref().map(entry_of))
    }

    /// The entries of a higher number than this: from [`HEAD`] on, which is no entry, all of them.
    fn above(&self, sequence: u64) -> Range<'static> {
        let hash = ("migration", text(&self.migration));
        Range { hash, above: Some(("sequence", sequence)), wanted: &ENTRY }
    }

    /// The two writes of an entry behind this head.
    fn writes(&self, sealed: &SealedEntry, head: &StoredHead) -> [Write; 2] {
        let mut item = key(&self.migration, sealed.sequence);
        item.insert("line".to_owned(), text(&sealed.line));
        item.insert("hash".to_owned(), text(sealed.hash));
        let mut head_item = key(&self.migration, HEAD);
        head_item.insert("last".to_owned(), number(sealed.sequence));
        head_item.insert("hash".to_owned(), text(sealed.hash));
        let is_as_it_was = match head {
            StoredHead::Absent => Some(is_free()),
            StoredHead::Names(Head { sequence, hash }) => Some(is(
                "#last = :last AND #hash = :hash",
                [("last", number(*sequence)), ("hash", text(hash))],
            )),
            // Only a repair writes then, and it takes the number of the entry, too.
            StoredHead::Damaged { .. } => None,
        };
        [
            Write { item, condition: Some(is_free()) },
            Write { item: head_item, condition: is_as_it_was },
        ]
    }

    /// The writes that put an entry back and keep what stood in its place.
    fn replaces(&self, Difference { exported, found }: &Difference, kept_as: &str) -> Vec<Write> {
        let put = item_of(&self.migration, exported);
        let Some(found) = found else {
            return vec![Write { item: put, condition: Some(is_free()) }];
        };
        vec![Write { item: put, condition: Some(is_still(found)) }, keeps(kept_as, found)]
    }

    /// The writes of a repair. `head` is the head as it is now, with all that it has.
    fn repairs(&self, repair: &Repair, head: Option<Item>) -> Vec<Write> {
        let replaces = |difference| self.replaces(difference, &repair.kept_as);
        let mut writes: Vec<_> = repair.entries.iter().flat_map(replaces).collect();
        let [mut entry, mut new_head] = self.writes(&repair.entry, &repair.head);
        if let Some(found) = &repair.instead_of {
            entry.condition = Some(is_still(found));
            writes.push(keeps(&repair.kept_as, found));
        }
        if let Some(head) = head.filter(|_| repair.keeps_head()) {
            new_head.condition = new_head.condition.or_else(|| Some(has_all(&head)));
            let mut kept = head;
            kept.insert("migration".to_owned(), text(&repair.kept_as));
            writes.push(Write { item: kept, condition: Some(is_free()) });
        }
        writes.extend([entry, new_head]);
        writes
    }

    async fn written(
        &self,
        sealed: &SealedEntry,
        writes: Vec<Write>,
    ) -> Result<Appended, LedgerError> {
        if self.table.transact(writes).await? {
            return Ok(Appended::Written);
        }
        let under_its_number = self.entry(sealed.sequence).await?;
        let behind_it = self.entry(sealed.sequence.saturating_add(1)).await?;
        let head = self.head().await?;
        Ok(Appended::after_refusal(sealed, &head, under_its_number, behind_it))
    }
}

#[async_trait]
impl Journal for DynamoJournal {
    fn migration(&self) -> &str {
        &self.migration
    }

    async fn head(&self) -> Result<StoredHead, LedgerError> {
        Ok(self.item(HEAD).await?.as_ref().map_or(StoredHead::Absent, head_of))
    }

    async fn last(&self) -> Result<Option<StoredEntry>, LedgerError> {
        Ok(self.table.last_of(self.above(HEAD)).await?.as_ref().map(entry_of))
    }

    async fn append(&self, sealed: &SealedEntry) -> Result<Appended, LedgerError> {
        let writes = self.writes(sealed, &sealed.behind.clone().into());
        self.written(sealed, writes.into()).await
    }

    async fn restore(&self, repair: &Repair) -> Result<Appended, LedgerError> {
        let head = if repair.keeps_head() { self.item(HEAD).await? } else { None };
        self.written(&repair.entry, self.repairs(repair, head)).await
    }

    async fn read(
        &self,
        after: u64,
        each: &mut (dyn FnMut(StoredEntry) + Send),
    ) -> Result<(), LedgerError> {
        let mut take = |item: Item| each(entry_of(&item));
        self.table.query(after, self.above(after), &mut take).await
    }
}

#[async_trait]
impl ServiceTime for DynamoJournal {
    async fn service_time(&self) -> Result<Option<Timestamp>, LedgerError> {
        self.table.service_time(key(&self.migration, HEAD)).await
    }
}

fn key(migration: &str, sequence: u64) -> Item {
    let key = [("migration", text(migration)), ("sequence", number(sequence))];
    key.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The item of an entry.
fn item_of(migration: &str, entry: &StoredEntry) -> Item {
    let mut item = key(migration, entry.sequence);
    // What stood there may have had none.
    let line = Some(&entry.line).filter(|line| !line.is_empty());
    item.extend(line.map(|line| ("line".to_owned(), text(line))));
    item.extend(entry.hash.map(|hash| ("hash".to_owned(), text(hash))));
    item
}

/// The write that keeps what is replaced.
fn keeps(kept_as: &str, found: &StoredEntry) -> Write {
    Write { item: item_of(kept_as, found), condition: Some(is_free()) }
}

/// What was found must still be there.
fn is_still(found: &StoredEntry) -> (String, Aliases) {
    if found.line.is_empty() {
        let names = [("#sequence".to_owned(), "sequence".to_owned())].into();
        return ("attribute_exists(#sequence)".to_owned(), Aliases { names, ..Aliases::default() });
    }
    is("#line = :line", [("line", text(&found.line))])
}

/// The item must be there with what it has now, as far as a condition takes it (4 KB).
fn has_all(item: &Item) -> (String, Aliases) {
    let (mut all, mut aliases) = (Vec::new(), Aliases::default());
    for (number, (name, value)) in item.iter().take(ATTRIBUTES_COMPARED).enumerate() {
        all.push(format!("#n{number} = :v{number}"));
        aliases.names.insert(format!("#n{number}"), name.clone());
        aliases.values.insert(format!(":v{number}"), value.clone());
    }
    (all.join(" AND "), aliases)
}

/// No item may have this key.
fn is_free() -> (String, Aliases) {
    let names = [("#sequence".to_owned(), "sequence".to_owned())].into();
    ("attribute_not_exists(#sequence)".to_owned(), Aliases { names, ..Aliases::default() })
}

/// The item must have these attributes.
fn is<const N: usize>(
    expression: &str,
    attributes: [(&str, AttributeValue); N],
) -> (String, Aliases) {
    let mut aliases = Aliases::default();
    for (name, value) in attributes {
        aliases.names.insert(format!("#{name}"), name.to_owned());
        aliases.values.insert(format!(":{name}"), value);
    }
    (expression.to_owned(), aliases)
}

fn head_of(item: &Item) -> StoredHead {
    // No entry has the number 0.
    let last = number_of(item, "last").filter(|last| *last != HEAD);
    let (Some(sequence), Some(hash)) = (last, hash_of(item)) else {
        let lacking = if last.is_none() { "last" } else { "hash" };
        return StoredHead::Damaged { why: format!("it has no usable `{lacking}`") };
    };
    StoredHead::Names(Head { sequence, hash })
}

/// What is missing of an item is a matter of the chain: an item that was passed over would hide it. So
/// one whose number no entry can have stands behind all others.
fn entry_of(item: &Item) -> StoredEntry {
    StoredEntry {
        sequence: number_of(item, "sequence").unwrap_or(u64::MAX),
        line: text_of(item, "line").unwrap_or_default().to_owned(),
        hash: hash_of(item),
    }
}

fn hash_of(item: &Item) -> Option<Sha256> {
    Sha256::from_hex(text_of(item, "hash")?).ok()
}
