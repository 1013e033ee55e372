//! Why a file could not be migrated, and what that leaves behind.

use std::fmt;

use crate::SourceError;
use crate::named::named;

/// The kinds of reasons, for counts and filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonKind {
    /// Only copying was allowed, and there is nothing to copy.
    NoIntermediary,
    /// No replica gave the content.
    NoReplica,
    /// Replicas are there and have other content than the key says; no other one gave the right one.
    WrongContent,
    /// The trackers, or what lists MogileFS's storage nodes, could not be reached.
    SourceUnreachable,
    /// The trackers could, and none of the file's storage nodes that may be asked.
    ReplicasUnreachable,
    /// Trackers refuse, or answer nonsense, or none of the file's replicas may be asked.
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
    /// contentrepo's types and names could not be read, or not be kept on this machine's disk.
    TypesAndNames,
    /// The references of contentrepo or rhino could not be read, or not be kept on this machine's disk.
    References,
    /// The file is in S3 and proven, but the ledger did not take its record.
    LedgerUnavailable,
    /// The queue could not be reached, or refuses.
    QueueUnavailable,
    /// The message is no job: an unknown action, a body that cannot be read.
    BadMessage,
    /// The job is about a file that cannot be migrated: its key or its bucket is none of ours.
    BadJob,
    /// The worker's settings are not those of the job's sender: another MogileFS domain, or another S3
    /// bucket. The worker left it to others.
    OtherSettings,
    /// There was not time enough left to start it, or to finish it.
    NotStarted,
    /// A verification found nothing at the final key.
    Missing,
    /// A verification found the object whole, and no record of the file in the ledger that can be read.
    NoRecord,
    /// A verification found the object whole, and a ledger record of another bucket or another SHA-1.
    OtherRecord,
    /// The job's worker ended, by memory or time-out, before it could say what became of the job.
    Killed,
}

named!(ReasonKind {
    NoIntermediary = "no-intermediary",
    NoReplica = "no-replica",
    WrongContent = "wrong-content",
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
    TypesAndNames = "types-and-names",
    References = "references",
    LedgerUnavailable = "ledger-unavailable",
    QueueUnavailable = "queue-unavailable",
    BadMessage = "bad-message",
    BadJob = "bad-job",
    OtherSettings = "other-settings",
    NotStarted = "not-started",
    Missing = "missing",
    NoRecord = "no-record",
    OtherRecord = "other-record",
    Killed = "killed",
});

/// Who ends a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Waiting: the job comes again, and succeeds when the system is back.
    Waiting,
    /// A person, who has to change something first.
    Person,
    /// One of the two. The kind does not say which, the reason's own words do.
    WordsSay,
}

impl ReasonKind {
    /// Who ends this trouble.
    #[must_use]
    pub const fn remedy(self) -> Remedy {
        match self {
            Self::SourceUnreachable
            | Self::ReplicasUnreachable
            | Self::StoreUnreachable
            | Self::NotStarted
            | Self::Contended => Remedy::Waiting,
            // A table, a queue or a database that is away and one that does not exist have one name.
            Self::IndexUnreadable
            | Self::TypesAndNames
            | Self::References
            | Self::LedgerUnavailable
            | Self::QueueUnavailable => Remedy::WordsSay,
            Self::NoIntermediary
            | Self::NoReplica
            | Self::WrongContent
            | Self::SourceRefused
            | Self::KeyUnknown
            | Self::WrongObject
            | Self::StoreDenied
            | Self::NoBucket
            | Self::StoreRefused
            | Self::BadMessage
            | Self::BadJob
            | Self::OtherSettings
            | Self::Missing
            | Self::NoRecord
            | Self::OtherRecord
            | Self::Killed => Remedy::Person,
        }
    }

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

/// What stands in the way, as far as it is known beyond the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// What the kind says.
    OfItsKind,
    /// No answer came, or the service asks to slow down.
    Unreachable,
    /// The service is reached, and refuses.
    Refusal,
    /// A thing that the settings name does not exist.
    Absent(Thing),
    /// AWS does not accept the account's keys.
    Keys(KeyTrouble),
}

/// A thing that settings name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// An S3 bucket.
    Bucket,
    /// A table in DynamoDB.
    Table,
    /// The job queue.
    JobQueue,
    /// The dead-letter queue.
    DeadLetterQueue,
}

/// What is wrong with the keys of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTrouble {
    /// The service does not know them, or the secret is not the one of the key.
    Unknown,
    /// They were good for a time that is over.
    Expired,
    /// The time of the signature is too far from the service's: the clock of this machine is wrong.
    WrongClock,
    /// They are good, and their account has not signed up for the service.
    NotSignedUp,
}

/// Why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind.
    pub kind: ReasonKind,
    /// In words, with the thing's name.
    pub detail: String,
    /// What stands in the way.
    pub obstacle: Obstacle,
}

impl Reason {
    /// A reason in these words.
    #[must_use]
    pub fn new(kind: ReasonKind, detail: impl fmt::Display) -> Self {
        Self { kind, detail: detail.to_string(), obstacle: Obstacle::OfItsKind }
    }

    /// The same, where more is known of what stands in the way.
    #[must_use]
    pub fn because_of(self, obstacle: Obstacle) -> Self {
        Self { obstacle, ..self }
    }

    /// Whether settings name something that does not exist, or this machine is set wrong: waiting never
    /// ends this.
    #[must_use]
    pub const fn is_of_wrong_settings(&self) -> bool {
        matches!(
            self.obstacle,
            Obstacle::Absent(_)
                | Obstacle::Keys(
                    KeyTrouble::Unknown | KeyTrouble::WrongClock | KeyTrouble::NotSignedUp
                )
        ) || matches!(self.kind, ReasonKind::NoBucket)
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
            SourceError::Refused { .. }
            | SourceError::NotAsked { .. }
            | SourceError::BadAnswer { .. } => ReasonKind::SourceRefused,
            SourceError::Unjudged { why, .. } => Self::from(why.as_ref()).kind,
            SourceError::WrongLength { .. } => ReasonKind::NoReplica,
            SourceError::WrongContent { .. } => ReasonKind::WrongContent,
        };
        Self::new(kind, error)
    }
}

/// What is at the key that a run writes for a file, when that failed: the final key, or that of an
/// intermediary.
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
    /// What is at the key now.
    pub left: Left,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left {
            Left::Nothing => fmt::Display::fmt(&self.reason, f),
            left @ (Left::WrongObject | Left::OurObject | Left::PerhapsOurs) => {
                write!(f, "{} (at the key that this run writes: {left})", self.reason)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_of_settings_needs_a_person() {
        let of_settings = ReasonKind::ALL.iter().filter(|kind| kind.is_of_settings());
        for kind in of_settings {
            assert_eq!(kind.remedy(), Remedy::Person, "{kind}");
        }
    }

    #[test]
    fn only_what_does_not_exist_is_a_wrong_setting() {
        let check = |obstacle, expected| {
            let reason = Reason::new(ReasonKind::LedgerUnavailable, "words").because_of(obstacle);
            assert_eq!(reason.is_of_wrong_settings(), expected, "{obstacle:?}");
        };
        check(Obstacle::OfItsKind, false);
        check(Obstacle::Unreachable, false);
        check(Obstacle::Refusal, false);
        check(Obstacle::Absent(Thing::Table), true);
        check(Obstacle::Keys(KeyTrouble::Unknown), true);
        check(Obstacle::Keys(KeyTrouble::Expired), false);
        check(Obstacle::Keys(KeyTrouble::NotSignedUp), true);
        check(Obstacle::Keys(KeyTrouble::WrongClock), true);
        assert!(Reason::new(ReasonKind::NoBucket, "words").is_of_wrong_settings());
    }
}
