//! The event source mapping: it receives a queue's messages, hands them to the function batch by
//! batch, and deletes what the function did. What it did not comes back by its visibility alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{Ended, Fleet};
use crate::world::lambda::{
    Batch, BatchMessage, MessageAttribute, PAYLOAD_BYTES, Verdict, verdict,
};
use crate::world::queue::{
    AttributeContent, BATCH_ENTRIES, REGION, ReceiveRequest, Received, SqsError, SqsWorld, arn_of,
};

/// How the messages of a queue are handed to a function.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The queue's name.
    pub queue: String,
    /// Messages of one batch, at most.
    pub batch: usize,
    /// How long a batch may wait to be full. Lambda wants it above zero for more than ten messages.
    pub window: Duration,
    /// Batches under way at once, at most.
    pub concurrency: usize,
}

impl Mapping {
    /// With the usual window: none for up to ten messages; Lambda wants one for more.
    #[must_use]
    pub fn of(queue: &str, batch: usize, concurrency: usize) -> Self {
        let window = if batch > 10 { Duration::from_secs(1) } else { Duration::ZERO };
        Self { queue: queue.to_owned(), batch, window, concurrency }
    }
}

impl MappingCounts {
    /// Its requests to the queue, which pass no listener of the world, by their names.
    #[must_use]
    pub fn requests(&self) -> [(String, u64); 2] {
        let named = |operation: &str, count| (format!("SQS {operation} (by the mapping)"), count);
        [named("receive", self.receives), named("delete", self.deletes)]
    }
}

/// What a mapping did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MappingCounts {
    /// Batches handed to the function.
    pub batches: u64,
    /// The messages in them.
    pub records: u64,
    /// Messages deleted, since the function did what they ask for.
    pub acknowledged: u64,
    /// Messages left to their visibility.
    pub returned: u64,
    /// Answers that could not be read, and so failed their batch.
    pub malformed_answers: u64,
    /// Requests to the queue for messages.
    pub receives: u64,
    /// Requests to the queue to delete some.
    pub deletes: u64,
}

/// Between two batches after one that was throttled.
const THROTTLED_PAUSE: Duration = Duration::from_millis(100);

/// The longest that one request waits for messages.
const LONG_POLL: Duration = Duration::from_secs(20);

/// A mapping at work; dropping it stops it, with whatever is under way.
pub(super) struct Poller {
    fleet: Arc<Fleet>,
    queues: Arc<SqsWorld>,
    mapping: Mapping,
    counts: Mutex<MappingCounts>,
    under_way: AtomicUsize,
    /// Received, and too much for the batch they were received for.
    left_over: Mutex<Vec<BatchMessage>>,
}

impl Poller {
    pub(super) fn new(fleet: Arc<Fleet>, queues: Arc<SqsWorld>, mapping: Mapping) -> Self {
        Self {
            fleet,
            queues,
            mapping,
            counts: Mutex::default(),
            under_way: AtomicUsize::new(0),
            left_over: Mutex::default(),
        }
    }

    /// Works as long as it is enabled and not dropped.
    pub(super) async fn run(self: Arc<Self>, mut enabled: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.mapping.concurrency));
        let mut batches = JoinSet::new();
        while enabled.wait_for(|enabled| *enabled).await.is_ok() {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            while batches.try_join_next().is_some() {}
            let batch = self.gather(&mut enabled).await;
            let this = Arc::clone(&self);
            batches.spawn(async move {
                match batch {
                    Ok(batch) if batch.records.is_empty() => {}
                    Ok(batch) => this.hand_over(batch).await,
                    Err(error) => {
                        eprintln!("the mapping cannot receive: {error}");
                        tokio::time::sleep(THROTTLED_PAUSE).await;
                    }
                }
                drop(slot);
            });
        }
    }

    pub(super) fn counts(&self) -> MappingCounts {
        self.counts_mut().clone()
    }

    /// Whether the queue has nothing, waiting or in anybody's hands.
    pub(super) fn is_done(&self) -> Result<bool, SqsError> {
        let empty = self.queues.counts(&self.mapping.queue)?.all() == 0;
        Ok(empty && self.under_way.load(Ordering::SeqCst) == 0)
    }

    /// A batch that is full, has waited long enough, or is cut short since nothing more is to be
    /// taken.
    async fn gather(&self, enabled: &mut watch::Receiver<bool>) -> Result<Batch, SqsError> {
        let mut batch = Batch { records: std::mem::take(&mut *self.left_over()) };
        let mut window_ends = Instant::now() + LONG_POLL;
        loop {
            let room = self.mapping.batch.saturating_sub(batch.records.len());
            let wait = window_ends.saturating_duration_since(Instant::now()).min(LONG_POLL);
            let first = batch.records.is_empty();
            if room == 0 || (!first && wait.is_zero()) {
                return Ok(batch);
            }
            let most = room.min(BATCH_ENTRIES);
            let request = ReceiveRequest { most, visibility: None, wait: Some(wait) };
            self.counts_mut().receives += 1;
            let queue = &self.mapping.queue;
            let received = tokio::select! {
                received = self.queues.poll(queue, &request, tokio::time::sleep) => received?,
                _ = enabled.wait_for(|enabled| !*enabled) => return Ok(batch),
            };
            if first {
                if received.is_empty() {
                    return Ok(batch);
                }
                window_ends = Instant::now() + self.mapping.window;
            }
            batch.records.extend(received.into_iter().map(|message| self.record(message)));
            if batch.event().len() > PAYLOAD_BYTES {
                self.left_over().extend(batch.records.split_off(fitting(&batch)));
                return Ok(batch);
            }
        }
    }

    fn record(&self, received: Received) -> BatchMessage {
        let Received { message, receipt } = received;
        let millis = |time: std::time::SystemTime| {
            time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis().to_string()
        };
        let first = message.first_received.unwrap_or(message.sent);
        let attributes = BTreeMap::from([
            ("ApproximateReceiveCount".to_owned(), message.receive_count.to_string()),
            ("SentTimestamp".to_owned(), millis(message.sent)),
            ("ApproximateFirstReceiveTimestamp".to_owned(), millis(first)),
            ("SenderId".to_owned(), "AIDAREHEARSALREHEARS1".to_owned()),
        ]);
        let texts = message.attributes.iter().filter_map(|(name, attribute)| {
            let AttributeContent::Text(text) = &attribute.content else { return None };
            Some((name.clone(), MessageAttribute::text(text, &attribute.data_type)))
        });
        BatchMessage {
            message_attributes: texts.collect(),
            md5_of_body: message.body_md5(),
            message_id: message.id,
            receipt_handle: receipt,
            body: message.body,
            attributes,
            event_source: "aws:sqs".to_owned(),
            event_source_arn: arn_of(&self.mapping.queue),
            aws_region: REGION.to_owned(),
        }
    }

    async fn hand_over(&self, batch: Batch) {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let records = batch.records.len() as u64;
        {
            let mut counts = self.counts_mut();
            counts.batches += 1;
            counts.records += records;
        }
        let ended = self.fleet.invoke(batch.event()).await;
        let acknowledged = match ended {
            Ok(Ended::Answer(answer)) => self.take_answer(&batch, &answer),
            Ok(Ended::Throttled) => {
                tokio::time::sleep(THROTTLED_PAUSE).await;
                0
            }
            Ok(Ended::Error(_) | Ended::Crashed(_) | Ended::TimedOut | Ended::OutOfMemory) => 0,
            Err(error) => {
                eprintln!("the function cannot be started: {error:#}");
                tokio::time::sleep(THROTTLED_PAUSE).await;
                0
            }
        };
        let mut counts = self.counts_mut();
        counts.acknowledged += acknowledged;
        counts.returned += records - acknowledged;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
    }

    /// Deletes what was done; tells how many that is.
    fn take_answer(&self, batch: &Batch, answer: &[u8]) -> u64 {
        let failed = match verdict(answer, &batch.messages()) {
            Verdict::AllBut(failed) => failed,
            Verdict::WholeBatch(_) => {
                self.counts_mut().malformed_answers += 1;
                return 0;
            }
        };
        let done = batch.records.iter().filter(|record| !failed.contains(&record.message_id));
        let mut deleted = 0_u64;
        for record in done {
            // A handle that a later delivery has outdated: that delivery deletes the message.
            let _ = self.queues.delete(&self.mapping.queue, &record.receipt_handle);
            deleted += 1;
        }
        self.counts_mut().deletes += deleted.div_ceil(BATCH_ENTRIES as u64);
        deleted
    }

    fn left_over(&self) -> MutexGuard<'_, Vec<BatchMessage>> {
        self.left_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts_mut(&self) -> MutexGuard<'_, MappingCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many records of a batch that is too large fit into one event: one at least.
fn fitting(batch: &Batch) -> usize {
    let fits = |count: &usize| {
        let records = batch.records[..*count].to_vec();
        Batch { records }.event().len() <= PAYLOAD_BYTES
    };
    (1..=batch.records.len()).rev().find(fits).unwrap_or(1)
}
