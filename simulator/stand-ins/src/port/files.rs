//! MogileFS's files, straight from its state: no tracker's line, no storage node's HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use domain::content::SourceContent;
use domain::ports::{Replica, SourceFiles};
use domain::{ByteCount, Fid, SourceError, SourceFile};
use futures_util::stream;

use super::{Call, Met, NoAnswer, PortFaults, in_pieces};
use crate::world::mogile::{Content, MogileFs, PathOptions, Refusal, parse_fid_path};

/// [`SourceFiles`] over [`MogileFs`], for one of its domains.
pub struct PortFiles {
    mogile: Arc<MogileFs>,
    domain: String,
    faults: Arc<PortFaults>,
}

/// Replicas asked for: more than any class keeps. Their bytes are checked by whoever reads them.
const PATHS: PathOptions = PathOptions { noverify: true, pathcount: 10 };

/// Who refuses, or does not answer.
const TRACKERS: &str = "the trackers";

impl PortFiles {
    /// For one domain's files.
    #[must_use]
    pub const fn new(mogile: Arc<MogileFs>, domain: String, faults: Arc<PortFaults>) -> Self {
        Self { mogile, domain, faults }
    }

    async fn replicas_by(
        &self,
        fid: Fid,
        key: &str,
        options: PathOptions,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let ask = || self.mogile.get_paths(&self.domain, key, options);
        let urls = self.track(Call::Replicas, key, key, ask).await?;
        let all: Vec<_> = urls.into_iter().map(|url| judge(fid, url)).collect();
        if !all.is_empty() && all.iter().all(Result::is_err) {
            return Err(SourceError::UnknownKey { key: key.to_owned() });
        }
        Ok(all)
    }

    /// One request to the tracker about `key`; `target` is what a fault is aimed at.
    async fn track<T: Send>(
        &self,
        call: Call,
        target: &str,
        key: &str,
        act: impl FnOnce() -> Result<T, Refusal> + Send,
    ) -> Result<T, SourceError> {
        let met = self.faults.meet(call, target, async { act() }).await;
        let answer = met.answer().map_err(|why| no_answer(TRACKERS, why))?;
        answer.map_err(|refusal| refused(&refusal, key))
    }

    /// One request to the tracker to change something about `key`, whose answer may be lost.
    async fn change(
        &self,
        call: Call,
        target: &str,
        key: &str,
        act: impl FnOnce() -> Result<(), Refusal> + Send,
    ) -> Result<(), SourceError> {
        let met = self.faults.meet(call, target, async { act() }).await;
        let uncertain =
            |why: NoAnswer| SourceError::Uncertain { at: TRACKERS.to_owned(), cause: why.into() };
        met.answer().map_err(uncertain)?.map_err(|refusal| refused(&refusal, key))
    }

    /// The replica of a URL: of this very host, device and fid.
    fn content(&self, replica: &Replica) -> Option<Content> {
        let path = replica.url.strip_prefix("http://")?;
        let (device, fid) = parse_fid_path(&path[path.find('/')?..])?;
        let is_here = self.mogile.url(fid, device).is_some_and(|url| url == replica.url);
        if is_here { self.mogile.replica(fid, device) } else { None }
    }
}

#[async_trait]
impl SourceFiles for PortFiles {
    async fn replicas(
        &self,
        file: &SourceFile,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        self.replicas_by(file.fid, &file.dkey.to_string(), PATHS).await
    }

    async fn replicas_anew(
        &self,
        fid: Fid,
        key: &str,
    ) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        self.replicas_by(fid, key, PathOptions { noverify: false, ..PATHS }).await
    }

    async fn fid_of(&self, key: &str) -> Result<Option<Fid>, SourceError> {
        let ask = || self.mogile.file_info(&self.domain, key);
        match self.track(Call::FileInfo, key, key, ask).await {
            Ok(info) => Ok(Some(Fid(info.fid.0))),
            Err(SourceError::UnknownKey { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn devices_of(&self, key: &str) -> Result<Option<Vec<u64>>, SourceError> {
        let ask = || self.mogile.file_info(&self.domain, key);
        match self.track(Call::FileInfo, key, key, ask).await {
            Ok(info) => Ok(Some(info.devids.iter().map(|device| device.0.into()).collect())),
            Err(SourceError::UnknownKey { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        let at = || replica.to_string();
        let effect = async { self.content(replica) };
        let (content, broken) = match self.faults.meet(Call::Open, &replica.url, effect).await {
            Met::Answer(content) => (content, None),
            Met::AnswerLost(content) => (content, Some(no_answer(&at(), NoAnswer::Lost))),
            Met::RequestLost => return Err(no_answer(&at(), NoAnswer::Lost)),
            Met::Busy | Met::HalfFails => return Err(no_answer(&at(), NoAnswer::Busy)),
        };
        let refused = || SourceError::Refused { at: at(), why: "404 Not Found".to_owned() };
        let content = content.ok_or_else(refused)?;
        let bytes = content
            .read()
            .map_err(|error| SourceError::Unreachable { at: at(), cause: error.into() })?;
        Ok(SourceContent {
            length: ByteCount(content.length()),
            stream: Box::pin(stream::iter(in_pieces(&bytes, broken))),
        })
    }

    async fn delete(&self, key: &str) -> Result<(), SourceError> {
        let delete = || self.mogile.delete(&self.domain, key);
        let lost = match self.change(Call::DeleteFile, key, key, delete).await {
            Err(lost @ SourceError::Uncertain { .. }) => lost,
            settled => return settled,
        };
        let look = || self.mogile.get_paths(&self.domain, key, PATHS);
        match self.track(Call::Replicas, key, key, look).await {
            Err(SourceError::UnknownKey { .. }) => Ok(()),
            Ok(_) | Err(_) => Err(lost),
        }
    }

    async fn rename(&self, from: &str, to: &str) -> Result<(), SourceError> {
        let rename = || self.mogile.rename(&self.domain, from, to);
        self.change(Call::RenameFile, &format!("{from} {to}"), from, rename).await
    }
}

/// The replica at this URL, if it is the file's: the key may have another fid by now.
fn judge(fid: Fid, url: String) -> Result<Replica, SourceError> {
    if url.ends_with(&format!("/{}", fid.path())) {
        return Ok(Replica { fid, url });
    }
    Err(SourceError::BadAnswer { at: url, why: "the path of another fid".to_owned() })
}

fn refused(refusal: &Refusal, key: &str) -> SourceError {
    if *refusal == Refusal::UnknownKey {
        return SourceError::UnknownKey { key: key.to_owned() };
    }
    SourceError::Refused { at: TRACKERS.to_owned(), why: refusal.to_string() }
}

fn no_answer(at: &str, why: NoAnswer) -> SourceError {
    let at = at.to_owned();
    match why {
        NoAnswer::Lost => SourceError::Unreachable { at, cause: why.into() },
        NoAnswer::Busy => SourceError::Busy { at, why: why.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use domain::{Dkey, S3Bucket};
    use futures_util::StreamExt;

    use super::*;
    use crate::port::{PIECE_BYTES, PortFault, VirtualClock};
    use crate::world::mogile;

    const SHA1: &str = "4cb62c588ecdb941e92cbb85cdcb282f0fec0c77";

    #[test]
    fn a_key_that_moved_on_to_another_fid_is_unknown() {
        let mogile = Arc::new(MogileFs::default());
        let device = mogile.add_device(mogile.add_host(Ipv4Addr::LOCALHOST.into(), 7500));
        let dmid = mogile.add_domain("ours");
        let key = format!("{SHA1}-repo");
        let content = Content::from(vec![7; PIECE_BYTES * 3 + 1]);
        let fid = mogile.store(dmid, &key, &content, &[device]);
        let file = |fid: mogile::Fid, key: &str| {
            SourceFile::new(
                Fid(fid.0),
                Dkey::parse(key).unwrap(),
                ByteCount(content.length()),
                S3Bucket::new("new-repo").unwrap(),
            )
        };
        let faults = Arc::new(PortFaults::instant());
        let files = PortFiles::new(Arc::clone(&mogile), "ours".into(), Arc::clone(&faults));
        let asked = async {
            let replicas = files.replicas(&file(fid, &key)).await?;
            let replica = replicas.into_iter().next().unwrap()?;
            let whole = files.open(&replica).await?.stream.collect::<Vec<_>>().await;
            assert_eq!(whole.len(), 4, "in pieces");
            faults.strike(Call::Open, "/dev1/", PortFault::AnswerLost, 1);
            let half = files.open(&replica).await?.stream.collect::<Vec<_>>().await;
            assert!(matches!(half.last(), Some(Err(SourceError::Unreachable { .. }))));
            mogile.remove_replica(fid, device);
            assert!(matches!(files.open(&replica).await, Err(SourceError::Refused { .. })));
            mogile.store(dmid, &key, &content, &[device]);
            let moved = files.replicas(&file(fid, &key)).await;
            assert!(matches!(moved, Err(SourceError::UnknownKey { .. })), "{moved:?}");
            let never = files.replicas(&file(fid, &format!("{SHA1}-x"))).await;
            assert!(matches!(never, Err(SourceError::UnknownKey { .. })), "{never:?}");
            Ok::<_, SourceError>(())
        };
        VirtualClock::default().run(asked).unwrap().unwrap();
    }
}
