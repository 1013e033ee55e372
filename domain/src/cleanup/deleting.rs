//! Deletes what may be deleted, and writes into the journal what it is before and what came of it after.

use std::sync::Arc;

use super::deletion::{Condemned, Ended, Mode, Run};
use super::elsewhere::DISAGREEMENT;
use super::look::Look;
use super::stop::is_asked;
use super::temporary::Leftover;
use crate::journal::{CondemnedFile, Content, SparedFile};
use crate::retried::{Tries, retried};
use crate::retry::{Classed, ErrorClass};
use crate::runbook::JournalWriter;
use crate::summary::Stopped;
use crate::{Fid, Reason, SourceError};

/// What became of one file that was to be deleted.
enum End {
    Deleted,
    Changed,
    /// It stays: it cannot be looked up any more, for this reason.
    Unknown(String),
    /// It may have been deleted or not.
    Unsure(SourceError),
}

impl Run<'_> {
    /// Deletes a batch, unless this is a dry run. The journal has all of it before the first file is
    /// deleted, and what came of it after the last one, however that ended.
    pub(super) async fn delete(&mut self, batch: &[Condemned]) -> Result<(), Ended> {
        let Mode::Delete { by } = &self.plan.mode else { return Ok(()) };
        if batch.is_empty() {
            return Ok(());
        }
        self.require_right_clock().await?;
        let mut writer = if let Some(writer) = self.writer.take() {
            writer
        } else {
            let (journal, clock) = (Arc::clone(&self.ports.journal), Arc::clone(&self.ports.clock));
            JournalWriter::open(journal, clock, (by.clone(), self.plan.salt)).await?
        };
        let domain = self.ports.index.domain().to_owned();
        let files = batch.iter().map(Condemned::in_journal).collect();
        writer.append(Content::TemporaryCondemned { domain, files }).await?;
        let (spared, stopped) = self.delete_batch(batch).await;
        let deleted = (batch.len() - spared.len()) as u64;
        writer.append(Content::TemporaryDeleted { deleted, spared }).await?;
        self.writer = Some(writer);
        stopped.map_or(Ok(()), |stopped| Err(stopped.into()))
    }

    /// Deletes a batch, one after the other. Returns those that were not deleted, and why it ended
    /// early.
    async fn delete_batch(&mut self, batch: &[Condemned]) -> (Vec<SparedFile>, Option<Stopped>) {
        let (mut spared, mut stopped) = (Vec::new(), None);
        for Condemned { leftover, digests, .. } in batch {
            let fid = leftover.fid;
            let mut spare = |why: String| spared.push(SparedFile { fid, why });
            if stopped.is_none() && is_asked(&self.plan.stop) {
                stopped = Some(Stopped::Interrupted);
            }
            if stopped.is_some() {
                spare("the run ended before it".to_owned());
                continue;
            }
            let ended = self.delete_one(leftover).await;
            let deletion = &mut self.deletion;
            match ended {
                Ok(End::Deleted) => deletion.deleted.add(digests.length),
                Ok(End::Changed) => {
                    deletion.changed += 1;
                    spare("it has another key by now, or is gone".to_owned());
                }
                Ok(End::Unknown(why)) => {
                    deletion.unreadable.add(fid, &why);
                    spare(why);
                }
                Ok(End::Unsure(error)) => {
                    deletion.unsure.add(fid, &error);
                    spare(format!("perhaps deleted: {error}"));
                    stopped = Some(Stopped::Trouble(Reason::from(&error)));
                }
                Err(why) => {
                    spare("the run ended before it".to_owned());
                    stopped = Some(why);
                    continue;
                }
            }
            deletion.deletable.files -= 1;
            deletion.deletable.bytes = deletion.deletable.bytes.saturating_sub(digests.length.0);
        }
        (spared, stopped)
    }

    /// Deletes one file, when it is still what was seen. A request without an answer is not sent again
    /// before the file was looked up: one that is gone by then was deleted by it.
    async fn delete_one(&self, leftover: &Leftover) -> Result<End, Stopped> {
        let Leftover { fid, key, .. } = leftover;
        let mut tries = Tries::new(&*self.ports.clock, fid.0);
        let mut lost = None;
        loop {
            match self.ports.looker().look(*fid, key).await {
                Ok(Look::AsSeen) => {}
                // A request may have been carried out; a look that is no longer of the same row says more.
                Ok(Look::Changed | Look::Disagreement) if let Some(lost) = lost.take() => {
                    return Ok(self.settle(*fid, key, lost).await);
                }
                Ok(Look::Changed) => return Ok(End::Changed),
                Ok(Look::Disagreement) => return Ok(End::Unknown(DISAGREEMENT.to_owned())),
                Ok(Look::Unknown(why)) => {
                    return Ok(lost.map_or(End::Unknown(why), End::Unsure));
                }
                Err(stopped) => return lost.map_or(Err(stopped), |lost| Ok(End::Unsure(lost))),
            }
            let error = match self.ports.files.delete(key).await {
                Ok(()) => return Ok(End::Deleted),
                Err(SourceError::UnknownKey { .. }) if let Some(lost) = lost.take() => {
                    return Ok(self.settle(*fid, key, lost).await);
                }
                Err(SourceError::UnknownKey { .. }) => return Ok(End::Changed),
                Err(error) => error,
            };
            let heals = error.class() == ErrorClass::Retry;
            let stopped = Stopped::Trouble(Reason::from(&error));
            if matches!(error, SourceError::Uncertain { .. }) {
                lost = Some(error);
            }
            if !heals || !tries.another().await {
                return lost.map_or(Err(stopped), |lost| Ok(End::Unsure(lost)));
            }
        }
    }

    /// What became of a file whose deletion had no answer, and which the trackers do not have any more as
    /// it was: it was deleted, or renamed by its client. The index says which; one that lags behind does
    /// not know yet.
    async fn settle(&self, fid: Fid, key: &str, lost: SourceError) -> End {
        let row = retried(&*self.ports.clock, fid.0, || self.ports.index.row(fid)).await;
        match row {
            Ok(None) => End::Deleted,
            Ok(Some(row)) if row.dkey.as_deref() != Some(key) => End::Changed,
            Ok(Some(_)) | Err(_) => End::Unsure(lost),
        }
    }
}

impl Condemned {
    fn in_journal(&self) -> CondemnedFile {
        let Self { leftover, digests, because } = self;
        CondemnedFile {
            fid: leftover.fid,
            key: leftover.key.clone(),
            sha1: digests.sha1,
            length: digests.length,
            because: because.clone(),
        }
    }
}
