use futures_util::{FutureExt, Stream, StreamExt, select_biased};
use roaring::RoaringTreemap;

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
    let mut stops = stops.fuse();
    // Nothing is begun yet: whatever stop it is, there is nothing to wait for.
    let ready = select_biased! {
        _ = stops.select_next_some() => Err(Stopped::Interrupted),
        ready = prepare(ports, &plan.selection).fuse() => ready.map_err(Stopped::Trouble),
    };
    let Ready { proven, counted } = match ready {
        Ok(ready) => ready,
        Err(stopped) => return Summary { stopped: Some(stopped), ..summary },
    };
    summary.counted_before = counted;
    let named = plan.selection.only.as_ref().map(RoaringTreemap::len);
    observer.expect(named.or(counted));

    let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
    let rows = Rows::new(index, clock, &plan.buckets, &plan.selection, &proven);
    let limit = plan.single_request_bytes;
    let routes = Routes::new(ports.objects.as_ref(), clock, plan.route, limit);
    let run = Run::new(ports, plan, observer, &rows, &routes, &mut summary);
    run.run(stops).await;

    if matches!(summary.coverage(), Coverage::Missing(_)) {
        // Where it cannot be counted again the rows stay missing.
        summary.counted_after = count(ports).await.unwrap_or_default();
    }
    summary
}

/// What a run has to know first.
struct Ready {
    proven: RoaringTreemap,
    /// What the index counts, where all of it is to be read.
    counted: Option<u64>,
}

async fn prepare(ports: &Ports, selection: &Selection) -> Result<Ready, Reason> {
    let proven = proven_fids(ports.ledger.as_ref(), ports.clock.as_ref(), selection).await;
    let proven = proven.map_err(|error| Reason::from(&error))?;
    let counted = if selection.is_whole() { count(ports).await? } else { None };
    Ok(Ready { proven, counted })
}

async fn count(ports: &Ports) -> Result<Option<u64>, Reason> {
    let count = retried(ports.clock.as_ref(), 0, || ports.index.count()).await;
    count.map_err(|error| Reason::from(&error))
}
