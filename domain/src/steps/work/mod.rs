//! The worker: jobs from a queue, each acknowledged only after its own record is written.
//!
//! One engine does it, inside Lambda ([`work_batch`]) and outside ([`work_queue`]). Jobs run side by
//! side; the same job delivered twice is done once. What fails because a system is away is held
//! and tried again here, with longer and longer pauses, and after many such failures in a row one
//! file at a time is tried and nothing new is begun: an outage must not burn deliveries. What
//! fails for another reason goes back to the queue, with the time after which it is to come again,
//! and the failures table says why.

mod engine;
mod feed;
mod outage;
mod outbox;
mod settle;
mod task;

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::WorkPorts;
use super::retried::retried;
use super::routes::{RoutePolicy, Routes};
use super::stop::{self, Stop};
use crate::ports::{Delivery, Timestamp};
use crate::summary::Stopped;
use crate::{BucketMap, Failure, LedgerRecord, Reason, Verification, WorkSummary, limits};

use engine::Engine;
use feed::Feed;

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

/// Told of a worker while it works.
pub trait WorkObserver: Send + Sync {
    /// A delivery is settled: acknowledged after this, or given back.
    fn settled(&self, delivery: &Delivery, end: &JobEnd);

    /// Something cannot be reached, time after time: nothing new is begun until it can.
    fn holding(&self, why: &Failure);

    /// It can be reached again.
    fn going_on(&self);
}

/// Tells nobody.
pub struct Unobserved;

impl WorkObserver for Unobserved {
    fn settled(&self, _delivery: &Delivery, _end: &JobEnd) {}
    fn holding(&self, _why: &Failure) {}
    fn going_on(&self) {}
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
    let stops = time_is_over.chain(stop::never()).boxed();
    let routes = routes(ports, plan);
    Engine::new(ports, plan, &routes, observer, Feed::Batch { finish_by }, stops)
        .run(deliveries)
        .await
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
    let feed = Feed::Queue { visibility, until_empty };
    let routes = routes(ports, plan);
    let stops = stop.chain(stop::never()).boxed();
    Engine::new(ports, plan, &routes, observer, feed, stops).run(Vec::new()).await.summary
}

fn routes<'a>(ports: &'a WorkPorts, plan: &WorkPlan) -> Routes<'a> {
    let files = &ports.files;
    let (objects, clock) = (files.objects.as_ref(), files.clock.as_ref());
    Routes::new(objects, clock, plan.route, plan.single_request_bytes)
}
