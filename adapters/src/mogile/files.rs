//! The files: replicas as the trackers tell them, bytes from the storage nodes.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use domain::content::SourceContent;
use domain::ports::{Replica, SourceError, SourceFiles};
use domain::{Fid, SourceFile};

use super::hosts::AllowedHosts;
use super::storage_node::StorageNodes;
use super::tracker::{Answer, Fields, Trackers};

/// Replicas asked for: more than any class keeps.
const PATHS: &str = "10";

/// [`SourceFiles`] of one domain.
pub struct MogileFiles {
    trackers: Arc<Trackers>,
    nodes: StorageNodes,
    hosts: AllowedHosts,
    domain: String,
}

impl MogileFiles {
    /// For one domain's files, from storage nodes that may be asked.
    #[must_use]
    pub const fn new(
        trackers: Arc<Trackers>,
        nodes: StorageNodes,
        hosts: AllowedHosts,
        domain: String,
    ) -> Self {
        Self { trackers, nodes, hosts, domain }
    }

    async fn ask(
        &self,
        command: &'static str,
        key: &str,
        arguments: &[(&str, &str)],
    ) -> Result<Fields, SourceError> {
        let domain = ("domain", self.domain.as_str());
        let arguments: Vec<_> = [&[domain], arguments].concat();
        match self.trackers.ask(command, &arguments).await? {
            Answer::Ok(fields) => Ok(fields),
            Answer::Err { code, .. } if code == "unknown_key" => {
                Err(SourceError::UnknownKey { key: key.to_owned() })
            }
            Answer::Err { at, code, text } => {
                Err(SourceError::Refused { at, why: format!("{code}: {text}") })
            }
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
        let arguments = [("key", key.as_str()), ("noverify", "1"), ("pathcount", PATHS)];
        let fields = self.ask("get_paths", &key, &arguments).await?;
        let urls = paths(&fields)
            .map_err(|why| SourceError::BadAnswer { at: self.trackers.name(), why })?;
        let judged: Vec<_> = urls.iter().map(|url| judge(url, file.fid, &self.hosts)).collect();
        if !judged.is_empty() && judged.iter().all(|judged| *judged == Err(Unfit::OtherFid)) {
            return Err(SourceError::UnknownKey { key });
        }
        Ok(urls
            .into_iter()
            .zip(judged)
            .map(|(url, judged)| match judged {
                Ok(()) => Ok(Replica { fid: file.fid, url }),
                Err(unfit) => Err(SourceError::BadAnswer { at: url, why: unfit.why().to_owned() }),
            })
            .collect())
    }

    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        self.nodes.open(replica).await
    }

    async fn delete(&self, key: &str) -> Result<(), SourceError> {
        self.ask("delete", key, &[("key", key)]).await.map(drop)
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError> {
        self.ask("rename", from, &[("from_key", from), ("to_key", to)]).await.map(drop)
    }
}

/// The URLs of a `get_paths` reply, in the tracker's order.
fn paths(fields: &Fields) -> Result<Vec<String>, String> {
    let count = fields.get("paths").ok_or("a reply to get_paths without paths")?;
    let count: usize = count.parse().map_err(|_| format!("paths is `{count}`"))?;
    // The fields that are there bound the loop, not the number that is told.
    if count > fields.len() {
        return Err(format!("{count} paths are told, fewer are given"));
    }
    (1..=count)
        .map(|i| fields.get(&format!("path{i}")).cloned().ok_or(format!("path{i} is missing")))
        .collect()
}

/// Why a location is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unfit {
    NotAReplica,
    OtherFid,
    HostNotAllowed,
}

impl Unfit {
    const fn why(self) -> &'static str {
        match self {
            Self::NotAReplica => "not the URL of a replica: http://ADDRESS:PORT/devN/….fid",
            Self::OtherFid => "the path of another fid",
            Self::HostNotAllowed => {
                "the host is not one that may be asked: list it in MOGILE_STORAGE_HOSTS if it \
                 is a storage node"
            }
        }
    }
}

/// `http://ADDRESS[:PORT]/devN/{the fid's path}`, to the letter, on a host that may be asked.
fn judge(url: &str, fid: Fid, hosts: &AllowedHosts) -> Result<(), Unfit> {
    let rest = url.strip_prefix("http://").ok_or(Unfit::NotAReplica)?;
    let (authority, path) = rest.split_once('/').ok_or(Unfit::NotAReplica)?;
    let (device, path) = path.split_once('/').ok_or(Unfit::NotAReplica)?;
    let number = device.strip_prefix("dev").ok_or(Unfit::NotAReplica)?;
    if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Unfit::NotAReplica);
    }
    match Fid::from_path(path) {
        None => return Err(Unfit::NotAReplica),
        Some(other) if other != fid => return Err(Unfit::OtherFid),
        Some(_) => {}
    }
    let address = address_of(authority).ok_or(Unfit::NotAReplica)?;
    if hosts.allow(address) { Ok(()) } else { Err(Unfit::HostNotAllowed) }
}

/// The address of `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`. Names are none: MogileFS keeps
/// addresses in its `host` table.
fn address_of(authority: &str) -> Option<IpAddr> {
    if let Ok(socket) = authority.parse::<std::net::SocketAddr>() {
        return Some(socket.ip());
    }
    authority.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fids_own_path_on_an_allowed_host() {
        let hosts = "10.0.0.0/8".parse().expect("valid");
        let path = "dev3/0/564/879/0564879786.fid";
        let judge = |url: &str| judge(url, Fid(564_879_786), &hosts);
        assert_eq!(judge(&format!("http://10.0.0.7:7500/{path}")), Ok(()));
        assert_eq!(judge(&format!("http://10.0.0.7/{path}")), Ok(()));
        for (url, unfit) in [
            (format!("https://10.0.0.7:7500/{path}"), Unfit::NotAReplica),
            (format!("http://10.0.0.7:7500/{path}?x=1"), Unfit::NotAReplica),
            (format!("http://10.0.0.7:7500/{path}#x"), Unfit::NotAReplica),
            (format!("http://10.0.0.7:7500//{path}"), Unfit::NotAReplica),
            (format!("http://10.0.0.7:7500/dev/../{path}"), Unfit::NotAReplica),
            (format!("http://u:p@10.0.0.7:7500/{path}"), Unfit::NotAReplica),
            (format!("http://10.0.0.7:99999/{path}"), Unfit::NotAReplica),
            (format!("http://storage1:7500/{path}"), Unfit::NotAReplica),
            ("http://10.0.0.7:7500/latest/meta-data".to_owned(), Unfit::NotAReplica),
            ("http://10.0.0.7:7500/dev3/0/000/000/0000000001.fid".to_owned(), Unfit::OtherFid),
            (format!("http://8.8.8.8:7500/{path}"), Unfit::HostNotAllowed),
            (format!("http://169.254.169.254/{path}"), Unfit::HostNotAllowed),
            (format!("http://127.0.0.1:7500/{path}"), Unfit::HostNotAllowed),
        ] {
            assert_eq!(judge(&url), Err(unfit), "{url}");
        }
    }

    #[test]
    fn paths_of_a_reply() {
        let fields = |text: &str| -> Fields {
            let pairs = text.split('&').filter_map(|field| field.split_once('='));
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        assert_eq!(paths(&fields("paths=0")), Ok(vec![]));
        assert_eq!(
            paths(&fields("path2=b&paths=2&path1=a")),
            Ok(vec!["a".to_owned(), "b".to_owned()])
        );
        for reply in ["", "paths=x", "paths=1", "paths=99999999999", "paths=2&path1=a&path3=c"] {
            assert!(paths(&fields(reply)).is_err(), "`{reply}`");
        }
    }
}
