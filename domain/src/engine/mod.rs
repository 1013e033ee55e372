//! One engine for `migrate`, the worker and the Lambda function: files under way, each recorded
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
//! | proven or verified, and recorded | counted; its failure record is cleared | the same, and acknowledged | the same, and left to whoever acknowledges |
//! | gone from MogileFS | counted | counted, acknowledged | counted |
//! | fails by itself | counted, listed | back to the queue; its failure is noted | the same, and named to whoever acknowledges |
//! | a system is unreachable, others of its kind are not | tried [three times](crate::limits::OUTAGE_TRIES), then fails | the same | the same |
//! | a system is unreachable for all | held until it answers; the run gives up after its patience | held, without end | held while there is time, then back |
//! | its record is not taken | kept and written again; fails when the run gives up | the same, without end | the same while there is time, then back |
//! | the engine stops before it is begun | counted as not begun | back to the queue at once | back |
//! | the engine stops while it is under way | has [some time](crate::limits::STOPPING_TIME), then counted as abandoned | the same, then back | abandoned when the time is over, then back |
//! | there is not time enough for it | – | – | back, not begun |
//!
//! A kill costs the files under way and those that are done but not recorded, together at most
//! twice the concurrency: the next run, or the next delivery, finds and proves them.

mod alarm;
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

pub(crate) use feed::{BatchFeed, IndexFeed, QueueFeed};
pub(crate) use flow::{EnginePlan, Flow};
pub(crate) use outages::Patience;
pub(crate) use recorder::{OutgoingBatch, Recorder};
pub use run::{Quiet, RunObserver, RunPlan, migrate_run};
pub use stop::{Stop, never};
pub(crate) use task::EnginePorts;
pub use work::{BatchReport, JobEnd, Unobserved, WorkObserver, WorkPlan, work_batch, work_queue};

use crate::Reason;

/// What is waited for.
type Events<'a, E> = FuturesUnordered<BoxFuture<'a, E>>;

/// Is told when the engine pauses because a system is away, and when it goes on.
pub trait OutageObserver: Send + Sync {
    /// A system cannot be reached: what needs it waits until it can.
    fn holding(&self, why: &Reason);

    /// All systems can be reached again.
    fn going_on(&self);
}
