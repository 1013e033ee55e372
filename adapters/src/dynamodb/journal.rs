//! The journal's table. Its items: `migration` (S) and `sequence` (N), which are the key, `line` (S),
//! which is the entry byte for byte, and `hash` (S). The item of sequence 0 names the last entry, in
//! `last` (N) and `hash` (S).
//!
//! An entry and the item that names it are written in one transaction: the second one shows when
//! the last entries were deleted.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use domain::digest::Sha256;
use domain::journal::{Head, SealedEntry, StoredEntry};
use domain::ports::{Appended, Journal, LedgerError};

use super::item::{Item, number, number_of, text, text_of};
use super::table::Table;
use crate::aws::Timeouts;
use crate::calls::Calls;

/// The reason with which `DynamoDB` cancels a transaction whose condition does not hold (API reference,
/// `TransactWriteItems`).
const CONDITION_FAILED: &str = "ConditionalCheckFailed";

/// What `DynamoDB` says of the writes of a cancelled transaction that were not the cause.
const NO_REASON: &str = "None";

/// The number under which the last entry is named.
const HEAD: u64 = 0;

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

    fn key(&self, sequence: u64) -> Item {
        let key = [("migration", text(&self.migration)), ("sequence", number(sequence))];
        key.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    async fn item(&self, sequence: u64) -> Result<Option<Item>, LedgerError> {
        Ok(self.table.get(&[self.key(sequence)]).await?.pop())
    }

    /// The two writes of an entry, each with its condition.
    fn writes(&self, sealed: &SealedEntry) -> [(Item, Condition); 2] {
        let mut item = self.key(sealed.sequence);
        item.insert("line".to_owned(), text(&sealed.line));
        item.insert("hash".to_owned(), text(sealed.hash));
        let mut head = self.key(HEAD);
        head.insert("last".to_owned(), number(sealed.sequence));
        head.insert("hash".to_owned(), text(sealed.hash));
        let is_free = || Condition::new("attribute_not_exists(#sequence)", [("sequence", None)]);
        let is_last = match &sealed.behind {
            None => is_free(),
            Some(Head { sequence, hash }) => Condition::new(
                "#last = :last AND #hash = :hash",
                [("last", Some(number(*sequence))), ("hash", Some(text(hash)))],
            ),
        };
        [(item, is_free()), (head, is_last)]
    }
}

/// A condition on the item that is replaced.
struct Condition {
    expression: &'static str,
    names: HashMap<String, String>,
    values: Option<HashMap<String, AttributeValue>>,
}

impl Condition {
    fn new<const N: usize>(
        expression: &'static str,
        attributes: [(&str, Option<AttributeValue>); N],
    ) -> Self {
        let names = attributes.iter().map(|(name, _)| (format!("#{name}"), (*name).to_owned()));
        let names = names.collect();
        let values = attributes.into_iter();
        let values = values.filter_map(|(name, value)| Some((format!(":{name}"), value?)));
        let values = Some(values.collect::<HashMap<_, _>>()).filter(|values| !values.is_empty());
        Self { expression, names, values }
    }
}

#[async_trait]
impl Journal for DynamoJournal {
    fn migration(&self) -> &str {
        &self.migration
    }

    async fn head(&self) -> Result<Option<Head>, LedgerError> {
        let item = self.item(HEAD).await?;
        item.map(|item| head_of(&item).map_err(|why| self.table.refusal(why))).transpose()
    }

    async fn entry(&self, sequence: u64) -> Result<Option<StoredEntry>, LedgerError> {
        Ok(self.item(sequence).await?.as_ref().and_then(entry_of))
    }

    async fn append(&self, sealed: &SealedEntry) -> Result<Appended, LedgerError> {
        let puts = self.writes(sealed).map(|(item, Condition { expression, names, values })| {
            let put = Put::builder()
                .table_name(self.table.name())
                .set_item(Some(item))
                .condition_expression(expression)
                .set_expression_attribute_names(Some(names))
                .set_expression_attribute_values(values)
                .build();
            put.map(|put| TransactWriteItem::builder().put(put).build())
        });
        let puts = puts.into_iter().collect::<Result<Vec<_>, _>>();
        let puts = puts.map_err(|error| self.table.refusal(error.to_string()))?;
        let call = self.table.client().transact_write_items().set_transact_items(Some(puts)).send();
        let call = async {
            match call.await {
                Ok(_) => Ok(true),
                Err(error) if is_condition(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        if self.table.answer("TransactWriteItems", call).await? {
            return Ok(Appended::Written);
        }
        // It may be there from a try whose answer was lost. That counts only while nobody has written
        // behind it.
        if self.head().await? == Some(sealed.head()) {
            return Ok(Appended::Written);
        }
        match self.entry(sealed.sequence).await? {
            Some(own) if own == sealed.stored() => {
                Ok(Appended::Taken { by: self.entry(sealed.sequence.saturating_add(1)).await? })
            }
            by => Ok(Appended::Taken { by }),
        }
    }

    async fn read(&self, each: &mut (dyn FnMut(StoredEntry) + Send)) -> Result<(), LedgerError> {
        let mut take = |item: Item| {
            if let Some(entry) = entry_of(&item).filter(|entry| entry.sequence != HEAD) {
                each(entry);
            }
        };
        let key = ("migration", text(&self.migration));
        self.table.query(0, key, &["sequence", "line", "hash"], &mut take).await
    }
}

/// Whether a transaction was cancelled because a condition does not hold, and for nothing else.
fn is_condition(error: &SdkError<TransactWriteItemsError>) -> bool {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return false;
    };
    let reasons = cancelled.cancellation_reasons().iter().filter_map(|reason| reason.code());
    let reasons: Vec<_> = reasons.filter(|code| *code != NO_REASON).collect();
    !reasons.is_empty() && reasons.iter().all(|code| *code == CONDITION_FAILED)
}

fn head_of(item: &Item) -> Result<Head, String> {
    let sequence = number_of(item, "last");
    let wrong = |name: &str| format!("the item that names the last entry has no usable `{name}`");
    Ok(Head {
        sequence: sequence.ok_or_else(|| wrong("last"))?,
        hash: hash_of(item).ok_or_else(|| wrong("hash"))?,
    })
}

/// Every item has a number, since that is its key. What else is missing of it is a matter of the chain:
/// an item that was passed over would hide it.
fn entry_of(item: &Item) -> Option<StoredEntry> {
    let line = text_of(item, "line").unwrap_or_default().to_owned();
    Some(StoredEntry { sequence: number_of(item, "sequence")?, line, hash: hash_of(item) })
}

fn hash_of(item: &Item) -> Option<Sha256> {
    Sha256::from_hex(text_of(item, "hash")?).ok()
}
