use std::sync::Arc;

use super::{
    Clock, FailureLog, JobQueue, Ledger, ObjectStore, SourceFiles, SourceIndex, VerificationLog,
};

/// The ports that a migration uses.
#[derive(Clone)]
pub struct Ports {
    /// The index of MogileFS.
    pub index: Arc<dyn SourceIndex>,
    /// The files of MogileFS.
    pub files: Arc<dyn SourceFiles>,
    /// The object store, S3.
    pub objects: Arc<dyn ObjectStore>,
    /// The ledger of proven files.
    pub ledger: Arc<dyn Ledger>,
    /// The failures of files, and the doubts of verifications.
    pub failures: Arc<dyn FailureLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The ports that a worker uses: those of a migration, the queues and the verifications.
#[derive(Clone)]
pub struct WorkPorts {
    /// The ports of a migration.
    pub files: Ports,
    /// Where jobs come from.
    pub queue: Arc<dyn JobQueue>,
    /// The queue for jobs that have failed by themselves too often. With [`None`] they stay in the
    /// job queue.
    pub dead_letters: Option<Arc<dyn JobQueue>>,
    /// The files that verifications found whole.
    pub verifications: Arc<dyn VerificationLog>,
}

/// The ports of the commands that look after the work of other processes, such as `status` and
/// `dlq`.
#[derive(Clone)]
pub struct WatchPorts {
    /// Where jobs come from.
    pub queue: Arc<dyn JobQueue>,
    /// The queue of dead letters.
    pub dead_letters: Arc<dyn JobQueue>,
    /// The failures of files, by which dead letters are explained.
    pub failures: Arc<dyn FailureLog>,
    /// The ledger, which shows the files that are proven.
    pub ledger: Arc<dyn Ledger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}
