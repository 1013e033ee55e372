//! A run under way: one loop that takes events and starts what they make possible.

use std::collections::{BTreeMap, VecDeque};

use futures_util::future::BoxFuture;
use futures_util::stream::{FusedStream, FuturesUnordered};
use futures_util::{FutureExt, StreamExt, select_biased};

use super::Ports;
use super::batch::Gathered;
use super::migrate_file::{FileEnd, FileOutcome, FilePlan, migrate_file};
use super::migrate_run::{Cleared, Healing, RunObserver, RunPlan, Uncleared};
use super::retried::retried;
use super::routes::Routes;
use super::rows::{Page, Rows};
use super::stop::Stop;
use crate::{Failure, Fid, LedgerRecord, Left, Reason, SourceFile, Stopped, Summary, limits};

/// What happened next.
enum Event {
    Stop(Stop),
    /// Those under way had their time.
    StoppingTimeIsOver,
    Read(Result<Box<Page>, Reason>),
    Planned(Result<Vec<(SourceFile, FilePlan)>, Reason>),
    Ended(Box<(SourceFile, FileOutcome)>),
    /// Gathered records have waited long enough.
    Tick,
    /// Records were written, and then their files' failure records taken away; or why not.
    Written(Vec<LedgerRecord>, Result<Cleared, Reason>),
    /// The failure record of a file that is gone was taken away.
    Forgotten(Cleared),
}

type Events<'a> = FuturesUnordered<BoxFuture<'a, Event>>;

/// A run under way.
pub(super) struct Run<'a> {
    ports: &'a Ports,
    healing: Healing<'a>,
    plan: &'a RunPlan,
    observer: &'a dyn RunObserver,
    rows: &'a Rows<'a>,
    routes: &'a Routes<'a>,
    summary: &'a mut Summary,
    next_page: Option<Fid>,
    /// A page that is being read, or whose files are being planned.
    reading: Events<'a>,
    /// The files of the page that is being planned.
    being_planned: u64,
    waiting: VecDeque<(SourceFile, FilePlan)>,
    /// The files under way.
    files: Events<'a>,
    /// Files that are proven and whose records are not in the ledger yet.
    unrecorded: BTreeMap<Fid, SourceFile>,
    gathered: Gathered,
    ticking: bool,
    writes_under_way: usize,
    /// Writes to the ledger, and what comes with time.
    others: Events<'a>,
    /// Files that failed because something could not be reached, since one was recorded.
    outages: u32,
    draining: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        ports: &'a Ports,
        healing: Healing<'a>,
        plan: &'a RunPlan,
        observer: &'a dyn RunObserver,
        rows: &'a Rows<'a>,
        routes: &'a Routes<'a>,
        summary: &'a mut Summary,
    ) -> Self {
        Self {
            ports,
            healing,
            plan,
            observer,
            rows,
            routes,
            summary,
            next_page: Some(rows.begin()),
            reading: Events::new(),
            being_planned: 0,
            waiting: VecDeque::new(),
            files: Events::new(),
            unrecorded: BTreeMap::new(),
            gathered: Gathered::default(),
            ticking: false,
            writes_under_way: 0,
            others: Events::new(),
            outages: 0,
            draining: false,
        }
    }

    pub(super) async fn run(mut self, mut stops: impl FusedStream<Item = Stop> + Send + Unpin) {
        loop {
            self.start_what_can_be();
            if self.nothing_is_left() {
                return;
            }
            // What is rare comes first, so that the many files cannot keep it waiting.
            let event = select_biased! {
                stop = stops.select_next_some() => Event::Stop(stop),
                event = self.others.select_next_some() => event,
                event = self.reading.select_next_some() => event,
                event = self.files.select_next_some() => event,
            };
            self.take(event);
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Stop(Stop::Drain) => self.drain(),
            Event::Stop(Stop::Abandon) | Event::StoppingTimeIsOver => self.abandon(),
            Event::Read(Ok(page)) => self.take_page(*page),
            Event::Planned(Ok(files)) => {
                self.being_planned = 0;
                self.waiting.extend(files);
            }
            Event::Read(Err(reason)) | Event::Planned(Err(reason)) => {
                self.begin_no_more(Stopped::Trouble(reason));
            }
            Event::Ended(ended) => {
                let (file, outcome) = *ended;
                self.take_outcome(file, outcome);
            }
            Event::Tick => {
                self.ticking = false;
                self.write_gathered();
            }
            Event::Written(records, answer) => self.take_written(&records, answer),
            Event::Forgotten(cleared) => {
                self.writes_under_way -= 1;
                self.take_cleared(cleared);
            }
        }
    }

    fn start_what_can_be(&mut self) {
        while self.files.len() < self.plan.concurrency.max(1)
            && self.unrecorded.len() < limits::LEDGER_BATCH
            && let Some((file, plan)) = self.waiting.pop_front()
        {
            let ports = self.ports;
            let migration = async move {
                let outcome = migrate_file(ports, &file, &plan).await;
                Event::Ended(Box::new((file, outcome)))
            };
            self.files.push(migration.boxed());
        }
        // The next page is read while the files of this one are under way.
        if self.reading.is_empty() && self.waiting.len() < limits::PAGE_ROWS / 2 {
            self.read_page();
        }
        if self.files.is_empty() && self.waiting.is_empty() && self.reading.is_empty() {
            self.write_gathered();
        }
    }

    fn read_page(&mut self) {
        let Some(after) = self.next_page.take() else { return };
        let rows = self.rows;
        let page = async move {
            let page = rows.page(after).await;
            Event::Read(page.map(Box::new).map_err(|error| Reason::from(&error)))
        };
        self.reading.push(page.boxed());
    }

    fn take_page(&mut self, page: Page) {
        self.observer.read(&page);
        self.next_page = page.next;
        self.summary.intake.merge(page.intake);
        self.being_planned = page.files.len() as u64;
        let (routes, files, look_first) = (self.routes, page.files, page.look_first);
        let plans = async move {
            let plans = routes.plan(&files).await.map_err(|error| Reason::from(&error));
            let with_file = |(file, mut plan): (SourceFile, FilePlan)| {
                plan.look_first |= look_first.contains(file.fid.0);
                (file, plan)
            };
            let planned = plans.map(|plans| files.into_iter().zip(plans).map(with_file).collect());
            Event::Planned(planned)
        };
        self.reading.push(plans.boxed());
    }

    fn take_outcome(&mut self, file: SourceFile, outcome: FileOutcome) {
        for finding in &outcome.findings {
            self.summary.ends.add_finding(file.fid, finding);
        }
        match outcome.end {
            FileEnd::Proven(record) => {
                self.unrecorded.insert(file.fid, file);
                if let Some(batch) = self.gathered.add(record) {
                    self.write(batch);
                }
                self.tick();
            }
            FileEnd::Gone => {
                self.summary.ends.gone += 1;
                self.forget(file.fid);
                self.observer.settled(&file, None);
            }
            FileEnd::Failed(failure) => self.fail(&file, &failure),
        }
    }

    fn forget(&mut self, fid: Fid) {
        let (clock, healing) = (self.ports.clock.as_ref(), self.healing);
        if healing.failed.contains(fid.0) {
            self.writes_under_way += 1;
            let forgotten = async move { Event::Forgotten(healing.forget(clock, fid).await) };
            self.others.push(forgotten.boxed());
        }
    }

    fn fail(&mut self, file: &SourceFile, failure: &Failure) {
        self.summary.ends.add_failed(file.fid, failure);
        self.observer.settled(file, Some(failure));
        self.outages += u32::from(failure.reason.kind.is_outage());
        if self.outages >= limits::BREAKER_FAILURES {
            self.begin_no_more(Stopped::Trouble(failure.reason.clone()));
        }
        let failures = self.summary.ends.failures();
        if self.plan.max_failures.is_some_and(|most| failures >= most) {
            self.begin_no_more(Stopped::Failures(failures));
        }
    }

    /// Nothing new is started from here on, and the first reason is the one that is told: unless
    /// everything has been begun already.
    fn begin_no_more(&mut self, why: Stopped) {
        let troubled = matches!(why, Stopped::Trouble(_));
        let something_is_left =
            self.next_page.is_some() || !self.reading.is_empty() || !self.waiting.is_empty();
        if troubled || something_is_left {
            self.summary.stopped.get_or_insert(why);
        }
        self.next_page = None;
        self.reading.clear();
        self.summary.not_begun += std::mem::take(&mut self.being_planned);
        self.summary.not_begun += self.waiting.drain(..).len() as u64;
    }

    fn drain(&mut self) {
        if !self.draining {
            self.draining = true;
            self.begin_no_more(Stopped::Interrupted);
            let clock = &self.ports.clock;
            let time = async move {
                clock.sleep(limits::STOPPING_TIME).await;
                Event::StoppingTimeIsOver
            };
            self.others.push(time.boxed());
        }
    }

    fn abandon(&mut self) {
        self.begin_no_more(Stopped::Interrupted);
        if !self.files.is_empty() {
            self.summary.stopped.get_or_insert(Stopped::Interrupted);
            self.summary.abandoned += self.files.len() as u64;
            self.files.clear();
        }
    }

    fn tick(&mut self) {
        if self.ticking || self.gathered.is_empty() {
            return;
        }
        self.ticking = true;
        let clock = &self.ports.clock;
        let tick = async move {
            clock.sleep(limits::LEDGER_FLUSH_AFTER).await;
            Event::Tick
        };
        self.others.push(tick.boxed());
    }

    fn write_gathered(&mut self) {
        if !self.gathered.is_empty() {
            let batch = self.gathered.take();
            self.write(batch);
        }
    }

    fn write(&mut self, batch: Vec<LedgerRecord>) {
        self.writes_under_way += 1;
        let (ports, healing) = (self.ports, self.healing);
        let salt = batch.first().map_or(0, |record| record.fid.0);
        let write = async move {
            let clock = ports.clock.as_ref();
            let written = retried(clock, salt, || ports.ledger.record(&batch)).await;
            let written = match written {
                // In this order: a failure that is cleared too late costs a look.
                Ok(()) => Ok(healing.heal(clock, batch.iter().map(|record| record.fid)).await),
                Err(error) => Err(Reason::from(&error)),
            };
            Event::Written(batch, written)
        };
        self.others.push(write.boxed());
    }

    fn take_cleared(&mut self, cleared: Cleared) {
        if let Err(Uncleared { why, fids }) = cleared {
            self.summary.ends.add_uncleared(fids, &why);
        }
    }

    fn take_written(&mut self, records: &[LedgerRecord], answer: Result<Cleared, Reason>) {
        self.writes_under_way -= 1;
        let answer = answer.map(|cleared| self.take_cleared(cleared));
        for record in records {
            let Some(file) = self.unrecorded.remove(&record.fid) else { continue };
            match &answer {
                Ok(()) => {
                    self.outages = 0;
                    self.summary.ends.add_proven(record.route, record.length.unwrap_or_default());
                    self.observer.settled(&file, None);
                }
                Err(reason) => {
                    let failure = Failure { reason: reason.clone(), left: Left::Nothing };
                    self.fail(&file, &failure);
                }
            }
        }
    }

    fn nothing_is_left(&self) -> bool {
        self.files.is_empty()
            && self.writes_under_way == 0
            && self.reading.is_empty()
            && self.next_page.is_none()
            && self.waiting.is_empty()
            && self.gathered.is_empty()
    }
}
