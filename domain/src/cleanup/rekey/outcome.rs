//! What came of a correction.

use serde::{Serialize, Serializer};

use crate::named::named;
use crate::summary::Stopped;
use crate::{ByteCount, Dkey, Fid, Sha1};

/// What came of the correction of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RekeyOutcome {
    /// The file has its new key.
    Changed,
    /// It can be changed. This was a dry run.
    CanBeChanged,
    /// An earlier run has changed it.
    AlreadySo,
    /// The content is what the key says.
    Right,
    /// Another file has the same content under the right key.
    Duplicate,
    /// The domain has no such row.
    NoRow,
    /// The row has another key than it was expected to have.
    OtherKey,
    /// The file is not one that migrates.
    NotMigrated,
    /// A replica cannot be read.
    Unreadable,
    /// The replicas have different content.
    Differ,
    /// The content is not as long as the row says.
    OtherLength,
    /// The content has neither the SHA-1 of the key nor the one that was expected.
    OtherContent,
    /// Another file has the new key.
    Taken,
    /// contentrepo still refers to the old SHA-1.
    StillReferred,
    /// contentrepo's database gave no answer.
    ContentRepoSilent,
    /// The change was refused, or looked for and not found.
    NotChanged,
    /// It may have been changed or not.
    Unsure,
    /// The row was changed, and the trackers do not see it.
    Unseen,
    /// It was changed, and nobody could be asked what has become of it.
    Unasked,
    /// It was changed, and contentrepo refers to the old SHA-1 by now.
    ReferredSince,
    /// Something could not be reached before anything was decided.
    NotLookedAt,
}

named!(RekeyOutcome {
    Changed = "changed",
    CanBeChanged = "can-be-changed",
    AlreadySo = "already-so",
    Right = "content-is-right",
    Duplicate = "duplicate",
    NoRow = "no-row",
    OtherKey = "other-key",
    NotMigrated = "not-migrated",
    Unreadable = "replica-unreadable",
    Differ = "replicas-differ",
    OtherLength = "other-length",
    OtherContent = "other-content",
    Taken = "key-taken",
    StillReferred = "still-referred",
    ContentRepoSilent = "contentrepo-silent",
    NotChanged = "not-changed",
    Unsure = "unsure-whether-changed",
    Unseen = "changed-unseen",
    Unasked = "changed-unasked",
    ReferredSince = "changed-and-referred",
    NotLookedAt = "not-looked-at",
});

impl Serialize for RekeyOutcome {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl RekeyOutcome {
    /// It ends with this, in these words.
    pub(super) fn because(self, why: impl Into<String>) -> Verdict {
        Verdict::Ended(self, why.into())
    }
}

/// What ends a correction.
#[derive(Debug)]
pub(super) enum Verdict {
    /// This outcome, in words.
    Ended(RekeyOutcome, String),
    /// contentrepo has these rows, and so many in all. Where `is_changed`, the key is changed already.
    Referred { rows: Vec<ReferringRow>, of: u64, is_changed: bool },
    /// Something could not be reached, or a setting is wrong.
    Stopped(Stopped),
}

/// A file whose key was to be corrected, and what was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rekeying {
    /// The file's number.
    pub fid: Fid,
    /// The MogileFS domain.
    pub domain: String,
    /// The key that was given.
    pub from: String,
    /// The key that its content should have, where that is another one.
    pub to: Option<String>,
    /// The SHA-1 of its content, where all replicas agree.
    pub sha1: Option<Sha1>,
    /// The number of its bytes, where all replicas agree.
    pub length: Option<ByteCount>,
    /// Its replicas.
    pub replicas: Vec<ReadReplica>,
    /// Rows of contentrepo that still refer to the old SHA-1: at most
    /// [`limits::REFERRING_ROWS`](crate::limits::REFERRING_ROWS).
    pub referring: Vec<ReferringRow>,
    /// The number of all of them.
    pub referring_rows: u64,
    /// What came of it.
    pub outcome: RekeyOutcome,
    /// The same in words.
    pub why: String,
    /// Why it ended before anything was decided.
    pub stopped: Option<Stopped>,
}

/// A replica, and what was read of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadReplica {
    /// Its URL, or the name of its device where the trackers give no URL.
    pub replica: String,
    /// The SHA-1 of its content.
    pub sha1: Option<Sha1>,
    /// The number of its bytes.
    pub length: Option<ByteCount>,
    /// Why it cannot be read.
    pub error: Option<String>,
}

/// A row of contentrepo's table of objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReferringRow {
    /// The column `id`.
    pub id: String,
    /// The column `objkey`.
    pub key: String,
    /// The column `uuid`.
    pub uuid: String,
    /// The column `checksum`, as it stands there.
    pub checksum: String,
    /// The name of its bucket, where it has one.
    pub bucket: Option<String>,
    /// The column `status`, in words.
    pub status: &'static str,
}

impl Rekeying {
    pub(super) fn new(fid: Fid, domain: &str, from: &Dkey) -> Self {
        Self {
            fid,
            domain: domain.to_owned(),
            from: from.to_string(),
            to: None,
            sha1: None,
            length: None,
            replicas: Vec::new(),
            referring: Vec::new(),
            referring_rows: 0,
            outcome: RekeyOutcome::NotLookedAt,
            why: String::new(),
            stopped: None,
        }
    }

    pub(super) fn with(mut self, verdict: Verdict) -> Self {
        match verdict {
            Verdict::Ended(outcome, why) => (self.outcome, self.why) = (outcome, why),
            Verdict::Referred { rows, of, is_changed } => {
                let (outcome, means) = if is_changed {
                    let means = "the key is changed, and contentrepo does not find their content";
                    (RekeyOutcome::ReferredSince, means)
                } else {
                    let means = "contentrepo would not find their content any more";
                    (RekeyOutcome::StillReferred, means)
                };
                self.outcome = outcome;
                self.why = format!(
                    "{of} rows of contentrepo's table `objects` refer to the SHA-1 of the old key in \
                     this bucket: {means}"
                );
                (self.referring, self.referring_rows) = (rows, of);
            }
            Verdict::Stopped(stopped) => {
                self.outcome = RekeyOutcome::NotLookedAt;
                self.why = stopped.to_string();
                self.stopped = Some(stopped);
            }
        }
        self
    }
}
