//! Reads every replica that the index has of a file, whether or not the trackers name it.

use std::collections::BTreeMap;

use super::look::Looker;
use super::replicas::ReplicaReader;
use super::temporary::Read;
use crate::ports::Replica;
use crate::retried::retried;
use crate::{Fid, SourceError, SourceFile};

/// Reads all replicas of files.
pub(crate) struct Witness<'a> {
    pub(crate) looker: Looker<'a>,
    pub(crate) reader: &'a ReplicaReader<'a>,
}

/// A replica of a file, as the index and the trackers name it.
pub(crate) struct NamedReplica {
    /// Its URL, or the name of its device where the trackers give no URL.
    pub(crate) name: String,
    /// The number of its device, where its name has it.
    pub(crate) device: Option<u64>,
    /// Whether the index has a replica on that device.
    pub(crate) is_in_index: bool,
    /// Where it is, or why it must not be asked; [`None`] where the trackers give no URL.
    pub(crate) at: Option<Result<Replica, SourceError>>,
}

/// Why the trackers give no URL of a replica that the index has.
pub(crate) const NOT_NAMED: &str =
    "the trackers do not name it: the device or its host is down, or they see that it is lost";

/// A replica that the index has, and what was read of it.
pub(super) struct NamedRead {
    /// Its URL, or the name of its device where the trackers give no URL.
    pub(super) replica: String,
    pub(super) read: Read,
}

impl NamedRead {
    /// What was read; an error names the replica.
    pub(super) fn into_read(self) -> Read {
        let Self { replica, read } = self;
        read.map_err(|why| if why.contains(&replica) { why } else { format!("{replica}: {why}") })
    }
}

impl Witness<'_> {
    /// Reads every replica that the index has of a file. The trackers leave out devices that are down,
    /// and perhaps a replica of another length: these are asked for in both ways, and what is named in
    /// neither is one that cannot be read.
    pub(super) async fn read(&self, file: &SourceFile) -> Result<Vec<NamedRead>, SourceError> {
        Ok(self.read_each(self.replicas_of(file).await?).await)
    }

    /// The replicas of a file, by the numbers of their devices: those that the index has, and behind them
    /// what the trackers alone name.
    pub(crate) async fn replicas_of(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<NamedReplica>, SourceError> {
        let Looker { files, clock, .. } = self.looker;
        let cached = match retried(clock, file.fid.0, || files.replicas(file)).await {
            Ok(replicas) => replicas,
            // A tracker's cache has another fid for the key: what is asked anew is from the database.
            Err(SourceError::UnknownKey { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.replicas_under(file.fid, &file.dkey.to_string(), cached).await
    }

    /// The same of a file with any key. Errors with [`SourceError::UnknownKey`] where the trackers do not
    /// have it.
    pub(super) async fn read_any(
        &self,
        fid: Fid,
        key: &str,
    ) -> Result<Vec<NamedRead>, SourceError> {
        Ok(self.read_each(self.replicas_under(fid, key, Vec::new()).await?).await)
    }

    /// Reads what the index has.
    async fn read_each(&self, replicas: Vec<NamedReplica>) -> Vec<NamedRead> {
        let mut all = Vec::new();
        for NamedReplica { name: replica, at, .. } in
            replicas.into_iter().filter(|replica| replica.is_in_index)
        {
            let read = match at {
                Some(Ok(at)) => self.reader.read(&at).await,
                Some(Err(refused)) => Err(refused.to_string()),
                None => Err(NOT_NAMED.to_owned()),
            };
            all.push(NamedRead { replica, read });
        }
        all
    }

    /// The replicas of a file with any key, and of those the trackers named before.
    pub(crate) async fn replicas_under(
        &self,
        fid: Fid,
        key: &str,
        cached: Vec<Result<Replica, SourceError>>,
    ) -> Result<Vec<NamedReplica>, SourceError> {
        let Looker { files, clock, .. } = self.looker;
        let devices = retried(clock, fid.0, || files.devices_of(key)).await?.unwrap_or_default();
        let anew = retried(clock, fid.0, || files.replicas_anew(fid, key)).await?;
        let mut named = BTreeMap::new();
        for replica in cached.into_iter().chain(anew) {
            named.entry(url_of(&replica).to_owned()).or_insert(replica);
        }
        let mut replicas = Vec::new();
        for device in devices {
            let before = replicas.len();
            let there: Vec<_> =
                named.extract_if(.., |url, _| device_of(url) == Some(device)).collect();
            replicas.extend(there.into_iter().map(|(name, at)| NamedReplica {
                name,
                device: Some(device),
                is_in_index: true,
                at: Some(at),
            }));
            if replicas.len() == before {
                let name = format!("the replica on device {device}");
                let (device, is_in_index) = (Some(device), true);
                replicas.push(NamedReplica { name, device, is_in_index, at: None });
            }
        }
        replicas.extend(named.into_iter().map(|(name, at)| NamedReplica {
            device: device_of(&name),
            name,
            is_in_index: false,
            at: Some(at),
        }));
        Ok(replicas)
    }
}

/// The URL of a replica, also of one that must not be asked.
fn url_of(replica: &Result<Replica, SourceError>) -> &str {
    match replica {
        Ok(Replica { url, .. }) => url,
        Err(
            SourceError::NotAsked { at, .. }
            | SourceError::BadAnswer { at, .. }
            | SourceError::Unjudged { at, .. }
            | SourceError::Refused { at, .. }
            | SourceError::Busy { at, .. }
            | SourceError::Unreachable { at, .. }
            | SourceError::Uncertain { at, .. },
        ) => at,
        Err(
            SourceError::WrongLength { replica, .. } | SourceError::WrongContent { replica, .. },
        ) => replica,
        Err(SourceError::UnknownKey { key }) => key,
    }
}

/// The number of the device in a replica's URL: `http://10.0.0.7:7500/dev3/0/000/…`.
fn device_of(url: &str) -> Option<u64> {
    let (_, behind) = url.split_once("/dev")?;
    behind.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_device() {
        let url = |path: &str| format!("http://10.0.0.7:7500{path}");
        assert_eq!(device_of(&url("/dev12/0/000/000/0000000003.fid")), Some(12));
        for path in ["", "/dev12", "/devx/0", "/0/000"] {
            assert_eq!(device_of(&url(path)), None, "{path}");
        }
    }
}
