use std::sync::Arc;

use super::{
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
    /// Where jobs go that fail by themselves again and again; [`None`] leaves them in the queue.
    pub dead_letters: Option<Arc<dyn JobQueue>>,
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
