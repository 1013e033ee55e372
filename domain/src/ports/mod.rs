//! What the domain asks of the outside, by role: a file a port. Adapters and the simulator answer.

mod clock;
mod content_repo_database;
mod job_queue;
mod ledger;
mod object_store;
mod rhino_database;
mod source_files;
mod source_index;

pub use clock::{Clock, Timestamp};
pub use content_repo_database::{ContentRepoDatabase, DatabaseError, ObjectMetadata, RepoBucket};
pub use job_queue::{Delivery, JobQueue, QueueDepth, QueueError, Receipt, SendReport};
pub use ledger::{Ledger, LedgerError, Segment};
pub use object_store::{
    Condition, ETag, FoundObject, ListPage, ListedObject, ObjectContent, ObjectMeta, ObjectStore,
    StoreError, StoredObject, WriteTarget,
};
pub use rhino_database::RhinoDatabase;
pub use source_files::{Replica, SourceError, SourceFiles};
pub use source_index::{IndexError, RowPage, SourceIndex};

/// An adapter's own error, kept as the cause of a port's.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
