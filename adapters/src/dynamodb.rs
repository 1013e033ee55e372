//! The ledger in Amazon DynamoDB.

mod item;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};
use domain::ports::{Ledger, LedgerError, Segment};
use domain::retry::backoff;
use domain::{Fid, LedgerRecord, limits};
use tokio::time::{sleep, timeout};

use crate::aws::{Timeouts, in_full, no_answer};
use crate::calls::{Calls, System};

/// Keys of one `BatchGetItem`.
const MOST_KEYS: usize = 100;

/// Items of one page of a scan: fewer than the MiB that `DynamoDB` gives at most, which takes ten
/// of them in memory for every segment.
const PAGE_ITEMS: i32 = 1_000;

/// [`Ledger`] in one `DynamoDB` table with the hash key `fid` (N).
pub struct DynamoLedger {
    client: Client,
    table: String,
    timeouts: Timeouts,
    calls: Arc<Calls>,
}

impl DynamoLedger {
    /// With shared settings from [`crate::aws::load`].
    #[must_use]
    pub fn new(config: &SdkConfig, table: String, calls: Arc<Calls>) -> Self {
        Self { client: Client::new(config), table, timeouts: Timeouts::default(), calls }
    }

    /// With other time-outs than production's.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    async fn answer<T, E>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E>>> + Send,
    ) -> Result<T, LedgerError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let answer = if let Ok(answer) = timeout(self.timeouts.request, call).await {
            answer.map_err(|error| self.translate(&error))
        } else {
            let seconds = self.timeouts.request.as_secs();
            Err(self.unavailable(format!("no answer within {seconds} s").into()))
        };
        self.calls.count(System::DynamoDb, operation, answer)
    }

    fn translate<E>(&self, error: &SdkError<E>) -> LedgerError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let table = self.table.clone();
        if matches!(error, SdkError::ConstructionFailure(_)) {
            return LedgerError::Refused { table, why: in_full(error) };
        }
        let SdkError::ServiceError(refusal) = error else {
            return self.unavailable(no_answer(error));
        };
        let (status, meta) = (refusal.raw().status().as_u16(), refusal.err().meta());
        let code = meta.code().unwrap_or_default();
        let why = format!("{code}: {}", meta.message().unwrap_or("no words"));
        match (status, code) {
            (_, "ResourceNotFoundException") => LedgerError::NoTable { table },
            (
                _,
                "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
                | "LimitExceededException",
            )
            | (429 | 500.., _) => self.unavailable(why.into()),
            _ => LedgerError::Refused { table, why },
        }
    }

    fn unavailable(&self, cause: domain::ports::Cause) -> LedgerError {
        LedgerError::Unavailable { table: self.table.clone(), cause }
    }

    /// Waits before unprocessed items are sent again, a bounded number of times.
    async fn pause(&self, attempt: u32, salt: u64, left: usize) -> Result<(), LedgerError> {
        if attempt >= limits::ATTEMPTS {
            return Err(self.unavailable(format!("{left} items stay unprocessed").into()));
        }
        sleep(backoff(attempt, salt)).await;
        Ok(())
    }

    async fn write_batch(&self, batch: &[&LedgerRecord]) -> Result<(), LedgerError> {
        let salt = batch.first().map_or(0, |record| record.fid.0);
        let mut requests = Vec::with_capacity(batch.len());
        for record in batch {
            let put = PutRequest::builder().set_item(Some(item::of(record))).build();
            let put = put.map_err(|error| self.unavailable(error.into()))?;
            requests.push(WriteRequest::builder().put_request(put).build());
        }
        for attempt in 1.. {
            let call = self.client.batch_write_item().request_items(&self.table, requests).send();
            let answer = self.answer("BatchWriteItem", call).await?;
            let mut left = answer.unprocessed_items.unwrap_or_default();
            requests = left.remove(&self.table).unwrap_or_default();
            if requests.is_empty() {
                break;
            }
            self.pause(attempt, salt, requests.len()).await?;
        }
        Ok(())
    }

    async fn read_batch(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        let mut keys: Vec<_> = fids.iter().copied().map(item::key).collect();
        let mut records = Vec::new();
        for attempt in 1.. {
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut keys)))
                .consistent_read(true)
                .build()
                .map_err(|error| self.unavailable(error.into()))?;
            let call = self.client.batch_get_item().request_items(&self.table, wanted).send();
            let answer = self.answer("BatchGetItem", call).await?;
            for items in answer.responses.unwrap_or_default().into_values() {
                records.extend(items.iter().filter_map(|item| self.understand(item)));
            }
            let mut left = answer.unprocessed_keys.unwrap_or_default();
            keys = left.remove(&self.table).map(|left| left.keys).unwrap_or_default();
            if keys.is_empty() {
                break;
            }
            self.pause(attempt, fids.first().map_or(0, |fid| fid.0), keys.len()).await?;
        }
        Ok(records)
    }

    /// An item that cannot be read proves nothing: its file will be proven anew, and its item
    /// written over.
    fn understand(&self, item: &HashMap<String, AttributeValue>) -> Option<LedgerRecord> {
        item::read(item)
            .inspect_err(|why| tracing::warn!(table = self.table, "ledger item passed over: {why}"))
            .ok()
    }
}

#[async_trait]
impl Ledger for DynamoLedger {
    async fn record(&self, records: &[LedgerRecord]) -> Result<(), LedgerError> {
        // A batch with one key twice is refused whole.
        let distinct: BTreeMap<_, _> = records.iter().map(|record| (record.fid, record)).collect();
        let distinct: Vec<_> = distinct.into_values().collect();
        for batch in distinct.chunks(limits::LEDGER_BATCH) {
            self.write_batch(batch).await?;
        }
        Ok(())
    }

    async fn read(&self, fids: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        let mut distinct = fids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let mut records = Vec::new();
        for batch in distinct.chunks(MOST_KEYS) {
            records.extend(self.read_batch(batch).await?);
        }
        Ok(records)
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerRecord) + Send),
    ) -> Result<(), LedgerError> {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let (mut from, mut attempt) = (None, 1);
        loop {
            let call = self
                .client
                .scan()
                .table_name(&self.table)
                .segment(number(segment.number))
                .total_segments(number(segment.of))
                .limit(PAGE_ITEMS)
                .set_exclusive_start_key(from.clone())
                .send();
            let page = match self.answer("Scan", call).await {
                Err(LedgerError::Unavailable { .. }) if attempt < limits::ATTEMPTS => {
                    sleep(backoff(attempt, segment.number.into())).await;
                    attempt += 1;
                    continue;
                }
                page => page?,
            };
            attempt = 1;
            page.items().iter().filter_map(|item| self.understand(item)).for_each(&mut *each);
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(());
            }
        }
    }
}
