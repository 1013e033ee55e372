//! Why a file could not be migrated, and what that leaves behind.

use std::fmt;

use crate::SourceError;
use crate::named::named;

/// The kinds of reasons, for counts and filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonKind {
    /// Only copying was allowed, and there is nothing to copy.
    NoIntermediary,
    /// Every replica was tried; none gave the content.
    NoReplica,
    /// The trackers could not be reached.
    SourceUnreachable,
    /// The trackers could, and none of the file's storage nodes.
    ReplicasUnreachable,
    /// Trackers refuse, or answer nonsense.
    SourceRefused,
    /// The trackers do not know a key that the index has.
    KeyUnknown,
    /// An object with other content is at the final key, or was put there.
    WrongObject,
    /// The object changed under our hands too often.
    Contended,
    /// S3 could not be reached, or was too busy for too long.
    StoreUnreachable,
    /// S3 denies access.
    StoreDenied,
    /// The bucket is not there.
    NoBucket,
    /// S3 refuses for another reason.
    StoreRefused,
    /// The index could not be asked again.
    IndexUnreadable,
    /// The file is in S3 and proven, but the ledger did not take its record.
    LedgerUnavailable,
    /// The queue could not be reached, or refuses.
    QueueUnavailable,
    /// The message is no job: an unknown action, a body that cannot be read.
    BadMessage,
    /// The job is about a file that cannot be migrated: its key or its bucket is none of ours.
    BadJob,
    /// There was not time enough left to start it, or to finish it.
    NotStarted,
    /// A verification found nothing at the final key.
    Missing,
    /// The job's worker ended, by memory or time-out, before it could say what became of the job.
    Killed,
}

named!(ReasonKind {
    NoIntermediary = "no-intermediary",
    NoReplica = "no-replica",
    SourceUnreachable = "source-unreachable",
    ReplicasUnreachable = "replicas-unreachable",
    SourceRefused = "source-refused",
    KeyUnknown = "key-unknown",
    WrongObject = "wrong-object",
    Contended = "contended",
    StoreUnreachable = "s3-unreachable",
    StoreDenied = "s3-denied",
    NoBucket = "s3-no-bucket",
    StoreRefused = "s3-refused",
    IndexUnreadable = "index-unreadable",
    LedgerUnavailable = "ledger-unavailable",
    QueueUnavailable = "queue-unavailable",
    BadMessage = "bad-message",
    BadJob = "bad-job",
    NotStarted = "not-started",
    Missing = "missing",
    Killed = "killed",
});

impl ReasonKind {
    /// Whether it speaks of settings rather than of a file: many files will fail like this.
    #[must_use]
    pub const fn is_of_settings(self) -> bool {
        matches!(
            self,
            Self::SourceRefused
                | Self::KeyUnknown
                | Self::StoreDenied
                | Self::NoBucket
                | Self::StoreRefused
        )
    }
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind.
    pub kind: ReasonKind,
    /// In words, with the thing's name.
    pub detail: String,
}

impl Reason {
    /// A reason in these words.
    #[must_use]
    pub fn new(kind: ReasonKind, detail: impl fmt::Display) -> Self {
        Self { kind, detail: detail.to_string() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail)
    }
}

impl From<&SourceError> for Reason {
    fn from(error: &SourceError) -> Self {
        let kind = match error {
            SourceError::UnknownKey { .. } => ReasonKind::KeyUnknown,
            SourceError::Unreachable { .. }
            | SourceError::Uncertain { .. }
            | SourceError::Busy { .. } => ReasonKind::SourceUnreachable,
            SourceError::Refused { .. } | SourceError::BadAnswer { .. } => {
                ReasonKind::SourceRefused
            }
            SourceError::WrongLength { .. } | SourceError::WrongContent { .. } => {
                ReasonKind::NoReplica
            }
        };
        Self::new(kind, error)
    }
}

/// What a failed file leaves at its final key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Left {
    /// Nothing that we know to be wrong or wrote unproven.
    Nothing,
    /// An object with other content that somebody else wrote.
    WrongObject,
    /// An object of ours that is wrong or unproven, which could not be taken away.
    OurObject,
    /// Perhaps an object of ours: the answer to its write was lost.
    PerhapsOurs,
}

named!(Left {
    Nothing = "nothing",
    WrongObject = "a wrong object of somebody else",
    OurObject = "an unproven object of this run",
    PerhapsOurs = "perhaps an unproven object of this run",
});

/// A file that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// What is at its final key now.
    pub left: Left,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left {
            Left::Nothing => fmt::Display::fmt(&self.reason, f),
            left @ (Left::WrongObject | Left::OurObject | Left::PerhapsOurs) => {
                write!(f, "{} (at the final key: {left})", self.reason)
            }
        }
    }
}
