use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use roaring::RoaringTreemap;
use serde::Serialize;

use super::elsewhere::Examined;
use super::gate::{CleanupRefusal, require_right_clock};
use super::listing::{AllRows, count_others};
use super::references::Control;
use super::replicas::ReplicaReader;
use super::stop::{DeletionObserver, StopRequest, is_asked};
use super::temporary::{Age, Leftover, OnlyCopy};
use crate::journal::{Content, Entry, StoredEntry};
use crate::ports::{
    Clock, ContentRepoDatabase, Journal, ObjectStore, ServiceTime, SourceFiles, SourceIndex,
};
use crate::runbook::{JournalWriter, read_journal};
use crate::summary::{Sample, Stopped};
use crate::{BucketMap, ContentDigests, Misconfigured, RowClass, Tally, Timestamp, limits};

/// What the clean-up of unfinished uploads reaches.
pub struct TemporaryPorts {
    /// The index of MogileFS.
    pub index: Arc<dyn SourceIndex>,
    /// The files of MogileFS.
    pub files: Arc<dyn SourceFiles>,
    /// S3.
    pub objects: Arc<dyn ObjectStore>,
    /// contentrepo's database, where the settings name it.
    pub content_repo: Option<Arc<dyn ContentRepoDatabase>>,
    /// The journal of the migration.
    pub journal: Arc<dyn Journal>,
    /// The clock of the service that keeps the journal.
    pub service: Arc<dyn ServiceTime>,
    /// This machine's clock.
    pub clock: Arc<dyn Clock>,
}

/// Whether anything is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is, and nothing is written into the journal.
    DryRun,
    /// Yes.
    Delete {
        /// Who writes into the journal.
        by: String,
    },
}

/// What became of the unfinished uploads. Each is in one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Deletion {
    /// All that the index has.
    pub temporary: Tally,
    /// Those that were deleted.
    pub deleted: Tally,
    /// Those that may be deleted and were not: this was a dry run, or it ended early.
    pub deletable: Tally,
    /// Those that no listing of the journal has seen.
    pub unseen: u64,
    /// Those that a listing saw too short a time ago. They may still be under way.
    pub too_young: u64,
    /// The moment from which the last of these may be deleted.
    pub due: Option<Timestamp>,
    /// Those that have another key by now, or are gone.
    pub changed: u64,
    /// Those that have the only bytes of some content that contentrepo refers to.
    pub only_copies: Vec<OnlyCopy>,
    /// Those whose content was found nowhere else, where contentrepo was not asked or gave no answer.
    pub undecided: Sample,
    /// Those whose content nobody can say: no replica can be read, or they differ.
    pub unreadable: Sample,
    /// Those that may have been deleted or not: the trackers did not answer.
    pub unsure: Sample,
    /// Those that were not looked at: there are too many for one run, or it ended early.
    pub not_looked_at: u64,
    /// Rows whose keys look like those of unfinished uploads and are none.
    pub alike: Sample,
    /// Rows that the index cannot give.
    pub unreadable_rows: Sample,
    /// Why contentrepo gave no answer.
    pub contentrepo_failed: Option<String>,
    /// Why the run ended early.
    pub stopped: Option<Stopped>,
}

/// A file that may be deleted.
pub(super) struct Condemned {
    pub(super) leftover: Leftover,
    pub(super) digests: ContentDigests,
    pub(super) because: String,
}

/// What was read of a file whose upload is over, and whose content was found nowhere else.
pub(super) struct Evidence {
    pub(super) leftover: Leftover,
    pub(super) digests: ContentDigests,
}

/// Deletes the unfinished uploads that a listing saw long enough ago, that have not changed since, and
/// whose content is elsewhere or needed by nobody.
///
/// An upload that is under way stays: it was not seen a day ago. One that ended has another key by
/// now. The trackers delete by key, so a file that gets this key between the last look and the request
/// would be deleted in its place; a client that writes the same uuid twice would have to do that within
/// milliseconds. A file that is renamed there is unknown to the trackers by then, and stays.
pub async fn delete_temporary(
    ports: &TemporaryPorts,
    plan: &DeletionPlan<'_>,
) -> Result<Deletion, Refused> {
    let mut run = Run {
        ports,
        plan,
        reader: ReplicaReader::new(&*ports.files, &*ports.clock),
        control: Control::default(),
        writer: None,
        deletion: Deletion::default(),
    };
    match run.find_and_delete().await {
        Ok(()) => {}
        Err(Ended::Stopped(stopped)) => run.deletion.stopped = Some(stopped),
        Err(Ended::Refused(why)) => {
            return Err(Refused { why, deleted: run.deletion.deleted.files });
        }
    }
    Ok(run.deletion)
}

/// What is to be deleted, and how.
pub struct DeletionPlan<'a> {
    /// The buckets that migrate.
    pub buckets: &'a BucketMap,
    /// The files that also go where they have the only bytes of some content: the operator has named
    /// each of them.
    pub also_unique: RoaringTreemap,
    /// Whether anything is deleted.
    pub mode: Mode,
    /// A random number of this process.
    pub salt: u64,
    /// Ends when somebody asks to stop: the file in hand is the last one.
    pub stop: StopRequest,
    /// Who looks on.
    pub observer: &'a dyn DeletionObserver,
}

/// A run that was refused to go on.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub why: CleanupRefusal,
    /// How many files it had deleted by then.
    pub deleted: u64,
}

/// One run.
pub(super) struct Run<'a> {
    pub(super) ports: &'a TemporaryPorts,
    pub(super) plan: &'a DeletionPlan<'a>,
    reader: ReplicaReader<'a>,
    pub(super) control: Control,
    /// Begun with the first batch.
    pub(super) writer: Option<JournalWriter>,
    pub(super) deletion: Deletion,
}

/// How a run ends before its end.
pub(super) enum Ended {
    Stopped(Stopped),
    Refused(CleanupRefusal),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl<E: Into<CleanupRefusal>> From<E> for Ended {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal.into())
    }
}

impl Run<'_> {
    async fn find_and_delete(&mut self) -> Result<(), Ended> {
        let (ports, salt) = (self.ports, self.plan.salt);
        require_right_clock(&*ports.clock, &*ports.service, salt).await?;
        ports.require_buckets(self.plan.buckets).await?;
        let mut leftovers = self.leftovers().await?;
        self.read_sightings(&mut leftovers, salt).await?;
        let mut unique = Vec::new();
        let mut over = VecDeque::from(self.those_over(leftovers));
        if !over.is_empty() {
            self.require_own_contentrepo().await?;
        }
        while !over.is_empty() {
            let many = over.len().min(limits::CONDEMNED_FILES);
            let batch = over.drain(..many).collect();
            let (condemned, stopped) = self.examine(batch, &mut unique).await;
            // What the run ended early for may be away for the deletion, too.
            stopped.map_or(Ok(()), Err)?;
            self.delete(&condemned).await?;
            self.plan.observer.progressed(&self.deletion);
        }
        let condemned = self.decide(unique).await?;
        self.look_at_places().await?;
        for batch in condemned.chunks(limits::CONDEMNED_FILES) {
            self.delete(batch).await?;
            self.plan.observer.progressed(&self.deletion);
        }
        Ok(())
    }

    /// The unfinished uploads that the index has. Errors where it has no file that migrates by these
    /// settings: then the domain is another client's, whose uploads S3 and contentrepo do not know.
    async fn leftovers(&mut self) -> Result<Vec<Leftover>, Stopped> {
        let (ports, deletion) = (self.ports, &mut self.deletion);
        let mut all = 0;
        let mut leftovers = Vec::new();
        let mut rows = AllRows::new(&*ports.index, &*ports.clock);
        while let Some(page) = rows.next().await? {
            count_others(&page, &mut deletion.alike, &mut deletion.unreadable_rows);
            all += page.rows.len() as u64;
            for row in page.rows {
                let Some(key) = row.temporary_key() else {
                    if let RowClass::Source(file) = row.classify(self.plan.buckets) {
                        self.control.add(file.dkey.sha1);
                    }
                    continue;
                };
                deletion.temporary.add(row.length.unwrap_or_default());
                deletion.not_looked_at += 1;
                if leftovers.len() < limits::TEMPORARY_ROWS {
                    let (fid, key, length) = (row.fid, key.to_owned(), row.length);
                    leftovers.push(Leftover { fid, key, length, first_seen: None });
                }
            }
        }
        if self.control.seen() == 0 {
            let mapped = self.plan.buckets.pairs().map(|(old, _)| old.to_string()).collect();
            let misconfigured = Misconfigured::NothingMapped { rows: all, mapped };
            return Err(Stopped::Misconfigured(misconfigured));
        }
        Ok(leftovers)
    }

    /// Reads in the journal when each was first seen, under this very key.
    async fn read_sightings(
        &self,
        leftovers: &mut [Leftover],
        salt: u64,
    ) -> Result<(), CleanupRefusal> {
        let domain = self.ports.index.domain();
        let mut damage = None;
        let mut each = |stored: &StoredEntry, faults: Vec<_>| {
            damage = damage.take().or_else(|| faults.into_iter().next());
            let Ok(Entry { at, content, .. }) = Entry::parse(&stored.line) else { return };
            let Content::TemporarySeen { domain: of, rows } = content else { return };
            for row in rows.iter().filter(|_| of == domain) {
                let place = leftovers.binary_search_by_key(&row.fid, |leftover| leftover.fid);
                let Some(leftover) = place.ok().and_then(|at| leftovers.get_mut(at)) else {
                    continue;
                };
                if leftover.key == row.key {
                    let earlier = leftover.first_seen.filter(|seen| *seen <= at);
                    leftover.first_seen = Some(earlier.unwrap_or(at));
                }
            }
        };
        let journal = &*self.ports.journal;
        let end = read_journal(journal, &*self.ports.clock, salt, &mut each).await?;
        damage.or(end.fault).map_or(Ok(()), |fault| Err(CleanupRefusal::Changed(fault)))
    }

    /// Those whose upload is over; counts the others.
    fn those_over(&mut self, leftovers: Vec<Leftover>) -> Vec<Leftover> {
        let now = self.ports.clock.now();
        let deletion = &mut self.deletion;
        let mut over = Vec::new();
        for leftover in leftovers {
            match Age::of(leftover.first_seen, now) {
                Age::Over => over.push(leftover),
                Age::MayGoOn(until) => {
                    deletion.not_looked_at -= 1;
                    deletion.too_young += 1;
                    deletion.due = deletion.due.max(Some(until));
                }
                Age::Unseen => {
                    deletion.not_looked_at -= 1;
                    deletion.unseen += 1;
                }
            }
        }
        over
    }

    /// Reads a batch, some at once. Returns what has its content elsewhere, and why it ended early. What
    /// exists nowhere else goes to `unique`: contentrepo is asked about all of it at once.
    async fn examine(
        &mut self,
        batch: Vec<Leftover>,
        unique: &mut Vec<Evidence>,
    ) -> (Vec<Condemned>, Option<Stopped>) {
        let (ports, buckets, reader) = (self.ports, self.plan.buckets, &self.reader);
        let mut all = stream::iter(batch)
            .map(|leftover| async move {
                let examined = ports.examine(reader, buckets, &leftover).await;
                (leftover, examined)
            })
            .buffered(limits::LOOKUPS_AT_ONCE)
            .take_until(self.plan.stop.clone());
        let mut condemned = Vec::new();
        while let Some((leftover, examined)) = all.next().await {
            match examined {
                Err(stopped) => return (condemned, Some(stopped)),
                Ok(Examined::Changed) => self.deletion.changed += 1,
                Ok(Examined::Unreadable(why)) => self.deletion.unreadable.add(leftover.fid, why),
                Ok(Examined::Read { digests, elsewhere: None }) => {
                    unique.push(Evidence { leftover, digests });
                    continue;
                }
                Ok(Examined::Read { digests, elsewhere: Some(elsewhere) }) => {
                    self.deletion.deletable.add(digests.length);
                    let because = elsewhere.to_string();
                    condemned.push(Condemned { leftover, digests, because });
                }
            }
            self.deletion.not_looked_at -= 1;
        }
        (condemned, is_asked(&self.plan.stop).then_some(Stopped::Interrupted))
    }
}
