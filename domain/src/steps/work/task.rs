//! One job on its way: from a message to a file, and to how that ended.

use crate::ports::{Delivery, ObjectMeta};
use crate::steps::WorkPorts;
use crate::steps::migrate_file::{FileEnd, FileOutcome, FilePlan, migrate_file};
use crate::steps::routes::RoutePolicy;
use crate::steps::verify_file::verify_file;
use crate::{
    Failure, Fid, Hints, IndexRow, JobAction, LedgerRecord, Left, Misconfigured, Reason,
    ReasonKind, RouteHint, RowClass, SourceFile, Verification,
};

use super::{JobEnd, WorkPlan};

/// What makes two messages the same job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct JobKey {
    fid: Fid,
    action: JobAction,
    dkey: String,
    /// Each verification looks for itself.
    run: Option<String>,
}

/// A job about a file of ours.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) key: JobKey,
    pub(super) file: SourceFile,
    hints: Hints,
    /// Whether something may be at the final key: the sender knows so, or an earlier delivery has
    /// been there.
    pub(super) look_first: bool,
    /// How often it failed because something could not be reached.
    pub(super) outages: u32,
}

/// What is to be done, in full.
#[derive(Debug, Clone)]
pub(super) enum Work {
    Migrate(FilePlan),
    Verify {
        run: String,
    },
    /// The file is proven, and the ledger did not take that yet: it is not proven once more.
    Record(LedgerRecord),
}

/// How that ended.
pub(super) enum Worked {
    Migrated(FileOutcome),
    Verified(Result<Verification, Failure>),
}

impl Task {
    /// The task of a message, or the end that the message has come to already.
    pub(super) fn of(delivery: &Delivery, plan: &WorkPlan) -> Result<Self, JobEnd> {
        let job = match &delivery.job {
            Ok(job) => job.clone(),
            Err(bad) => return Err(failed(ReasonKind::BadMessage, &bad.why)),
        };
        if let Some(other) = other_domain(delivery, plan) {
            return Err(failed(ReasonKind::BadJob, &other));
        }
        let row = IndexRow { fid: job.fid, dkey: Some(job.dkey.clone()), length: Some(job.length) };
        match row.classify(&plan.buckets) {
            RowClass::Source(file) => {
                let run = job.hints.run.clone().filter(|_| job.action == JobAction::Verify);
                let key = JobKey { fid: job.fid, action: job.action, dkey: job.dkey, run };
                let in_parts = job.length.0 > plan.single_request_bytes;
                let look_first = job.hints.look_first || delivery.attempt > 1 || in_parts;
                Ok(Self { key, file, hints: job.hints, look_first, outages: 0 })
            }
            RowClass::Temporary => Err(JobEnd::Temporary),
            RowClass::Ignored => Err(JobEnd::Ignored),
            RowClass::Rejected(why) => Err(failed(ReasonKind::BadJob, &why)),
        }
    }

    /// What is to be done, where that is known without asking anybody: which way a file may come
    /// is told by the policy or the sender's hint, else by a listing.
    pub(super) fn known_work(&self, policy: RoutePolicy) -> Option<Work> {
        if self.key.action == JobAction::Verify {
            return Some(Work::Verify { run: self.hints.run.clone().unwrap_or_default() });
        }
        let copy_from = match (policy, self.hints.route) {
            (RoutePolicy::Mogile, _) | (RoutePolicy::Auto, Some(RouteHint::Mogile)) => None,
            (_, Some(hint @ (RouteHint::Copy | RouteHint::CopyLeadingSlash))) => {
                hint.intermediary(self.file.fid)
            }
            (RoutePolicy::Copy, Some(RouteHint::Mogile)) | (_, None) => return None,
        };
        let mogile = policy != RoutePolicy::Copy;
        let (copy_length, meta, look_first) = (None, ObjectMeta::default(), self.look_first);
        Some(Work::Migrate(FilePlan { copy_from, copy_length, mogile, meta, look_first }))
    }
}

impl Work {
    pub(super) async fn carry_out(&self, ports: &WorkPorts, file: &SourceFile) -> Worked {
        match self {
            Self::Migrate(plan) => Worked::Migrated(migrate_file(&ports.files, file, plan).await),
            Self::Record(record) => {
                let end = FileEnd::Proven(record.clone());
                Worked::Migrated(FileOutcome { end, findings: Vec::new() })
            }
            Self::Verify { run } => {
                let (objects, clock) = (ports.files.objects.as_ref(), ports.files.clock.as_ref());
                Worked::Verified(verify_file(objects, clock, file, run).await)
            }
        }
    }
}

/// What is wrong with the settings, if the job says that its file is in another domain. There MogileFS
/// would not find the file, which would pass for deleted.
pub(super) fn other_domain(delivery: &Delivery, plan: &WorkPlan) -> Option<Misconfigured> {
    let jobs = delivery.job.as_ref().ok()?.hints.domain.clone()?;
    let domain = plan.domain.clone();
    (jobs != domain).then_some(Misconfigured::OtherDomain { jobs, domain })
}

fn failed(kind: ReasonKind, why: &dyn std::fmt::Display) -> JobEnd {
    JobEnd::Failed(Failure { reason: Reason::new(kind, why), left: Left::Nothing })
}
