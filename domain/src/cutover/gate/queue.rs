//! The gate of the queue: no job is left that may write to S3 behind the audit.

use std::time::Duration;

use crate::ports::{Clock, JobQueue, QueueError};
use crate::retried::retried;
use crate::{QueueDepth, Timestamp, limits};

/// What was seen of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueSeen {
    /// No queue is named, and no operator says that none was used.
    NotNamed,
    /// The operator says that none was used.
    NotUsed {
        /// The entry of the journal that says otherwise, because jobs were sent, and the queue's URL.
        but: Option<(u64, String)>,
    },
    /// Jobs were sent to other queues than the one that is named.
    Other {
        /// Of each the last entry of the journal that says so, and its URL.
        others: Vec<(u64, String)>,
        /// What was seen of the queues that are named.
        today: Box<Self>,
    },
    /// Both queues were looked at.
    Watched {
        /// Each look.
        looks: Vec<QueueLook>,
        /// For this long they must be empty. A dry run looks once.
        window: Duration,
    },
}

/// A look at both queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLook {
    /// When.
    pub at: Timestamp,
    /// The queue.
    pub queue: QueueDepth,
    /// The dead-letter queue.
    pub dead_letters: QueueDepth,
}

impl QueueLook {
    /// Whether nothing was in either of them: visible, in flight or delayed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queue.all() == 0 && self.dead_letters.all() == 0
    }
}

impl QueueSeen {
    /// Whether nothing is in the queues, as far as it must be known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::NotNamed | Self::Other { .. } => false,
            Self::NotUsed { but } => but.is_none(),
            Self::Watched { looks, window } => {
                let (Some(first), Some(last)) = (looks.first(), looks.last()) else { return false };
                let are_enough = window.is_zero() || looks.len() >= limits::QUEUE_LOOKS as usize;
                are_enough
                    && first.at.until(last.at) >= *window
                    && looks.iter().all(QueueLook::is_empty)
            }
        }
    }
}

/// Looks at both queues once, and then again until the window is over. A queue that is not empty ends it.
pub async fn watch_queues(
    (queue, dead_letters): (&dyn JobQueue, &dyn JobQueue),
    clock: &dyn Clock,
    window: Duration,
) -> Result<QueueSeen, QueueError> {
    let mut looks: Vec<QueueLook> = Vec::new();
    loop {
        let depth = retried(clock, 0, || queue.depth()).await?;
        let dead = retried(clock, 1, || dead_letters.depth()).await?;
        let look = QueueLook { at: clock.now(), queue: depth, dead_letters: dead };
        looks.push(look);
        let passed = looks.first().map_or(Duration::ZERO, |first| first.at.until(look.at));
        let are_enough = window.is_zero() || looks.len() >= limits::QUEUE_LOOKS as usize;
        if !look.is_empty() || (passed >= window && are_enough) {
            return Ok(QueueSeen::Watched { looks, window });
        }
        // Spread over the window.
        let pause = window / (limits::QUEUE_LOOKS - 1);
        clock.sleep(pause.min(limits::QUEUE_LOOK)).await;
    }
}
