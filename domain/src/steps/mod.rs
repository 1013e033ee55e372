//! The orders of calls: ask the ports, call the decision, carry it out.

mod bring;
mod census;
mod dead_letters;
mod enqueue;
mod examine;
mod known_files;
mod look_around;
mod migrate_file;
mod migrate_run;
mod provision;
mod retried;
mod routes;
mod rows;
mod settings_guard;
mod verify_file;
mod work;

pub use crate::engine::{OutageObserver, Stop, never};
pub use census::{Census, census};
pub use dead_letters::{Choice, DeadLetters, Redriven, list_dead_letters, redrive};
pub use enqueue::{EnqueueObserver, EnqueuePlan, EnqueueSummary, enqueue};
pub use examine::{examine, examine_copies, examine_failures, examine_work};
pub use known_files::{known_files, scan_ledger};
pub use look_around::{Progress, RATE_OVER, look_around};
pub use migrate_file::{FileEnd, FileMigration, FileOutcome, FilePlan, migrate_file};
pub use migrate_run::{Quiet, RunObserver, RunPlan, migrate_run};
pub use provision::{Provisioned, provision};
pub(crate) use retried::retried;
pub use routes::RoutePolicy;
pub(crate) use routes::Routes;
pub use rows::{Among, Page, RejectedRow, Rows, Selection};
pub use verify_file::verify_file;
pub use work::{BatchReport, JobEnd, Unobserved, WorkObserver, WorkPlan, work_batch, work_queue};

use std::sync::Arc;

use crate::ports::{
    Clock, FailureLog, JobQueue, Ledger, ObjectStore, SourceFiles, SourceIndex, VerificationLog,
};

/// All that a migration reaches outside.
#[derive(Clone)]
pub struct Ports {
    /// MogileFS's index.
    pub index: Arc<dyn SourceIndex>,
    /// Its files.
    pub files: Arc<dyn SourceFiles>,
    /// S3.
    pub objects: Arc<dyn ObjectStore>,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Why files failed, and which a verification doubts.
    pub failures: Arc<dyn FailureLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// All that a worker reaches outside: what a migration does, and what jobs come from and leave
/// behind.
#[derive(Clone)]
pub struct WorkPorts {
    /// What a migration reaches.
    pub files: Ports,
    /// Where jobs come from.
    pub queue: Arc<dyn JobQueue>,
    /// What was found whole.
    pub verifications: Arc<dyn VerificationLog>,
}

/// All that is asked by whoever looks after the work of others.
#[derive(Clone)]
pub struct WatchPorts {
    /// Where jobs come from.
    pub queue: Arc<dyn JobQueue>,
    /// Where they end that were delivered too often.
    pub dead_letters: Arc<dyn JobQueue>,
    /// Why files failed.
    pub failures: Arc<dyn FailureLog>,
    /// What is proven.
    pub ledger: Arc<dyn Ledger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}
