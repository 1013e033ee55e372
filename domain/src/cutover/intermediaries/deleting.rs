//! Deletes what may go: the journal has it before the first deletion, and what came of it behind the last one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt, stream};

use super::{Ended, KeptIntermediary, Run};
use crate::cleanup::is_asked;
use crate::digest::Sha256;
use crate::journal::Content;
use crate::ports::{ObjectStore, StoreError};
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{
    ByteCount, ETag, Fid, FoundObject, IntermediaryForm, ObjectAddress, ObjectKey, Reason, Sha1,
};

/// An intermediary that may go, if its final object is there.
pub(super) struct Condemned {
    pub(super) fid: Fid,
    pub(super) form: IntermediaryForm,
    pub(super) at: ObjectAddress,
    pub(super) length: ByteCount,
    pub(super) etag: ETag,
    pub(super) proves: Proves,
}

/// What says which content its final object must have.
#[derive(Clone, Copy)]
pub(super) enum Proves {
    /// The row, whose proof the ledger has. Where S3 has no SHA-1 of the object its length must do.
    Ledger(Sha1),
    /// The SHA-1 that S3 has of the intermediary itself. It has no row, so nothing less will do.
    ItsOwnSha1,
}

/// What became of one.
enum End {
    Deleted,
    Kept(KeptIntermediary, String),
    /// It was not begun, or S3 refused it: it stays for the next run.
    NotBegun,
    /// S3 refuses, or is away.
    Trouble(StoreError),
}

impl Run<'_> {
    /// Deletes what waits; in a dry run counts it.
    pub(super) async fn flush(&mut self) -> Result<(), Ended> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let Some(mut writer) = self.writer.take() else {
            for one in std::mem::take(&mut self.batch) {
                self.may_be_deleted(&one);
            }
            return Ok(());
        };
        let entry = entry(self.ports.index.domain(), &self.batch);
        writer.append(entry).await?;
        self.deletion.entries += 1;
        let batch = std::mem::take(&mut self.batch);
        let before = self.deletion.deleted.files;
        let (stopped, spared) = self.delete_batch(batch).await;
        let deleted = self.deletion.deleted.files - before;
        writer.append(Content::IntermediariesDeleted { deleted, spared }).await?;
        self.writer = Some(writer);
        stopped.map_or(Ok(()), |stopped| Err(stopped.into()))
    }

    pub(super) fn may_be_deleted(&mut self, one: &Condemned) {
        self.deletion.deletable.add(one.length);
        self.plan.observer.ended(one.fid, &one.at, "deletable");
    }

    /// Deletes a batch, some at once. Where S3 refuses one, or the operator asks to stop, no other is begun.
    async fn delete_batch(
        &mut self,
        batch: Vec<Condemned>,
    ) -> (Option<Stopped>, BTreeMap<String, u64>) {
        let (ports, plan, halt) = (self.ports, self.plan, &AtomicBool::new(false));
        let mut ends = stream::iter(batch)
            .map(|one| async move {
                if halt.load(Ordering::Relaxed) || is_asked(&plan.stop) {
                    return (one, End::NotBegun);
                }
                let deleter = Deleter { objects: &*ports.objects, clock: &*ports.clock };
                let end = deleter.delete(&one).await;
                if matches!(end, End::Trouble(_)) {
                    halt.store(true, Ordering::Relaxed);
                }
                (one, end)
            })
            .buffer_unordered(plan.concurrency.max(1));
        let (mut trouble, mut spared) = (None, BTreeMap::new());
        let mut spare = |why: &str| *spared.entry(why.to_owned()).or_insert(0) += 1;
        while let Some((one, end)) = ends.next().await {
            match end {
                End::Deleted => {
                    self.deletion.deleted.add(one.length);
                    plan.observer.ended(one.fid, &one.at, "deleted");
                }
                End::Kept(why, words) => {
                    spare(why.name());
                    self.keep(why, one.fid, &one.at, &words);
                }
                End::NotBegun => {
                    spare("not-begun");
                    self.may_be_deleted(&one);
                }
                End::Trouble(error) => {
                    if matches!(error, StoreError::Uncertain { .. }) {
                        spare(KeptIntermediary::Unsure.name());
                        self.keep(KeptIntermediary::Unsure, one.fid, &one.at, &error);
                    } else {
                        spare("not-begun");
                        self.may_be_deleted(&one);
                    }
                    trouble.get_or_insert(Reason::from(&error));
                }
            }
        }
        let interrupted = || is_asked(&plan.stop).then_some(Stopped::Interrupted);
        (trouble.map(Stopped::Trouble).or_else(interrupted), spared)
    }
}

/// What one deletion reaches.
struct Deleter<'a> {
    objects: &'a dyn ObjectStore,
    clock: &'a dyn crate::ports::Clock,
}

impl Deleter<'_> {
    async fn head(&self, one: &Condemned, at: &ObjectAddress) -> Result<Option<FoundObject>, End> {
        let head = retried(self.clock, one.fid.0, || self.objects.head(at)).await;
        // Nothing was asked to change yet.
        head.map_err(|error| {
            End::Trouble(if let StoreError::Uncertain { at, cause } = error {
                StoreError::Busy { at, why: cause.to_string() }
            } else {
                error
            })
        })
    }

    async fn delete(&self, one: &Condemned) -> End {
        match self.delete_if_proven(one).await {
            Ok(end) | Err(end) => end,
        }
    }

    async fn delete_if_proven(&self, one: &Condemned) -> Result<End, End> {
        use KeptIntermediary::{NoFinalObject, NoRow, OtherLength, Replaced};
        let kept = |why, words: String| Ok(End::Kept(why, words));
        let (sha1, needs_sha1) = match one.proves {
            Proves::Ledger(sha1) => (sha1, false),
            Proves::ItsOwnSha1 => match self.head(one, &one.at).await? {
                None => return Ok(End::Deleted),
                Some(found) if found.etag != one.etag => {
                    return kept(Replaced, one.at.to_string());
                }
                Some(FoundObject { sha1: Some(sha1), .. }) => (sha1, true),
                Some(_) => {
                    return kept(NoRow, format!("{}, of which S3 has no SHA-1", one.at));
                }
            },
        };
        let key = ObjectKey::of_content(&sha1);
        let at = ObjectAddress { bucket: one.at.bucket.clone(), key };
        let Some(found) = self.head(one, &at).await? else {
            return kept(NoFinalObject, format!("nothing is at {at}"));
        };
        match found.sha1 {
            Some(other) if other != sha1 => {
                return kept(NoFinalObject, format!("{at} has the SHA-1 {other}"));
            }
            None if needs_sha1 => {
                return kept(NoRow, format!("{at} has no SHA-1 to compare with"));
            }
            Some(_) | None => {}
        }
        if found.length != one.length {
            let (here, there) = (one.length, found.length);
            return kept(OtherLength, format!("{} has {here} bytes, and {at} {there}", one.at));
        }
        let delete = || self.objects.delete(&one.at, &one.etag);
        match retried(self.clock, one.fid.0, delete).await {
            Ok(()) | Err(StoreError::NoSuchKey(_)) => Ok(End::Deleted),
            Err(StoreError::Occupied(_)) => kept(Replaced, one.at.to_string()),
            Err(error) => Ok(End::Trouble(error)),
        }
    }
}

/// What the journal has of a batch, which is of one bucket.
fn entry(domain: &str, batch: &[Condemned]) -> Content {
    let bucket = batch.first().map(|one| one.at.bucket.to_string()).unwrap_or_default();
    let fids = |of: IntermediaryForm| ranges(batch.iter().filter(|one| one.form == of));
    let keys: Vec<_> = batch.iter().map(|one| format!("{}\n", one.at.key)).collect();
    Content::IntermediariesCondemned {
        domain: domain.to_owned(),
        bucket,
        files: batch.len() as u64,
        bytes: batch.iter().fold(0, |sum: u64, one| sum.saturating_add(one.length.0)),
        fids: fids(IntermediaryForm::Plain),
        leading_slash: fids(IntermediaryForm::LeadingSlash),
        sha256: Sha256::of(keys.concat().as_bytes()),
    }
}

/// Fids as `1-5,7`.
fn ranges<'a>(batch: impl Iterator<Item = &'a Condemned>) -> String {
    let mut fids: Vec<_> = batch.map(|one| one.fid.0).collect();
    fids.sort_unstable();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for fid in fids {
        match ranges.last_mut() {
            Some((_, last)) if fid <= last.saturating_add(1) => *last = fid,
            Some(_) | None => ranges.push((fid, fid)),
        }
    }
    let text = |(first, last): (u64, u64)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    ranges.into_iter().map(text).collect::<Vec<_>>().join(",")
}
