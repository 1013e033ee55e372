//! Where tasks come from, and who hears of their ends.

mod answers;
mod asking;
mod index;
mod jobs;
mod message;

use std::time::Duration;

use futures_util::stream::FusedStream;

pub(crate) use index::IndexFeed;
pub(crate) use jobs::JobFeed;

use super::recorder::{OutgoingBatch, Recorder};
use super::stop::Stop;
use super::task::{Task, TaskEnd};
use crate::{Finding, MessageTries, Reason, SourceFile, Stopped, System};

/// Gives the engine tasks and takes their ends. Every task that it gives ends exactly once.
pub(crate) trait Feed: Send {
    /// What was reached before the first task.
    fn reached(&self) -> &'static [System];

    /// Whether what was noticed at a file counts where the file fails: a job that failed comes again,
    /// and says it again.
    const COUNTS_FINDINGS_OF_FAILED: bool;

    /// What the feed waits for.
    type Event: Send;
    type Events: FusedStream<Item = Self::Event> + Send + Unpin;

    /// All that it waits for now.
    fn events(&mut self) -> &mut Self::Events;

    /// One of these has come.
    fn take(&mut self, event: Self::Event, recorder: &mut Recorder<'_>) -> Fed;

    /// The engine has room for more tasks.
    fn ask(&mut self, demand: Demand);

    /// Whether it may give more tasks, as far as it knows.
    fn may_have_more(&self) -> bool;

    /// Whether asking is likely to bring other tasks than those it has given.
    fn has_others(&self) -> bool {
        self.may_have_more()
    }

    /// Whether more tasks are about to come, with whose records those of now can go.
    fn soon_more(&self) -> bool {
        false
    }

    /// Something was noticed at a file.
    fn noticed(&mut self, file: &SourceFile, finding: &Finding);

    /// A task has ended. Returns why the engine is to stop, if it is.
    fn ended(&mut self, task: &Task, end: TaskEnd, recorder: &mut Recorder<'_>) -> Option<Stopped>;

    /// A notice to the failures table was taken, with what is known of each message then; or why
    /// it was not.
    fn noted(&mut self, notice: &OutgoingBatch, answer: Result<Vec<MessageTries>, &Reason>);

    /// No more tasks are wanted.
    fn stop(&mut self, stop: Stop);

    /// The very last moment: what has not ended by now is told so, for this reason if there is one.
    fn end_at_once(&mut self, _away: Option<&Reason>, _recorder: &mut Recorder<'_>) {}

    /// The engine is idle: what is gathered is sent.
    fn flush(&mut self) {}

    /// Whether the queue has heard of every end. A feed without a queue tells nobody.
    fn has_told_ends(&self) -> bool {
        true
    }

    /// Whether no task will come and all that had to be said was.
    fn is_done(&self) -> bool;

    /// How long tasks may take yet, where there is an end to it.
    fn time_left(&self) -> Option<Duration> {
        None
    }
}

/// What a feed has brought.
#[derive(Default)]
pub(crate) struct Fed {
    pub(super) tasks: Vec<Task>,
    /// A system that answered, or did not.
    pub(super) heard: Option<(System, Result<(), Reason>)>,
    /// Why the engine is to stop.
    pub(super) stop: Option<Stopped>,
    /// There is no time left at all.
    pub(super) over: bool,
}

/// What the engine has in hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demand {
    /// Tasks that may be under way at once.
    pub(super) concurrency: usize,
    pub(super) under_way: usize,
    /// Tasks that are to be begun.
    pub(super) waiting: usize,
    /// Tasks whose route is being asked for.
    pub(super) planning: usize,
    /// Tasks that wait for a system to come back, or for their next try.
    pub(super) held: usize,
    /// Tasks that are begun when all others are done.
    pub(super) alone: usize,
    /// No system is away that tasks need.
    pub(super) is_calm: bool,
    /// A system is away for all tasks in hand, and others might do better.
    pub(super) wants_others: bool,
}
