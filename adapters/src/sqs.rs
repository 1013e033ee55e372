//! The queue of jobs in Amazon SQS.

mod batch;
mod error;
pub mod message;
mod reading;
mod url;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
    ChangeMessageVisibilityBatchResultEntry, DeleteMessageBatchRequestEntry,
    DeleteMessageBatchResultEntry, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchResultEntry,
};
use domain::ports::{JobQueue, QueueError, QueueRole};
use domain::{Delivery, Job, MessageContent, QueueDepth, Receipt, SendReport};

use self::batch::{MOST_ENTRIES, place};
use self::error::translate;
pub use self::url::{QueueUrl, QueueUrlError};
use crate::aws::{Timeouts, Trouble, address, answer, from_address};
use crate::calls::{Calls, System};

/// The longest time that SQS waits for a first message.
const LONGEST_WAIT_SECONDS: u64 = 20;

/// The longest time that SQS hides a delivered message from other receivers: twelve hours.
const LONGEST_VISIBILITY_SECONDS: u64 = 12 * 60 * 60;

/// [`JobQueue`] in one SQS standard queue. Requests go to the endpoint of the AWS settings,
/// whatever host the queue's URL has; the URL only names the queue.
pub struct SqsJobQueue {
    client: Client,
    url: QueueUrl,
    role: QueueRole,
    timeouts: Timeouts,
    calls: Arc<Calls>,
    address: String,
}

impl SqsJobQueue {
    /// With shared settings from [`crate::aws::load`].
    #[must_use]
    pub fn new(config: &SdkConfig, url: QueueUrl, role: QueueRole, calls: Arc<Calls>) -> Self {
        let (client, address) = (Client::new(config), address(config, "SQS"));
        Self { client, url, role, timeouts: Timeouts::default(), calls, address }
    }

    /// Replaces the default time-outs, which are production's.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    async fn answer<T, E>(
        &self,
        operation: &'static str,
        time: Duration,
        call: impl Future<Output = Result<T, SdkError<E>>> + Send,
    ) -> Result<T, QueueError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let poll = time.saturating_sub(self.timeouts.request);
        let waiting = self.calls.begin_long(System::Sqs, operation, poll);
        let answer = answer(time, call).await;
        let with_address = |trouble| {
            let Trouble::NoAnswer(cause) = trouble else { return trouble };
            Trouble::NoAnswer(from_address(&cause, &self.address))
        };
        let translated = |trouble| translate(with_address(trouble), &self.url, self.role);
        waiting.end(answer.map_err(translated))
    }

    fn refused(&self, error: impl std::error::Error) -> QueueError {
        QueueError::Refused { queue: self.url.to_string(), why: error.to_string() }
    }

    async fn send_some(&self, jobs: &[batch::Prepared<'_>]) -> Result<SendReport, QueueError> {
        let mut entries = Vec::with_capacity(jobs.len());
        for (at, job) in jobs.iter().enumerate() {
            entries.push(job.entry(at).map_err(|error| self.refused(error))?);
        }
        let call = self.client.send_message_batch().queue_url(self.url.as_str());
        let call = call.set_entries(Some(entries)).send();
        let answer = self.answer("SendMessageBatch", self.timeouts.request, call).await?;
        let done = answer.successful().iter().map(SendMessageBatchResultEntry::id);
        let failures = batch::failures(jobs.len(), done, answer.failed());
        Ok(batch::report(jobs, &failures))
    }

    /// Returns the receipts of a batch's failed entries and logs why each failed. The queue decides
    /// what becomes of these messages.
    fn given_back<'a>(
        &self,
        what: &str,
        receipts: impl ExactSizeIterator<Item = &'a Receipt>,
        done: impl Iterator<Item = &'a str>,
        failed: &[BatchResultErrorEntry],
    ) -> Vec<Receipt> {
        let failures = batch::failures(receipts.len(), done, failed);
        let receipts = receipts.enumerate().filter_map(|(at, receipt)| {
            let failure = failures.get(&at)?;
            tracing::warn!(queue = %self.url, "a delivery could not be {what}: {}", failure.why);
            Some(receipt.clone())
        });
        receipts.collect()
    }
}

#[async_trait]
impl JobQueue for SqsJobQueue {
    async fn send(&self, jobs: &[Job]) -> Result<SendReport, QueueError> {
        let prepared: Vec<_> = jobs.iter().map(batch::Prepared::new).collect();
        let (fitting, mut report) = batch::fitting(prepared);
        for jobs in batch::requests(&fitting, batch::Prepared::bytes) {
            let SendReport { sent, failed } = self.send_some(jobs).await?;
            report.sent.extend(sent);
            report.failed.extend(failed);
        }
        Ok(report)
    }

    async fn forward(&self, messages: &[MessageContent]) -> Result<Vec<usize>, QueueError> {
        let mut entries = Vec::with_capacity(messages.len());
        for (at, message) in messages.iter().enumerate() {
            entries.push(batch::entry_of(message, at).map_err(|error| self.refused(error))?);
        }
        let mut refused = Vec::new();
        for entries in batch::requests(&entries, batch::bytes_of) {
            let call = self.client.send_message_batch().queue_url(self.url.as_str());
            let call = call.set_entries(Some(entries.to_vec())).send();
            let answer = self.answer("SendMessageBatch", self.timeouts.request, call).await?;
            let done: Vec<_> =
                answer.successful().iter().map(SendMessageBatchResultEntry::id).collect();
            for entry in entries.iter().filter(|entry| !done.contains(&entry.id())) {
                let why = answer.failed().iter().find(|failed| failed.id() == entry.id());
                let why = why.and_then(BatchResultErrorEntry::message).unwrap_or("no words");
                tracing::warn!(queue = %self.url, "a message could not be moved here: {why}");
                refused.extend(entry.id().parse::<usize>());
            }
        }
        Ok(refused)
    }

    async fn receive(
        &self,
        most: usize,
        wait: Duration,
        visible_after: Option<Duration>,
    ) -> Result<Vec<Delivery>, QueueError> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let wait = Duration::from_secs(seconds(wait, LONGEST_WAIT_SECONDS));
        let visible_after = visible_after.map(|after| seconds(after, LONGEST_VISIBILITY_SECONDS));
        let call = self
            .client
            .receive_message()
            .queue_url(self.url.as_str())
            .max_number_of_messages(small(most.min(MOST_ENTRIES)))
            .wait_time_seconds(small(wait.as_secs()))
            .set_visibility_timeout(visible_after.map(small))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names("All")
            .send();
        let answer = self.answer("ReceiveMessage", wait + self.timeouts.request, call).await?;
        Ok(answer.messages().iter().filter_map(reading::delivery).collect())
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Receipt>, QueueError> {
        let mut back = Vec::new();
        for receipts in receipts.chunks(MOST_ENTRIES) {
            let mut entries = Vec::with_capacity(receipts.len());
            for (at, Receipt(handle)) in receipts.iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder().id(place(at));
                let entry = entry.receipt_handle(handle).build();
                entries.push(entry.map_err(|error| self.refused(error))?);
            }
            let call = self.client.delete_message_batch().queue_url(self.url.as_str());
            let call = call.set_entries(Some(entries)).send();
            let answer = self.answer("DeleteMessageBatch", self.timeouts.request, call).await?;
            let done = answer.successful().iter().map(DeleteMessageBatchResultEntry::id);
            back.extend(self.given_back("deleted", receipts.iter(), done, answer.failed()));
        }
        Ok(back)
    }

    async fn set_visibility(
        &self,
        changes: &[(Receipt, Duration)],
    ) -> Result<Vec<Receipt>, QueueError> {
        let mut back = Vec::new();
        for changes in changes.chunks(MOST_ENTRIES) {
            let mut entries = Vec::with_capacity(changes.len());
            for (at, (Receipt(handle), after)) in changes.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(place(at));
                let after = small(seconds(*after, LONGEST_VISIBILITY_SECONDS));
                let entry = entry.receipt_handle(handle).visibility_timeout(after).build();
                entries.push(entry.map_err(|error| self.refused(error))?);
            }
            let call = self.client.change_message_visibility_batch().queue_url(self.url.as_str());
            let call = call.set_entries(Some(entries)).send();
            let operation = "ChangeMessageVisibilityBatch";
            let answer = self.answer(operation, self.timeouts.request, call).await?;
            let done = answer.successful().iter().map(ChangeMessageVisibilityBatchResultEntry::id);
            let receipts = changes.iter().map(|(receipt, _)| receipt);
            back.extend(self.given_back("made visible later", receipts, done, answer.failed()));
        }
        Ok(back)
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let call = self
            .client
            .get_queue_attributes()
            .queue_url(self.url.as_str())
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
            .attribute_names(QueueAttributeName::VisibilityTimeout)
            .attribute_names(QueueAttributeName::RedrivePolicy)
            .send();
        let answer = self.answer("GetQueueAttributes", self.timeouts.request, call).await?;
        let attributes = answer.attributes.unwrap_or_default();
        reading::depth(&attributes).map_err(|why| QueueError::Unavailable {
            queue: self.url.to_string(),
            cause: why.into(),
        })
    }
}

/// Rounds a time up to whole seconds, at most `most`.
fn seconds(time: Duration, most: u64) -> u64 {
    let part = u64::from(time.subsec_nanos() > 0);
    time.as_secs().saturating_add(part).min(most)
}

/// Converts a number that its bounds keep within 32 bits.
fn small(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
