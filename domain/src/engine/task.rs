//! One task: a file and what is to be done for it, and how that may end.

use std::sync::Arc;
use std::time::Duration;

use crate::migrate::{
    FileEnd, FileOutcome, FilePlan, SyncEnd, SyncOutcome, SyncPlan, Writing, migrate_file,
    sync_file,
};
use crate::ports::{Ports, VerificationLog};
use crate::retried::retried;
use crate::verify::{RecordLook, compare_with_record, index_length, verify_file};
use crate::{
    Delivery, Dkey, Failure, FailureNote, FailureRecord, Fid, Finding, JobAction, LedgerRecord,
    Left, MessageTries, Noted, Reason, ReasonKind, SourceFile, Timestamp, Verification, limits,
};

/// What the engine reaches outside.
#[derive(Clone, Copy)]
pub(crate) struct EnginePorts<'a> {
    pub(crate) files: &'a Ports,
    pub(crate) verifications: &'a dyn VerificationLog,
}

impl EnginePorts<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.files.clock.now()
    }

    /// The moment `wait` from now.
    pub(super) fn after(&self, wait: Duration) -> Timestamp {
        self.now().after(wait)
    }
}

/// What makes two tasks the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskKey {
    fid: Fid,
    action: JobAction,
    dkey: Dkey,
    /// Each verification looks for itself.
    run: Option<String>,
}

/// A file and what is to be done for it.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) key: TaskKey,
    pub(crate) file: SourceFile,
    /// What is to be done; [`None`] until a listing has shown which way the file may come.
    pub(crate) work: Option<Work>,
    /// Whether something may be at the final key already.
    pub(crate) look_first: bool,
    /// Whether something is being written at the final key.
    pub(super) writing: Arc<Writing>,
    /// Whether the failures table has a record of the file.
    pub(crate) failed_before: bool,
    /// Failures of this file because a system could not be reached, while others could.
    pub(super) tries: u32,
    /// Set where an earlier delivery of the job has not told its end.
    pub(super) suspicion: Option<Box<Suspicion>>,
}

/// A job may have ended its worker. Before it is begun that is written down, so that a job that does
/// so again is known by it.
#[derive(Debug, Clone)]
pub(crate) struct Suspicion {
    note: FailureNote,
    /// It has not told its end since that was written down: it is worked on when all others are done,
    /// so that it takes none of them along.
    alone: bool,
}

impl Suspicion {
    /// About a delivery of which this is known; [`None`] of a message that is no job.
    pub(super) fn of(delivery: &Delivery, tries: MessageTries) -> Option<Box<Self>> {
        let detail = "its worker ended before it told what became of it: by memory, by time, or \
                      because somebody stopped it";
        let reason = Reason::new(ReasonKind::Killed, detail);
        let failure = Failure { reason, left: Left::PerhapsOurs };
        let record = FailureRecord::of(delivery, &failure, Timestamp(0))?;
        let note = FailureNote { message: delivery.message.clone(), record, what: Noted::Begun };
        Some(Box::new(Self { note, alone: tries.begun > 0 }))
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub(crate) enum Work {
    Migrate(FilePlan),
    Sync(SyncPlan),
    Verify {
        run: String,
        /// S3 has no SHA-1 of the content, most likely, so that it must be read.
        reads: bool,
        /// What the ledger says of the file.
        record: RecordLook,
    },
}

/// What the tables get of a task that was done.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Migrated(LedgerRecord),
    Verified(Verification),
}

/// How a task ended.
#[derive(Debug)]
pub(crate) enum TaskEnd {
    /// It was done, and its record is written.
    Recorded(Record),
    /// Its intermediary is there, or is left out; no table gets anything.
    Synced(SyncEnd),
    /// MogileFS does not have the file any more.
    Gone,
    /// It was given up.
    Failed(Failure),
    /// It was done, and the tables did not take its record.
    Unrecorded(Reason),
    /// It was not begun: the engine stopped first, or had no time for it, for this reason.
    NotBegun(Option<Reason>),
    /// It was under way when the engine stopped, for this reason, and this may be left of it.
    Abandoned(Option<Reason>, Left),
}

/// What came of carrying a task out.
pub(super) struct Outcome {
    pub(super) end: Carried,
    pub(super) findings: Vec<Finding>,
}

pub(super) enum Carried {
    Proven(Record),
    Synced(SyncEnd),
    Gone,
    Failed(Failure),
}

impl Task {
    /// A task about `file`; `run` names the verification that it is part of.
    pub(crate) fn new(file: SourceFile, action: JobAction, run: Option<String>) -> Self {
        let key = TaskKey { fid: file.fid, action, dkey: file.dkey.clone(), run };
        Self {
            key,
            file,
            work: None,
            look_first: false,
            tries: 0,
            writing: Arc::default(),
            failed_before: false,
            suspicion: None,
        }
    }

    /// Whether something must be read before it can be carried out: which way its file may come, or
    /// what the ledger says of it.
    pub(super) const fn is_unplanned(&self) -> bool {
        matches!(self.work, None | Some(Work::Verify { record: RecordLook::NotYet, .. }))
    }

    /// Whether it looks whether a file is whole.
    pub(super) const fn verifies(&self) -> bool {
        matches!(self.work, Some(Work::Verify { .. }))
    }

    /// It waits: by its next try what was read for it may not hold any more.
    pub(super) fn forget_record(&mut self) {
        if let Some(Work::Verify { record, .. }) = &mut self.work {
            *record = RecordLook::NotYet;
        }
    }

    /// Whether MogileFS is asked for the content before anything else is tried.
    pub(super) fn comes_from_mogile(&self) -> bool {
        match &self.work {
            Some(Work::Migrate(plan)) => plan.copy_from.is_none() && plan.mogile,
            Some(Work::Sync(plan)) => plan.known_end(&self.file).is_none(),
            Some(Work::Verify { .. }) | None => false,
        }
    }

    /// Whether it is worked on when all others are done.
    pub(super) fn is_alone(&self) -> bool {
        self.suspicion.as_ref().is_some_and(|suspicion| suspicion.alone)
    }

    /// Does `work` for this file.
    pub(super) async fn carry_out(&self, work: &Work, ports: EnginePorts<'_>) -> Outcome {
        let files = ports.files;
        if let Err(failure) = self.note_suspicion(files).await {
            return Carried::Failed(failure).into();
        }
        match work {
            Work::Migrate(plan) => {
                migrate_file(files, &self.file, plan, &self.writing).await.into()
            }
            Work::Sync(plan) => sync_file(files, &self.file, plan, &self.writing).await.into(),
            Work::Verify { run, record, .. } => {
                let (objects, clock) = (files.objects.as_ref(), files.clock.as_ref());
                let seen = verify_file(objects, clock, &self.file, run).await;
                match compare_with_record(seen, record, &self.file) {
                    Ok(seen) => {
                        let findings = index_length(&self.file, seen.length).into_iter().collect();
                        Outcome { end: Carried::Proven(Record::Verified(seen)), findings }
                    }
                    Err(failure) => Carried::Failed(failure).into(),
                }
            }
        }
    }

    async fn note_suspicion(&self, files: &Ports) -> Result<(), Failure> {
        let Some(suspicion) = &self.suspicion else { return Ok(()) };
        let clock = files.clock.as_ref();
        let mut note = suspicion.note.clone();
        note.record.failed_at = clock.now();
        let notes = [note];
        let answer = retried(clock, self.file.fid.0, || files.failures.note(&notes)).await;
        let failed = |error| Failure { reason: Reason::from(&error), left: Left::Nothing };
        answer.map(drop).map_err(failed)
    }

    /// What may be left of it where it is abandoned now.
    pub(super) fn leaves(&self) -> Left {
        if self.writing.is_under_way() { Left::PerhapsOurs } else { Left::Nothing }
    }

    /// The bytes that flow through this process for it, as far as is known before.
    pub(super) fn flowing(&self) -> u64 {
        let flows = match &self.work {
            Some(Work::Migrate(plan)) => plan.copy_from.is_none(),
            Some(Work::Sync(plan)) => plan.known_end(&self.file).is_none(),
            Some(Work::Verify { reads, .. }) => *reads,
            None => true,
        };
        if flows { self.file.length.0 } else { 0 }
    }

    /// How long it is expected to take while this number of other bytes flow beside it.
    pub(super) fn expected_time(&self, bytes_beside: u128) -> Duration {
        let flowing = self.flowing();
        let time = if flowing > 0 {
            let bytes = bytes_beside + u128::from(flowing);
            limits::expected_flow(u64::try_from(bytes).unwrap_or(u64::MAX))
        } else if let Some(Work::Migrate(_)) = self.work {
            limits::expected_copy(self.file.length.0)
        } else {
            Duration::ZERO
        };
        limits::JOB_TIME.saturating_add(time)
    }
}

impl From<Carried> for Outcome {
    fn from(end: Carried) -> Self {
        Self { end, findings: Vec::new() }
    }
}

impl From<SyncOutcome> for Outcome {
    fn from(SyncOutcome { end, findings }: SyncOutcome) -> Self {
        let end = match end {
            SyncEnd::Gone => Carried::Gone,
            SyncEnd::Failed(failure) => Carried::Failed(failure),
            end @ (SyncEnd::Proven { .. } | SyncEnd::Listed | SyncEnd::TooLarge) => {
                Carried::Synced(end)
            }
        };
        Self { end, findings }
    }
}

impl From<FileOutcome> for Outcome {
    fn from(FileOutcome { end, findings }: FileOutcome) -> Self {
        let end = match end {
            FileEnd::Proven(record) => Carried::Proven(Record::Migrated(record)),
            FileEnd::Gone => Carried::Gone,
            FileEnd::Failed(failure) => Carried::Failed(failure),
        };
        Self { end, findings }
    }
}
