use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use roaring::RoaringTreemap;
use serde::Serialize;

use super::control::Control;
use super::elsewhere::Examined;
use super::gate::{CleanupRefusal, require_right_clock};
use super::listing::{AllRows, count_others};
use super::replicas::ReplicaReader;
use super::stop::{DeletionObserver, StopRequest, is_asked};
use super::temporary::{Age, KnownContent, Leftover, OnlyCopy};
use crate::journal::{Content, Entry, StoredEntry};
use crate::ports::{
    Clock, ContentRepoDatabase, Journal, ObjectStore, ServiceTime, SourceFiles, SourceIndex,
};
use crate::retried::retried;
use crate::runbook::{JournalWriter, read_journal};
use crate::summary::{Sample, Stopped};
use crate::{
    BucketMap, ContentDigests, Fid, Misconfigured, Reason, RowClass, Tally, Timestamp, limits,
};

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
    /// Those with content that contentrepo refers to, and that is missing in a bucket from which it does.
    pub only_copies: Vec<OnlyCopy>,
    /// Those whose content is missing in a bucket, where contentrepo was not asked or gave no answer.
    pub undecided: Sample,
    /// Those whose content nobody can say: a replica cannot be read, or they differ.
    pub unreadable: Sample,
    /// Those that may have been deleted or not: the trackers did not answer.
    pub unsure: Sample,
    /// Those that were not looked at: it ended early.
    pub not_looked_at: u64,
    /// Those of them that were read, and about which nothing is decided yet. It is for the eye.
    #[serde(skip)]
    pub in_hand: u64,
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

/// What was read of a file whose upload is over.
pub(super) struct Evidence {
    pub(super) leftover: Leftover,
    pub(super) content: KnownContent,
}

impl Deletion {
    /// One that was read is in its class.
    pub(super) const fn decided(&mut self) {
        self.not_looked_at -= 1;
        self.in_hand -= 1;
    }
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
        is_own_contentrepo: false,
        waiting: RoaringTreemap::new(),
        placed: 0,
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
    /// Uploads that are read, about which contentrepo is asked, and which are deleted, before the next
    /// ones are: [`limits::TEMPORARY_ROWS`].
    pub at_once: usize,
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
    pub(super) reader: ReplicaReader<'a>,
    pub(super) control: Control,
    /// Whether contentrepo's database was found to be this store's, or gave no answer.
    is_own_contentrepo: bool,
    /// The fids of the uploads behind those that are held in memory.
    waiting: RoaringTreemap,
    /// The only copies whose places were looked at.
    pub(super) placed: usize,
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
        self.require_right_clock().await?;
        self.ports.require_buckets(self.plan.buckets).await?;
        let mut leftovers = self.leftovers().await?;
        loop {
            self.clean(leftovers).await?;
            if self.waiting.is_empty() {
                return Ok(());
            }
            leftovers = self.next_leftovers().await?;
        }
    }

    /// What took its time may have put the clock right or wrong.
    pub(super) async fn require_right_clock(&self) -> Result<(), CleanupRefusal> {
        let ports = self.ports;
        require_right_clock(&*ports.clock, &*ports.service, self.plan.salt).await
    }

    /// Deletes those of some uploads that may be deleted.
    async fn clean(&mut self, mut leftovers: Vec<Leftover>) -> Result<(), Ended> {
        self.read_sightings(&mut leftovers).await?;
        self.require_right_clock().await?;
        let mut over = VecDeque::from(self.those_over(leftovers));
        if !over.is_empty() && !self.is_own_contentrepo {
            self.require_own_contentrepo().await?;
            self.is_own_contentrepo = true;
        }
        let mut read = Vec::new();
        while !over.is_empty() {
            let many = over.len().min(limits::CONDEMNED_FILES);
            let batch = over.drain(..many).collect();
            // What it ends early for may be away for the deletion, too.
            self.examine(batch, &mut read).await?;
            self.plan.observer.progressed(&self.deletion);
        }
        let condemned = self.decide(read).await?;
        self.look_at_places().await?;
        for batch in condemned.chunks(limits::CONDEMNED_FILES) {
            self.delete(batch).await?;
            self.plan.observer.progressed(&self.deletion);
        }
        Ok(())
    }

    /// The first unfinished uploads that the index has; the others wait. Errors where it has no file that
    /// migrates by these settings: then the domain is another client's, whose uploads S3 and contentrepo
    /// do not know.
    async fn leftovers(&mut self) -> Result<Vec<Leftover>, Stopped> {
        let (ports, deletion) = (self.ports, &mut self.deletion);
        let mut all = 0;
        let mut leftovers = Vec::new();
        let mut rows = AllRows::new(&*ports.index, &*ports.clock);
        while let Some(page) = rows.next().await? {
            count_others(&page, &mut deletion.alike, &mut deletion.unreadable_rows);
            all += page.rows.len() as u64;
            for row in page.rows {
                let Some(leftover) = Leftover::of(&row) else {
                    if let RowClass::Source(file) = row.classify(self.plan.buckets) {
                        self.control.add_newest(file.dkey.sha1);
                        self.control.add(file.dkey);
                    }
                    continue;
                };
                deletion.temporary.add(row.length.unwrap_or_default());
                deletion.not_looked_at += 1;
                if leftovers.len() < self.plan.at_once {
                    leftovers.push(leftover);
                } else {
                    self.waiting.insert(row.fid.0);
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

    /// The next of those that wait. What has no such row any more is counted.
    async fn next_leftovers(&mut self) -> Result<Vec<Leftover>, Stopped> {
        let mut fids: RoaringTreemap = self.waiting.iter().take(self.plan.at_once).collect();
        self.waiting -= &fids;
        let (index, clock) = (&*self.ports.index, &*self.ports.clock);
        let last = fids.max().unwrap_or_default();
        let mut next = fids.min().map(|first| Fid(first.saturating_sub(1)));
        let mut leftovers = Vec::new();
        while let Some(after) = next.filter(|after| after.0 < last) {
            let page = retried(clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
            let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
            let found = page.rows.iter().filter_map(Leftover::of);
            leftovers.extend(found.filter(|leftover| fids.remove(leftover.fid.0)));
            for row in page.unreadable.into_iter().filter(|row| fids.remove(row.fid.0)) {
                self.deletion.unreadable.add(row.fid, row.why);
                self.deletion.not_looked_at -= 1;
            }
            next = page.next;
        }
        self.deletion.changed += fids.len();
        self.deletion.not_looked_at -= fids.len();
        Ok(leftovers)
    }

    /// Reads in the journal when each was first seen, under this very key.
    async fn read_sightings(&self, leftovers: &mut [Leftover]) -> Result<(), CleanupRefusal> {
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
        let end = read_journal(journal, &*self.ports.clock, self.plan.salt, &mut each).await?;
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

    /// Reads a batch, some at once, into `read`. Errors where it ends early.
    async fn examine(
        &mut self,
        batch: Vec<Leftover>,
        read: &mut Vec<Evidence>,
    ) -> Result<(), Stopped> {
        let (ports, reader) = (self.ports, &self.reader);
        let mut all = stream::iter(batch)
            .map(|leftover| async move {
                let examined = ports.examine(reader, &leftover).await;
                (leftover, examined)
            })
            .buffered(limits::LOOKUPS_AT_ONCE)
            .take_until(self.plan.stop.clone());
        while let Some((leftover, examined)) = all.next().await {
            match examined? {
                Examined::Changed => self.deletion.changed += 1,
                Examined::Unreadable(why) => self.deletion.unreadable.add(leftover.fid, why),
                Examined::Read(content) => {
                    read.push(Evidence { leftover, content });
                    self.deletion.in_hand += 1;
                    continue;
                }
            }
            self.deletion.not_looked_at -= 1;
        }
        if is_asked(&self.plan.stop) { Err(Stopped::Interrupted) } else { Ok(()) }
    }
}
