use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join4;
use futures_util::{FutureExt, Stream, StreamExt, select_biased};
use roaring::RoaringTreemap;

use crate::engine::{
    Aim, EnginePlan, EnginePorts, Flow, IndexFeed, OutageObserver, Patience, Stop,
};
use crate::migrate::{
    Page, RoutePolicy, Routes, Rows, Selection, SiteGuard, Types, TypesFrom, Writes,
    count_for_the_eye, gather_types, known_files, refuse_moved_files, require_domain,
    require_fit_site, require_rows,
};
use crate::ports::{LedgerError, Ports, TypesAndNames, VerificationLog};
use crate::{
    BucketMap, Coverage, Failure, Finding, KnownFiles, Reason, S3Bucket, SourceFile, Stopped,
    Summary, Verification, VerifiedFile,
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
    /// No more files are begun when this number of files has failed.
    pub max_failures: Option<u64>,
    /// How long to wait for a system that was reached before.
    pub wait: Duration,
    /// Whether to go on where [`SETTINGS_FAILURES`](crate::limits::SETTINGS_FAILURES) files in a row
    /// fail in a way that points to a setting.
    pub keep_going: bool,
    /// Buckets that the map does not name any more, and whose files may all be migrated again.
    pub moved_from: BTreeSet<S3Bucket>,
    /// The largest object that one request may write,
    /// [`SINGLE_REQUEST_BYTES`](crate::limits::SINGLE_REQUEST_BYTES) at Amazon.
    pub single_request_bytes: u64,
    /// Where content types and download names come from; with [`None`] objects have none.
    pub types: Option<TypesFrom>,
    /// What looks at buckets and tables first; with [`None`] nobody does.
    pub guard: Option<SiteGuard>,
}

/// Is told of a run while it goes on.
pub trait RunObserver: OutageObserver {
    /// How many rows there will be, at most, where that is known.
    fn expect(&self, rows: Option<u64>);

    /// So many rows of contentrepo's database were read for their types and names.
    fn types_read(&self, _rows: u64) {}

    /// Some rows were read. Of each file of theirs that is begun the end will be told.
    fn read(&self, page: &Page);

    /// A file's end is settled: proven and recorded, or gone; or failed.
    fn settled(&self, file: &SourceFile, failure: Option<&Failure>);

    /// Something was found out about a file; it may come before the file's end and behind it.
    fn noticed(&self, file: &SourceFile, finding: &Finding);
}

/// Tells nobody.
pub struct Quiet;

impl OutageObserver for Quiet {
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}
}

impl RunObserver for Quiet {
    fn expect(&self, _rows: Option<u64>) {}
    fn read(&self, _page: &Page) {}
    fn settled(&self, _file: &SourceFile, _failure: Option<&Failure>) {}
    fn noticed(&self, _file: &SourceFile, _finding: &Finding) {}
}

/// Migrates all rows of the index that are selected, and says what came of every row. What ends a
/// run early is in [`Summary::stopped`].
///
/// Killed at any moment it costs the files under way and those that are proven but not recorded,
/// together at most twice the concurrency: the next run proves them again.
pub async fn migrate_run(
    ports: &Ports,
    plan: &RunPlan,
    stops: impl Stream<Item = Stop> + Send + Unpin,
    observer: &dyn RunObserver,
) -> Summary {
    run(Aim::Migrate, ports, plan, stops, observer).await
}

/// Brings the content of all rows that are selected to the keys of their intermediaries, from which a
/// later migration copies it. What is proven at its final key needs none and is passed over; what a
/// listing shows with the right length is there already, and with [`Among::Again`] it is looked at.
/// The plan's route has no meaning here. No table is written.
///
/// [`Among::Again`]: crate::migrate::Among::Again
pub async fn sync_run(
    ports: &Ports,
    plan: &RunPlan,
    stops: impl Stream<Item = Stop> + Send + Unpin,
    observer: &dyn RunObserver,
) -> Summary {
    run(Aim::Sync, ports, plan, stops, observer).await
}

async fn run(
    aim: Aim,
    ports: &Ports,
    plan: &RunPlan,
    stops: impl Stream<Item = Stop> + Send + Unpin,
    observer: &dyn RunObserver,
) -> Summary {
    let mut stops = stops.fuse();
    // Nothing is begun yet: whatever stop it is, there is nothing to wait for.
    let ready = select_biased! {
        _ = stops.select_next_some() => Err(Stopped::Interrupted),
        ready = prepare(aim, ports, plan, observer).fuse() => ready,
    };
    let Ready { known, counted, uncounted, types, unseen } = match ready {
        Ok(ready) => ready,
        Err(stopped) => return Summary { stopped: Some(stopped), ..Summary::default() },
    };
    let named = plan.selection.only.as_ref().map(RoaringTreemap::len);
    observer.expect(named.or(counted));

    let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
    let rows = Rows::new(index, clock, &plan.buckets, &plan.selection, &known)
        .with_types(types.as_ref().map(|types| types as &dyn TypesAndNames));
    let limit = plan.single_request_bytes;
    let routes = Routes::new(ports.objects.as_ref(), clock, plan.route, limit);
    let types_summary = types.as_ref().map(Types::summary);
    let summary = Summary { types: types_summary, not_looked_at: unseen, ..Summary::default() };
    let feed = IndexFeed::new(aim, &rows, clock, observer, &known.failed, plan.max_failures)
        .counting_in(summary);
    let engine_ports = EnginePorts { files: ports, verifications: &NoVerifications };
    let patience = Patience::of(Some(plan.wait));
    let alike = (!plan.keep_going).then(Arc::default);
    let engine = EnginePlan { concurrency: plan.concurrency, patience, alike, aim };
    let flow = Flow::new(engine_ports, &routes, engine, observer, feed);
    let (feed, stopped) = flow.run(stops).await;

    let read = feed.summary;
    let mut summary = Summary { stopped, counted_before: counted, uncounted, ..read };
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

/// A run verifies nothing, and so needs no verifications table.
struct NoVerifications;

#[async_trait]
impl VerificationLog for NoVerifications {
    async fn record(&self, _verifications: &[Verification]) -> Result<(), LedgerError> {
        Err(none())
    }

    async fn verified(
        &self,
        _run: &str,
        _each: &mut (dyn FnMut(VerifiedFile) + Send),
    ) -> Result<(), LedgerError> {
        Err(none())
    }
}

fn none() -> LedgerError {
    let (table, why) = ("verifications".to_owned(), "a migration has no such table".to_owned());
    LedgerError::Refused { table, why }
}

/// What a run has to know first.
struct Ready {
    known: KnownFiles,
    /// What the index counts, where all of it is to be read; or why it does not.
    counted: Option<u64>,
    uncounted: Option<String>,
    types: Option<Types>,
    /// What could not be looked at, in words.
    unseen: Vec<String>,
}

async fn prepare(
    aim: Aim,
    ports: &Ports,
    plan: &RunPlan,
    observer: &dyn RunObserver,
) -> Result<Ready, Stopped> {
    let (index, clock) = (ports.index.as_ref(), ports.clock.as_ref());
    let (buckets, selection) = (&plan.buckets, &plan.selection);
    require_domain(index, clock).await?;
    let tables = (ports.ledger.as_ref(), ports.failures.as_ref());
    let counting = async {
        Ok(if selection.is_whole() { count_for_the_eye(index).await } else { (None, None) })
    };
    let known = async {
        let known = known_files(tables, clock, selection).await;
        let known = known.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        refuse_moved_files((index, clock), buckets, selection, &known, &plan.moved_from).await?;
        Ok(known)
    };
    let tell = |rows| observer.types_read(rows);
    let types = gather_types(plan.types.as_ref(), (index, clock), buckets, &tell);
    let writes = match aim {
        Aim::Migrate => Writes::Files(plan.route),
        Aim::Sync => Writes::Intermediaries,
    };
    let fit = require_fit_site(plan.guard.as_ref(), clock, buckets, writes);
    // What is wrong with one is said at once, however long the others take.
    let (known, types, unseen, (counted, uncounted)) =
        try_join4(known, types, fit, counting).await?;
    Ok(Ready { known, counted, uncounted, types, unseen })
}
