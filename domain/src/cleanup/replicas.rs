//! Reads every replica of a file, whatever its key says that the content is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::TryStreamExt;

use super::temporary::Read;
use crate::ports::{Clock, Replica, SourceFiles};
use crate::retried::retried;
use crate::{ByteCount, ContentDigests, ContentHasher, Fid, SourceError};

/// Reads replicas for one run. A storage node that could not be reached is not asked again: each file
/// would wait for it as long as the first one did.
pub(crate) struct ReplicaReader<'a> {
    files: &'a dyn SourceFiles,
    clock: &'a dyn Clock,
    /// The nodes that did not answer, each with its error.
    silent: Mutex<BTreeMap<String, String>>,
}

impl<'a> ReplicaReader<'a> {
    pub(crate) const fn new(files: &'a dyn SourceFiles, clock: &'a dyn Clock) -> Self {
        Self { files, clock, silent: Mutex::new(BTreeMap::new()) }
    }

    /// Reads every replica that the trackers name. Errors where they do not say where these are.
    pub(super) async fn read_all(&self, fid: Fid, key: &str) -> Result<Vec<Read>, SourceError> {
        let replicas = retried(self.clock, fid.0, || self.files.replicas_anew(fid, key)).await?;
        let mut read = Vec::new();
        for replica in replicas {
            read.push(match replica {
                Ok(replica) => self.read(&replica).await,
                Err(refused) => Err(refused.to_string()),
            });
        }
        Ok(read)
    }

    /// Reads a replica whole.
    pub(super) async fn read(&self, replica: &Replica) -> Read {
        self.digests_of(replica).await.map_err(|error| error.to_string())
    }

    /// The same, where the error says why it cannot be read.
    pub(crate) async fn digests_of(
        &self,
        replica: &Replica,
    ) -> Result<ContentDigests, SourceError> {
        let node = node_of(&replica.url);
        let is_open = AtomicBool::new(false);
        let read = retried(self.clock, replica.fid.0, || self.try_to_read(replica, &is_open)).await;
        if let Err(error @ SourceError::Unreachable { .. }) = &read
            && !is_open.load(Ordering::Relaxed)
        {
            self.silent().entry(node.to_owned()).or_insert_with(|| error.to_string());
        }
        read
    }

    /// `is_open` says whether the node answered: one that breaks off has only one bad file, perhaps.
    async fn try_to_read(
        &self,
        replica: &Replica,
        is_open: &AtomicBool,
    ) -> Result<ContentDigests, SourceError> {
        if let Some(why) = self.silent().get(node_of(&replica.url)) {
            let why = format!("its storage node did not answer earlier in this run: {why}");
            return Err(SourceError::NotAsked { at: replica.to_string(), why, by_settings: false });
        }
        is_open.store(false, Ordering::Relaxed);
        let mut content = self.files.open(replica).await?;
        is_open.store(true, Ordering::Relaxed);
        let mut hasher = ContentHasher::default();
        while let Some(chunk) = content.stream.try_next().await? {
            hasher.update(&chunk);
            if hasher.length() > content.length {
                return Err(wrong_length(replica, hasher.length(), content.length));
            }
        }
        let digests = hasher.finish();
        if digests.length != content.length {
            return Err(wrong_length(replica, digests.length, content.length));
        }
        Ok(digests)
    }

    fn silent(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Host and port of a replica's URL.
fn node_of(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind.split('/').next().unwrap_or_default()
}

fn wrong_length(replica: &Replica, actual: ByteCount, expected: ByteCount) -> SourceError {
    SourceError::WrongLength { replica: replica.to_string(), actual, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_of_a_url_is_its_host_and_port() {
        for (url, node) in [
            ("http://10.0.0.7:7500/dev1/0/000/000/0000000003.fid", "10.0.0.7:7500"),
            ("http://[fc00::7]:7500/dev1/x", "[fc00::7]:7500"),
            ("http://10.0.0.7", "10.0.0.7"),
            ("", ""),
        ] {
            assert_eq!(node_of(url), node);
        }
    }
}
