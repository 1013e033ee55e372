//! The domain's ports to the outside, by role, one file each. The adapters and the simulator
//! implement them.

mod anonymous_reads;
mod backup;
mod change_error;
mod clock;
mod content_repo_changes;
mod content_repo_database;
mod database;
mod database_servers;
mod database_survey;
mod failure_log;
mod job_queue;
mod journal;
mod key_changes;
mod key_ranges;
mod ledger;
mod object_store;
mod queue_consumers;
mod record_sorts;
mod repo_nodes;
mod repo_service;
mod rhino_changes;
mod rhino_database;
mod rhino_load;
mod rhino_names;
mod row_sorter;
mod running_configs;
mod service_time;
mod site;
mod source_files;
mod source_index;
mod together;
mod types_and_names;
mod verification_log;
mod worker_function;

pub use anonymous_reads::AnonymousReads;
pub use backup::{
    BackupError, BackupHeader, BackupReader, BackupRow, BackupWriter, Backups, FinishedBackup,
    OpenBackup,
};
pub use change_error::{ChangeError, ServerSession, TableHolders};
pub use clock::Clock;
pub use content_repo_changes::{BucketRename, ContentRepoChanges, Hindrance, Renaming};
pub use content_repo_database::{
    ContentRepoDatabase, RepoBucket, RepoExtent, RepoMetadata, RepoObject, RepoStatus,
};
pub use database::{DatabaseError, RowId};
pub use database_servers::DatabaseServers;
pub use database_survey::{
    AccountRights, DatabaseSurvey, LackingBeside, MogileDatabase, SurveyedColumn, SurveyedDatabase,
    UploadsUnderWay,
};
pub use failure_log::FailureLog;
pub use job_queue::{JobQueue, QueueError, QueueRole};
pub use journal::{Appended, Journal, Repair};
pub use key_changes::{KeyChange, KeyChanged, KeyChanges};
pub use key_ranges::{KeyRanges, KeyedRow};
pub use ledger::{Ledger, LedgerError, Segment};
pub use object_store::{ObjectContent, ObjectStore, StoreError};
pub use queue_consumers::{QueueConsumer, QueueConsumers};
pub use record_sorts::{
    RECORD_BYTES, RecordSort, RecordSorts, SortError, SortRecord, SortedRecords,
};
pub use repo_nodes::{RepoNodeError, RepoNodes};
pub use repo_service::{
    RepoConfig, RepoCreated, RepoService, RepoServiceError, RepoVersion, S3_STORE_CLASS,
    store_class,
};
pub use rhino_changes::{
    IndexChange, IndexDefinition, RhinoChanges, RhinoFacts, RhinoSession, RowRange,
};
pub use rhino_database::{ArticleFile, RhinoDatabase};
pub use rhino_load::{ReplicaLag, RhinoLoad, ServerLoad};
pub use rhino_names::RhinoNames;
pub use row_sorter::{RowSorter, RowSorterError, RowSorters, SortedRows};
pub use running_configs::{RunningConfigError, RunningConfigs};
pub use service_time::ServiceTime;
pub use site::{Site, SiteError, SiteLooks};
pub use source_files::{Replica, SourceFiles};
pub use source_index::{IndexError, OtherRow, RowPage, SourceIndex, UnreadableRow};
pub use together::{Ports, WatchPorts, WorkPorts};
pub use types_and_names::{RowSays, Spool, SpoolError, Spooled, Spools, TypesAndNames, TypesError};
pub use verification_log::VerificationLog;
pub use worker_function::{FunctionError, WorkerFunction};
