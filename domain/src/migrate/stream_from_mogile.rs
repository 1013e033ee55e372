//! Bringing one file's content from MogileFS: replica after replica, until one gives it.

use std::collections::{BTreeSet, VecDeque};

use super::file::{FileMigration, write_refused};
use crate::content::VerifiedContent;
use crate::migrate::decision::Seen;
use crate::ports::{Replica, StoreError};
use crate::retried::retried;
use crate::retry::{Classed, ErrorClass, backoff};
use crate::{
    Finding, FindingKind, Reason, ReasonKind, SourceError, StoredObject, WriteTarget, limits,
};

/// Times that all replicas are gone through, while one of them may only be out for the moment.
const ROUNDS: u32 = 2;

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
            // A tracker that waits for a dead storage node gives no answer: what is known stands.
            Err(_) => Vec::new(),
        };
        others.retain(|other| other.as_ref().is_ok_and(|other| !tried.contains(&other.url)));
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
        retried(clock, self.file.fid.0, || self.ports.files.replicas_anew(self.file)).await
    }

    /// What came of the write from the first replica that gives the content; [`None`] when none does.
    /// A replica that announces far more than the index tells is tried last.
    async fn put_from_any(
        &mut self,
        replicas: Vec<Result<Replica, SourceError>>,
        target: &WriteTarget,
        failures: &mut Vec<SourceError>,
    ) -> Option<Seen> {
        let (mut next, mut put_off) = (VecDeque::from(replicas), Vec::new());
        let mut most = self.file.length.0.max(limits::SINGLE_REQUEST_BYTES);
        loop {
            let replica = match next.pop_front() {
                Some(replica) => replica,
                None if put_off.is_empty() => return None,
                None => {
                    most = limits::LARGEST_FILE_BYTES;
                    next.extend(put_off.drain(..).map(Ok));
                    continue;
                }
            };
            let put = match &replica {
                Ok(replica) => self.put_from(replica, target, most).await,
                Err(_) => Ok(None),
            };
            match (put, replica) {
                (Ok(Some(object)), _) => {
                    self.note_bad_replicas(failures);
                    return Some(Seen::Stored(object));
                }
                (Ok(None), Ok(replica)) if most < limits::LARGEST_FILE_BYTES => {
                    put_off.push(replica);
                }
                (Ok(None), Ok(replica)) => failures.push(too_long(&replica)),
                (Ok(None), Err(refused)) => failures.push(refused),
                (Err(StoreError::Source(failure)), _) => failures.push(failure),
                (Err(error), _) => return Some(write_refused(&error)),
            }
        }
    }

    /// One replica's content, opened anew for every try: a stream cannot be sent twice. [`None`] when
    /// it announces more than `most` bytes.
    async fn put_from(
        &mut self,
        replica: &Replica,
        target: &WriteTarget,
        most: u64,
    ) -> Result<Option<StoredObject>, StoreError> {
        let mut tries = self.tries();
        loop {
            let source = self.ports.files.open(replica).await.map_err(StoreError::Source)?;
            if source.length.0 > most {
                return Ok(None);
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
                return answer.map(Some);
            }
        }
    }

    fn note_bad_replicas(&mut self, failures: &[SourceError]) {
        self.findings.extend(
            failures.iter().map(|failure| Finding {
                kind: FindingKind::BadReplica,
                detail: failure.to_string(),
            }),
        );
    }
}

/// Why no replica gave the content, each with its own failure. A node that opened one and broke off
/// was reached.
fn no_replica(failures: &[SourceError], opened: bool) -> Reason {
    if failures.is_empty() {
        return Reason::new(ReasonKind::NoReplica, "the trackers know of no usable replica");
    }
    let each: Vec<_> = failures.iter().map(ToString::to_string).collect();
    let is_out = |failure: &SourceError| failure.class() == ErrorClass::Retry;
    let is_other = |failure: &SourceError| matches!(failure, SourceError::WrongContent { .. });
    let kind = if failures.iter().all(is_out) && !opened {
        ReasonKind::ReplicasUnreachable
    } else if failures.iter().any(is_other) && !failures.iter().any(is_out) {
        ReasonKind::WrongContent
    } else {
        ReasonKind::NoReplica
    };
    Reason::new(kind, each.join("; "))
}

/// A replica that announces more than any file that can be written.
fn too_long(replica: &Replica) -> SourceError {
    let most = limits::LARGEST_FILE_BYTES;
    let why = format!("it announces more than {most} bytes, the largest file that can be written");
    SourceError::BadAnswer { at: replica.to_string(), why }
}
