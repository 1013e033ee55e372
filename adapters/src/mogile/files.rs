//! Reads files: asks the trackers for replicas, and the storage nodes for the bytes.

use std::sync::Arc;

use async_trait::async_trait;
use domain::content::SourceContent;
use domain::ports::{Replica, SourceFiles};
use domain::{Fid, SourceError, SourceFile};

use super::error::TrackerError;
use super::location::{Location, Unfit};
use super::registry::NodeRegistry;
use super::storage_node::StorageNodes;
use super::trackers::Trackers;

/// [`SourceFiles`] of one domain.
pub struct MogileFiles {
    trackers: Arc<Trackers>,
    nodes: StorageNodes,
    registry: NodeRegistry,
    domain: String,
}

impl MogileFiles {
    /// Reads the files of one domain, only from storage nodes that the registry lets be asked.
    #[must_use]
    pub const fn new(
        trackers: Arc<Trackers>,
        nodes: StorageNodes,
        registry: NodeRegistry,
        domain: String,
    ) -> Self {
        Self { trackers, nodes, registry, domain }
    }
}

impl MogileFiles {
    /// What a tracker's answer about a file's paths means.
    async fn judge(
        &self,
        fid: Fid,
        key: &str,
        urls: Result<Vec<String>, TrackerError>,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let urls = urls.map_err(|error| error.about(key))?;
        let nodes: Vec<_> = urls.iter().map(|url| Location::node_of(url, fid)).collect();
        if !nodes.is_empty() && nodes.iter().all(|node| *node == Err(Unfit::OtherFid)) {
            return Err(SourceError::UnknownKey { key: key.to_owned() });
        }
        let (mut replicas, mut unread) = (Vec::new(), None);
        for (url, node) in urls.into_iter().zip(nodes) {
            let judged = match node {
                Ok(node) => self.registry.judge(node).await,
                Err(unfit) => Ok(Err(unfit)),
            };
            replicas.push(match judged {
                Ok(Ok(())) => Ok(Replica { fid, url }),
                Ok(Err(unfit)) => Err(unfit.of(url)),
                Err(error) => {
                    let why = Box::new(unread.insert(error).clone().into());
                    Err(SourceError::Unjudged { at: url, why })
                }
            });
        }
        match unread {
            // While the registered nodes cannot be read, no replica is known to be refused. One that is
            // known to be registered is asked all the same.
            Some(error) if replicas.iter().all(Result::is_err) => Err(error.into()),
            _ => Ok(replicas),
        }
    }
}

#[async_trait]
impl SourceFiles for MogileFiles {
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let key = file.dkey.to_string();
        let urls = self.trackers.get_paths(&self.domain, &key).await;
        self.judge(file.fid, &key, urls).await
    }

    async fn replicas_anew(
        &self,
        fid: Fid,
        key: &str,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let urls = self.trackers.get_verified_paths(&self.domain, key).await;
        self.judge(fid, key, urls).await
    }

    async fn fid_of(&self, key: &str) -> Result<Option<Fid>, SourceError> {
        match self.trackers.file_info(&self.domain, key).await {
            Ok(info) => Ok(Some(info.fid)),
            Err(TrackerError::Gone { .. }) => Ok(None),
            Err(error) => Err(error.about(key)),
        }
    }

    async fn devices_of(&self, key: &str) -> Result<Option<Vec<u64>>, SourceError> {
        match self.trackers.devices_of(&self.domain, key).await {
            Ok(devices) => Ok(Some(devices)),
            Err(TrackerError::Gone { .. }) => Ok(None),
            Err(error) => Err(error.about(key)),
        }
    }

    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        self.nodes.open(replica).await
    }

    async fn delete(&self, key: &str) -> Result<(), SourceError> {
        let deleted = self.trackers.delete(&self.domain, key).await;
        deleted.map_err(|error| error.about(key))
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError> {
        let renamed = self.trackers.rename(&self.domain, from, to).await;
        renamed.map_err(|error| error.about(from))
    }
}
