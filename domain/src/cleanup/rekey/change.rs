//! Changes the key, and looks what came of it where no answer came.

use std::sync::Arc;

use super::outcome::{RekeyOutcome, Verdict};
use super::{Rekey, RekeyMode, RekeyWay, Rekeying, Unrecorded};
use crate::cleanup::look::{Looker, Unseen};
use crate::cleanup::newest::newest_files;
use crate::journal::Content;
use crate::ports::{ChangeError, KeyChange, KeyChanged, KeyChanges};
use crate::retried::retried;
use crate::retry::backoff;
use crate::runbook::{JournalTrouble, JournalWriter};
use crate::summary::Stopped;
use crate::{ByteCount, Fid, Misconfigured, Reason, SourceError, limits};

impl Rekey<'_> {
    /// Changes the key, with an entry of the journal before and one behind it.
    pub(super) async fn change(mut self) -> Result<Rekeying, Unrecorded> {
        let RekeyMode::Change { by, way } = &self.plan.mode else {
            let verdict = RekeyOutcome::CanBeChanged.because("every replica proves it");
            return Ok(self.rekeying.with(verdict));
        };
        if let RekeyWay::Database(changes) = way
            && let Err(verdict) = self.require_same_database(&**changes).await
        {
            return Ok(self.rekeying.with(verdict));
        }
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
            Ok(how) => self.seen(&change, how).await,
            Err(verdict) => verdict,
        }
    }

    /// Errors unless the database in which the key is to be changed has the newest files of the index under
    /// the same keys: a copy of the store, or another one, would take the change, too.
    async fn require_same_database(&self, changes: &dyn KeyChanges) -> Result<(), Verdict> {
        let Looker { index, clock, .. } = self.looker;
        let unread = |error| Verdict::Stopped(Stopped::Trouble(Reason::from(&error)));
        let newest = newest_files(index, clock, self.plan.buckets, limits::KEYS_COMPARED).await;
        let newest: Vec<Fid> = newest.map_err(unread)?.iter().map(|file| file.fid).collect();
        let mut found = 0;
        for fid in &newest {
            for attempt in 1..=limits::ATTEMPTS {
                let there = retried(clock, fid.0, || changes.key_of(*fid)).await;
                let there =
                    there.map_err(|error| RekeyOutcome::NotChanged.because(error.to_string()))?;
                let here = retried(clock, fid.0, || index.row(*fid)).await.map_err(unread)?;
                if there == here.and_then(|row| row.dkey) {
                    found += 1;
                    break;
                }
                // A file that is renamed or deleted now is known to both a moment later.
                clock.sleep(backoff(attempt, fid.0)).await;
            }
        }
        let looked_for = newest.len() as u64;
        if found == looked_for {
            return Ok(());
        }
        let misconfigured = Misconfigured::OtherWriteDatabase { looked_for, found };
        Err(Verdict::Stopped(Stopped::Misconfigured(misconfigured)))
    }

    /// Looks what has become of the change, `how` it was made.
    async fn seen(&mut self, change: &KeyChange, how: String) -> Verdict {
        match self.sight_of(change).await {
            Sight::Seen => {}
            Sight::NotSeen(why) => {
                return RekeyOutcome::Unseen.because(format!(
                    "{how}, but {why}: is the database that was changed the one of the trackers?"
                ));
            }
            Sight::Unasked(why) => {
                return RekeyOutcome::Unasked.because(format!(
                    "{how}, but the trackers could not be asked whether they have the file under its new \
                     key: {why}"
                ));
            }
        }
        // Rows that were not committed when the last look was made.
        match self.require_unreferred_since().await {
            Ok(()) => RekeyOutcome::Changed.because(how),
            Err(Verdict::Referred { rows, of, .. }) => {
                Verdict::Referred { rows, of, is_changed: true }
            }
            Err(Verdict::Ended(_, why)) => RekeyOutcome::Unasked.because(format!(
                "{how}, but contentrepo could not be asked again whether it refers to the old SHA-1: {why}"
            )),
            Err(stopped @ Verdict::Stopped(_)) => stopped,
        }
    }

    /// Whether the trackers have the file under its new key. Their database may be a replica that does
    /// not have the change yet.
    async fn sight_of(&self, KeyChange { fid, to, .. }: &KeyChange) -> Sight {
        let mut last = Sight::Unasked(String::new());
        for attempt in 1..=limits::ATTEMPTS {
            last = match self.looker.fid_of(to).await {
                Ok(Some(found)) if found == *fid => return Sight::Seen,
                Ok(Some(found)) => {
                    Sight::NotSeen(format!("the trackers have fid {found} under its new key"))
                }
                Ok(None) => Sight::NotSeen("the trackers do not have its new key".to_owned()),
                Err(Unseen::Alone(why)) => Sight::Unasked(why),
                Err(Unseen::All(stopped)) => Sight::Unasked(stopped.to_string()),
            };
            self.looker.clock.sleep(backoff(attempt, fid.0)).await;
        }
        last
    }

    /// The key that the row has when no change of ours is under way any more. A session whose COMMIT had no
    /// answer may be at it still, and has the lock as long.
    async fn settled_key(
        &self,
        changes: &dyn KeyChanges,
        fid: Fid,
    ) -> Result<Option<String>, ChangeError> {
        let clock = self.looker.clock;
        for attempt in 1..limits::ATTEMPTS {
            match retried(clock, fid.0, || changes.settled_key_of(fid)).await {
                Err(ChangeError::Locked { .. }) => clock.sleep(backoff(attempt, fid.0)).await,
                settled => return settled,
            }
        }
        changes.settled_key_of(fid).await
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
        match self.settled_key(changes, change.fid).await {
            Ok(key) if key.as_ref() == Some(&change.to) => Ok(settled(&error)),
            Ok(key) if key.as_ref() == Some(&change.from) => Err(unchanged(&error)),
            Ok(key) => Err(super::other_key(key.as_deref())),
            Err(ChangeError::Locked { holder, .. }) => Err(unsure(
                &error,
                &format!(
                    "{holder} holds the lock of operators, and may change the key yet. Wait for it, or where \
                     nobody is at work there any more `KILL {}`",
                    holder.id
                ),
            )),
            Err(unseen) => Err(unsure(&error, &unseen)),
        }
    }

    async fn by_tracker(&self, change: &KeyChange) -> Result<String, Verdict> {
        let KeyChange { fid, from, to } = change;
        let error = match self.looker.files.rename(from, to).await {
            Ok(()) => return Ok("a tracker has renamed it".to_owned()),
            Err(error @ SourceError::Uncertain { .. }) => error,
            Err(error) => {
                return Err(match self.looker.ask(to).await {
                    Ok(Some(found)) if found != *fid => RekeyOutcome::Taken
                        .because(format!("fid {found} has the key `{to}`, so that {error}")),
                    Ok(_) | Err(_) => RekeyOutcome::NotChanged.because(error.to_string()),
                });
            }
        };
        match (self.looker.ask(to).await, self.looker.ask(from).await) {
            (Ok(Some(found)), _) if found == *fid => Ok(settled(&error)),
            // The tracker may still be at it: its database may keep it waiting.
            (_, Ok(Some(found))) if found == *fid => Err(RekeyOutcome::Unsure.because(format!(
                "no answer came ({error}), and the file still has its old key: the tracker may rename it \
                 yet"
            ))),
            (Err(unseen), _) | (_, Err(unseen)) => Err(unsure(&error, &unseen)),
            (Ok(new), Ok(_)) => {
                let holder = new.map(|fid| format!("; the new key is that of fid {fid}"));
                let holder = holder.unwrap_or_default();
                let words = format!("the trackers have the file under neither key{holder}");
                Err(unsure(&error, &words))
            }
        }
    }
}

/// Whether the trackers have a file under its new key.
enum Sight {
    Seen,
    /// They answered otherwise, in these words.
    NotSeen(String),
    /// They could not be asked, for this reason.
    Unasked(String),
}

fn settled(error: &impl std::fmt::Display) -> String {
    format!("no answer came ({error}), and a look showed that it is changed")
}

fn unchanged(error: &impl std::fmt::Display) -> Verdict {
    let why = format!("no answer came ({error}), and a look showed that the row has its old key");
    RekeyOutcome::NotChanged.because(why)
}

fn unsure(error: &impl std::fmt::Display, unseen: &impl std::fmt::Display) -> Verdict {
    RekeyOutcome::Unsure.because(format!("{error}; and a look did not settle it: {unseen}"))
}
