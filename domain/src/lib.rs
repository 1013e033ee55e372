//! The rules and steps of the migration.
//!
//! ```text
//! index row → source file → job → (queue) → migrate → decision → ledger record → audit
//! ```
//!
//! Nouns are rules, verbs ([`steps`]) are orders of calls, and all that is outside stands behind
//! [`ports`]. Nothing here opens a socket, reads a clock or knows a vendor; decisions are pure.
//!
//! The modules, in the order of the flow, each made of those before it:

mod named;

pub mod digest;
pub mod fid;
pub mod dkey;
pub mod bucket_map;
pub mod object_key;
pub mod index_row;
pub mod job;
pub mod content;
pub mod ledger;
pub mod proven_files;
pub mod reason;
pub mod system;
pub mod decision;
pub mod coverage;
pub mod summary;
pub mod redelivery;
pub mod failure_record;
pub mod verification;
pub mod known_files;
pub mod misconfigured;
pub mod work_summary;
pub mod formats;
pub mod outlook;
pub mod check;
pub mod blueprint;

pub mod limits;
pub mod retry;

pub mod ports;
mod engine;
pub mod steps;

pub use bucket_map::{BucketMap, BucketMapError, Destination, S3Bucket};
pub use check::{Check, Health};
pub use coverage::{Coverage, coverage};
pub use digest::{Checksum, ChecksumError, ContentDigests, ContentHasher, Sha1};
pub use dkey::{Dkey, MogileBucket};
pub use failure_record::FailureRecord;
pub use fid::Fid;
pub use formats::{Formats, WorkerReport};
pub use index_row::{ByteCount, IndexRow, Rejection, RowClass, SourceFile};
pub use job::{Hints, Job, JobAction, RouteHint};
pub use known_files::{FileStanding, KnownFiles};
pub use ledger::{LedgerItem, LedgerRecord, Proof, Route, UnreadableItem};
pub use misconfigured::{Misconfigured, Moved};
pub use named::UnknownName;
pub use object_key::{IntermediaryForm, ObjectAddress, ObjectKey};
pub use ports::Timestamp;
pub use proven_files::{ProvenFiles, ProvenFilesBuilder, Standing};
pub use reason::{Failure, Left, Reason, ReasonKind};
pub use summary::{Ends, Finding, FindingKind, Intake, Stopped, Summary};
pub use system::System;
pub use verification::{Sight, Verification, VerifiedFile};
pub use work_summary::WorkSummary;
