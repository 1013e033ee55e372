//! Bringing one file's content from MogileFS: replica after replica, until one gives it.

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

impl FileMigration<'_> {
    /// Writes the content to `target` from the first replica that gives it.
    pub(super) async fn stream_from_mogile(&mut self, target: &WriteTarget) -> Seen {
        let mut failures = Vec::new();
        let begun = self.ports.clock.now();
        for round in 1..=ROUNDS {
            let replicas = match self.replicas().await {
                Ok(replicas) => replicas,
                Err(SourceError::UnknownKey { .. }) => return Seen::SourceUnknown,
                Err(error) => return Seen::SourceFailed(Reason::from(&error)),
            };
            failures.clear();
            self.opened = false;
            for replica in replicas {
                let put = match replica {
                    Ok(replica) => self.put_from(&replica, target).await,
                    Err(refused) => Err(StoreError::Source(refused)),
                };
                match put {
                    Ok(object) => {
                        self.note_bad_replicas(&failures);
                        return Seen::Stored(object);
                    }
                    Err(StoreError::Source(failure)) => failures.push(failure),
                    Err(error) => return write_refused(&error),
                }
            }
            let may_heal = failures.iter().any(|failure| failure.class() == ErrorClass::Retry);
            let took = begun.until(self.ports.clock.now());
            if !may_heal || round == ROUNDS || took >= limits::TRIES_WITHIN {
                break;
            }
            self.ports.clock.sleep(backoff(round, self.file.fid.0)).await;
        }
        Seen::SourceFailed(no_replica(&failures, self.opened))
    }

    async fn replicas(&self) -> Result<Vec<Result<Replica, SourceError>>, SourceError> {
        let clock = self.ports.clock.as_ref();
        retried(clock, self.file.fid.0, || self.ports.files.replicas(self.file)).await
    }

    /// One replica's content, opened anew for every try: a stream cannot be sent twice.
    async fn put_from(
        &mut self,
        replica: &Replica,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError> {
        let mut tries = self.tries();
        loop {
            let source = self.ports.files.open(replica).await.map_err(StoreError::Source)?;
            self.opened = true;
            let name = replica.to_string();
            let content = VerifiedContent::new(source, name, self.file.dkey.sha1);
            let verdict = content.verdict();
            let answer = self.writing.during(self.ports.objects.put(target, content)).await;
            self.streamed = verdict.digests().or(self.streamed);
            let repeatable =
                matches!(answer, Err(StoreError::Busy { .. } | StoreError::BadDigest(_)));
            if !repeatable || !tries.another().await {
                return answer;
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
    let all_out = failures.iter().all(|failure| failure.class() == ErrorClass::Retry);
    let kind =
        if all_out && !opened { ReasonKind::ReplicasUnreachable } else { ReasonKind::NoReplica };
    let each: Vec<_> = failures.iter().map(ToString::to_string).collect();
    Reason::new(kind, each.join("; "))
}
