//! What a smoke test found.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Serialize, Serializer};

use crate::journal::EvidenceOutcome;
use crate::named::named;
use crate::{ByteCount, ContentDigests, Sha1};

/// What a smoke test found. It is clean only where something was looked at, and all of that is as it must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SmokeSummary {
    /// The rows of contentrepo.
    pub contentrepo: TableDrawn,
    /// The rows of rhino; [`None`] where its database was not read.
    pub rhino: Option<TableDrawn>,
    /// Objects that were read from S3 and are as they must be.
    pub s3_whole: u64,
    /// Files that were read from MogileFS and are as they must be.
    pub mogile_whole: u64,
    /// Objects that contentrepo's nodes gave, as they must be.
    pub api_whole: u64,
    /// Objects that S3 gave to a reader without keys.
    pub anonymous: u64,
    /// Rows whose content is accepted as lost.
    pub accepted: u64,
    /// The bytes that were read.
    pub bytes: u64,
    /// The nodes of contentrepo, each with the name of its store.
    pub nodes: BTreeMap<String, String>,
    /// Whether one of them sends readers to S3.
    pub reproxies: bool,
    /// The objects that were written.
    pub ingested: Vec<IngestEnd>,
    /// What is not as it must be.
    pub findings: Vec<SmokeFinding>,
    /// What could not be looked at.
    pub unlooked: Vec<Unlooked>,
}

/// The rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableDrawn {
    /// The rows of each mapped bucket, by its name in the table.
    pub rows: BTreeMap<String, u64>,
    /// The rows of the sample.
    pub sampled: u64,
    /// Rows of buckets that are to be ignored.
    pub ignored: u64,
}

/// An object that was written by contentrepo's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IngestEnd {
    /// The URL of the node's API.
    pub node: String,
    /// The bucket.
    pub bucket: String,
    /// The key.
    pub key: String,
    /// Whether it was created, read back as it was written, found in S3, and purged.
    pub is_whole: bool,
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SmokeFinding {
    /// What is wrong.
    pub kind: SmokeFault,
    /// Where: an object, a row, a node or a bucket.
    pub at: String,
    /// The same in words.
    pub why: String,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SmokeFault {
    /// A bucket in a client's database bears the name that it had before the cut-over.
    OldName,
    /// A bucket in a client's database is neither mapped nor ignored.
    Unmapped,
    /// A row of rhino names no row of contentrepo, or one that is purged.
    NoRow,
    /// A row of contentrepo has no SHA-1, or one that is not written as the key in S3 is.
    NoChecksum,
    /// The content is not there.
    Missing,
    /// The content has another SHA-1.
    OtherContent,
    /// The content has the right SHA-1 and another size than the row says.
    OtherSize,
    /// contentrepo refuses what it must do.
    Refused,
    /// contentrepo breaks the content off before its end.
    BrokeOff,
    /// A node of contentrepo does not run on S3.
    NotOnS3,
    /// contentrepo stored the object elsewhere than in the bucket of S3.
    StoredElsewhere,
    /// What contentrepo has purged is still there.
    NotPurged,
    /// contentrepo refused to create an object, or has no row of it, and its content is in S3.
    Leftover,
    /// S3 does not give the object to a reader without keys, and contentrepo sends readers there.
    NotPublic,
    /// The second contentrepo has buckets or rows of the first one: its database is not a scratch database.
    NotScratch,
    /// contentrepo has no bucket of this name.
    NoBucket,
}

named!(SmokeFault {
    OldName = "old-name",
    Unmapped = "unmapped",
    NoRow = "no-row",
    NoChecksum = "no-checksum",
    Missing = "missing",
    OtherContent = "other-content",
    OtherSize = "other-size",
    Refused = "refused",
    BrokeOff = "broke-off",
    NotOnS3 = "not-on-s3",
    StoredElsewhere = "stored-elsewhere",
    NotPurged = "not-purged",
    Leftover = "leftover",
    NotPublic = "not-public",
    NotScratch = "not-scratch",
    NoBucket = "no-bucket",
});

impl Serialize for SmokeFault {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unlooked {
    /// What.
    pub at: String,
    /// Why not.
    pub why: String,
}

impl SmokeSummary {
    /// Whether something is not as it must be.
    #[must_use]
    pub const fn differs(&self) -> bool {
        !self.findings.is_empty()
    }

    /// Whether something was not looked at, or nothing was.
    #[must_use]
    pub const fn is_incomplete(&self) -> bool {
        !self.unlooked.is_empty() || (self.looked() == 0 && !self.differs())
    }

    /// The contents that are as they must be, and the objects that were written.
    #[must_use]
    pub const fn looked(&self) -> u64 {
        self.s3_whole + self.mogile_whole + self.api_whole + self.ingested.len() as u64
    }

    /// The word of the journal for it.
    #[must_use]
    pub const fn outcome(&self) -> EvidenceOutcome {
        match (self.is_incomplete(), self.differs()) {
            (true, _) => EvidenceOutcome::Incomplete,
            (false, true) => EvidenceOutcome::Differs,
            (false, false) => EvidenceOutcome::Clean,
        }
    }

    /// The numbers for the journal.
    #[must_use]
    pub fn counted(&self) -> BTreeMap<String, u64> {
        let rhino = self.rhino.as_ref().map_or(0, |rhino| rhino.sampled);
        [
            ("contentrepo_sampled", self.contentrepo.sampled),
            ("rhino_sampled", rhino),
            ("s3_whole", self.s3_whole),
            ("mogile_whole", self.mogile_whole),
            ("api_whole", self.api_whole),
            ("anonymous", self.anonymous),
            ("accepted", self.accepted),
            ("nodes", self.nodes.len() as u64),
            ("ingested", self.ingested.len() as u64),
            ("findings", self.findings.len() as u64),
            ("unlooked", self.unlooked.len() as u64),
        ]
        .into_iter()
        .map(|(name, number)| (name.to_owned(), number))
        .collect()
    }

    /// Notes that nothing was written by contentrepo's API, and why.
    pub fn not_written(&mut self, why: &str) {
        self.miss("the write by contentrepo's API", why);
    }

    pub(super) fn find(&mut self, kind: SmokeFault, at: impl Display, why: impl Display) {
        self.findings.push(SmokeFinding { kind, at: at.to_string(), why: why.to_string() });
    }

    pub(super) fn miss(&mut self, at: impl Display, why: impl Display) {
        self.unlooked.push(Unlooked { at: at.to_string(), why: why.to_string() });
    }
}

/// What came of reading one content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Looked {
    /// It is as it must be.
    Whole(ByteCount),
    /// It is not.
    Fault(SmokeFault, String),
    /// It could not be read.
    Unlooked(String),
}

impl Looked {
    /// Judges content that was read to its end. The SHA-1 decides before the size does.
    pub(super) fn of(read: &ContentDigests, sha1: Sha1, size: Option<ByteCount>) -> Self {
        if read.sha1 != sha1 {
            let why = format!(
                "its {} bytes have the SHA-1 {}, and the row says {sha1}",
                read.length.0, read.sha1
            );
            return Self::Fault(SmokeFault::OtherContent, why);
        }
        match size {
            Some(size) if size != read.length => {
                let why = format!("it has {} bytes, and the row says {}", read.length.0, size.0);
                Self::Fault(SmokeFault::OtherSize, why)
            }
            Some(_) | None => Self::Whole(read.length),
        }
    }
}

#[cfg(test)]
mod tests {
    use EvidenceOutcome::{Clean, Differs, Incomplete};

    use super::*;
    use crate::ContentHasher;

    #[test]
    fn a_test_of_nothing_is_not_clean() {
        let clean = |change: fn(&mut SmokeSummary)| {
            let mut summary = SmokeSummary::default();
            change(&mut summary);
            summary.outcome()
        };
        assert_eq!(clean(|_| {}), Incomplete);
        assert_eq!(clean(|it| it.accepted = 7), Incomplete);
        assert_eq!(clean(|it| it.s3_whole = 1), Clean);
        assert_eq!(
            clean(|it| {
                it.s3_whole = 1;
                it.find(SmokeFault::Missing, "a", "b");
            }),
            Differs
        );
        assert_eq!(
            clean(|it| {
                it.s3_whole = 1;
                it.find(SmokeFault::Missing, "a", "b");
                it.miss("c", "d");
            }),
            Incomplete
        );
    }

    #[test]
    fn the_sha1_decides_before_the_size() {
        let read = ContentHasher::of(b"content");
        let (right, wrong) = (Sha1::of(b"content"), Sha1::of(b"other"));
        for (sha1, size, expected) in [
            (right, Some(7), None),
            (right, None, None),
            (right, Some(8), Some(SmokeFault::OtherSize)),
            (wrong, Some(7), Some(SmokeFault::OtherContent)),
            (wrong, Some(8), Some(SmokeFault::OtherContent)),
        ] {
            let found = match Looked::of(&read, sha1, size.map(ByteCount)) {
                Looked::Fault(fault, _) => Some(fault),
                Looked::Whole(ByteCount(7)) => None,
                other @ (Looked::Whole(_) | Looked::Unlooked(_)) => panic!("{other:?}"),
            };
            assert_eq!(found, expected, "{size:?}");
        }
    }
}
