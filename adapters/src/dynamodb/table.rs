//! Reads and writes one table: repeats a batch until every item of it is processed, and reads pages
//! up to the last.

mod query;
mod service_time;
mod transaction;

use std::collections::HashMap;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    DeleteRequest, KeysAndAttributes, PutRequest, ReturnValue, WriteRequest,
};
use domain::ports::{LedgerError, Segment};
use domain::retry::backoff;
use domain::{Cause, limits};
use futures_util::future::BoxFuture;
use tokio::time::sleep;

use super::item::{Item, number_of};
use crate::aws::{Timeouts, Trouble, address, answer, from_address, refused_keys};
use crate::calls::{Calls, System};

/// Implements the constructors of a port that keeps its items in one table.
macro_rules! over_a_table {
    ($port:ident) => {
        impl $port {
            /// Takes the shared settings of [`crate::aws::load`].
            #[must_use]
            pub fn new(
                config: &aws_config::SdkConfig,
                table: String,
                calls: std::sync::Arc<crate::calls::Calls>,
            ) -> Self {
                Self($crate::dynamodb::table::Table::new(config, table, calls))
            }

            /// Replaces the default time-outs, which are production's.
            #[must_use]
            pub fn with_timeouts(self, timeouts: crate::aws::Timeouts) -> Self {
                Self(self.0.with_timeouts(timeouts))
            }
        }
    };
}
pub(super) use over_a_table;
pub(super) use query::Range;
pub(super) use transaction::Write;

/// The most items of one page of a scan. `DynamoDB` itself would give pages of 1 MiB, and each
/// segment of a scan needs about ten times the page's size in memory.
const PAGE_ITEMS: i32 = 1_000;

/// The most keys of one `BatchGetItem`.
const MOST_KEYS: usize = 100;

/// DynamoDB's error code for a write whose condition did not hold.
const CONDITION_FAILED: &str = "ConditionalCheckFailedException";

/// The placeholders of an expression: `#name` for names and `:value` for values.
#[derive(Default)]
pub(super) struct Aliases {
    pub(super) names: HashMap<String, String>,
    pub(super) values: Item,
}

/// One table of DynamoDB's. Its methods repeat what DynamoDB left unprocessed, and read every page:
/// they do all of what they are asked, or error.
pub(super) struct Table {
    client: Client,
    name: String,
    timeouts: Timeouts,
    calls: Arc<Calls>,
    address: String,
}

/// A page of items, and where the next begins, if there is one.
type Page = (Vec<Item>, Option<Item>);

impl Table {
    pub(super) fn new(config: &SdkConfig, name: String, calls: Arc<Calls>) -> Self {
        let (client, address) = (Client::new(config), address(config, "DynamoDB"));
        Self { client, name, timeouts: Timeouts::default(), calls, address }
    }

    pub(super) const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Writes these items. No two may have the same key: DynamoDB refuses such a batch as a whole.
    pub(super) async fn put(&self, items: Vec<Item>) -> Result<(), LedgerError> {
        let mut requests = Vec::with_capacity(items.len());
        for item in items {
            let put = PutRequest::builder().set_item(Some(item)).build();
            let put = put.map_err(|error| self.unavailable(error.into()))?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        self.write(&requests).await
    }

    /// Deletes the items with these keys. No two keys may be the same.
    pub(super) async fn delete(&self, keys: Vec<Item>) -> Result<(), LedgerError> {
        let mut requests = Vec::with_capacity(keys.len());
        for key in keys {
            let delete = DeleteRequest::builder().set_key(Some(key)).build();
            let delete = delete.map_err(|error| self.unavailable(error.into()))?;
            requests.push(WriteRequest::builder().delete_request(delete).build());
        }
        self.write(&requests).await
    }

    async fn write(&self, requests: &[WriteRequest]) -> Result<(), LedgerError> {
        for batch in requests.chunks(limits::LEDGER_BATCH) {
            let salt = salt(batch.iter().find_map(|request| {
                let put = request.put_request().map(PutRequest::item);
                put.or_else(|| request.delete_request().map(DeleteRequest::key))
            }));
            let mut batch = batch.to_vec();
            for attempt in 1.. {
                let call = self.client.batch_write_item().request_items(&self.name, batch).send();
                let answer = self.answer("BatchWriteItem", call).await?;
                let mut left = answer.unprocessed_items.unwrap_or_default();
                batch = left.remove(&self.name).unwrap_or_default();
                if batch.is_empty() {
                    break;
                }
                self.pause(attempt, salt, batch.len()).await?;
            }
        }
        Ok(())
    }

    /// Changes the item with this key, or makes it where it is missing. Returns the item after the
    /// change; [`None`] where `condition` does not hold, and then nothing is changed.
    pub(super) async fn update(
        &self,
        key: Item,
        update: String,
        condition: Option<String>,
        Aliases { names, values }: Aliases,
    ) -> Result<Option<Item>, LedgerError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew);
        let updated = self.on_condition("UpdateItem", call.send()).await?;
        Ok(updated.map(|answer| answer.attributes.unwrap_or_default()))
    }

    /// Deletes the item with this key where `condition` holds. Returns whether it did.
    pub(super) async fn delete_if(
        &self,
        key: Item,
        condition: String,
        Aliases { names, values }: Aliases,
    ) -> Result<bool, LedgerError> {
        let call = self
            .client
            .delete_item()
            .table_name(&self.name)
            .set_key(Some(key))
            .condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        Ok(self.on_condition("DeleteItem", call.send()).await?.is_some())
    }

    /// Reads the items with these keys, consistently. No two keys may be the same.
    pub(super) async fn get(&self, keys: &[Item]) -> Result<Vec<Item>, LedgerError> {
        let mut items = Vec::new();
        for batch in keys.chunks(MOST_KEYS) {
            let salt = salt(batch.first());
            let mut batch = batch.to_vec();
            for attempt in 1.. {
                let wanted = KeysAndAttributes::builder()
                    .set_keys(Some(batch))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| self.unavailable(error.into()))?;
                let call = self.client.batch_get_item().request_items(&self.name, wanted).send();
                let answer = self.answer("BatchGetItem", call).await?;
                items.extend(answer.responses.unwrap_or_default().into_values().flatten());
                let mut left = answer.unprocessed_keys.unwrap_or_default();
                batch = left.remove(&self.name).map(|left| left.keys).unwrap_or_default();
                if batch.is_empty() {
                    break;
                }
                self.pause(attempt, salt, batch.len()).await?;
            }
        }
        Ok(items)
    }

    /// Scans one segment and passes every item to `each`.
    pub(super) async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(Item) + Send),
    ) -> Result<(), LedgerError> {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let scan = self
            .client
            .scan()
            .table_name(&self.name)
            .segment(number(segment.number))
            .total_segments(number(segment.of))
            .consistent_read(true)
            .limit(PAGE_ITEMS);
        let page = |from| {
            let call = scan.clone().set_exclusive_start_key(from).send();
            async {
                let page = self.answer("Scan", call).await?;
                Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
            }
        };
        self.pages(segment.number.into(), page, each).await
    }

    /// Reads page after page. Tries a page that is unavailable [`limits::ATTEMPTS`] times at most.
    async fn pages<F>(
        &self,
        salt: u64,
        page: impl Fn(Option<Item>) -> F + Send,
        each: &mut (dyn FnMut(Item) + Send),
    ) -> Result<(), LedgerError>
    where
        F: Future<Output = Result<Page, LedgerError>> + Send,
    {
        let (mut from, mut attempt) = (None, 1);
        loop {
            let (items, next) = match page(from.clone()).await {
                Err(LedgerError::Unavailable { .. }) if attempt < limits::ATTEMPTS => {
                    sleep(backoff(attempt, salt)).await;
                    attempt += 1;
                    continue;
                }
                page => page?,
            };
            attempt = 1;
            items.into_iter().for_each(&mut *each);
            from = next;
            if from.is_none() {
                return Ok(());
            }
        }
    }

    /// Returns the value read from an item. Logs an item that cannot be read and returns [`None`].
    pub(super) fn understood<T>(&self, read: Result<T, String>) -> Option<T> {
        read.inspect_err(|why| self.log_unreadable(why)).ok()
    }

    /// Logs why an item cannot be read.
    pub(super) fn log_unreadable(&self, why: &str) {
        tracing::warn!(table = self.name, "item passed over: {why}");
    }

    /// What a call brings. It waits on the heap: the SDK's own state of it is large.
    pub(super) fn answer<'a, T, E>(
        &'a self,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, LedgerError>>
    where
        T: Send + 'a,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Box::pin(async move {
            let limit = self.timeouts.request;
            let waiting = self.calls.begin(System::DynamoDb, operation);
            let answer = answer(limit, call).await;
            waiting.end(answer.map_err(|trouble| self.translate(trouble)))
        })
    }

    /// Waits for the answer to a conditional write; [`None`] where the condition did not hold.
    fn on_condition<'a, T, E>(
        &'a self,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Option<T>, LedgerError>>
    where
        T: Send + 'a,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Box::pin(async move {
            let limit = self.timeouts.request;
            let waiting = self.calls.begin(System::DynamoDb, operation);
            let answer = match answer(limit, call).await {
                Ok(answer) => Ok(Some(answer)),
                Err(Trouble::Refusal { code, .. }) if code == CONDITION_FAILED => Ok(None),
                Err(trouble) => Err(self.translate(trouble)),
            };
            waiting.end(answer)
        })
    }

    fn translate(&self, trouble: Trouble) -> LedgerError {
        let table = self.name.clone();
        let (status, code, why) = match trouble {
            Trouble::NotSent(why) => return LedgerError::Refused { table, why },
            Trouble::NoAnswer(cause) => {
                return self.unavailable(from_address(&cause, &self.address));
            }
            Trouble::Refusal { status, code, why } => (status, code, why),
        };
        if let Some((trouble, why)) = refused_keys(&code, &why) {
            return LedgerError::Keys { table, why, trouble };
        }
        match (status, &*code) {
            (_, "ResourceNotFoundException") => LedgerError::NoTable { table },
            (
                _,
                "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
                | "LimitExceededException"
                // Another transaction is at the same items.
                | "TransactionConflictException"
                | "TransactionInProgressException",
            )
            | (429 | 500.., _) => self.unavailable(why.into()),
            _ => LedgerError::Refused { table, why },
        }
    }

    fn refusal(&self, why: String) -> LedgerError {
        LedgerError::Refused { table: self.name.clone(), why }
    }

    fn unavailable(&self, cause: Cause) -> LedgerError {
        LedgerError::Unavailable { table: self.name.clone(), cause }
    }

    /// Waits before unprocessed items are sent again. Errors with `Unavailable` after
    /// [`limits::ATTEMPTS`] tries.
    async fn pause(&self, attempt: u32, salt: u64, left: usize) -> Result<(), LedgerError> {
        if attempt >= limits::ATTEMPTS {
            return Err(self.unavailable(format!("{left} items stay unprocessed").into()));
        }
        sleep(backoff(attempt, salt)).await;
        Ok(())
    }
}

/// The salt of a batch's pauses: the fid of its first item, so that batches do not retry at the
/// same moment.
fn salt(first: Option<&Item>) -> u64 {
    first.and_then(|item| number_of(item, "fid")).unwrap_or_default()
}
