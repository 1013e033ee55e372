//! Bringing one file's content from MogileFS: replica after replica, until one gives it.

use std::collections::{BTreeSet, VecDeque};

use super::file::{FileMigration, write_refused};
use crate::content::VerifiedContent;
use crate::migrate::decision::Seen;
use crate::ports::{Replica, StoreError};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff};
use crate::{
    ByteCount, Finding, FindingKind, Reason, ReasonKind, SourceError, StoredObject, WriteTarget,
    limits,
};

/// Times that all replicas are gone through, while one of them may only be out for the moment.
const ROUNDS: u32 = 2;

/// What came of the write from one replica.
enum Put {
    Done(StoredObject),
    TooLong(ByteCount),
}

/// What the trackers say of a file's replicas.
type Replicas = Result<Vec<Result<Replica, SourceError>>, SourceError>;

impl FileMigration<'_> {
    /// Writes the content to `target` from the first replica that gives it.
    pub(super) async fn stream_from_mogile(&mut self, target: &WriteTarget) -> Seen {
        let mut tried = BTreeSet::new();
        let mut failures = Vec::new();
        let begun = self.ports.clock.now();
        for round in 1..=ROUNDS {
            let replicas = match self.replicas().await {
                Ok(replicas) => replicas,
                Err(SourceError::UnknownKey { .. }) => return Seen::SourceUnknown,
                Err(error) => return Seen::SourceFailed(Reason::from(&error)),
            };
            tried.extend(replicas.iter().flatten().map(|replica| replica.url.clone()));
            failures.clear();
            self.opened = false;
            if let Some(seen) = self.put_from_any(replicas, target, &mut failures).await {
                return seen;
            }
            let may_heal = failures.iter().any(|failure| failure.class() == ErrorClass::Retry);
            let took = begun.until(self.ports.clock.now());
            if !may_heal || round == ROUNDS || took >= limits::TRIES_WITHIN {
                break;
            }
            self.ports.clock.sleep(backoff(round, self.file.fid.0)).await;
        }
        let reason = no_replica(&failures, self.opened);
        // Where there are none, no cache was asked last.
        if failures.is_empty() || reason.kind == ReasonKind::ReplicasUnreachable {
            return Seen::SourceFailed(reason);
        }
        self.put_from_others(target, &tried, failures).await
    }

    /// Writes the content from a replica that a tracker's cache did not know, where there is one.
    async fn put_from_others(
        &mut self,
        target: &WriteTarget,
        tried: &BTreeSet<String>,
        mut failures: Vec<SourceError>,
    ) -> Seen {
        let mut others = match self.replicas_anew().await {
            Ok(replicas) => replicas,
            Err(SourceError::UnknownKey { .. }) => return Seen::SourceUnknown,
            // A tracker that waits for a dead storage node gives no answer. What is known stands, but it
            // need not be all.
            Err(error) => {
                let mut reason = no_replica(&failures, self.opened);
                reason.detail =
                    format!("{}; whether there are others is not known: {error}", reason.detail);
                return Seen::SourceFailed(reason);
            }
        };
        let told: BTreeSet<_> = failures.iter().map(ToString::to_string).collect();
        others.retain(|other| match other {
            Ok(other) => !tried.contains(&other.url),
            Err(refused) => !told.contains(&refused.to_string()),
        });
        match self.put_from_any(others, target, &mut failures).await {
            Some(seen) => seen,
            None => Seen::SourceFailed(no_replica(&failures, self.opened)),
        }
    }

    /// Where the replicas are. No cache has the last word that the key is unknown, or that there are
    /// none.
    async fn replicas(&self) -> Replicas {
        let clock = self.ports.clock.as_ref();
        let cached = retried(clock, self.file.fid.0, || self.ports.files.replicas(self.file)).await;
        match cached {
            Err(SourceError::UnknownKey { .. }) => self.replicas_anew().await,
            Ok(none) if none.is_empty() => self.replicas_anew().await,
            cached => cached,
        }
    }

    async fn replicas_anew(&self) -> Replicas {
        let clock = self.ports.clock.as_ref();
        let (fid, key) = (self.file.fid, self.file.dkey.to_string());
        retried(clock, fid.0, || self.ports.files.replicas_anew(fid, &key)).await
    }

    /// What came of the write from the first replica that gives the content; [`None`] when none does.
    /// A replica that announces far more than the index tells is tried last.
    async fn put_from_any(
        &mut self,
        replicas: Vec<Result<Replica, SourceError>>,
        target: &WriteTarget,
        failures: &mut Vec<SourceError>,
    ) -> Option<Seen> {
        let (mut next, mut put_off) = (VecDeque::from(replicas), VecDeque::new());
        let mut most = self.file.length.0.max(limits::SINGLE_REQUEST_BYTES);
        loop {
            let replica = match next.pop_front() {
                Some(replica) => replica,
                None if put_off.is_empty() => return None,
                None => {
                    most = limits::LARGEST_FILE_BYTES;
                    next.extend(put_off.drain(..).map(|(replica, _)| Ok(replica)));
                    continue;
                }
            };
            let replica = match replica {
                Ok(replica) => replica,
                Err(refused) => {
                    failures.push(refused);
                    continue;
                }
            };
            match self.put_from(&replica, target, most).await {
                Ok(Put::Done(object)) => {
                    failures
                        .extend(put_off.iter().map(|(replica, length)| too_long(replica, *length)));
                    self.note_bad_replicas(failures);
                    return Some(Seen::Stored(object));
                }
                Ok(Put::TooLong(length)) if most < limits::LARGEST_FILE_BYTES => {
                    put_off.push_back((replica, length));
                }
                Ok(Put::TooLong(length)) => failures.push(too_long(&replica, length)),
                Err(StoreError::Source(failure)) => failures.push(failure),
                Err(error) => return Some(write_refused(&error)),
            }
        }
    }

    /// One replica's content, opened anew for every try: a stream cannot be sent twice. One that
    /// announces more than `most` bytes is not read.
    async fn put_from(
        &mut self,
        replica: &Replica,
        target: &WriteTarget,
        most: u64,
    ) -> Result<Put, StoreError> {
        let mut tries = self.tries();
        loop {
            let source = self.ports.files.open(replica).await.map_err(StoreError::Source)?;
            if source.length.0 > most {
                return Ok(Put::TooLong(source.length));
            }
            self.opened = true;
            let name = replica.to_string();
            let content = VerifiedContent::new(source, name, self.file.dkey.sha1);
            let verdict = content.verdict();
            let answer = self.writing.during(self.ports.objects.put(target, content)).await;
            self.streamed = verdict.digests().or(self.streamed);
            let repeatable =
                matches!(answer, Err(StoreError::Busy { .. } | StoreError::BadDigest(_)));
            if !repeatable || !tries.another().await {
                return answer.map(Put::Done);
            }
        }
    }

    /// What the settings leave out is no finding, and neither is what could not be judged: nobody
    /// looked at it.
    fn note_bad_replicas(&mut self, failures: &[SourceError]) {
        let is_unseen = |failure: &&SourceError| {
            matches!(
                failure,
                SourceError::NotAsked { by_settings: true, .. } | SourceError::Unjudged { .. }
            )
        };
        let looked_at = failures.iter().filter(|failure| !is_unseen(failure));
        self.findings.extend(
            looked_at.map(|failure| Finding {
                kind: FindingKind::BadReplica,
                detail: failure.to_string(),
            }),
        );
    }
}

/// Why no replica gave the content, each with its own failure. A node that opened one and broke off
/// was reached. What was not asked says nothing of the others, and may be good: while the list of the
/// nodes cannot be read that is the trouble, and where none may be asked it is a matter of the settings,
/// and of every file.
fn no_replica(failures: &[SourceError], opened: bool) -> Reason {
    if failures.is_empty() {
        return Reason::new(ReasonKind::NoReplica, "the trackers know of no usable replica");
    }
    let each: Vec<_> = failures.iter().map(ToString::to_string).collect();
    let is_out = |failure: &SourceError| failure.class() == ErrorClass::Retry;
    let is_other = |failure: &SourceError| matches!(failure, SourceError::WrongContent { .. });
    let is_asked = |failure: &&SourceError| {
        !matches!(failure, SourceError::NotAsked { .. } | SourceError::Unjudged { .. })
    };
    let asked: Vec<_> = failures.iter().filter(is_asked).collect();
    let mut unjudged =
        failures.iter().filter(|failure| matches!(failure, SourceError::Unjudged { .. }));
    let is_all_asked = asked.len() == failures.len();
    let kind = if !asked.is_empty() && asked.iter().all(|failure| is_out(failure)) && !opened {
        ReasonKind::ReplicasUnreachable
    } else if let Some(unjudged) = unjudged.next() {
        Reason::from(unjudged).kind
    } else if asked.is_empty() {
        ReasonKind::SourceRefused
    } else if failures.iter().any(is_other) && !failures.iter().any(is_out) && is_all_asked {
        ReasonKind::WrongContent
    } else {
        ReasonKind::NoReplica
    };
    Reason::new(kind, each.join("; "))
}

/// A replica that announces more than any file that can be written, or more than another one has that
/// is good.
fn too_long(replica: &Replica, length: ByteCount) -> SourceError {
    let why = format!("it announces {length} bytes, far more than the file can have");
    SourceError::BadAnswer { at: replica.to_string(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContentHasher;

    /// What is not asked tells nothing of what is: an outage stays one, and where nothing is asked the
    /// settings are to blame.
    #[test]
    fn replicas_that_are_not_asked_decide_nothing() {
        let at = || "http://10.0.0.7:7500/dev1/0/000/000/0000000001.fid".to_owned();
        let left_out =
            || SourceError::NotAsked { at: at(), why: "left out".to_owned(), by_settings: true };
        let foreign =
            || SourceError::NotAsked { at: at(), why: "no node".to_owned(), by_settings: false };
        let down = || SourceError::Unreachable { at: at(), cause: "refused".into() };
        let missing = || SourceError::Refused { at: at(), why: "404".to_owned() };
        let wrong = || SourceError::WrongContent {
            replica: at(),
            expected: ContentHasher::of(b"").sha1,
            actual: ContentHasher::of(b"other").sha1,
        };
        let unjudged = |why: SourceError| SourceError::Unjudged { at: at(), why: Box::new(why) };
        let away = || unjudged(SourceError::Unreachable { at: at(), cause: "refused".into() });
        let nonsense =
            || unjudged(SourceError::BadAnswer { at: at(), why: "it lists no host".to_owned() });
        let kind = |failures: &[SourceError]| no_replica(failures, false).kind;
        assert_eq!(kind(&[down()]), ReasonKind::ReplicasUnreachable);
        assert_eq!(kind(&[left_out(), down()]), ReasonKind::ReplicasUnreachable);
        assert_eq!(kind(&[down(), foreign()]), ReasonKind::ReplicasUnreachable);
        assert_eq!(kind(&[left_out(), missing()]), ReasonKind::NoReplica);
        assert_eq!(kind(&[left_out(), down(), missing()]), ReasonKind::NoReplica);
        assert_eq!(kind(&[left_out(), foreign()]), ReasonKind::SourceRefused);
        assert_eq!(kind(&[wrong()]), ReasonKind::WrongContent);
        assert_eq!(kind(&[left_out(), wrong()]), ReasonKind::NoReplica);
        assert_eq!(kind(&[missing(), away()]), ReasonKind::SourceUnreachable);
        assert_eq!(kind(&[wrong(), away()]), ReasonKind::SourceUnreachable);
        assert_eq!(kind(&[missing(), nonsense()]), ReasonKind::SourceRefused);
        assert_eq!(kind(&[down(), nonsense()]), ReasonKind::ReplicasUnreachable);
        assert_eq!(kind(&[]), ReasonKind::NoReplica);
    }
}
