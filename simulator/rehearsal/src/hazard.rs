//! What can be wrong with one file or with the requests about it: each hazard with what it needs of
//! a file, what is planted, and what must come of it.
//!
//! The [table](Hazard) is all that planting and judging know. It is written down from what the
//! migration promises, not computed: whoever breaks a promise is contradicted by it.

use serde::Serialize;

mod act;
mod table;

pub use act::{Act, Blow, Damage, Lying, Place, Raw, Recorded, Request, RowState};
pub use table::Hazard;

/// What a hazard needs of the file that it befalls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// An intermediary that one COPY takes.
    Synced,
    /// No intermediary, and content that one PUT takes.
    Streamed,
    /// An intermediary that is too large for one COPY.
    SyncedInParts,
    /// No intermediary, and content that is too large for one PUT.
    StreamedInParts,
}

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
    pub const fn told(self) -> &'static str {
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

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// With what something is wrong.
    pub subject: &'static str,
    /// What it is, in words that follow a number of files.
    pub told: &'static str,
    /// What it needs of a file.
    pub needs: Needs,
    /// What is planted.
    pub acts: &'static [Act],
    /// What must come of the file.
    pub outcome: Outcome,
    /// The findings that the run must tell of it.
    pub findings: &'static [&'static str],
    /// The most requests that the file may take in a run in which it is handled, by the names of
    /// [`crate::rehearsal`]'s budget.
    pub asks: &'static str,
    /// In so many files of a corpus at most: some take their time.
    pub most: usize,
}

/// Reads [`Spec::asks`]: the requests by name, each with its number.
pub fn requests(asks: &str) -> impl Iterator<Item = (&str, u64)> {
    let asks = asks.split(", ").filter(|ask| !ask.is_empty());
    asks.map(|ask| {
        let (name, count) = ask.split_once(' ').unwrap_or((ask, "1"));
        (name, count.parse().unwrap_or_default())
    })
}

/// What may be asked for a file with which nothing is wrong.
pub const PLAIN_COPY: &str = "COPY";
/// The same for one that comes from MogileFS.
pub const PLAIN_STREAM: &str = "paths, open, write";

/// Which hazards are planted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Hazards {
    /// None: a store with which nothing is wrong
    None,
    /// Four that every run heals without a pause or a failure
    Mild,
    /// All, those included that no run can heal
    #[default]
    All,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_hazard_is_told_in_its_own_words() {
        let told: BTreeSet<_> = Hazard::ALL.iter().map(|hazard| hazard.spec().told).collect();
        assert_eq!(told.len(), Hazard::ALL.len());
    }

    #[test]
    fn requests_are_names_with_numbers() {
        let read: Vec<_> = requests("paths 2, open, write 3").collect();
        assert_eq!(read, [("paths", 2), ("open", 1), ("write", 3)]);
        assert_eq!(requests("").count(), 0);
    }

    #[test]
    fn every_hazard_is_at_its_own_line() {
        for (at, hazard) in Hazard::ALL.iter().enumerate() {
            assert_eq!(*hazard as usize, at);
        }
    }
}
