//! What a message asks for.

use crate::engine::task::{Task, Work};
use crate::engine::{JobEnd, WorkPlan};
use crate::migrate::{FilePlan, RoutePolicy};
use crate::verify::RecordLook;
use crate::{
    Delivery, Destination, Dkey, Failure, Hints, IndexRow, JobAction, Left, Misconfigured,
    ObjectMeta, Reason, ReasonKind, RouteHint, RowClass, SourceFile,
};

/// The task of a message, or the end that the message has come to already.
pub(super) fn task_of(delivery: &Delivery, plan: &WorkPlan) -> Result<Task, JobEnd> {
    let job = match &delivery.job {
        Ok(job) => job.clone(),
        Err(bad) => return Err(failed(ReasonKind::BadMessage, &bad.why)),
    };
    if let Some(other) = other_settings(delivery, plan) {
        return Err(failed(ReasonKind::BadJob, &other));
    }
    let (dkey, length) = (Some(job.dkey.clone()), Some(job.length));
    let row = IndexRow { fid: job.fid, dkey, length, replicas: None, storage_class: None };
    match row.classify(&plan.buckets) {
        RowClass::Source(mut file) => {
            file.type_and_name = job.hints.type_and_name.clone();
            let run = job.hints.run.clone().filter(|_| job.action == JobAction::Verify);
            let in_parts = job.length.0 > plan.single_request_bytes;
            let look_first = job.hints.look_first || delivery.attempt > 1 || in_parts;
            let work = match job.action {
                JobAction::Verify => {
                    let run = job.hints.run.clone().unwrap_or_default();
                    Some(Work::Verify { run, reads: in_parts, record: RecordLook::NotYet })
                }
                JobAction::Migrate => known_way(&job.hints, plan.route, &file, look_first),
            };
            let failed_before = job.hints.failed_before || delivery.attempt > 1;
            Ok(Task { work, look_first, failed_before, ..Task::new(file, job.action, run) })
        }
        RowClass::Temporary => Err(JobEnd::Temporary),
        RowClass::Ignored => Err(JobEnd::Ignored),
        RowClass::Rejected(why) => Err(failed(ReasonKind::BadJob, &why)),
    }
}

/// Which way a file may come, where that is known without a listing: by the policy or by the
/// sender's hint.
fn known_way(
    hints: &Hints,
    policy: RoutePolicy,
    file: &SourceFile,
    look_first: bool,
) -> Option<Work> {
    let copy_from = match (policy, hints.route) {
        (RoutePolicy::Mogile, _) | (RoutePolicy::Auto, Some(RouteHint::Mogile)) => None,
        (_, Some(hint @ (RouteHint::Copy | RouteHint::CopyLeadingSlash))) => {
            hint.intermediary(file.fid)
        }
        (RoutePolicy::Copy, Some(RouteHint::Mogile)) | (_, None) => return None,
    };
    let mogile = policy != RoutePolicy::Copy;
    let (copy_length, meta) = (None, ObjectMeta::from(&file.type_and_name));
    Some(Work::Migrate(FilePlan { copy_from, copy_length, mogile, meta, look_first }))
}

/// What is wrong with the settings, if the job says that its file is in another domain or goes to
/// another bucket. MogileFS would not find a file of another domain, which would pass for deleted;
/// and no file may be written to a bucket that the sender does not know.
pub(super) fn other_settings(delivery: &Delivery, plan: &WorkPlan) -> Option<Misconfigured> {
    let job = delivery.job.as_ref().ok()?;
    let (jobs, domain) = (job.hints.domain.as_ref(), plan.domain.clone());
    if let Some(jobs) = jobs.filter(|jobs| **jobs != domain) {
        return Some(Misconfigured::OtherDomain { jobs: jobs.clone(), domain });
    }
    let (jobs, dkey) = (job.hints.bucket.as_ref()?, Dkey::parse(&job.dkey)?);
    let mapped_to = match plan.buckets.destination(&dkey.bucket) {
        Destination::Bucket(bucket) if bucket == jobs => return None,
        Destination::Bucket(bucket) => Some(bucket.to_string()),
        Destination::Ignored | Destination::Unmapped => None,
    };
    let (files, jobs) = (dkey.bucket.to_string(), jobs.to_string());
    Some(Misconfigured::OtherBucket { files, jobs, mapped_to })
}

pub(super) fn failed(kind: ReasonKind, why: &dyn std::fmt::Display) -> JobEnd {
    back(Reason::new(kind, why))
}

/// The job goes back to the queue for this reason.
pub(super) fn back(reason: Reason) -> JobEnd {
    JobEnd::Failed(Failure { reason, left: Left::Nothing })
}

pub(super) fn not_started(detail: &str) -> Reason {
    Reason::new(ReasonKind::NotStarted, detail)
}
