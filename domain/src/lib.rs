//! The rules of the migration, and the orders of calls behind [`ports`].
//!
//! ```text
//! index row → source file → job → (queue) → migrate → decision → ledger record → audit
//! ```
//!
//! The modules stand in the order in which they are made of each other. First the nouns: values and
//! the rules about them, which wait for nothing. Then the [`ports`]: all that is outside. Then the
//! rooms of what is done with both: [`migrate`] and [`verify`] for one file, the [`engine`] for many,
//! the [`queue`], [`provision`], the [`doctor`], the [`runbook`], the [`cleanup`], what is [`accept`]ed by
//! name, the [`cutover`], its [`smoke`] test, and the [`checklist`] of all steps. Nothing here opens a socket, reads
//! a clock or knows a vendor.

mod named;

pub mod timestamp;
pub mod limits;
pub mod retry;
pub mod quantities;
pub mod prices;
pub mod digest;
pub mod fid;
pub mod dkey;
pub mod bucket_map;
pub mod name_changes;
pub mod object_key;
pub mod proof;
pub mod object;
pub mod type_and_name;
pub mod storage_class;
pub mod index_row;
pub mod job;
pub mod delivery;
pub mod source_error;
pub mod content;
pub mod ledger;
pub mod proven_files;
pub mod reason;
pub mod system;
pub mod coverage;
pub mod misconfigured;
pub mod types_summary;
pub mod summary;
pub mod redelivery;
pub mod failure_record;
pub mod verification;
pub mod server_ids;
pub mod store_state;
pub mod journal;
pub mod acceptance;
pub mod known_files;
pub mod work_summary;
pub mod formats;
pub mod outlook;
pub mod check;
pub mod blueprint;

pub mod ports;
mod retried;
mod ledger_scan;

pub mod audit;
pub mod migrate;
pub mod verify;
pub mod engine;
pub mod queue;
pub mod provision;
pub mod doctor;
pub mod runbook;
pub mod cleanup;
pub mod accept;
pub mod cutover;
pub mod smoke;
pub mod checklist;

pub use acceptance::{Acceptance, Acceptances, RowAccepted, Since};
pub use bucket_map::{BucketMap, BucketMapError, Destination, RepoBucketName, S3Bucket};
pub use check::{Check, FunctionHealth, Health};
pub use coverage::{Coverage, coverage};
pub use delivery::{
    AttributeContent, BadMessage, Delivery, MessageAttribute, MessageContent, QueueDepth, Receipt,
    SendFailure, SendReport,
};
pub use digest::{Checksum, ChecksumError, ContentDigests, ContentHasher, Md5, Sha1};
pub use dkey::{Dkey, MogileBucket};
pub use failure_record::{FailureItem, FailureNote, FailureRecord, MessageTries, Noted};
pub use fid::Fid;
pub use formats::{Formats, WorkerReport};
pub use index_row::{IndexRow, Rejection, RowClass, SourceFile};
pub use job::{Hints, Job, JobAction, RouteHint};
pub use known_files::{FileStanding, KnownFiles};
pub use ledger::{LedgerItem, LedgerRecord, Route, UnreadableItem};
pub use ledger_scan::scan_ledger;
pub use misconfigured::{Misconfigured, Moved, Swapped};
pub use named::UnknownName;
pub use object::{
    Condition, ETag, FoundObject, ListPage, ListedObject, ObjectMeta, StoredObject, WriteTarget,
};
pub use object_key::{IntermediaryForm, ObjectAddress, ObjectKey};
pub use prices::{Dollars, Prices, PricesError};
pub use proof::Proof;
pub use proven_files::{ProvenFiles, ProvenFilesBuilder, Standing};
pub use quantities::{ByteCount, Tally};
pub use reason::{Failure, KeyTrouble, Left, Obstacle, Reason, ReasonKind, Remedy, Thing};
pub use retry::Cause;
pub use source_error::SourceError;
pub use storage_class::{StorageClass, StorageClasses};
pub use summary::{Finding, FindingKind, Outcomes, RowCounts, Stopped, Summary};
pub use system::System;
pub use timestamp::Timestamp;
pub use type_and_name::{ContentType, DownloadName, TypeAndName};
pub use types_summary::{TypesRead, TypesSummary};
pub use verification::{Sight, Verification, VerifiedFile};
pub use work_summary::WorkSummary;
