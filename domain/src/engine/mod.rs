//! One engine for `migrate`, `sync`, the worker and the Lambda function: files under way, each recorded
//! before it counts.
//!
//! A *feed* gives tasks and takes their ends: the rows of the index, the jobs of a queue, or one batch
//! of jobs. The *flow* keeps as many tasks under way as it may. The *recorder* gathers records and
//! writes them. *Outages* knows which systems are away, and *hold* keeps the tasks that wait for one.
//!
//! # What may happen to a task
//!
//! | what happens | row of the index | job of a queue | job of a batch |
//! |---|---|---|---|
//! | proven or verified, and recorded | counted; its failure record is cleared | the same where it was delivered before or failed before; then acknowledged | the same, and left to the caller to acknowledge |
//! | its intermediary is written, or there already, or left out (`sync`) | counted | – | – |
//! | gone from MogileFS | counted; its failure record is cleared, except a doubt | the same, acknowledged | the same, left to the caller |
//! | temporary or ignored, or in hand already | – | acknowledged, counted; a second delivery shares the first one's end | the same, left to the caller |
//! | fails by itself | counted, listed; `max_failures` ends the run | counted, its failure is noted, back to the queue; after [five such failures](crate::limits::TRIES) moved to the dead-letter queue | the same, and named to the caller until it is moved |
//! | an earlier delivery of it has not told its end | – | that it is begun is noted first; after one such note it is worked on alone, after [four](crate::limits::BEGUN_WITHOUT_END) moved to the dead-letter queue as `killed` | the same |
//! | does not fit into the time that is left, beside those under way | – | – | waits for these; back as `not-started` where it would not fit alone |
//! | fails in a way that points to a setting, as [1,000](crate::limits::SETTINGS_FAILURES) others did in a row | the run ends as in trouble, except with `keep_going` | the same, the worker ends | one file of each batch is tried, the others go back as `not-started` |
//! | a system that has answered before does not for this file, and for [few](crate::limits::OUTAGE_TASKS_MOST) others in a row | tried [three times](crate::limits::OUTAGE_TRIES), then fails | the same | the same; at once if the next try would come too late |
//! | a system is away: for enough files in a row, or since the start; or the ledger could not be read for several jobs | waits; one file at a time is tried. The run ends after [90 s](crate::limits::UNREACHED_WAIT) (never reached) or its `wait` | the same; without a `wait` a system that was reached is awaited without end | waits while there is time, then back |
//! | only storage nodes are away, and no other files are left | fails after [five minutes](crate::limits::LAST_NODES_WAIT) | the same | the same, if there is time |
//! | the tables do not take its record | kept and written again; once more at a stop, for [8 s](crate::limits::LAST_WRITE_TIME) after the others were abandoned, then it fails | the same | the same; back at the end of the time |
//! | S3 refuses every file there is | fails; the run ends as in trouble | the same, the worker ends | fails |
//! | the engine stops before it is under way | not begun | counted as `not-started`, back at once | back as `not-started` |
//! | the engine stops while it is under way | has [20 s](crate::limits::STOPPING_TIME), without limit after `max_failures`; then abandoned, and named where it was being written | the same, then back | abandoned [before the end](crate::limits::BATCH_RESERVE) of its time, then back |
//!
//! A kill costs the files under way and those that are done but not recorded, together at most
//! twice the concurrency: the next run, or the next delivery, finds and proves them.

mod alarm;
mod alike;
mod feed;
mod flow;
mod hold;
mod outages;
mod planner;
mod recorder;
mod run;
mod stop;
mod task;
mod under_way;
mod work;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;

pub use alike::FailuresAlike;
pub(crate) use feed::{IndexFeed, JobFeed};
pub(crate) use flow::{EnginePlan, Flow};
pub(crate) use outages::Patience;
pub(crate) use planner::Aim;
pub(crate) use recorder::{OutgoingBatch, Recorder};
pub use run::{Quiet, RunObserver, RunPlan, migrate_run, sync_run};
pub use stop::{Stop, never};
pub(crate) use task::EnginePorts;
pub use work::{BatchReport, JobEnd, Unobserved, WorkObserver, WorkPlan, work_batch, work_queue};

use crate::Reason;

/// Futures that the engine polls, each giving one event.
type Events<'a, E> = FuturesUnordered<BoxFuture<'a, E>>;

/// Receives a call when the engine pauses because a system is away, and when it goes on.
pub trait OutageObserver: Send + Sync {
    /// A system does not answer. Files that need it wait.
    fn holding(&self, why: &Reason);

    /// No system is away any more, or the engine has stopped waiting for it.
    fn going_on(&self);
}
