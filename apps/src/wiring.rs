//! The only place where adapters are made.

mod services;

use std::sync::Arc;

use adapters::calls::Calls;
use adapters::clock::SystemClock;
use adapters::mogile::{MogileFiles, StorageNodes, TrackerIndex, Trackers};
use adapters::mysql::MysqlIndex;
use adapters::s3::S3ObjectStore;
use domain::ports::{Ledger, SourceIndex};
use domain::steps::{Ports, WorkPorts};

pub use self::services::Services;
use crate::config::{AwsSettings, QueueSettings, SourceSettings, TargetSettings, TimeSettings};
use crate::exit::UsageError;

/// What adapters are made of: the settings, and the counts of all calls.
#[derive(Clone, Copy)]
pub struct Wiring<'a> {
    /// Where files come from.
    pub source: &'a SourceSettings,
    /// How long may be waited.
    pub time: &'a TimeSettings,
    /// Where calls are counted.
    pub calls: &'a Arc<Calls>,
}

impl Wiring<'_> {
    /// All that a migration reaches.
    pub async fn ports(
        &self,
        target: &TargetSettings,
        aws: &AwsSettings,
    ) -> Result<Ports, UsageError> {
        let services = Services::new(aws, self.time, self.calls);
        self.ports_of(self.index()?, target, &services).await
    }

    /// All that a worker reaches, with an index that it may ask about single files.
    pub async fn work_ports(
        &self,
        index: Arc<dyn SourceIndex>,
        target: &TargetSettings,
        aws: &AwsSettings,
        queue: &QueueSettings,
    ) -> Result<WorkPorts, UsageError> {
        let services = Services::new(aws, self.time, self.calls);
        Ok(WorkPorts {
            queue: services.queue(queue).await?,
            failures: services.failures(queue).await?,
            verifications: services.verifications(queue).await?,
            files: self.ports_of(index, target, &services).await?,
        })
    }

    async fn ports_of(
        &self,
        index: Arc<dyn SourceIndex>,
        target: &TargetSettings,
        services: &Services<'_>,
    ) -> Result<Ports, UsageError> {
        let hosts = self.source.storage_hosts()?;
        let trackers = self.trackers()?;
        let nodes = StorageNodes::new(self.source.node_connections.into(), self.calls.clone())
            .with_timeouts(self.time.mogile());
        Ok(Ports {
            index,
            files: Arc::new(MogileFiles::new(trackers, nodes, hosts, self.source.domain.clone())),
            ledger: services.ledger().await?,
            objects: Arc::new(services.s3(target).await?),
            clock: Arc::new(SystemClock),
        })
    }

    /// The index alone: from the database where its URL is given, else from the trackers.
    pub fn index(&self) -> Result<Arc<dyn SourceIndex>, UsageError> {
        let domain = self.source.domain.clone();
        Ok(match self.source.database()? {
            Some(url) => {
                let index = MysqlIndex::new(url, domain, self.calls.clone());
                Arc::new(index.with_time(self.time.request()))
            }
            None => self.tracker_index()?,
        })
    }

    /// The index alone, from the trackers whether there is a database or not.
    pub fn tracker_index(&self) -> Result<Arc<dyn SourceIndex>, UsageError> {
        Ok(Arc::new(TrackerIndex::new(self.trackers()?, self.source.domain.clone())))
    }

    /// The trackers alone.
    pub fn trackers(&self) -> Result<Arc<Trackers>, UsageError> {
        let connections = self.source.tracker_connections.into();
        let addresses = self.source.trackers()?;
        let trackers = Trackers::new(&addresses, connections, self.calls.clone());
        Ok(Arc::new(trackers.with_timeouts(self.time.mogile())))
    }
}

/// S3 alone, as its canaries need it.
pub async fn s3(
    target: &TargetSettings,
    aws: &AwsSettings,
    time: &TimeSettings,
    calls: &Arc<Calls>,
) -> Result<S3ObjectStore, UsageError> {
    Services::new(aws, time, calls).s3(target).await
}

/// The ledger alone.
pub async fn ledger(
    aws: &AwsSettings,
    time: &TimeSettings,
    calls: &Arc<Calls>,
) -> Result<Arc<dyn Ledger>, UsageError> {
    Services::new(aws, time, calls).ledger().await
}
