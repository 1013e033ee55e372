//! Proves what the content of a file is: by every replica that the index has of it.

use std::collections::BTreeMap;

use super::outcome::{ReadReplica, RekeyOutcome, Verdict};
use crate::cleanup::look::{Looker, Unseen};
use crate::cleanup::replicas::ReplicaReader;
use crate::ports::Replica;
use crate::retried::retried;
use crate::{ByteCount, Dkey, Fid, Sha1, SourceError, SourceFile};

/// Reads all replicas of files.
pub(super) struct Witness<'a> {
    pub(super) looker: Looker<'a>,
    pub(super) reader: &'a ReplicaReader<'a>,
}

/// Whether a file may have a key.
pub(super) enum NewKey {
    Free,
    /// It may not, and this is why.
    Held(Verdict),
}

impl Witness<'_> {
    /// Reads every replica that the index has of a file. The trackers leave out devices that are down,
    /// and perhaps a replica of another length: these are asked for in both ways, and what is named in
    /// neither is one that cannot be read.
    pub(super) async fn read(&self, file: &SourceFile) -> Result<Vec<ReadReplica>, Verdict> {
        let (fid, key) = (file.fid, file.dkey.to_string());
        let Looker { files, clock, .. } = self.looker;
        let devices = retried(clock, fid.0, || files.devices_of(&key)).await;
        let devices = devices.map_err(|error| unreadable(&error))?.unwrap_or_default();
        let cached = match retried(clock, fid.0, || files.replicas(file)).await {
            Ok(replicas) => replicas,
            // A tracker's cache has another fid for the key: what is asked anew is from the database.
            Err(SourceError::UnknownKey { .. }) => Vec::new(),
            Err(error) => return Err(unreadable(&error)),
        };
        let anew = retried(clock, fid.0, || files.replicas_anew(fid, &key)).await;
        let mut named = BTreeMap::new();
        for replica in cached.into_iter().chain(anew.map_err(|error| unreadable(&error))?) {
            named.entry(url_of(&replica).to_owned()).or_insert(replica);
        }
        let mut read = Vec::new();
        for device in devices {
            let is_there = |url: &str| device_of(url) == Some(device);
            let before = read.len();
            for (url, replica) in named.iter().filter(|(url, _)| is_there(url)) {
                read.push(self.read_one(url, replica).await);
            }
            if read.len() == before {
                let why = "the trackers do not name it: the device or its host is down";
                read.push(ReadReplica {
                    replica: format!("the replica on device {device}"),
                    sha1: None,
                    length: None,
                    error: Some(why.to_owned()),
                });
            }
        }
        Ok(read)
    }

    async fn read_one(&self, url: &str, replica: &Result<Replica, SourceError>) -> ReadReplica {
        let read = match replica {
            Ok(replica) => self.reader.read(replica).await,
            Err(refused) => Err(refused.to_string()),
        };
        ReadReplica {
            replica: url.to_owned(),
            sha1: read.as_ref().ok().map(|digests| digests.sha1),
            length: read.as_ref().ok().map(|digests| digests.length),
            error: read.err(),
        }
    }

    /// Whether the key is free. Where another file has it, that file is read.
    pub(super) async fn place(&self, key: &Dkey) -> Result<NewKey, Verdict> {
        let text = key.to_string();
        let fid = match self.looker.fid_of(&text).await {
            Ok(None) => return Ok(NewKey::Free),
            Ok(Some(fid)) => fid,
            Err(Unseen::Alone(why)) => {
                let why =
                    format!("another file has the key `{text}`, and cannot be looked up: {why}");
                return Ok(NewKey::Held(RekeyOutcome::Taken.because(why)));
            }
            Err(Unseen::All(stopped)) => return Err(Verdict::Stopped(stopped)),
        };
        Ok(NewKey::Held(self.holder(fid, &text, &key.sha1).await))
    }

    async fn holder(&self, fid: Fid, key: &str, sha1: &Sha1) -> Verdict {
        let read = self.reader.read_all(fid, key).await;
        let taken = |why: String| {
            RekeyOutcome::Taken.because(format!("fid {fid} has the key `{key}`, and {why}"))
        };
        let read = match read {
            Ok(read) => read,
            Err(error) => return taken(format!("cannot be read: {error}")),
        };
        if let Some(other) = read.iter().flatten().find(|digests| digests.sha1 != *sha1) {
            return taken(format!("a replica of it has other content, with SHA-1 {}", other.sha1));
        }
        if read.iter().all(Result::is_err) {
            let whys: Vec<_> = read.into_iter().filter_map(Result::err).collect();
            return taken(format!("no replica of it can be read: {}", whys.join("; ")));
        }
        RekeyOutcome::Duplicate.because(format!("fid {fid}, `{key}`, has the same content"))
    }
}

/// The SHA-1 that all replicas have; they must be as long as the row says, too.
pub(super) fn content_of(replicas: &[ReadReplica], length: ByteCount) -> Result<Sha1, Verdict> {
    let Some(first) = replicas.first() else {
        let why = "the index has no replica of it on any device";
        return Err(RekeyOutcome::Unreadable.because(why));
    };
    let lost: Vec<_> = replicas
        .iter()
        .filter_map(|it| Some(format!("{}: {}", it.replica, it.error.as_ref()?)))
        .collect();
    if !lost.is_empty() {
        return Err(RekeyOutcome::Unreadable.because(lost.join("; ")));
    }
    if replicas.iter().any(|other| other.sha1 != first.sha1) {
        let each = replicas.iter().filter_map(|it| Some(format!("{}: {}", it.replica, it.sha1?)));
        return Err(RekeyOutcome::Differ.because(each.collect::<Vec<_>>().join("; ")));
    }
    match (first.sha1, first.length) {
        (Some(sha1), Some(actual)) if actual == length => Ok(sha1),
        (_, actual) => {
            let actual = actual.unwrap_or_default();
            let why = format!("its replicas have {actual} bytes, and its row says {length}");
            Err(RekeyOutcome::OtherLength.because(why))
        }
    }
}

fn unreadable(error: &SourceError) -> Verdict {
    RekeyOutcome::Unreadable.because(error.to_string())
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

    /// A replica of `content`; of none where it cannot be read.
    fn replica(content: Option<&str>) -> ReadReplica {
        let bytes = content.map(str::as_bytes);
        ReadReplica {
            replica: "a replica".to_owned(),
            sha1: bytes.map(Sha1::of),
            length: bytes.map(|bytes| ByteCount(bytes.len() as u64)),
            error: content.is_none().then(|| "away".to_owned()),
        }
    }

    #[test]
    fn all_replicas_must_say_the_same() {
        for (replicas, length, expected) in [
            (vec![Some("one")], 3, None),
            (vec![Some("one"), Some("one")], 3, None),
            (vec![Some("one"), Some("two")], 3, Some(RekeyOutcome::Differ)),
            (vec![Some("one"), None], 3, Some(RekeyOutcome::Unreadable)),
            (vec![Some("one"), Some("two"), None], 3, Some(RekeyOutcome::Unreadable)),
            (vec![None], 3, Some(RekeyOutcome::Unreadable)),
            (vec![], 3, Some(RekeyOutcome::Unreadable)),
            (vec![Some("one")], 4, Some(RekeyOutcome::OtherLength)),
        ] {
            let read: Vec<_> = replicas.iter().map(|content| replica(*content)).collect();
            match (content_of(&read, ByteCount(length)), expected) {
                (Ok(sha1), None) => assert_eq!(sha1, Sha1::of(b"one")),
                (Err(Verdict::Ended(outcome, _)), Some(expected)) => assert_eq!(outcome, expected),
                (found, _) => panic!("{replicas:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_url_names_its_device() {
        let url = |path: &str| format!("http://10.0.0.7:7500{path}");
        assert_eq!(device_of(&url("/dev12/0/000/000/0000000003.fid")), Some(12));
        for path in ["", "/dev12", "/devx/0", "/0/000"] {
            assert_eq!(device_of(&url(path)), None, "{path}");
        }
    }
}
