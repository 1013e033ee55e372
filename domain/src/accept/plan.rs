//! What is to be accepted, and what came of it.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::cleanup::StopRequest;
use crate::journal::AcceptedFile;
use crate::named::named;
use crate::ports::{Clock, FailureLog, Journal, Ledger, ObjectStore, SourceFiles, SourceIndex};
use crate::runbook::JournalTrouble;
use crate::{BucketMap, Fid, Stopped};

/// What an acceptance reaches. It writes to the journal alone.
pub struct AcceptPorts {
    /// MogileFS's index.
    pub index: Arc<dyn SourceIndex>,
    /// MogileFS's files.
    pub files: Arc<dyn SourceFiles>,
    /// The ledger, which may prove a file.
    pub ledger: Arc<dyn Ledger>,
    /// The failures table, which may doubt that.
    pub failures: Arc<dyn FailureLog>,
    /// The buckets, which may have the content.
    pub objects: Arc<dyn ObjectStore>,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What is to be accepted.
pub struct AcceptPlan<'a> {
    /// Where files belong.
    pub buckets: &'a BucketMap,
    /// The files' numbers, ascending.
    pub fids: Vec<Fid>,
    /// Why, in the operator's words.
    pub reason: String,
    /// Whether a replica that cannot be asked counts as lost.
    pub with_unreachable: bool,
    /// Whether the acceptance is written.
    pub mode: AcceptMode,
    /// A random number of this process.
    pub salt: u64,
    /// Ends when somebody asks to stop.
    pub stop: StopRequest,
}

/// Whether an acceptance is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptMode {
    /// Nothing is written.
    DryRun,
    /// The journal gets it, by this person.
    Accept {
        /// Who writes it.
        by: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Accepting {
    /// The MogileFS domain.
    pub domain: String,
    /// The files that were named.
    pub named: u64,
    /// Those that are accepted, or may be, with their evidence.
    pub files: Vec<AcceptedFile>,
    /// Those that were accepted before, just as they are now.
    pub accepted_before: Vec<Fid>,
    /// Those that are not accepted. With one of them nothing is written.
    pub refused: Vec<RefusedFile>,
    /// Those that were not looked at.
    pub not_looked_at: u64,
    /// The numbers of the journal's entries; none where nothing was written.
    pub entries: Vec<u64>,
    /// Why it ended before its end.
    pub stopped: Option<Stopped>,
}

/// A file that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedFile {
    /// Its number.
    pub fid: Fid,
    /// Why not.
    pub kind: RefusalKind,
    /// The same in words.
    pub why: String,
}

/// Why a file is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalKind {
    /// The index has no row of it.
    NoRow,
    /// The index cannot give its row.
    UnreadableRow,
    /// Its row is an unfinished upload, or of an ignored bucket: it blocks nothing.
    BlocksNothing,
    /// Its bucket is in no setting.
    UnmappedBucket,
    /// The ledger proves it.
    Proven,
    /// The bucket has its content.
    ContentInS3,
    /// A replica gives its content.
    GoodReplica,
    /// A replica gives its content, and its row has no length.
    GoodWithoutLength,
    /// A replica could not be asked.
    ReplicaNotAsked,
    /// The trackers do not know its key, or have it under another fid.
    KeyUnknown,
    /// The trackers cannot give it, and give others.
    NotGiven,
    /// An object that may have its content cannot be looked at.
    ObjectNotSeen,
    /// It is not accepted, and so there is nothing to end.
    NotAccepted,
}

named!(RefusalKind {
    NoRow = "no-row",
    UnreadableRow = "unreadable-row",
    BlocksNothing = "blocks-nothing",
    UnmappedBucket = "unmapped-bucket",
    Proven = "proven",
    ContentInS3 = "content-in-s3",
    GoodReplica = "good-replica",
    GoodWithoutLength = "good-without-length",
    ReplicaNotAsked = "replica-not-asked",
    KeyUnknown = "key-unknown",
    NotGiven = "not-given",
    ObjectNotSeen = "object-not-seen",
    NotAccepted = "not-accepted",
});

impl Serialize for RefusalKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// How an acceptance ended, or the taking back of one. An error says why the journal has nothing of it, or
/// not all.
pub type AcceptingEnds<T> = Result<T, JournalTrouble>;

impl Accepting {
    /// Whether every file that was named is in one class.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let classed = self.files.len() + self.accepted_before.len() + self.refused.len();
        classed as u64 + self.not_looked_at == self.named
    }
}
