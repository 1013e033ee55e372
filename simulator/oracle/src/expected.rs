//! The expected end state: the corpus, and what was planted beside it.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::state::{Item, MogileState, Object};

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
    /// The objects that were at final keys before the run.
    pub objects: BTreeMap<Place, Object>,
    /// The ledger's items before the run, by fid.
    pub records: BTreeMap<u64, Item>,
    /// The key that each file which others rename during the run has afterwards, by fid.
    pub renamed: BTreeMap<u64, String>,
    /// MogileFS's rows and replicas before the run.
    pub mogile: MogileState,
}
