use futures_util::Stream;

use super::Ports;
use super::ledger_fids::proven_fids;
use super::retried::retried;
use super::routes::{RoutePolicy, Routes};
use super::rows::{Page, Rows, Selection};
use super::run_loop::Run;
use super::stop::Stop;
use crate::{BucketMap, Coverage, Failure, Reason, SourceFile, Stopped, Summary};

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
    match run(ports, plan, stops, observer, &mut summary).await {
        Ok(()) => {}
        Err(reason) => summary.stopped = Some(Stopped::Trouble(reason)),
    }
    summary
}

async fn run(
    ports: &Ports,
    plan: &RunPlan,
    stops: impl Stream<Item = Stop> + Send + Unpin,
    observer: &dyn RunObserver,
    summary: &mut Summary,
) -> Result<(), Reason> {
    let (clock, selection) = (ports.clock.as_ref(), &plan.selection);
    let count = || async {
        let count = retried(clock, 0, || ports.index.count()).await;
        count.map_err(|error| Reason::from(&error))
    };
    let proven = proven_fids(ports.ledger.as_ref(), clock, selection).await;
    let proven = proven.map_err(|error| Reason::from(&error))?;
    if selection.is_whole() {
        summary.counted_before = count().await?;
    }
    let named = selection.only.as_ref().map(roaring::RoaringTreemap::len);
    observer.expect(named.or(summary.counted_before));

    let rows = Rows::new(ports.index.as_ref(), clock, &plan.buckets, selection, &proven);
    let limit = plan.single_request_bytes;
    let routes = Routes::new(ports.objects.as_ref(), clock, plan.route, limit);
    Run::new(ports, plan, observer, &rows, &routes, summary).run(stops).await;

    if matches!(summary.coverage(), Coverage::Missing(_)) {
        // Where it cannot be counted again the rows stay missing.
        summary.counted_after = count().await.unwrap_or_default();
    }
    Ok(())
}
