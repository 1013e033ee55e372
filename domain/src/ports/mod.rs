//! What the domain asks of the outside, by role: a file a port. Adapters and the simulator answer.

mod clock;
mod content_repo_database;
mod failure_log;
mod job_queue;
mod ledger;
mod object_store;
mod rhino_database;
mod site;
mod source_files;
mod source_index;
mod verification_log;
mod worker_function;

pub use clock::{Clock, Timestamp};
pub use content_repo_database::{ContentRepoDatabase, DatabaseError, ObjectMetadata, RepoBucket};
pub use failure_log::FailureLog;
pub use job_queue::{
    BadMessage, Delivery, JobQueue, QueueDepth, QueueError, Receipt, SendFailure, SendReport,
};
pub use ledger::{Ledger, LedgerError, Segment};
pub use object_store::{
    Condition, ETag, FoundObject, ListPage, ListedObject, ObjectContent, ObjectMeta, ObjectStore,
    StoreError, StoredObject, WriteTarget,
};
pub use rhino_database::RhinoDatabase;
pub use site::{Site, SiteError};
pub use source_files::{Replica, SourceError, SourceFiles};
pub use source_index::{IndexError, RowPage, SourceIndex};
pub use verification_log::VerificationLog;
pub use worker_function::{FunctionError, WorkerFunction};

/// An adapter's own error, kept as the cause of a port's.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
