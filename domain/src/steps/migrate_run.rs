use std::collections::BTreeSet;

use futures_util::future::join;
use futures_util::{FutureExt, Stream, StreamExt, select_biased};
use roaring::RoaringTreemap;

use super::Ports;
use super::known_files::known_files;
use super::retried::retried;
use super::routes::{RoutePolicy, Routes};
use super::rows::{Page, Rows, Selection};
use super::run_loop::Run;
use super::settings_guard::{count_for_the_eye, refuse_moved_files, require_domain, require_rows};
use super::stop::Stop;
use crate::ports::{Clock, FailureLog};
use crate::{
    BucketMap, Coverage, Failure, Fid, KnownFiles, Reason, S3Bucket, SourceFile, Stopped, Summary,
};

/// What a run is to do.
pub struct RunPlan {
    /// Where files go.
    pub buckets: BucketMap,
    /// How they may be brought.
    pub route: RoutePolicy,
    /// Which are taken.
    pub selection: Selection,
    /// How many are under way at once, at most; at least one.
    pub concurrency: usize,
    /// When so many files have failed no more are begun.
    pub max_failures: Option<u64>,
    /// Buckets that the map does not name any more, and whose files may all be migrated again.
    pub moved_from: BTreeSet<S3Bucket>,
    /// The largest object that one request may write,
    /// [`SINGLE_REQUEST_BYTES`](crate::limits::SINGLE_REQUEST_BYTES) at Amazon.
    pub single_request_bytes: u64,
}

/// Told of a run while it goes on.
pub trait RunObserver: Send + Sync {
    /// How many rows there will be, at most, where that is known.
    fn expect(&self, rows: Option<u64>);

    /// Some rows were read. Of each file of theirs that is begun the end will be told.
    fn read(&self, page: &Page);

    /// A file's end is settled: proven and recorded, or gone; or failed.
    fn settled(&self, file: &SourceFile, failure: Option<&Failure>);
}

/// Tells nobody.
pub struct Quiet;

impl RunObserver for Quiet {
    fn expect(&self, _rows: Option<u64>) {}
    fn read(&self, _page: &Page) {}
    fn settled(&self, _file: &SourceFile, _failure: Option<&Failure>) {}
}

/// Migrates all rows of the index that are selected, and says what came of every row. What ends a
/// run early is in [`Summary::stopped`].
///
/// Killed at any moment it costs no more than fewer than [`LEDGER_BATCH`] files, and those under
/// way, which the next run proves again.
///
/// [`LEDGER_BATCH`]: crate::limits::LEDGER_BATCH
pub async fn migrate_run(
    ports: &Ports,
    plan: &RunPlan,
    stops: impl Stream<Item = Stop> + Send + Unpin,
    observer: &dyn RunObserver,
) -> Summary {
    let mut summary = Summary::default();
    let mut stops = stops.fuse();
    // Nothing is begun yet: whatever stop it is, there is nothing to wait for.
    let ready = select_biased! {
        _ = stops.select_next_some() => Err(Stopped::Interrupted),
        ready = prepare(ports, plan).fuse() => ready,
    };
    let Ready { known, counted, uncounted } = match ready {
        Ok(ready) => ready,
        Err(stopped) => return Summary { stopped: Some(stopped), ..summary },
    };
    (summary.counted_before, summary.uncounted) = (counted, uncounted);
    let named = plan.selection.only.as_ref().map(RoaringTreemap::len);
    observer.expect(named.or(counted));

    let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
    let rows = Rows::new(index, clock, &plan.buckets, &plan.selection, &known);
    let limit = plan.single_request_bytes;
    let routes = Routes::new(ports.objects.as_ref(), clock, plan.route, limit);
    let healing = Healing { failures: ports.failures.as_ref(), failed: &known.failed };
    let run = Run::new(ports, healing, plan, observer, &rows, &routes, &mut summary);
    run.run(stops).await;

    if summary.stopped.is_none() {
        let reader = (index, clock);
        let read = require_rows(reader, &plan.buckets, &plan.selection, &summary.intake).await;
        summary.stopped = read.err();
    }
    if matches!(summary.coverage(), Coverage::Missing(_)) {
        // Where it cannot be counted again the rows stay missing.
        summary.counted_after = count_for_the_eye(index).await.0;
    }
    summary
}

/// The failure records that a run clears.
#[derive(Clone, Copy)]
pub(super) struct Healing<'a> {
    pub(super) failures: &'a dyn FailureLog,
    /// The fids that have one.
    pub(super) failed: &'a RoaringTreemap,
}

impl Healing<'_> {
    /// Takes the failure records of these files away, which are proven. One that stays costs the
    /// next run a look at its file, and is taken away then.
    pub(super) async fn heal(self, clock: &dyn Clock, fids: impl Iterator<Item = Fid>) -> Cleared {
        let fids: Vec<_> = fids.filter(|fid| self.failed.contains(fid.0)).collect();
        let Some(first) = fids.first() else { return Ok(()) };
        let cleared = retried(clock, first.0, || self.failures.clear(&fids)).await;
        cleared.map_err(|error| Uncleared { why: Reason::from(&error), fids })
    }

    /// Takes the failure record of a file away that is gone from MogileFS. That proves nothing: a
    /// doubt stays.
    pub(super) async fn forget(self, clock: &dyn Clock, fid: Fid) -> Cleared {
        let fids = [fid];
        let cleared = retried(clock, fid.0, || self.failures.clear_undoubted(&fids)).await;
        cleared.map_err(|error| Uncleared { why: Reason::from(&error), fids: fids.to_vec() })
    }
}

/// Whether failure records were taken away.
pub(super) type Cleared = Result<(), Uncleared>;

/// Failure records that are still there, and why.
pub(super) struct Uncleared {
    pub(super) why: Reason,
    pub(super) fids: Vec<Fid>,
}

/// What a run has to know first.
struct Ready {
    known: KnownFiles,
    /// What the index counts, where all of it is to be read; or why it does not.
    counted: Option<u64>,
    uncounted: Option<String>,
}

async fn prepare(ports: &Ports, plan: &RunPlan) -> Result<Ready, Stopped> {
    let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
    let (buckets, selection) = (&plan.buckets, &plan.selection);
    require_domain(index, clock).await?;
    let tables = (ports.ledger.as_ref(), ports.failures.as_ref());
    let counting =
        async { if selection.is_whole() { count_for_the_eye(index).await } else { (None, None) } };
    let known = known_files(tables, clock, buckets, selection);
    let (known, (counted, uncounted)) = join(known, counting).await;
    let known = known.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
    refuse_moved_files((index, clock), buckets, selection, &known, &plan.moved_from).await?;
    Ok(Ready { known, counted, uncounted })
}
