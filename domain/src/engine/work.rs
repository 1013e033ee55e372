//! The worker: jobs from a queue, each acknowledged only after its own record is written. It works
//! inside Lambda ([`work_batch`]) and outside ([`work_queue`]).

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use crate::engine::{
    Aim, EnginePlan, EnginePorts, FailuresAlike, Flow, JobFeed, OutageObserver, Patience, Stop,
    never,
};
use crate::migrate::{RoutePolicy, Routes};
use crate::ports::WorkPorts;
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{
    BucketMap, Delivery, Failure, LedgerRecord, Reason, Timestamp, Verification, WorkSummary,
    limits,
};

/// How jobs are to be worked on.
pub struct WorkPlan {
    /// The MogileFS domain that the worker's files are in.
    pub domain: String,
    /// Where files go.
    pub buckets: BucketMap,
    /// How they may be brought.
    pub route: RoutePolicy,
    /// The largest object that one request may write.
    pub single_request_bytes: u64,
    /// How many files are under way at once, at most; at least one.
    pub concurrency: usize,
    /// How long a worker on a queue waits for a system that was reached before; [`None`]: without
    /// end. A batch waits while there is time.
    pub wait: Option<Duration>,
    /// Failures that point to a setting, over all that works by this plan. Where there are too many
    /// in a row a worker on a queue ends, and a batch goes back after one file. [`None`] to go on.
    pub alike: Option<Arc<FailuresAlike>>,
}

/// How one job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// The file is at its final key, proven and recorded.
    Migrated(LedgerRecord),
    /// The file was found whole, and that is recorded.
    Verified(Verification),
    /// MogileFS does not have the file any more.
    Gone,
    /// The job is about a `{uuid}.tmp` row.
    Temporary,
    /// The job is about a file of an ignored bucket.
    Ignored,
    /// It goes back to the queue.
    Failed(Failure),
}

/// Is told of a worker's deliveries and pauses.
pub trait WorkObserver: OutageObserver {
    /// A delivery is settled: acknowledged after this, or given back.
    fn settled(&self, delivery: &Delivery, end: &JobEnd);
}

/// Tells nobody.
pub struct Unobserved;

impl OutageObserver for Unobserved {
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}
}

impl WorkObserver for Unobserved {
    fn settled(&self, _delivery: &Delivery, _end: &JobEnd) {}
}

/// What came of one batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// The messages that must be delivered again.
    pub again: Vec<String>,
    /// What came of every delivery.
    pub summary: WorkSummary,
}

/// Works on a batch that somebody else received and will acknowledge: all but [`BatchReport::again`].
///
/// It ends before `finish_by`: no file is begun that is not expected to be done by then, and what
/// is not done some seconds before is abandoned, for the next delivery to complete; both go back
/// as [`NotStarted`](crate::ReasonKind::NotStarted).
pub async fn work_batch(
    ports: &WorkPorts,
    plan: &WorkPlan,
    deliveries: Vec<Delivery>,
    finish_by: Timestamp,
    observer: &dyn WorkObserver,
) -> BatchReport {
    let clock = &ports.files.clock;
    let until = finish_by.0.saturating_sub(clock.now().0);
    let until = Duration::from_millis(until).saturating_sub(limits::BATCH_RESERVE);
    let time_is_over = stream::once(async move {
        clock.sleep(until).await;
        Stop::Abandon
    });
    let stops = time_is_over.chain(never()).boxed();
    let (routes, patience) = (routes(ports, plan), Patience::WITHOUT_END);
    let feed = JobFeed::of_batch(ports, plan, observer, deliveries, finish_by);
    let flow = Flow::new(engine_ports(ports), &routes, engine(plan, patience), observer, feed);
    let (feed, stopped) = flow.run(stops.fuse()).await;
    let mut report = feed.report();
    // That the time is over is no news.
    report.summary.stopped = stopped.filter(|why| matches!(why, Stopped::Trouble(_)));
    report
}

/// Works on a queue until it is told to stop, or, with `until_empty`, until the queue has nothing
/// more by its own estimate, waiting or in anybody's hands. While a file takes long its message
/// stays invisible to others.
pub async fn work_queue(
    ports: &WorkPorts,
    plan: &WorkPlan,
    until_empty: bool,
    observer: &dyn WorkObserver,
    stop: BoxStream<'_, Stop>,
) -> WorkSummary {
    let depth = retried(ports.files.clock.as_ref(), 0, || ports.queue.depth()).await;
    let visibility = match depth {
        Ok(depth) => depth.visibility_timeout.max(Duration::from_secs(1)),
        Err(error) => {
            let stopped = Some(Stopped::Trouble(Reason::from(&error)));
            return WorkSummary { stopped, ..WorkSummary::default() };
        }
    };
    let routes = routes(ports, plan);
    let patience = Patience::of(plan.wait);
    let feed = JobFeed::of_queue(ports, plan, observer, visibility, until_empty);
    let flow = Flow::new(engine_ports(ports), &routes, engine(plan, patience), observer, feed);
    let (feed, stopped) = flow.run(stop.chain(never()).fuse()).await;
    WorkSummary { stopped, ..feed.report().summary }
}

fn engine_ports(ports: &WorkPorts) -> EnginePorts<'_> {
    EnginePorts { files: &ports.files, verifications: ports.verifications.as_ref() }
}

fn engine(plan: &WorkPlan, patience: Patience) -> EnginePlan {
    EnginePlan {
        concurrency: plan.concurrency,
        patience,
        alike: plan.alike.clone(),
        aim: Aim::Migrate,
    }
}

fn routes<'a>(ports: &'a WorkPorts, plan: &WorkPlan) -> Routes<'a> {
    let files = &ports.files;
    let (objects, clock) = (files.objects.as_ref(), files.clock.as_ref());
    Routes::new(objects, clock, plan.route, plan.single_request_bytes)
}
