//! Jobs for the queue: one for every selected row, and a class for every row that gets none.

mod preparation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt, select_biased};
use roaring::RoaringTreemap;
use serde::Serialize;

use preparation::{Ready, prepare};

use crate::engine::Stop;
use crate::migrate::{
    Page, RoutePolicy, Routes, Rows, Selection, SiteGuard, Types, TypesFrom, require_rows,
};
use crate::ports::{TypesAndNames, WorkPorts};
use crate::retried::Tries;
use crate::retry::{Classed, ErrorClass};
use crate::summary::{Sample, Stopped};
use crate::{
    BucketMap, Fid, Hints, Job, JobAction, QueueDepth, Reason, ReasonKind, RouteHint, RowCounts,
    S3Bucket, SourceFile, Tally, TypesSummary, limits,
};

/// What is to be sent.
pub struct EnqueuePlan {
    /// What the jobs ask for.
    pub action: JobAction,
    /// Where files go.
    pub buckets: BucketMap,
    /// Which rows get a job. Among the pending ones, a migration passes over what has a proven
    /// ledger record, and a verification what was found whole in its own run.
    pub selection: Selection,
    /// Buckets that the map does not name any more, and whose files may all be migrated again.
    pub moved_from: BTreeSet<S3Bucket>,
    /// How files may be brought: by it jobs tell their workers where to look.
    pub route: RoutePolicy,
    /// The largest object that one request may write.
    pub single_request_bytes: u64,
    /// Larger files cannot be done in a Lambda function's time, and are withheld.
    pub most_bytes: u64,
    /// Requests to the queue under way at once; at least one.
    pub concurrency: usize,
    /// The name of the verification, if it is one.
    pub run: Option<String>,
    /// Where content types and download names come from; with [`None`] objects have none.
    pub types: Option<TypesFrom>,
    /// What looks at buckets, tables and the queue first; with [`None`] nobody does.
    pub guard: Option<SiteGuard>,
}

/// What came of every row.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EnqueueSummary {
    /// The rows that were read.
    #[serde(flatten)]
    pub intake: RowCounts,
    /// Files whose jobs are in the queue.
    pub sent: Tally,
    /// Files that are too large for the function; these go by `migrate --fids`.
    pub large: Tally,
    /// The fids of those.
    #[serde(skip)]
    pub large_fids: RoaringTreemap,
    /// Files whose jobs the queue did not take, by reason.
    pub failed: BTreeMap<&'static str, Sample>,
    /// Read, but not sent when it was stopped.
    pub not_begun: u64,
    /// What was in the queue before the first was sent.
    pub queue_before: u64,
    /// Where to go on, when it was stopped: every row before this fid is dealt with.
    pub resume_from: Option<Fid>,
    /// Why it ended before its end, if it did.
    pub stopped: Option<Stopped>,
    /// The types and names of the files; [`None`] where contentrepo's database is not named, and of a
    /// verification.
    pub types: Option<TypesSummary>,
    /// What could not be looked at before the first was sent, in words.
    pub not_looked_at: Vec<String>,
}

impl EnqueueSummary {
    /// All files whose jobs the queue did not take.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().map(|sample| sample.files).sum()
    }

    /// Whether every row that was read is in exactly one class.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let sent = self.sent.files + self.large.files + self.failures() + self.not_begun;
        self.intake.passed_over() + sent == self.intake.rows
    }

    /// Whether every row that should have a job in the queue has one.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.adds_up()
            && self.stopped.is_none()
            && self.failed.is_empty()
            && self.large.files == 0
            && self.not_begun == 0
            && self.intake.is_clean()
    }
}

/// Told of it while it goes on.
pub trait EnqueueObserver: Send + Sync {
    /// How many rows there will be, at most, where that is known; and what the queue has already.
    fn expect(&self, rows: Option<u64>, queue: &QueueDepth);

    /// So many rows of contentrepo's database were read for their types and names.
    fn types_read(&self, _rows: u64) {}

    /// More rows are dealt with, and for them this number of jobs was sent.
    fn dealt_with(&self, rows: u64, sent: u64);
}

/// Sends a job for every selected row.
///
/// A call whose answer was lost is made again, so a job may be in the queue twice, which harms
/// nothing. Told to stop, it finishes the page of rows it is at.
pub async fn enqueue(
    ports: &WorkPorts,
    plan: &EnqueuePlan,
    stops: BoxStream<'_, Stop>,
    observer: &dyn EnqueueObserver,
) -> EnqueueSummary {
    let mut summary = EnqueueSummary::default();
    match send_all(ports, plan, stops, observer, &mut summary).await {
        Ok(()) => {}
        Err(stopped) => summary.stopped = Some(stopped),
    }
    summary
}

async fn send_all(
    ports: &WorkPorts,
    plan: &EnqueuePlan,
    stops: BoxStream<'_, Stop>,
    observer: &dyn EnqueueObserver,
    summary: &mut EnqueueSummary,
) -> Result<(), Stopped> {
    let (files, selection) = (&ports.files, &plan.selection);
    let (index, clock) = (files.index.as_ref(), files.clock.as_ref());
    let mut stops = stops.fuse();
    // Nothing is sent yet: there is nothing to wait for.
    let ready = select_biased! {
        _ = stops.select_next_some() => Err(Stopped::Interrupted),
        ready = prepare(ports, plan, observer, summary).fuse() => ready,
    };
    let Ready { known, types, left_out } = ready?;
    summary.types = types.as_ref().map(Types::summary);

    let rows = Rows::new(index, clock, &plan.buckets, selection, &known)
        .with_types(types.as_ref().map(|types| types as &dyn TypesAndNames))
        .leaving_out(&left_out);
    let routes = Routes::new(files.objects.as_ref(), clock, plan.route, plan.single_request_bytes);
    let sender = Sender { ports, plan, routes: &routes, failed: &known.failed };
    let mut page = rows.page(rows.begin()).await.map_err(|error| trouble(&error))?;
    summary.resume_from = Some(Fid(rows.begin().0 + 1));
    loop {
        let next = page.next;
        // The next page is read while this one is sent.
        let reading = async {
            match next {
                Some(after) => rows.page(after).await.map(Some),
                None => Ok(None),
            }
        };
        let (following, sent) = join(reading, sender.send_page(page, summary)).await;
        let (rows_sent, jobs_sent) = sent.map_err(Stopped::Trouble)?;
        observer.dealt_with(rows_sent, jobs_sent);
        summary.resume_from = next.and_then(|next| next.0.checked_add(1)).map(Fid);
        let following = following.map_err(|error| trouble(&error))?;
        let Some(following) = following else { break };
        if stops.next().now_or_never().flatten().is_some() {
            summary.stopped = Some(Stopped::Interrupted);
            return Ok(());
        }
        page = following;
    }
    summary.resume_from = None;
    require_rows((index, clock), &plan.buckets, selection, &summary.intake).await?;
    Ok(())
}

fn trouble<'e, E>(error: &'e E) -> Stopped
where
    Reason: From<&'e E>,
{
    Stopped::Trouble(Reason::from(error))
}

struct Sender<'a> {
    ports: &'a WorkPorts,
    plan: &'a EnqueuePlan,
    routes: &'a Routes<'a>,
    /// Files that have a failure record, which their workers clear when they succeed.
    failed: &'a RoaringTreemap,
}

/// What came of one batch of jobs.
#[derive(Default)]
struct BatchEnd {
    sent: Vec<SourceFile>,
    failed: Vec<(SourceFile, Reason)>,
    /// Why the queue takes nothing more. Jobs that are in neither of these were not sent, as far as
    /// is known.
    trouble: Option<Reason>,
}

impl Sender<'_> {
    /// Sends the jobs of one page; gives its rows and the jobs that were sent. An error says that
    /// the queue takes nothing more: what is not sent by then is counted as not begun.
    async fn send_page(
        &self,
        page: Page,
        summary: &mut EnqueueSummary,
    ) -> Result<(u64, u64), Reason> {
        let rows = page.intake.rows;
        summary.intake.merge(page.intake);
        if let Some(types) = &mut summary.types {
            types.without_row += page.without_row;
        }
        let mut files = page.files;
        files.retain(|file| {
            let fits = file.length.0 <= self.plan.most_bytes;
            if !fits {
                summary.large.add(file.length);
                summary.large_fids.insert(file.fid.0);
            }
            fits
        });
        let mut left = files.len() as u64;
        let jobs = match self.jobs(&files, &page.look_first).await {
            Ok(jobs) => jobs,
            Err(reason) => {
                summary.not_begun += left;
                return Err(reason);
            }
        };
        let pairs: Vec<_> = files.into_iter().zip(jobs).collect();
        // When the queue takes nothing more no batch is begun, and those under way are heard out.
        let takes_more = AtomicBool::new(true);
        let begin = |batch| self.send_batch(batch, &takes_more);
        let batches: Vec<_> = pairs.chunks(limits::QUEUE_BATCH).map(begin).collect();
        let mut ends = stream::iter(batches).buffer_unordered(self.plan.concurrency.max(1));
        let (mut sent, mut trouble) = (0, None);
        while let Some(end) = ends.next().await {
            left -= (end.sent.len() + end.failed.len()) as u64;
            sent += end.sent.len() as u64;
            for file in end.sent {
                summary.sent.add(file.length);
                if let Some(types) = &mut summary.types {
                    types.add(&file.type_and_name);
                }
            }
            for (file, reason) in end.failed {
                summary.failed.entry(reason.kind.name()).or_default().add(file.fid, &reason);
            }
            if let Some(reason) = end.trouble {
                takes_more.store(false, Ordering::Relaxed);
                trouble.get_or_insert(reason);
            }
        }
        summary.not_begun += left;
        trouble.map_or(Ok((rows, sent)), Err)
    }

    async fn jobs(
        &self,
        files: &[SourceFile],
        look_first: &RoaringTreemap,
    ) -> Result<Vec<Job>, Reason> {
        let hints = self.route_hints(files).await?;
        let domain = self.ports.files.index.domain();
        let jobs = files.iter().zip(hints).map(|(file, route)| {
            let failed_before = self.failed.contains(file.fid.0);
            let migrates = self.plan.action == JobAction::Migrate;
            let look_first = migrates && look_first.contains(file.fid.0);
            let run = self.plan.run.clone().filter(|_| !migrates);
            let domain = migrates.then(|| domain.to_owned());
            let bucket = Some(file.bucket.clone());
            let type_and_name = file.type_and_name.clone();
            let hints =
                Hints { route, failed_before, look_first, run, domain, bucket, type_and_name };
            Job { hints, ..Job::new(self.plan.action, file) }
        });
        Ok(jobs.collect())
    }

    /// Where each file's content is, by a listing of a thousand fids at a time: a worker with ten
    /// files from anywhere would need one for nearly each of them.
    async fn route_hints(&self, files: &[SourceFile]) -> Result<Vec<Option<RouteHint>>, Reason> {
        if self.plan.action == JobAction::Verify {
            return Ok(vec![None; files.len()]);
        }
        let plans = self.routes.plan(files).await.map_err(|error| Reason::from(&error))?;
        let hint = |plan: crate::migrate::FilePlan| {
            plan.copy_from.map_or(Some(RouteHint::Mogile), |key| RouteHint::of_intermediary(&key))
        };
        Ok(plans.into_iter().map(hint).collect())
    }

    /// Sends one batch, and what of it failed again, until the tries are spent.
    async fn send_batch(&self, batch: &[(SourceFile, Job)], takes_more: &AtomicBool) -> BatchEnd {
        let clock = self.ports.files.clock.as_ref();
        let salt = batch.first().map_or(0, |(file, _)| file.fid.0);
        let mut tries = Tries::new(clock, salt);
        let mut end = BatchEnd::default();
        if !takes_more.load(Ordering::Relaxed) {
            return end;
        }
        let mut left: Vec<(SourceFile, Job)> = batch.to_vec();
        let mut why = BTreeMap::new();
        loop {
            let jobs: Vec<_> = left.iter().map(|(_, job)| job.clone()).collect();
            match self.ports.queue.send(&jobs).await {
                Ok(report) => {
                    let refused: BTreeMap<_, _> =
                        report.failed.into_iter().map(|failure| (failure.fid, failure)).collect();
                    let (failed, sent): (Vec<_>, Vec<_>) =
                        left.into_iter().partition(|(file, _)| !report.sent.contains(&file.fid));
                    end.sent.extend(sent.into_iter().map(|(file, _)| file));
                    left = Vec::new();
                    for (file, job) in failed {
                        let refusal = refused.get(&file.fid);
                        let words = refusal.map_or("the queue's answer left it out", |r| &r.why);
                        let reason = Reason::new(ReasonKind::QueueUnavailable, words);
                        if refusal.is_some_and(|refusal| refusal.lasting) {
                            end.failed.push((file, reason));
                        } else {
                            why.insert(file.fid, reason);
                            left.push((file, job));
                        }
                    }
                }
                Err(error) if error.class() == ErrorClass::Retry => {
                    let reason = Reason::from(&error);
                    why.extend(left.iter().map(|(file, _)| (file.fid, reason.clone())));
                    if !tries.another().await {
                        // A queue that takes nothing at all will not take the rest either.
                        end.trouble = Some(reason);
                        return end;
                    }
                    continue;
                }
                Err(error) => {
                    end.trouble = Some(Reason::from(&error));
                    return end;
                }
            }
            if left.is_empty() || !tries.another().await {
                break;
            }
        }
        end.failed.extend(left.into_iter().filter_map(|(file, _)| {
            let reason = why.remove(&file.fid)?;
            Some((file, reason))
        }));
        end
    }
}
