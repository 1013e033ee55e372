use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::Ports;
use super::batch::Gathered;
use super::ledger_fids::proven_fids;
use super::migrate_file::{FileEnd, FileOutcome, FilePlan, migrate_file};
use super::retried::retried;
use super::routes::{RoutePolicy, Routes};
use super::rows::{Page, Rows, Selection};
use crate::{
    BucketMap, ByteCount, Failure, Fid, LedgerRecord, Left, Reason, SourceFile, Summary, limits,
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
    /// The largest object that one request may write, [`limits::SINGLE_REQUEST_BYTES`] at Amazon.
    pub single_request_bytes: u64,
}

/// Told of a run while it goes on.
pub trait RunObserver: Send + Sync {
    /// How many rows there will be, where that is known.
    fn expect(&self, rows: Option<u64>);

    /// So many rows need no work.
    fn passed_over(&self, rows: u64);

    /// A file's end is settled: proven and recorded, gone, or failed.
    fn settled(&self, fid: Fid, length: ByteCount, failure: Option<&Failure>);
}

/// Tells nobody.
pub struct Quiet;

impl RunObserver for Quiet {
    fn expect(&self, _rows: Option<u64>) {}
    fn passed_over(&self, _rows: u64) {}
    fn settled(&self, _fid: Fid, _length: ByteCount, _failure: Option<&Failure>) {}
}

/// Migrates all rows of the index that are selected, and says what came of every row. What ends a
/// run early is in [`Summary::stopped`].
pub async fn migrate_run(ports: &Ports, plan: &RunPlan, observer: &dyn RunObserver) -> Summary {
    let stopped =
        |reason: Reason| Summary { stopped: Some(reason.to_string()), ..Summary::default() };
    let (clock, selection) = (ports.clock.as_ref(), &plan.selection);
    let proven = match proven_fids(ports.ledger.as_ref(), clock, selection).await {
        Ok(proven) => proven,
        Err(error) => return stopped(Reason::from(&error)),
    };
    match retried(clock, 0, || ports.index.count()).await {
        Ok(rows) => observer.expect(rows),
        Err(error) => return stopped(Reason::from(&error)),
    }
    let rows = Rows::new(ports.index.as_ref(), clock, &plan.buckets, selection, &proven);
    let limit = plan.single_request_bytes;
    let routes = Routes::new(ports.objects.as_ref(), clock, plan.route, limit);
    Run {
        ports,
        plan,
        observer,
        rows: &rows,
        routes: &routes,
        summary: Summary::default(),
        waiting: VecDeque::new(),
        next_page: Some(rows.begin()),
        paging: false,
        files_under_way: 0,
        gathered: Gathered::default(),
        ticking: false,
        writes_under_way: 0,
        outages: 0,
        events: FuturesUnordered::new(),
    }
    .run()
    .await
}

/// What happened next.
enum Event {
    Rows(Result<Page, Reason>),
    /// Files with their plans; or why there are none, and for how many files.
    Planned(Result<Vec<(SourceFile, FilePlan)>, (Reason, u64)>),
    Ended(Box<(SourceFile, FileOutcome)>),
    /// Gathered records have waited long enough.
    Tick,
    Written(Vec<LedgerRecord>, Result<(), Reason>),
}

/// A run under way: one loop that takes events and starts what they make possible.
struct Run<'a> {
    ports: &'a Ports,
    plan: &'a RunPlan,
    observer: &'a dyn RunObserver,
    rows: &'a Rows<'a>,
    routes: &'a Routes<'a>,
    summary: Summary,
    waiting: VecDeque<(SourceFile, FilePlan)>,
    next_page: Option<Fid>,
    paging: bool,
    files_under_way: usize,
    gathered: Gathered,
    ticking: bool,
    writes_under_way: usize,
    /// Files that failed because something could not be reached, since one was recorded.
    outages: u32,
    events: FuturesUnordered<BoxFuture<'a, Event>>,
}

impl<'a> Run<'a> {
    async fn run(mut self) -> Summary {
        self.start_what_can_be();
        while let Some(event) = self.events.next().await {
            self.take(event);
            self.start_what_can_be();
            if self.nothing_is_left() {
                break;
            }
        }
        self.summary
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Rows(Ok(page)) => self.take_rows(page),
            Event::Planned(Ok(files)) => {
                self.paging = false;
                self.waiting.extend(files);
            }
            Event::Rows(Err(reason)) => {
                self.paging = false;
                self.stop(&reason);
            }
            Event::Planned(Err((reason, files))) => {
                self.paging = false;
                self.summary.not_begun += files;
                self.stop(&reason);
            }
            Event::Ended(ended) => {
                self.files_under_way -= 1;
                let (file, outcome) = *ended;
                self.take_outcome(&file, outcome);
            }
            Event::Tick => {
                self.ticking = false;
                self.write_gathered();
            }
            Event::Written(records, answer) => self.take_written(&records, answer.as_ref()),
        }
    }

    fn start_what_can_be(&mut self) {
        if self.summary.stopped.is_some() {
            self.summary.not_begun += self.waiting.drain(..).len() as u64;
            self.next_page = None;
        }
        while self.files_under_way < self.plan.concurrency.max(1)
            && self.writes_under_way < limits::LEDGER_WRITES_AT_ONCE
            && let Some((file, plan)) = self.waiting.pop_front()
        {
            self.files_under_way += 1;
            let ports = self.ports;
            self.start(async move {
                let outcome = migrate_file(ports, &file, &plan).await;
                Event::Ended(Box::new((file, outcome)))
            });
        }
        // The next page is read while the files of this one are under way.
        if !self.paging && self.waiting.len() < limits::PAGE_ROWS / 2 {
            self.start_page();
        }
        if self.files_under_way == 0 && self.waiting.is_empty() && !self.paging {
            self.write_gathered();
        }
    }

    fn start_page(&mut self) {
        let Some(after) = self.next_page.take() else { return };
        self.paging = true;
        let rows = self.rows;
        self.start(async move {
            let page = rows.page(after).await;
            Event::Rows(page.map_err(|error| Reason::from(&error)))
        });
    }

    fn take_rows(&mut self, page: Page) {
        let Page { files, intake, next, .. } = page;
        self.next_page = next;
        self.observer.passed_over(intake.passed_over());
        self.summary.intake.merge(intake);
        if self.summary.stopped.is_some() {
            self.paging = false;
            self.summary.not_begun += files.len() as u64;
            return;
        }
        let routes = self.routes;
        self.start(async move {
            let plans = match routes.plan(&files).await {
                Ok(plans) => plans,
                Err(error) => {
                    return Event::Planned(Err((Reason::from(&error), files.len() as u64)));
                }
            };
            Event::Planned(Ok(files.into_iter().zip(plans).collect()))
        });
    }

    fn take_outcome(&mut self, file: &SourceFile, outcome: FileOutcome) {
        for finding in &outcome.findings {
            self.summary.add_finding(file.fid, finding);
        }
        match outcome.end {
            FileEnd::Proven(record) => {
                if let Some(batch) = self.gathered.add(record) {
                    self.write(batch);
                }
                self.tick();
            }
            FileEnd::Gone => {
                self.summary.gone += 1;
                self.observer.settled(file.fid, file.length, None);
            }
            FileEnd::Failed(failure) => self.fail(file.fid, file.length, &failure),
        }
    }

    fn fail(&mut self, fid: Fid, length: ByteCount, failure: &Failure) {
        self.summary.add_failed(fid, failure);
        self.observer.settled(fid, length, Some(failure));
        self.outages += u32::from(failure.reason.kind.is_outage());
        if self.outages >= limits::BREAKER_FAILURES {
            self.stop(&failure.reason);
        }
    }

    /// Nothing new is started from here on; the first reason is the one that is told.
    fn stop(&mut self, reason: &Reason) {
        self.summary.stopped.get_or_insert_with(|| reason.to_string());
    }

    fn tick(&mut self) {
        if self.ticking || self.gathered.is_empty() {
            return;
        }
        self.ticking = true;
        let clock = &self.ports.clock;
        self.start(async move {
            clock.sleep(limits::LEDGER_FLUSH_AFTER).await;
            Event::Tick
        });
    }

    fn write_gathered(&mut self) {
        if !self.gathered.is_empty() {
            let batch = self.gathered.take();
            self.write(batch);
        }
    }

    fn write(&mut self, batch: Vec<LedgerRecord>) {
        self.writes_under_way += 1;
        let ports = self.ports;
        let salt = batch.first().map_or(0, |record| record.fid.0);
        self.start(async move {
            let clock = ports.clock.as_ref();
            let written = retried(clock, salt, || ports.ledger.record(&batch)).await;
            Event::Written(batch, written.map_err(|error| Reason::from(&error)))
        });
    }

    fn take_written(&mut self, records: &[LedgerRecord], answer: Result<&(), &Reason>) {
        self.writes_under_way -= 1;
        for record in records {
            let length = record.length.unwrap_or_default();
            match answer {
                Ok(()) => {
                    self.outages = 0;
                    self.summary.add_proven(record.route, length);
                    self.observer.settled(record.fid, length, None);
                }
                Err(reason) => {
                    let failure = Failure { reason: reason.clone(), left: Left::Nothing };
                    self.fail(record.fid, length, &failure);
                }
            }
        }
    }

    fn start(&self, task: impl Future<Output = Event> + Send + 'a) {
        self.events.push(task.boxed());
    }

    fn nothing_is_left(&self) -> bool {
        self.files_under_way == 0
            && self.writes_under_way == 0
            && !self.paging
            && self.next_page.is_none()
            && self.waiting.is_empty()
            && self.gathered.is_empty()
    }
}
