//! The only place where adapters are made.

mod services;

use std::sync::Arc;

use adapters::calls::Calls;
use adapters::clock::SystemClock;
#[cfg(feature = "command-line")]
use adapters::content_repo_api::{ContentRepoApi, ContentRepoService, NoCertificates, NodeUrl};
use adapters::mogile::{
    HostTable, MogileFiles, NodeRegistry, StorageNodes, TrackerIndex, Trackers,
};
#[cfg(feature = "command-line")]
use adapters::mysql::{
    ChangeTimes, DatabaseUrl, MysqlContentRepo, MysqlContentRepoChanges, MysqlIndex,
    MysqlKeyChanges, MysqlRhino, MysqlRhinoChanges, MysqlRhinoLoad, MysqlServers,
};
use adapters::s3::S3ObjectStore;
use domain::ports::{Ports, SourceFiles, SourceIndex, WorkPorts};
#[cfg(feature = "command-line")]
use domain::ports::{RepoNodes, RepoService};

pub use self::services::Services;
use crate::config::{
    AwsSettings, QueueSettings, SourceSettings, TableSettings, TargetSettings, TimeSettings,
};
use crate::exit::UsageError;

/// The settings that adapters are made of, and the counts of their calls.
#[derive(Clone, Copy)]
pub struct Wiring<'a> {
    /// Where files come from.
    pub source: &'a SourceSettings,
    /// The time limits.
    pub time: &'a TimeSettings,
    /// The counts of all calls.
    pub calls: &'a Arc<Calls>,
}

/// Where the rows of MogileFS are read: its files and its hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexFrom {
    /// The database where its URL is given, else the trackers.
    Settings,
    /// The trackers, whether there is a database or not.
    Trackers,
}

/// MogileFS: its index and its files.
type Mogile = (Arc<dyn SourceIndex>, Arc<dyn SourceFiles>);

/// MogileFS's tables.
struct Tables {
    files: Arc<dyn SourceIndex>,
    hosts: Arc<dyn HostTable>,
}

impl Wiring<'_> {
    /// All that a migration reaches.
    pub async fn ports(
        &self,
        target: &TargetSettings,
        tables: &TableSettings,
        aws: &AwsSettings,
    ) -> Result<Ports, UsageError> {
        let services = Services::new(aws, self.time, self.calls);
        self.ports_of(IndexFrom::Settings, target, tables, &services).await
    }

    /// All that a worker reaches.
    pub async fn work_ports(
        &self,
        index: IndexFrom,
        target: &TargetSettings,
        aws: &AwsSettings,
        queue: &QueueSettings,
    ) -> Result<WorkPorts, UsageError> {
        let services = Services::new(aws, self.time, self.calls);
        Ok(WorkPorts {
            queue: services.queue(queue).await?,
            dead_letters: services.dead_letters_if_named(queue).await?,
            verifications: services.verifications(&queue.tables).await?,
            files: self.ports_of(index, target, &queue.tables, &services).await?,
        })
    }

    async fn ports_of(
        &self,
        index: IndexFrom,
        target: &TargetSettings,
        tables: &TableSettings,
        services: &Services<'_>,
    ) -> Result<Ports, UsageError> {
        let (index, files) = self.mogile(index)?;
        Ok(Ports {
            index,
            files,
            ledger: services.ledger().await?,
            failures: services.failures(tables).await?,
            objects: Arc::new(services.s3(target).await?),
            clock: Arc::new(SystemClock),
        })
    }

    /// MogileFS: its index and its files. Index, hosts and files share the trackers and the database,
    /// because the connections to each are limited.
    pub fn mogile(&self, index: IndexFrom) -> Result<Mogile, UsageError> {
        let trackers = self.trackers()?;
        let Tables { files: index, hosts } = self.tables(index, || Ok(trackers.clone()))?;
        let nodes =
            StorageNodes::new(self.source.node_connections.get().into(), self.calls.clone())
                .with_timeouts(self.time.mogile());
        let domain = self.source.domain.clone();
        let files = MogileFiles::new(trackers, nodes, self.registry_of(hosts)?, domain);
        Ok((index, Arc::new(files)))
    }

    /// The index alone.
    pub fn index(&self) -> Result<Arc<dyn SourceIndex>, UsageError> {
        Ok(self.tables(IndexFrom::Settings, || self.trackers())?.files)
    }

    /// The index as the trackers list it.
    pub fn tracker_index(&self) -> Result<Arc<dyn SourceIndex>, UsageError> {
        Ok(self.tables(IndexFrom::Trackers, || self.trackers())?.files)
    }

    /// Whether MogileFS's database is named. The function's program has no client of it.
    pub fn has_database(&self) -> Result<bool, UsageError> {
        #[cfg(feature = "command-line")]
        return Ok(self.source.database()?.is_some());
        #[cfg(not(feature = "command-line"))]
        Ok(false)
    }

    /// The storage nodes that may be asked, alone.
    pub fn registry(&self, from: IndexFrom) -> Result<NodeRegistry, UsageError> {
        self.registry_of(self.tables(from, || self.trackers())?.hosts)
    }

    fn registry_of(&self, hosts: Arc<dyn HostTable>) -> Result<NodeRegistry, UsageError> {
        Ok(NodeRegistry::new(hosts, self.source.storage_hosts()?, self.time.mogile()))
    }

    /// The tables in the database where its URL is given, else by the trackers.
    fn tables(
        &self,
        from: IndexFrom,
        trackers: impl FnOnce() -> Result<Arc<Trackers>, UsageError>,
    ) -> Result<Tables, UsageError> {
        let domain = self.source.domain.clone();
        #[cfg(feature = "command-line")]
        if from == IndexFrom::Settings
            && let Some(index) = self.mogile_database()?.map(Arc::new)
        {
            return Ok(Tables { files: index.clone(), hosts: index });
        }
        // The function's program has no client of the database.
        #[cfg(not(feature = "command-line"))]
        let _ = from;
        let trackers = trackers()?;
        Ok(Tables { files: Arc::new(TrackerIndex::new(trackers.clone(), domain)), hosts: trackers })
    }

    /// MogileFS's database, where it is named, in sessions of its own.
    #[cfg(feature = "command-line")]
    pub fn mogile_database(&self) -> Result<Option<MysqlIndex>, UsageError> {
        let index = |url| MysqlIndex::new(url, self.source.domain.clone(), self.calls.clone());
        let url = self.source.database()?;
        Ok(url.map(|url| index(url).with_time(self.time.request())))
    }

    /// MogileFS's database as one that is changed.
    #[cfg(feature = "command-line")]
    #[must_use]
    pub fn key_changes(&self, url: DatabaseUrl) -> MysqlKeyChanges {
        MysqlKeyChanges::new(url, self.source.domain.clone(), self.calls.clone())
            .with_times(self.change_times())
    }

    /// contentrepo's database.
    #[cfg(feature = "command-line")]
    #[must_use]
    pub fn content_repo(&self, url: DatabaseUrl) -> MysqlContentRepo {
        MysqlContentRepo::new(url, self.calls.clone()).with_time(self.time.request())
    }

    /// The servers of those databases of MogileFS, contentrepo and rhino that are given.
    #[cfg(feature = "command-line")]
    #[must_use]
    pub fn servers(&self, urls: [Option<DatabaseUrl>; 3]) -> MysqlServers {
        MysqlServers::new(urls, self.calls).with_time(self.time.request())
    }

    /// contentrepo's nodes, where they are named.
    #[cfg(feature = "command-line")]
    pub fn repo_nodes(
        &self,
        nodes: Vec<NodeUrl>,
    ) -> Result<Option<Arc<dyn RepoNodes>>, NoCertificates> {
        if nodes.is_empty() {
            return Ok(None);
        }
        let api = ContentRepoApi::new(nodes, self.time.request(), self.calls.clone())?;
        Ok(Some(Arc::new(api)))
    }

    /// One node of contentrepo, as its clients use it.
    #[cfg(feature = "command-line")]
    pub fn repo_service(&self, node: NodeUrl) -> Result<Arc<dyn RepoService>, NoCertificates> {
        let service = ContentRepoService::new(node, self.time.request(), self.calls.clone())?;
        Ok(Arc::new(service))
    }

    /// contentrepo's database as one that is changed.
    #[cfg(feature = "command-line")]
    #[must_use]
    pub fn content_repo_changes(&self, url: DatabaseUrl) -> MysqlContentRepoChanges {
        MysqlContentRepoChanges::new(url, self.calls.clone()).with_times(self.change_times())
    }

    /// rhino's database as one that is changed.
    #[cfg(feature = "command-line")]
    #[must_use]
    pub fn rhino_changes(&self, url: DatabaseUrl) -> MysqlRhinoChanges {
        MysqlRhinoChanges::new(url, self.calls.clone()).with_times(self.change_times())
    }

    /// How busy the server of rhino's database is, and its replicas.
    #[cfg(feature = "command-line")]
    #[must_use]
    pub fn rhino_load(&self, url: DatabaseUrl, replicas: Vec<DatabaseUrl>) -> MysqlRhinoLoad {
        MysqlRhinoLoad::new(url, replicas, self.calls).with_times(self.change_times())
    }

    #[cfg(feature = "command-line")]
    fn change_times(&self) -> ChangeTimes {
        ChangeTimes { request: self.time.request(), ..ChangeTimes::default() }
    }

    /// rhino's database.
    #[cfg(feature = "command-line")]
    #[must_use]
    pub fn rhino(&self, url: DatabaseUrl) -> MysqlRhino {
        MysqlRhino::new(url, self.calls.clone()).with_time(self.time.request())
    }

    /// The trackers alone.
    pub fn trackers(&self) -> Result<Arc<Trackers>, UsageError> {
        let connections = self.source.tracker_connections.get().into();
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
