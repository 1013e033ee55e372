use futures_util::future::try_join4;

use super::{EnqueueObserver, EnqueuePlan, EnqueueSummary, trouble};
use crate::journal::AcceptedFile;
use crate::migrate::{
    Types, Writes, count_for_the_eye, gather_types, known_files, refuse_moved_files,
    require_domain, require_fit_site, verified_files,
};
use crate::ports::WorkPorts;
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{
    Acceptance, Acceptances, BucketMap, ByteCount, FileStanding, IndexRow, JobAction, KnownFiles,
    RowClass,
};

/// What has to be known before the first job is sent.
pub(super) struct Ready {
    pub(super) known: KnownFiles,
    pub(super) types: Option<Types>,
    /// The accepted files that get no job.
    pub(super) left_out: Acceptances,
}

pub(super) async fn prepare(
    ports: &WorkPorts,
    plan: &EnqueuePlan,
    observer: &dyn EnqueueObserver,
    summary: &mut EnqueueSummary,
) -> Result<Ready, Stopped> {
    let (index, clock) = (ports.files.index.as_ref(), ports.files.clock.as_ref());
    require_domain(index, clock).await?;
    let depth = retried(clock, 0, || ports.queue.depth()).await;
    let depth = depth.map_err(|error| trouble(&error))?;
    summary.queue_before = depth.all();
    let counting = async {
        Ok(match &plan.selection.only {
            Some(only) => Some(only.len()),
            None => count_for_the_eye(index).await.0,
        })
    };
    let tell = |rows| observer.types_read(rows);
    let types = plan.types.as_ref().filter(|_| plan.action == JobAction::Migrate);
    let types = gather_types(types, (index, clock), &plan.buckets, &tell);
    let writes = match plan.action {
        JobAction::Migrate => Writes::Files(plan.route),
        JobAction::Verify => Writes::None,
    };
    let fit = require_fit_site(plan.guard.as_ref(), clock, &plan.buckets, writes);
    // What is wrong with one is said at once, however long the others take.
    let known = known(ports, plan);
    let ((known, left_out), types, not_looked_at, expected) =
        try_join4(known, types, fit, counting).await?;
    summary.not_looked_at = not_looked_at;
    observer.expect(expected, &depth);
    Ok(Ready { known, types, left_out })
}

/// What is known of the files: a migration passes over what is proven, a verification what it has
/// found whole. Both begin nothing where the ledger's proofs are of another map: each file would be
/// copied again, or found missing. Accepted files get no job, except those that are proven by now.
async fn known(
    ports: &WorkPorts,
    plan: &EnqueuePlan,
) -> Result<(KnownFiles, Acceptances), Stopped> {
    let (index, clock) = (ports.files.index.as_ref(), ports.files.clock.as_ref());
    let (failures, selection) = (ports.files.failures.as_ref(), &plan.selection);
    let (buckets, moved_from) = (&plan.buckets, &plan.moved_from);
    let tables = (ports.files.ledger.as_ref(), failures);
    let known = known_files(tables, clock, selection).await;
    let known = known.map_err(|error| trouble(&error))?;
    refuse_moved_files((index, clock), buckets, selection, &known, moved_from).await?;
    let mut left_out = selection.accepted.clone();
    left_out.retain(|accepted| !is_proven(accepted, buckets, &known));
    if plan.action == JobAction::Migrate {
        return Ok((known, left_out));
    }
    drop(known);
    let run = plan.run.as_deref().unwrap_or_default();
    let tables = (ports.verifications.as_ref(), failures);
    let verified = verified_files(tables, run, selection.among).await;
    Ok((verified.map_err(|error| trouble(&error))?, left_out))
}

/// Whether the ledger proves an accepted file, and no verification doubts that.
fn is_proven(accepted: &Acceptance, buckets: &BucketMap, known: &KnownFiles) -> bool {
    let AcceptedFile { fid, key, .. } = &accepted.file;
    let row = IndexRow {
        fid: *fid,
        dkey: key.clone(),
        length: Some(ByteCount::default()),
        replicas: None,
        storage_class: None,
    };
    match row.classify(buckets) {
        RowClass::Source(file) => known.standing(&file) == FileStanding::Proven,
        RowClass::Temporary | RowClass::Ignored | RowClass::Rejected(_) => false,
    }
}
