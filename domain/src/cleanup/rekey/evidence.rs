//! Proves what the content of a file is: by every replica that the index has of it.

use super::Rekey;
use super::outcome::{ReadReplica, RekeyOutcome, Verdict};
use crate::cleanup::look::{Looker, Unseen};
use crate::cleanup::witness::NamedRead;
use crate::ports::IndexError;
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{ByteCount, Dkey, Fid, Reason, RowClass, Sha1, SourceError};

/// Whether a file may have a key.
pub(super) enum NewKey {
    Free,
    /// It may not, and this is why.
    Held(Verdict),
}

impl Rekey<'_> {
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
        if fid == self.plan.fid {
            return Err(RekeyOutcome::OtherKey.because(format!(
                "the trackers have this very file under the key `{text}` by now, and the index has not"
            )));
        }
        Ok(NewKey::Held(self.holder(fid, &text, &key.sha1).await?))
    }

    /// What stands in the way of the new key. The trackers compare keys as their database does, usually
    /// without regard to case: a file whose key is only alike is no copy that migrates.
    async fn holder(&self, fid: Fid, key: &str, sha1: &Sha1) -> Result<Verdict, Verdict> {
        let taken = |why: String| {
            RekeyOutcome::Taken.because(format!("fid {fid} has the key `{key}`, and {why}"))
        };
        let Looker { index, clock, .. } = self.looker;
        let row = match retried(clock, fid.0, || index.row(fid)).await {
            Ok(row) => row,
            Err(error @ IndexError::UnreadableRow { .. }) => return Ok(taken(error.to_string())),
            Err(error) => return Err(Verdict::Stopped(Stopped::Trouble(Reason::from(&error)))),
        };
        let Some(row) = row else { return Ok(taken("the index has no row of it".to_owned())) };
        let file = match row.classify(self.plan.buckets) {
            RowClass::Source(file) if file.dkey.to_string() == key => file,
            RowClass::Source(_)
            | RowClass::Temporary
            | RowClass::Ignored
            | RowClass::Rejected(_) => {
                let found = row.dkey.unwrap_or_default();
                return Ok(taken(format!(
                    "in the index its key is `{found}`, or it has no length: it is no copy that migrates"
                )));
            }
        };
        let read: Vec<ReadReplica> = match self.witness().read(&file).await {
            Ok(read) => read.into_iter().map(ReadReplica::from).collect(),
            Err(error) => return Ok(taken(format!("cannot be read: {error}"))),
        };
        Ok(match content_of(&read, file.length) {
            Ok(found) if found == *sha1 => {
                RekeyOutcome::Duplicate.because(format!("fid {fid}, `{key}`, has the same content"))
            }
            Ok(other) => taken(format!("it has other content, with SHA-1 {other}")),
            Err(Verdict::Ended(_, why)) => {
                taken(format!("not every replica of it is known to be this content: {why}"))
            }
            Err(other) => return Err(other),
        })
    }
}

impl From<NamedRead> for ReadReplica {
    fn from(NamedRead { replica, read }: NamedRead) -> Self {
        Self {
            replica,
            sha1: read.as_ref().ok().map(|digests| digests.sha1),
            length: read.as_ref().ok().map(|digests| digests.length),
            error: read.err(),
        }
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

pub(super) fn unreadable(error: &SourceError) -> Verdict {
    RekeyOutcome::Unreadable.because(error.to_string())
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
}
