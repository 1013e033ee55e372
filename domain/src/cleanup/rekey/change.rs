//! Changes the key, and looks what came of it where no answer came.

use std::sync::Arc;

use super::outcome::{RekeyOutcome, Verdict};
use super::{Rekey, RekeyMode, RekeyWay, Rekeying, Unrecorded};
use crate::journal::Content;
use crate::ports::{ChangeError, KeyChange, KeyChanged, KeyChanges};
use crate::retried::retried;
use crate::retry::backoff;
use crate::runbook::{JournalTrouble, JournalWriter};
use crate::{ByteCount, SourceError, limits};

impl Rekey<'_> {
    /// Changes the key, with an entry of the journal before and one behind it.
    pub(super) async fn change(mut self) -> Result<Rekeying, Unrecorded> {
        let RekeyMode::Change { by, way } = &self.plan.mode else {
            let verdict = RekeyOutcome::CanBeChanged.because("every replica proves it");
            return Ok(self.rekeying.with(verdict));
        };
        let unrecorded = |why: JournalTrouble| Unrecorded { why: why.into(), rekeying: None };
        let (journal, clock) = (Arc::clone(&self.ports.journal), Arc::clone(&self.ports.clock));
        let by = (by.clone(), self.plan.salt);
        let mut writer = JournalWriter::open(journal, clock, by).await.map_err(unrecorded)?;
        writer.append(self.begun(way)).await.map_err(unrecorded)?;
        let verdict = self.changed(way).await;
        self.rekeying = self.rekeying.with(verdict);
        let Rekeying { fid, outcome, why, .. } = &self.rekeying;
        let (outcome, why) = (outcome.name().to_owned(), why.clone());
        match writer.append(Content::RekeyEnded { fid: *fid, outcome, why }).await {
            Ok(_) => Ok(self.rekeying),
            Err(why) => {
                let rekeying = Some(Box::new(self.rekeying));
                Err(Unrecorded { why: why.into(), rekeying })
            }
        }
    }

    fn begun(&self, way: &RekeyWay) -> Content {
        let KeyChange { fid, from, to } = self.key_change();
        let way = match way {
            RekeyWay::Database(_) => "database",
            RekeyWay::Tracker => "tracker",
        };
        Content::RekeyBegun {
            domain: self.rekeying.domain.clone(),
            fid,
            from,
            to,
            length: self.rekeying.length.unwrap_or(ByteCount(0)),
            way: way.to_owned(),
        }
    }

    fn key_change(&self) -> KeyChange {
        let to = self.rekeying.to.clone().unwrap_or_default();
        KeyChange { fid: self.plan.fid, from: self.plan.from.to_string(), to }
    }

    /// Looks once more, changes the key, and looks whether the trackers see that.
    async fn changed(&mut self, way: &RekeyWay) -> Verdict {
        let change = self.key_change();
        if let Err(verdict) = self.require_as_seen(&change.from).await {
            return verdict;
        }
        // An ingest may have come since; the replicas took their time.
        if let Err(verdict) = self.require_unreferred_since().await {
            return verdict;
        }
        let done = match way {
            RekeyWay::Database(changes) => self.by_database(&**changes, &change).await,
            RekeyWay::Tracker => self.by_tracker(&change).await,
        };
        match done {
            Ok(how) if self.is_seen(&change).await => RekeyOutcome::Changed.because(how),
            Ok(how) => RekeyOutcome::Unseen.because(format!(
                "{how}, but the trackers do not have the file under its new key: is the database that \
                 was changed theirs?"
            )),
            Err(verdict) => verdict,
        }
    }

    /// Whether the trackers have the file under its new key. The database of the index may be a replica
    /// that does not have the change yet.
    async fn is_seen(&self, KeyChange { fid, to, .. }: &KeyChange) -> bool {
        for attempt in 1..=limits::ATTEMPTS {
            if matches!(self.looker.fid_of(to).await, Ok(Some(found)) if found == *fid) {
                return true;
            }
            self.looker.clock.sleep(backoff(attempt, fid.0)).await;
        }
        false
    }

    async fn by_database(
        &self,
        changes: &dyn KeyChanges,
        change: &KeyChange,
    ) -> Result<String, Verdict> {
        let error = match changes.change_key(change).await {
            Ok(KeyChanged::Done) => return Ok("one row was changed".to_owned()),
            Ok(KeyChanged::Taken) => {
                let why = format!("another row of the database has the key `{}`", change.to);
                return Err(RekeyOutcome::Taken.because(why));
            }
            Ok(KeyChanged::OtherKey(found)) => return Err(super::other_key(found.as_deref())),
            Err(error) => error,
        };
        let ChangeError::Uncertain { .. } = &error else {
            return Err(RekeyOutcome::NotChanged.because(error.to_string()));
        };
        let look = || changes.key_of(change.fid);
        match retried(self.looker.clock, change.fid.0, look).await {
            Ok(key) if key.as_ref() == Some(&change.to) => Ok(settled(&error)),
            Ok(key) if key.as_ref() == Some(&change.from) => Err(unchanged(&error)),
            Ok(key) => Err(super::other_key(key.as_deref())),
            Err(unseen) => Err(unsure(&error, &unseen)),
        }
    }

    async fn by_tracker(&self, change: &KeyChange) -> Result<String, Verdict> {
        let KeyChange { fid, from, to } = change;
        let error = match self.looker.files.rename(from, to).await {
            Ok(()) => return Ok("a tracker has renamed it".to_owned()),
            Err(error @ SourceError::Uncertain { .. }) => error,
            Err(error) => return Err(RekeyOutcome::NotChanged.because(error.to_string())),
        };
        match (self.looker.ask(to).await, self.looker.ask(from).await) {
            (Ok(Some(found)), _) if found == *fid => Ok(settled(&error)),
            // The tracker may still be at it: its database may keep it waiting.
            (_, Ok(Some(found))) if found == *fid => Err(RekeyOutcome::Unsure.because(format!(
                "no answer came ({error}), and the file still has its old key: the tracker may rename it \
                 yet"
            ))),
            (Err(unseen), _) | (_, Err(unseen)) => Err(unsure(&error, &unseen)),
            (Ok(_), Ok(_)) => Err(unsure(&error, &"the trackers know neither key of the file")),
        }
    }
}

fn settled(error: &impl std::fmt::Display) -> String {
    format!("no answer came ({error}), and a look showed that it is changed")
}

fn unchanged(error: &impl std::fmt::Display) -> Verdict {
    let why = format!("no answer came ({error}), and a look showed that the row has its old key");
    RekeyOutcome::NotChanged.because(why)
}

fn unsure(error: &impl std::fmt::Display, unseen: &impl std::fmt::Display) -> Verdict {
    RekeyOutcome::Unsure.because(format!("{error}; and it cannot be looked up: {unseen}"))
}
