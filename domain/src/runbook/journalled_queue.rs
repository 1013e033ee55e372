use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::lock::Mutex;

use super::journal_writer::{JournalTrouble, JournalWriter};
use crate::journal::Content;
use crate::ports::{Clock, JobQueue, Journal, QueueError};
use crate::{
    Delivery, Job, MessageContent, Obstacle, QueueDepth, Reason, ReasonKind, Receipt, SendReport,
};

/// A queue that gets nothing before the journal says so: a sender that is killed leaves jobs, and gates must know
/// of them.
pub struct JournalledQueue {
    queue: Arc<dyn JobQueue>,
    journal: Arc<dyn Journal>,
    clock: Arc<dyn Clock>,
    by: (String, u64),
    content: Content,
    is_written: Mutex<bool>,
}

impl JournalledQueue {
    /// Of this queue. `content` is written once, before the first message; `number` is a random one.
    #[must_use]
    pub fn new(
        queue: Arc<dyn JobQueue>,
        (journal, clock): (Arc<dyn Journal>, Arc<dyn Clock>),
        by: (String, u64),
        content: Content,
    ) -> Self {
        Self { queue, journal, clock, by, content, is_written: Mutex::new(false) }
    }

    /// Writes the entry, where it is not written. All that send wait for it.
    async fn announce(&self) -> Result<(), QueueError> {
        let mut is_written = self.is_written.lock().await;
        if !*is_written {
            let Self { journal, clock, by, content, .. } = self;
            let written = JournalWriter::write_beside_others(journal, clock, by, content).await;
            written.map_err(|why| QueueError::NotJournalled { why: reason(&why) })?;
            *is_written = true;
        }
        Ok(())
    }
}

fn reason(why: &JournalTrouble) -> Reason {
    let of_table = match why {
        JournalTrouble::Table(error)
        | JournalTrouble::NotWritten { error, .. }
        | JournalTrouble::Unsure { error, .. } => Some(Reason::from(error)),
        JournalTrouble::TakenOver(_) | JournalTrouble::Changed(_) | JournalTrouble::Unfit(_) => {
            None
        }
    };
    let text = format!("no job was sent, because the journal cannot say so first: {why}");
    let obstacle = of_table.map_or(Obstacle::Refusal, |reason| reason.obstacle);
    Reason::new(ReasonKind::LedgerUnavailable, text).because_of(obstacle)
}

#[async_trait]
impl JobQueue for JournalledQueue {
    async fn send(&self, jobs: &[Job]) -> Result<SendReport, QueueError> {
        self.announce().await?;
        self.queue.send(jobs).await
    }

    async fn forward(&self, messages: &[MessageContent]) -> Result<Vec<usize>, QueueError> {
        self.announce().await?;
        self.queue.forward(messages).await
    }

    async fn receive(
        &self,
        most: usize,
        wait: Duration,
        visible_after: Option<Duration>,
    ) -> Result<Vec<Delivery>, QueueError> {
        self.queue.receive(most, wait, visible_after).await
    }

    async fn delete(&self, receipts: &[Receipt]) -> Result<Vec<Receipt>, QueueError> {
        self.queue.delete(receipts).await
    }

    async fn set_visibility(
        &self,
        changes: &[(Receipt, Duration)],
    ) -> Result<Vec<Receipt>, QueueError> {
        self.queue.set_visibility(changes).await
    }

    async fn depth(&self) -> Result<QueueDepth, QueueError> {
        self.queue.depth().await
    }
}
