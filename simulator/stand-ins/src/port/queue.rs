//! The queue of jobs, straight in SQS's state.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{Clock, JobQueue, QueueError, QueueRole};
use domain::{
    Delivery, Job, MessageContent, QueueDepth, Receipt, SendFailure, SendReport, Timestamp,
};

use super::{Call, Met, NoAnswer, PortFaults, VirtualClock};
use crate::world::queue::{BATCH_ENTRIES, Outgoing, ReceiveRequest, Received, SqsError, SqsWorld};

mod message;

/// [`JobQueue`] over a queue of the world's SQS, or over its dead-letter queue.
pub struct PortQueue {
    sqs: Arc<SqsWorld>,
    queue: String,
    /// What it is for.
    role: QueueRole,
    clock: Arc<VirtualClock>,
    faults: Arc<PortFaults>,
}

/// What became of the entry of a batch; [`None`] if it was not carried out, and may be another time.
type Fate = Option<Result<(), SqsError>>;

impl PortQueue {
    /// Over the queue of this name.
    #[must_use]
    pub const fn new(
        sqs: Arc<SqsWorld>,
        queue: String,
        role: QueueRole,
        clock: Arc<VirtualClock>,
        faults: Arc<PortFaults>,
    ) -> Self {
        Self { sqs, queue, role, clock, faults }
    }

    /// Carries a batch out entry by entry, as far as the script lets it.
    async fn batch<T: Sync>(
        &self,
        call: Call,
        key: &str,
        entries: &[T],
        act: impl Fn(&T) -> Result<(), SqsError> + Send + Sync,
    ) -> Result<Vec<Fate>, QueueError> {
        if entries.len() > BATCH_ENTRIES {
            return Err(self.refused(&SqsError::TooManyEntriesInBatchRequest(entries.len())));
        }
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let carry_out = |entries: &[T]| {
            self.sqs.settings(&self.queue)?;
            Ok(entries.iter().map(|entry| Some(act(entry))).collect::<Vec<Fate>>())
        };
        let half = &entries[..entries.len() / 2];
        let fates = match self.faults.meet(call, key, async { carry_out(entries) }).await {
            Met::Answer(fates) => fates,
            Met::HalfFails => carry_out(half),
            Met::Busy => {
                // Nobody is told what became of it.
                drop(carry_out(half));
                return Err(self.unavailable(NoAnswer::Busy));
            }
            Met::RequestLost | Met::AnswerLost(_) => return Err(self.unavailable(NoAnswer::Lost)),
        };
        let mut fates = fates.map_err(|refusal| self.refused(&refusal))?;
        fates.resize(entries.len(), None);
        Ok(fates)
    }

    /// The queue's name and the fids of these deliveries, by which a fault can be aimed.
    fn key_of<'a>(&self, receipts: impl Iterator<Item = &'a Receipt>) -> String {
        let message = |receipt: &Receipt| self.sqs.message_of(&self.queue, &receipt.0);
        let fids = receipts.filter_map(message).filter_map(|message| message::fid_of(&message));
        fids.fold(self.queue.clone(), |key, fid| format!("{key} {fid}"))
    }

    fn unavailable(&self, why: NoAnswer) -> QueueError {
        QueueError::Unavailable { queue: self.queue.clone(), cause: why.into() }
    }

    fn refused(&self, refusal: &SqsError) -> QueueError {
        let queue = self.queue.clone();
        match refusal {
            SqsError::QueueDoesNotExist => QueueError::NoQueue { queue, role: self.role },
            SqsError::OverLimit | SqsError::PurgeQueueInProgress => {
                QueueError::Unavailable { queue, cause: refusal.to_string().into() }
            }
            SqsError::QueueNameExists(_)
            | SqsError::InvalidAttributeName(_)
            | SqsError::InvalidAttributeValue { .. }
            | SqsError::InvalidParameterValue { .. }
            | SqsError::MissingParameter(_)
            | SqsError::EmptyBatchRequest
            | SqsError::TooManyEntriesInBatchRequest(_)
            | SqsError::BatchEntryIdsNotDistinct(_)
            | SqsError::InvalidBatchEntryId
            | SqsError::BatchRequestTooLong(_)
            | SqsError::InvalidMessageContents
            | SqsError::ReceiptHandleIsInvalid
            | SqsError::MessageNotInflight
            | SqsError::ResourceNotFoundException(_)
            | SqsError::UnsupportedOperation(_) => {
                QueueError::Refused { queue, why: refusal.to_string() }
            }
        }
    }
}

#[async_trait]
impl JobQueue for PortQueue {
    async fn send(&self, jobs: &[Job]) -> Result<SendReport, QueueError> {
        let fids: Vec<_> = jobs.iter().map(|job| job.fid.to_string()).collect();
        let send = |job: &Job| {
            let (body, attributes) = (message::body_of(job), message::attributes_of(job));
            self.sqs.send(&self.queue, Outgoing { body, attributes, delay: None }).map(drop)
        };
        let fates = self.batch(Call::Send, &fids.join(" "), jobs, send).await?;
        let mut report = SendReport::default();
        for (job, fate) in jobs.iter().zip(fates) {
            let failed = |why, lasting| SendFailure { fid: job.fid, why, lasting };
            match fate {
                Some(Ok(())) => report.sent.push(job.fid),
                Some(Err(refusal)) => report.failed.push(failed(refusal.to_string(), true)),
                None => report.failed.push(failed("not now".to_owned(), false)),
            }
        }
        Ok(report)
    }

    async fn forward(&self, messages: &[MessageContent]) -> Result<Vec<usize>, QueueError> {
        let send = |content: &MessageContent| {
            let (body, attributes) = message::as_it_is(content);
            self.sqs.send(&self.queue, Outgoing { body, attributes, delay: None }).map(drop)
        };
        let fids = messages.iter().filter_map(message::fid_of_content);
        let key = fids.fold(self.queue.clone(), |key, fid| format!("{key} {fid}"));
        let fates = self.batch(Call::Send, &key, messages, send).await?;
        let refused = fates.iter().enumerate().filter(|(_, fate)| !matches!(fate, Some(Ok(()))));
        Ok(refused.map(|(place, _)| place).collect())
    }

    async fn receive(
        &self,
        most: usize,
        wait: Duration,
        visible_after: Option<Duration>,
    ) -> Result<Vec<Delivery>, QueueError> {
        let request = ReceiveRequest { most, visibility: visible_after, wait: Some(wait) };
        let sleep = |time| self.clock.sleep(time);
        let effect = self.sqs.poll(&self.queue, &request, sleep);
        let met = self.faults.meet(Call::Receive, &self.queue, effect).await;
        let received = met.answer().map_err(|why| self.unavailable(why))?;
        let received = received.map_err(|refusal| self.refused(&refusal))?;
        Ok(received.into_iter().map(delivery).collect())
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Receipt>, QueueError> {
        let delete = |receipt: &Receipt| self.sqs.delete(&self.queue, &receipt.0);
        let key = self.key_of(receipts.iter());
        let fates = self.batch(Call::Acknowledge, &key, receipts, delete).await?;
        Ok(not_done(receipts.iter(), fates))
    }

    async fn set_visibility(
        &self,
        changes: &[(Receipt, Duration)],
    ) -> Result<Vec<Receipt>, QueueError> {
        let change = |(receipt, time): &(Receipt, Duration)| {
            self.sqs.change_visibility(&self.queue, &receipt.0, *time)
        };
        let receipts = || changes.iter().map(|(receipt, _)| receipt);
        let key = self.key_of(receipts());
        let fates = self.batch(Call::SetVisibility, &key, changes, change).await?;
        Ok(not_done(receipts(), fates))
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        let effect = async {
            let settings = self.sqs.settings(&self.queue)?;
            Ok((self.sqs.counts(&self.queue)?, settings))
        };
        let met = self.faults.meet(Call::Depth, &self.queue, effect).await;
        let answer = met.answer().map_err(|why| self.unavailable(why))?;
        let (counts, settings) = answer.map_err(|refusal| self.refused(&refusal))?;
        Ok(QueueDepth {
            visible: counts.waiting as u64,
            in_flight: counts.in_flight as u64,
            delayed: counts.delayed as u64,
            visibility_timeout: settings.visibility_timeout(),
            deliveries: settings.redrive.map(|policy| policy.max_receive_count),
        })
    }
}

fn delivery(received: Received) -> Delivery {
    let message = received.message;
    Delivery {
        job: message::job_of(&message),
        receipt: Receipt(received.receipt),
        attempt: message.receive_count,
        sent_at: Some(Timestamp(message.sent_millis())),
        content: message::content_of(&message),
        message: message.id,
    }
}

/// Those that were not carried out.
fn not_done<'a>(receipts: impl Iterator<Item = &'a Receipt>, fates: Vec<Fate>) -> Vec<Receipt> {
    let undone = receipts.zip(fates).filter(|(_, fate)| !matches!(fate, Some(Ok(()))));
    undone.map(|(receipt, _)| receipt.clone()).collect()
}

#[cfg(test)]
mod tests;
