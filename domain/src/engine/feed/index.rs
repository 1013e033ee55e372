//! Tasks from the rows of the index: what `migrate` works on.

use futures_util::FutureExt;
use roaring::RoaringTreemap;

use super::{Demand, Fed, Feed};
use crate::engine::task::{Record, Task, TaskEnd};
use crate::engine::{Aim, Events, OutgoingBatch, Recorder, RunObserver, Stop};
use crate::migrate::{Page, PageError, Rows, SyncEnd};
use crate::ports::Clock;
use crate::retry::{Classed, ErrorClass, backoff_between};
use crate::{
    Failure, Fid, Finding, JobAction, Left, MessageTries, Reason, SourceFile, Stopped, Summary,
    System, limits,
};

/// The page behind this fid; or why it could not be read.
pub(crate) type PageRead = (Fid, Result<Box<Page>, PageError>);

pub(crate) struct IndexFeed<'a> {
    aim: Aim,
    rows: &'a Rows<'a>,
    clock: &'a dyn Clock,
    observer: &'a dyn RunObserver,
    /// The fids that have a failure record.
    failed_before: &'a RoaringTreemap,
    max_failures: Option<u64>,
    pub(crate) summary: Summary,
    /// Behind which fid the next page begins, unless it is being read or there is none.
    next_page: Option<Fid>,
    /// Pages that could not be read, in a row.
    unread: u32,
    reading: Events<'a, PageRead>,
}

impl<'a> IndexFeed<'a> {
    pub(crate) fn new(
        aim: Aim,
        rows: &'a Rows<'a>,
        clock: &'a dyn Clock,
        observer: &'a dyn RunObserver,
        failed_before: &'a RoaringTreemap,
        max_failures: Option<u64>,
    ) -> Self {
        Self {
            aim,
            rows,
            clock,
            observer,
            failed_before,
            max_failures,
            summary: Summary::default(),
            next_page: Some(rows.begin()),
            unread: 0,
            reading: Events::new(),
        }
    }

    /// The same, with a summary that has something already.
    pub(crate) fn counting_in(self, summary: Summary) -> Self {
        Self { summary, ..self }
    }

    /// Reads the page behind `after`, later where it could not be read.
    fn read(&mut self, after: Fid) {
        let (rows, clock, unread) = (self.rows, self.clock, self.unread);
        let page = async move {
            if unread > 0 {
                let (first, longest) = (limits::OUTAGE_PAUSE_FIRST, limits::OUTAGE_PAUSE_LONGEST);
                clock.sleep(backoff_between(first, longest, unread, after.0)).await;
            }
            (after, rows.page(after).await.map(Box::new))
        };
        self.reading.push(page.boxed());
    }

    fn take_page(&mut self, page: Page) -> Fed {
        self.unread = 0;
        self.observer.read(&page);
        self.next_page = page.next;
        self.summary.intake.merge(page.intake);
        if let Some(types) = &mut self.summary.types {
            types.without_row += page.without_row;
        }
        let task = |file: SourceFile| {
            let (look_first, failed_before) = match self.aim {
                Aim::Migrate => {
                    let fid = file.fid.0;
                    (page.look_first.contains(fid), self.failed_before.contains(fid))
                }
                // What is known of the final key says nothing of the intermediary's, and a sync clears
                // no failure of a migration.
                Aim::Sync => (self.rows.takes_again(), false),
            };
            Task { look_first, failed_before, ..Task::new(file, JobAction::Migrate, None) }
        };
        let tasks = page.files.into_iter().map(task).collect();
        Fed { tasks, heard: Some((System::Index, Ok(()))), ..Fed::default() }
    }

    /// A file that is accepted is no failure: nothing more is to be done about it.
    fn fail(&mut self, file: &SourceFile, failure: &Failure) -> Option<Stopped> {
        if self.rows.is_accepted(file) {
            self.summary.ends.accepted.add(file.fid, failure);
            self.observer.settled(file, None);
            return None;
        }
        self.summary.ends.add_failed(file.fid, failure);
        self.observer.settled(file, Some(failure));
        let failures = self.summary.ends.failures();
        self.max_failures.filter(|most| failures >= *most).map(|_| Stopped::Failures(failures))
    }
}

impl<'a> Feed for IndexFeed<'a> {
    const COUNTS_FINDINGS_OF_FAILED: bool = true;
    type Event = PageRead;
    type Events = Events<'a, PageRead>;

    fn reached(&self) -> &'static [System] {
        &[System::Index]
    }

    fn events(&mut self) -> &mut Events<'a, PageRead> {
        &mut self.reading
    }

    fn take(&mut self, (after, page): PageRead, _recorder: &mut Recorder<'_>) -> Fed {
        match page {
            Ok(page) => self.take_page(*page),
            Err(error) if error.class() == ErrorClass::Retry => {
                self.unread = self.unread.saturating_add(1);
                self.read(after);
                let unreached = (System::Index, Err(Reason::from(&error)));
                Fed { heard: Some(unreached), ..Fed::default() }
            }
            Err(error) => {
                let stop = Some(Stopped::Trouble(Reason::from(&error)));
                Fed { stop, ..Fed::default() }
            }
        }
    }

    /// The next page is read while the files of this one are under way, and listed when their
    /// routes are known: what one page has asked the next need not.
    fn ask(&mut self, demand: Demand) {
        if demand.planning == 0
            && demand.waiting + demand.held < limits::PAGE_ROWS / 2
            && let Some(after) = self.next_page.take()
        {
            self.read(after);
        }
    }

    fn may_have_more(&self) -> bool {
        self.next_page.is_some() || !self.reading.is_empty()
    }

    fn soon_more(&self) -> bool {
        self.may_have_more()
    }

    fn noticed(&mut self, file: &SourceFile, finding: &Finding) {
        self.summary.ends.add_finding(file.fid, finding);
        self.observer.noticed(file, finding);
    }

    fn ended(&mut self, task: &Task, end: TaskEnd, recorder: &mut Recorder<'_>) -> Option<Stopped> {
        let (file, ends) = (&task.file, &mut self.summary.ends);
        match end {
            TaskEnd::Recorded(Record::Migrated(record)) => {
                ends.add_proven(record.route, record.length.unwrap_or_default());
                if let (Some(types), Some(_)) = (&mut self.summary.types, record.route) {
                    types.add(&file.type_and_name);
                }
                if task.failed_before {
                    recorder.clear_failure_of_proven(file.fid);
                }
                self.observer.settled(file, None);
            }
            TaskEnd::Synced(end) => {
                match end {
                    SyncEnd::Proven { length, written: true } => ends.by_mogile.add(length),
                    SyncEnd::Proven { length, written: false } => ends.already_there.add(length),
                    SyncEnd::Listed => ends.already_there.add(file.length),
                    SyncEnd::TooLarge => ends.too_large.add(file.length),
                    // These have ends of their own.
                    SyncEnd::Gone | SyncEnd::Failed(_) => {}
                }
                self.observer.settled(file, None);
            }
            TaskEnd::Gone => {
                ends.gone += 1;
                if task.failed_before {
                    recorder.clear_failure_of_ended(file.fid);
                }
                self.observer.settled(file, None);
            }
            TaskEnd::Failed(failure) => return self.fail(file, &failure),
            TaskEnd::Unrecorded(reason) => {
                return self.fail(file, &Failure { reason, left: Left::Nothing });
            }
            TaskEnd::NotBegun(_) => self.summary.not_begun += 1,
            TaskEnd::Abandoned(..) => self.summary.abandoned += 1,
            // A run gives no such task; were it one, the sums would not add up.
            TaskEnd::Recorded(Record::Verified(_)) => {}
        }
        None
    }

    fn noted(&mut self, notice: &OutgoingBatch, answer: Result<Vec<MessageTries>, &Reason>) {
        if let (OutgoingBatch::Proven(fids) | OutgoingBatch::Ended(fids), Err(why)) =
            (notice, answer)
        {
            self.summary.ends.add_uncleared(fids.iter().copied(), why);
        }
    }

    fn stop(&mut self, _stop: Stop) {
        self.next_page = None;
        self.reading.clear();
    }

    fn is_done(&self) -> bool {
        !self.may_have_more()
    }
}
