//! Compares a journal with an earlier export of it, entry by entry.

use std::fmt;
use std::iter::Peekable;

use super::{Entry, StoredEntry};

/// Follows a journal beside the entries of an export. Give it the entries of the journal ascending by
/// number. The export's entries must be whole: numbered from 1, none left out.
pub(crate) struct Comparison<I: Iterator<Item = StoredEntry>> {
    export: Peekable<I>,
}

/// An entry of an export that the journal does not have as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The entry, as it was exported.
    pub exported: StoredEntry,
    /// What stands in its place.
    pub found: Option<StoredEntry>,
}

/// What one entry of a journal is beside an export.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// As it was exported.
    Same(StoredEntry),
    /// Another one than the export has under its number.
    Other(Difference),
    /// Behind the last one of the export.
    Behind,
}

impl<I: Iterator<Item = StoredEntry>> Comparison<I> {
    /// Compares with these entries.
    pub(crate) fn with(export: I) -> Self {
        Self { export: export.peekable() }
    }

    /// Takes the next entry of the journal. `missing` gets every entry of the export before it.
    pub(crate) fn follow(
        &mut self,
        found: StoredEntry,
        mut missing: impl FnMut(StoredEntry),
    ) -> Place {
        let sequence = found.sequence;
        while let Some(entry) = self.export.next_if(|entry| entry.sequence < sequence) {
            missing(entry);
        }
        match self.export.next_if(|entry| entry.sequence == sequence) {
            None => Place::Behind,
            Some(exported) if exported == found => Place::Same(exported),
            Some(exported) => Place::Other(Difference { exported, found: Some(found) }),
        }
    }

    /// Ends the journal. `missing` gets every entry of the export that is left.
    pub(crate) fn end(self, missing: impl FnMut(StoredEntry)) {
        self.export.for_each(missing);
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sequence = self.exported.sequence;
        let Some(found) = &self.found else { return write!(f, "entry {sequence} is missing") };
        match Entry::parse(&found.line) {
            Ok(entry) if entry.sequence != sequence => {
                write!(f, "entry {} stands in the place of entry {sequence}", entry.sequence)
            }
            Ok(_) | Err(_) if found.line == self.exported.line => {
                write!(f, "entry {sequence} has another hash beside it")
            }
            Ok(_) | Err(_) => write!(f, "entry {sequence} has other words"),
        }
    }
}
