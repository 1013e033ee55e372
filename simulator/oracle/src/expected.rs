//! The expected end state: the corpus, and what was planted beside it.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::buckets::is_whole;
use crate::state::{Headers, Item, MogileState, Object};

/// The end that a file must reach in a first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Proven, by a copy of the intermediary.
    ByCopy,
    /// Proven, with content from MogileFS.
    FromMogile,
    /// Proven by the object that was already at its final key. The run writes nothing.
    AlreadyThere,
    /// Not looked at: the ledger already had its proof before the run.
    ProvenBefore,
    /// The run gave the file up.
    Failed {
        /// The reason that the run's summary must report.
        reason: &'static str,
        /// The object that must be at the final key afterwards.
        left: Left,
    },
    /// Not begun: the row cannot be migrated as it stands. The value is the reason.
    Rejected(&'static str),
    /// The file is no longer in MogileFS, so there is nothing to migrate.
    Gone,
}

/// The object at the final key of a file that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// There is no object at the key.
    Nothing,
    /// The object that another program wrote before the run, unchanged.
    Theirs,
}

impl Outcome {
    /// Whether the file must be whole at its final key, with its proof in the ledger.
    #[must_use]
    pub const fn is_proven(self) -> bool {
        match self {
            Self::ByCopy | Self::FromMogile | Self::AlreadyThere | Self::ProvenBefore => true,
            Self::Failed { .. } | Self::Rejected(_) | Self::Gone => false,
        }
    }

    /// The outcome's name, as reports print it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ByCopy => "by copy",
            Self::FromMogile => "from MogileFS",
            Self::AlreadyThere => "already there",
            Self::ProvenBefore => "proven before",
            Self::Failed { .. } => "failed",
            Self::Rejected(_) => "rejected",
            Self::Gone => "gone",
        }
    }

    /// The reason for a failed or rejected file; [`None`] for every other outcome.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Failed { reason, .. } | Self::Rejected(reason) => Some(reason),
            Self::ByCopy
            | Self::FromMogile
            | Self::AlreadyThere
            | Self::ProvenBefore
            | Self::Gone => None,
        }
    }
}

/// A file of the corpus, and where it must end up.
#[derive(Debug, Clone)]
pub struct ExpectedFile {
    /// The file's number.
    pub fid: u64,
    /// The S3 bucket.
    pub bucket: String,
    /// The SHA-1 of its content, lower-case hex: the final key in S3.
    pub sha1: String,
    /// The length of its content in bytes.
    pub length: u64,
    /// What S3 must give to its readers, where the run writes it.
    pub headers: Headers,
    /// The end that it must reach.
    pub outcome: Outcome,
}

/// A bucket's name and a key in it.
pub type Place = (String, String);

/// The corpus and the state of the world before the migration.
#[derive(Debug, Default)]
pub struct Expectation {
    /// Every file, ascending by fid.
    pub files: Vec<ExpectedFile>,
    /// The content of each intermediary. The migration must leave every one unchanged.
    pub intermediaries: BTreeMap<Place, Bytes>,
    /// Whether more intermediaries may be written, and those with other content than their files be
    /// replaced: each must then have its file's content.
    pub synced: bool,
    /// The objects that were at final keys before the run.
    pub objects: BTreeMap<Place, Object>,
    /// The ledger's items before the run, by fid.
    pub records: BTreeMap<u64, Item>,
    /// The key that each file which others rename during the run has afterwards, by fid.
    pub renamed: BTreeMap<u64, String>,
    /// MogileFS's rows and replicas before the run.
    pub mogile: MogileState,
}

impl Expectation {
    /// Whether this object may be there as the intermediary of a file, and has the file's content.
    pub(crate) fn is_synced(&self, bucket: &str, key: &str, object: &Object) -> bool {
        let fid = fid_of_intermediary(key).filter(|_| self.synced);
        let of = |file: &&ExpectedFile| Some(file.fid) == fid && file.bucket == bucket;
        self.files.iter().find(of).is_some_and(|file| is_whole(file, object))
    }
}

/// `0/564/879/0564879786.fid` → 564879786; also with a slash before it. A fid has ten digits at least.
pub(crate) fn fid_of_intermediary(key: &str) -> Option<u64> {
    let plain = key.strip_prefix('/').unwrap_or(key);
    let fid: u64 = plain.rsplit('/').next()?.strip_suffix(".fid")?.parse().ok()?;
    let digits = format!("{fid:010}");
    let folders = (&digits[..1], &digits[1..4], &digits[4..7]);
    let path = format!("{}/{}/{}/{digits}.fid", folders.0, folders.1, folders.2);
    (plain == path).then_some(fid)
}
