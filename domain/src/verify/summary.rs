//! The counts of a comparison of the buckets with the index.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::misconfigured::is_likely_another_store;
use crate::named::named;
use crate::summary::Sample;
use crate::{ByteCount, Coverage, Stopped, Tally, coverage};

/// How a file is not in S3 as it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// No object is at its final key.
    Missing,
    /// The object has other content, of another length than the index says.
    WrongLength,
    /// The object has other content, of the length that the index says.
    WrongContent,
    /// The object lies in an archive, from which nobody can read it at once.
    Archived,
}

named!(Difference {
    Missing = "missing",
    WrongLength = "wrong-length",
    WrongContent = "wrong-content",
    Archived = "archived",
});

/// Objects that are no file's: their number, their bytes, and the lowest addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OtherObjects {
    /// How many, with their bytes.
    #[serde(flatten)]
    pub tally: Tally,
    /// The lowest of `bucket/key`, a few.
    pub examples: BTreeSet<String>,
}

impl OtherObjects {
    pub(super) fn add(&mut self, length: ByteCount, address: String) {
        self.tally.add(length);
        self.examples.insert(address);
        if self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

/// Addresses that are named.
const EXAMPLES: usize = 3;

/// What of the content was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ContentRead {
    /// Whether all files were to be read, and not a sample.
    pub deep: bool,
    /// The seed that draws the sample.
    pub seed: u64,
    /// Files in the sample; none where all files were to be read.
    pub drawn: u64,
    /// Files whose bytes were read and hashed to the end, with the bytes that the index says.
    pub read: Tally,
}

/// The counts of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifySummary {
    /// Rows of the domain that were read.
    pub rows: u64,
    /// `{uuid}.tmp` rows.
    pub temporary: u64,
    /// Rows of ignored buckets.
    pub ignored: u64,
    /// Rows that the operator excluded.
    pub excluded: u64,
    /// Rows that name no file that could be in S3, by reason.
    pub rejected: BTreeMap<&'static str, Sample>,
    /// Rows that name no file that could be in S3, and that an operator accepts by name.
    pub accepted_rows: u64,
    /// Rows that must be in S3.
    pub files: Tally,
    /// Of them those whose object was found with the right length, and with the right content where
    /// that was looked at.
    pub whole: Tally,
    /// Of them those that are not as they must be, by [`Difference`].
    pub different: BTreeMap<&'static str, Sample>,
    /// Of them those whose object is missing, and that an operator accepts by name.
    pub accepted: Sample,
    /// Of them those that could not be looked at, by reason.
    pub unseen: BTreeMap<&'static str, Sample>,
    /// Findings about files that are whole.
    pub findings: BTreeMap<&'static str, Sample>,
    /// Rows that were no files when they were counted, and came again as files: these were not compared.
    pub changed: Sample,
    /// Objects that were listed.
    pub objects: u64,
    /// Objects of content that no row of their bucket names.
    pub extra: OtherObjects,
    /// Intermediaries that are left.
    pub intermediaries: OtherObjects,
    /// Objects whose key names neither content nor a file's number.
    pub other_keys: OtherObjects,
    /// Rows that the index orders otherwise than by the hex digits of their keys.
    pub out_of_place: u64,
    /// Ranges of keys that were to be compared.
    pub ranges: u64,
    /// Ranges of keys that were compared to their end.
    pub ranges_done: u64,
    /// What of the content was read.
    pub content: ContentRead,
    /// The index's count before the first row was read; [`None`] where the index cannot count.
    pub counted_before: Option<u64>,
    /// The index's count after the last row, if fewer rows were read than counted before.
    pub counted_after: Option<u64>,
    /// Why the index could not be counted; [`None`] when there was no error.
    pub uncounted: Option<String>,
    /// Why the comparison ended early; [`None`] when it did not.
    pub stopped: Option<Stopped>,
}

/// The files of all reasons.
fn files_of(samples: &BTreeMap<&'static str, Sample>) -> u64 {
    samples.values().map(|sample| sample.files).sum()
}

impl VerifySummary {
    /// Returns the number of files that are not as they must be, or could not be looked at.
    #[must_use]
    pub fn failures(&self) -> u64 {
        files_of(&self.different) + files_of(&self.unseen)
    }

    /// Whether the buckets have so much content that the index does not have that the index is most likely
    /// another store's, or an old copy.
    #[must_use]
    pub const fn is_likely_of_another_store(&self) -> bool {
        is_likely_another_store(self.extra.tally.files, self.files.files)
    }

    /// Returns the number of files whose rows were read and that were not compared.
    #[must_use]
    pub fn not_compared(&self) -> u64 {
        let compared = self.whole.files + self.accepted.files + self.failures();
        self.files.files.saturating_sub(compared)
    }

    /// Whether every row is in one class, and every file of a comparison that came to its end too.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let rows = self.temporary
            + self.ignored
            + self.excluded
            + self.accepted_rows
            + files_of(&self.rejected)
            + self.files.files;
        let files = self.whole.files + self.accepted.files + self.failures();
        let are_compared =
            files == self.files.files || (self.stopped.is_some() && files < self.files.files);
        rows == self.rows && are_compared
    }

    /// Compares the rows that were read with the index's counts. A comparison that stopped early has
    /// nothing to compare.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        match self.stopped {
            Some(_) => Coverage::NotTold,
            None => coverage(self.rows, self.counted_before, self.counted_after),
        }
    }

    /// Whether something was found that is not as it must be.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.different.is_empty() || !self.rejected.is_empty() || !self.adds_up()
    }

    /// Whether something was not looked at.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.stopped.is_some()
            || !self.unseen.is_empty()
            || self.changed.files > 0
            || matches!(self.coverage(), Coverage::Missing(_))
    }
}
