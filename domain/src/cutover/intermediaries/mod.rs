//! The end of the raw copies in the buckets, from which files were copied: each goes only where its file is
//! proven at its final key, behind both cut-overs.

mod deleting;
mod finding;
mod gate;
mod kept;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use self::deleting::Condemned;
use self::gate::why_not;
pub use self::kept::KeptIntermediary;
use super::current::UnreadableJournal;
use super::standing::read_cutovers;
use crate::cleanup::{Mode, StopRequest};
use crate::migrate::{Among, Selection, known_files, require_domain};
use crate::ports::{Clock, FailureLog, Journal, Ledger, LedgerError, ObjectStore, SourceIndex};
use crate::runbook::{JournalTrouble, JournalWriter};
use crate::summary::{Sample, Stopped};
use crate::{BucketMap, Fid, KnownFiles, ObjectAddress, Reason, Tally};

/// What the deletion of intermediaries reaches.
pub struct IntermediaryPorts {
    /// The index of MogileFS.
    pub index: Arc<dyn SourceIndex>,
    /// S3.
    pub objects: Arc<dyn ObjectStore>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Why files failed, and which proofs are doubted.
    pub failures: Arc<dyn FailureLog>,
    /// The journal of the migration.
    pub journal: Arc<dyn Journal>,
    /// This machine's clock.
    pub clock: Arc<dyn Clock>,
}

/// What is to be deleted, and how.
pub struct IntermediaryPlan<'a> {
    /// The buckets that migrate.
    pub buckets: &'a BucketMap,
    /// Whether anything is deleted.
    pub mode: Mode,
    /// Whether those without a row go, too, whose own SHA-1 has a whole object at its final key.
    pub orphans: bool,
    /// Intermediaries of one entry of the journal: [`limits::CONDEMNED_INTERMEDIARIES`](crate::limits).
    pub at_once: usize,
    /// Intermediaries that are deleted at the same time.
    pub concurrency: usize,
    /// A random number of this process.
    pub salt: u64,
    /// Ends when the operator asks to stop. What is being deleted then is brought to its end.
    pub stop: StopRequest,
    /// Who looks on.
    pub observer: &'a dyn IntermediaryObserver,
}

/// Receives what becomes of each intermediary.
pub trait IntermediaryObserver: Send + Sync {
    /// This one ended so: `deleted`, `deletable`, or the name of a [`KeptIntermediary`].
    fn ended(&self, fid: Fid, at: &ObjectAddress, how: &'static str);

    /// So far it is: other figures than the last time.
    fn progressed(&self, so_far: &IntermediaryDeletion);
}

/// Nobody looks.
impl IntermediaryObserver for () {
    fn ended(&self, _: Fid, _: &ObjectAddress, _: &'static str) {}
    fn progressed(&self, _: &IntermediaryDeletion) {}
}

/// What became of the intermediaries. Each is in one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IntermediaryDeletion {
    /// All that the listings have.
    pub intermediaries: Tally,
    /// Those that were deleted.
    pub deleted: Tally,
    /// Those that may be deleted and were not: this was a dry run, or it ended early.
    pub deletable: Tally,
    /// Those that stay, by reason.
    pub kept: BTreeMap<&'static str, Sample>,
    /// Keys beside them that are no intermediary's. They are never deleted.
    pub other_keys: u64,
    /// The entries of the journal that condemn intermediaries.
    pub entries: u64,
    /// The listings that came to their end, a bucket each.
    pub buckets_listed: u64,
    /// Why it ended early.
    pub stopped: Option<Stopped>,
}

/// Why nothing was done, or nothing more.
#[derive(Debug, thiserror::Error)]
pub enum IntermediaryRefusal {
    /// The cut-overs are not done, or were taken back, or are of other buckets.
    #[error("{0}")]
    NotCutOver(String),
    /// The journal cannot be read, or is not as it was written.
    #[error("the journal cannot be read as it was written")]
    Unreadable(UnreadableJournal),
    /// The journal cannot be continued, or another process has continued it.
    #[error(transparent)]
    Journal(#[from] JournalTrouble),
}

/// A run that was refused to go on.
#[derive(Debug)]
pub struct IntermediariesRefused {
    /// Why.
    pub why: IntermediaryRefusal,
    /// How many it had deleted by then.
    pub deleted: u64,
}

/// How a run ends before its end.
enum Ended {
    Stopped(Stopped),
    Refused(IntermediaryRefusal),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl<E: Into<IntermediaryRefusal>> From<E> for Ended {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal.into())
    }
}

fn trouble(error: &LedgerError) -> Ended {
    Stopped::Trouble(Reason::from(error)).into()
}

/// One run.
struct Run<'a> {
    ports: &'a IntermediaryPorts,
    plan: &'a IntermediaryPlan<'a>,
    known: KnownFiles,
    /// [`None`] in a dry run.
    writer: Option<JournalWriter>,
    batch: Vec<Condemned>,
    deletion: IntermediaryDeletion,
    /// The figures that the observer has: those listed, and those deleted.
    reported: (u64, u64),
}

/// Lists the intermediaries of each mapped bucket and deletes those whose files are proven: the ledger has a
/// proof of today's bucket and SHA-1, no verification doubts it, and a HEAD right before the deletion shows the
/// final object. What is at an intermediary's key is deleted only while it has the `ETag` that was listed.
///
/// The writer of the journal is opened before the cut-overs are read. So a way back that begins meanwhile ends
/// this at the next entry, which stands before each batch.
pub async fn delete_intermediaries(
    ports: &IntermediaryPorts,
    plan: &IntermediaryPlan<'_>,
) -> Result<IntermediaryDeletion, IntermediariesRefused> {
    let mut run = Run {
        ports,
        plan,
        known: KnownFiles::default(),
        writer: None,
        batch: Vec::new(),
        deletion: IntermediaryDeletion::default(),
        reported: (0, 0),
    };
    match run.find_and_delete().await {
        Ok(()) => {}
        Err(Ended::Stopped(stopped)) => run.deletion.stopped = Some(stopped),
        Err(Ended::Refused(why)) => {
            return Err(IntermediariesRefused { why, deleted: run.deletion.deleted.files });
        }
    }
    // What was found to be deletable, and was not reached any more.
    for one in std::mem::take(&mut run.batch) {
        run.may_be_deleted(&one);
    }
    Ok(run.deletion)
}

impl Run<'_> {
    async fn find_and_delete(&mut self) -> Result<(), Ended> {
        let IntermediaryPorts { index, ledger, failures, journal, clock, .. } = self.ports;
        if let Mode::Delete { by } = &self.plan.mode {
            let by = (by.clone(), self.plan.salt);
            let writer = JournalWriter::open(Arc::clone(journal), Arc::clone(clock), by).await?;
            self.writer = Some(writer);
        }
        let cutovers = read_cutovers(&**journal, &**clock, self.plan.salt).await;
        let cutovers = cutovers.map_err(IntermediaryRefusal::Unreadable)?;
        if let Some(why) = why_not(&cutovers, self.plan.buckets) {
            return Err(IntermediaryRefusal::NotCutOver(why).into());
        }
        require_domain(&**index, &**clock).await?;
        let all = Selection { among: Among::Pending, ..Selection::default() };
        let known = known_files((&**ledger, &**failures), &**clock, &all).await;
        self.known = known.map_err(|error| trouble(&error))?;
        for (_, bucket) in self.plan.buckets.pairs() {
            self.look_through(bucket).await?;
            self.flush().await?;
            self.report_progress();
            self.deletion.buckets_listed += 1;
        }
        Ok(())
    }

    /// Reports the figures to the observer where they have changed. Most of the listings of a bucket are empty.
    fn report_progress(&mut self) {
        let figures = (self.deletion.intermediaries.files, self.deletion.deleted.files);
        if figures != self.reported {
            self.reported = figures;
            self.plan.observer.progressed(&self.deletion);
        }
    }
}
