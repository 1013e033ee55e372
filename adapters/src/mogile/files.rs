//! Reads files: asks the trackers for replicas, and the storage nodes for the bytes.

use std::sync::Arc;

use async_trait::async_trait;
use domain::content::SourceContent;
use domain::ports::{Replica, SourceFiles};
use domain::{SourceError, SourceFile};

use super::error::TrackerError;
use super::hosts::AllowedHosts;
use super::location::{Location, Unfit};
use super::storage_node::StorageNodes;
use super::trackers::Trackers;

/// [`SourceFiles`] of one domain.
pub struct MogileFiles {
    trackers: Arc<Trackers>,
    nodes: StorageNodes,
    hosts: AllowedHosts,
    domain: String,
}

impl MogileFiles {
    /// Reads the files of one domain, only from storage nodes at allowed addresses.
    #[must_use]
    pub const fn new(
        trackers: Arc<Trackers>,
        nodes: StorageNodes,
        hosts: AllowedHosts,
        domain: String,
    ) -> Self {
        Self { trackers, nodes, hosts, domain }
    }
}

impl MogileFiles {
    /// What a tracker's answer about a file's paths means.
    fn judge(
        &self,
        file: &SourceFile,
        urls: Result<Vec<String>, TrackerError>,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let key = file.dkey.to_string();
        let urls = urls.map_err(|error| error.about(&key))?;
        let judged: Vec<_> =
            urls.iter().map(|url| Location::judge(url, file.fid, &self.hosts)).collect();
        if !judged.is_empty() && judged.iter().all(|judged| *judged == Err(Unfit::OtherFid)) {
            return Err(SourceError::UnknownKey { key });
        }
        let replicas = urls.into_iter().zip(judged).map(|(url, judged)| match judged {
            Ok(()) => Ok(Replica { fid: file.fid, url }),
            Err(unfit) => Err(SourceError::BadAnswer { at: url, why: unfit.why().to_owned() }),
        });
        Ok(replicas.collect())
    }
}

#[async_trait]
impl SourceFiles for MogileFiles {
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let urls = self.trackers.get_paths(&self.domain, &file.dkey.to_string()).await;
        self.judge(file, urls)
    }

    async fn replicas_anew(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let urls = self.trackers.get_verified_paths(&self.domain, &file.dkey.to_string()).await;
        self.judge(file, urls)
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
