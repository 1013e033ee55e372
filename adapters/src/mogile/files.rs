//! Reads files: asks the trackers for replicas, and the storage nodes for the bytes.

use std::sync::Arc;

use async_trait::async_trait;
use domain::content::SourceContent;
use domain::ports::{Replica, SourceFiles};
use domain::{SourceError, SourceFile};

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
        file: &SourceFile,
        urls: Result<Vec<String>, TrackerError>,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let key = file.dkey.to_string();
        let urls = urls.map_err(|error| error.about(&key))?;
        let nodes: Vec<_> = urls.iter().map(|url| Location::node_of(url, file.fid)).collect();
        if !nodes.is_empty() && nodes.iter().all(|node| *node == Err(Unfit::OtherFid)) {
            return Err(SourceError::UnknownKey { key });
        }
        let (mut replicas, mut unread) = (Vec::new(), None);
        for (url, node) in urls.into_iter().zip(nodes) {
            let judged = match node {
                Ok(node) => self.registry.judge(node).await,
                Err(unfit) => Ok(Err(unfit)),
            };
            replicas.push(match judged {
                Ok(Ok(())) => Ok(Replica { fid: file.fid, url }),
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
        let urls = self.trackers.get_paths(&self.domain, &file.dkey.to_string()).await;
        self.judge(file, urls).await
    }

    async fn replicas_anew(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let urls = self.trackers.get_verified_paths(&self.domain, &file.dkey.to_string()).await;
        self.judge(file, urls).await
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
