//! What must be there at the end: the corpus, and what was planted beside it.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::state::{Item, MogileState, Object};

/// What must come of a file in a first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Proven, by a copy of the intermediary.
    ByCopy,
    /// Proven, with content from MogileFS.
    FromMogile,
    /// Proven where it lay: nothing is written.
    AlreadyThere,
    /// Passed over: the ledger has had its proof before.
    ProvenBefore,
    /// Given up.
    Failed {
        /// The reason that the run's summary must tell.
        reason: &'static str,
        /// What must be at the final key.
        left: Left,
    },
    /// Not begun: the row cannot be migrated as it stands, for the reason told.
    Rejected(&'static str),
    /// Nothing: it is no longer in MogileFS.
    Gone,
}

/// What lies at the final key of a file that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// The object that somebody else wrote, as it was.
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

    /// In a few words.
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

    /// Why a file fails or is rejected.
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
    /// How many bytes it has.
    pub length: u64,
    /// What must come of it.
    pub outcome: Outcome,
}

/// A bucket's name and a key in it.
pub type Place = (String, String);

/// All that is known of the corpus and of the world before the migration.
#[derive(Debug, Default)]
pub struct Expectation {
    /// Every file, in the order of the fids.
    pub files: Vec<ExpectedFile>,
    /// Intermediaries: they must stay as they are.
    pub intermediaries: BTreeMap<Place, Bytes>,
    /// What lay at final keys before.
    pub objects: BTreeMap<Place, Object>,
    /// What the ledger had before, by fid.
    pub records: BTreeMap<u64, Item>,
    /// MogileFS before.
    pub mogile: MogileState,
}
