//! A function with its mapping, as the world runs it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::mapping::{Mapping, MappingCounts, Poller};
use super::{Counts, Ended, Fleet, Function};
use crate::fault::Faults;
use crate::world::queue::SqsWorld;

/// A function that works on a queue. Dropping it stops the mapping and kills every process.
pub struct LambdaService {
    fleet: Arc<Fleet>,
    poller: Arc<Poller>,
    enabled: watch::Sender<bool>,
    #[expect(dead_code, reason = "the mapping works as long as this is held")]
    tasks: JoinSet<()>,
}

impl LambdaService {
    /// Starts the mapping; the function's processes start with the first messages.
    #[must_use]
    pub fn start(
        queues: Arc<SqsWorld>,
        faults: Arc<Faults>,
        function: Function,
        mapping: Mapping,
    ) -> Self {
        let fleet = Arc::new(Fleet::new(function, faults));
        let poller = Arc::new(Poller::new(Arc::clone(&fleet), queues, mapping));
        let enabled = watch::Sender::new(true);
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&poller).run(enabled.subscribe()));
        Self { fleet, poller, enabled, tasks }
    }

    /// Sends the function an event by hand, beside the mapping.
    pub async fn invoke(&self, event: &Value) -> anyhow::Result<Ended> {
        self.fleet.invoke(event.to_string().into()).await
    }

    /// Enables or disables the mapping. What is under way ends as it would.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.send_replace(enabled);
    }

    /// The function's processes.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// What the function's invocations came to.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.fleet.counts()
    }

    /// What the mapping did.
    #[must_use]
    pub fn mapping_counts(&self) -> MappingCounts {
        self.poller.counts()
    }

    /// Waits until the queue has nothing more, waiting or in anybody's hands; errors when that
    /// takes longer than it may.
    pub async fn done(&self, within: Duration) -> anyhow::Result<()> {
        let done = async {
            while !self.poller.is_done()? {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(within, done)
            .await
            .with_context(|| format!("the queue still has messages after {within:?}"))?
    }
}
