//! What can be wrong with one file or with the requests about it: each hazard with what it needs of
//! a file, what is planted, and what must come of it.
//!
//! The [table](Hazard) is all that planting and judging know. It is written down from what the
//! migration promises, not computed: whoever breaks a promise is contradicted by it.

use oracle::Outcome;
use serde::Serialize;

mod act;
mod table;

pub use act::{
    Act, Damage, Occupant, Place, Raw, Recorded, Request, RequestFault, RowState, Stale,
};
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

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// With what something is wrong.
    pub subject: &'static str,
    /// What it is, in words that follow a number of files.
    pub label: &'static str,
    /// What it needs of a file.
    pub needs: Needs,
    /// What is planted.
    pub acts: &'static [Act],
    /// What must come of the file.
    pub outcome: Outcome,
    /// The findings that the run must tell of it.
    pub findings: &'static [&'static str],
    /// The most requests that the file may take in a run in which it is handled, by the names of
    /// [`crate::passes::Budget`].
    pub requests: &'static str,
    /// In so many files of a corpus at most: some take their time.
    pub most: usize,
}

/// Reads [`Spec::requests`]: the requests by name, each with its number.
pub fn requests(list: &str) -> impl Iterator<Item = (&str, u64)> {
    let entries = list.split(", ").filter(|entry| !entry.is_empty());
    entries.map(|entry| {
        let (name, count) = entry.split_once(' ').unwrap_or((entry, "1"));
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
        let told: BTreeSet<_> = Hazard::ALL.iter().map(|hazard| hazard.spec().label).collect();
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
