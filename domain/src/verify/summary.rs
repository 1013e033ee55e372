//! The counts of a comparison of the buckets with the index.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::audit::RejectedAs;
use crate::misconfigured::is_likely_another_store;
use crate::named::{UnknownName, named};
use crate::store_state::RowsDigest;
use crate::summary::Sample;
use crate::{ByteCount, Coverage, FindingKind, ReasonKind, Stopped, Tally, coverage, limits};

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
        self.keep_the_lowest();
    }

    fn absorb(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.examples.extend(other.examples);
        self.keep_the_lowest();
    }

    fn keep_the_lowest(&mut self) {
        while self.examples.len() > EXAMPLES {
            self.examples.pop_last();
        }
    }
}

/// Addresses that are named.
const EXAMPLES: usize = 3;

/// What of the content was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(deserialize_with = "rejections")]
    pub rejected: BTreeMap<&'static str, Sample>,
    /// Rows that name no file that could be in S3, and that an operator accepts by name.
    pub accepted_rows: u64,
    /// Rows that must be in S3.
    pub files: Tally,
    /// Of them those whose object was found with the right length, and with the right content where
    /// that was looked at.
    pub whole: Tally,
    /// Of them those that are not as they must be, by [`Difference`].
    #[serde(deserialize_with = "differences")]
    pub different: BTreeMap<&'static str, Sample>,
    /// Of them those whose object is missing, and that an operator accepts by name.
    pub accepted: Sample,
    /// Of them those that could not be looked at, by reason.
    #[serde(deserialize_with = "reasons")]
    pub unseen: BTreeMap<&'static str, Sample>,
    /// Findings about files that are whole.
    #[serde(deserialize_with = "kinds")]
    pub findings: BTreeMap<&'static str, Sample>,
    /// Rows that were no files when they were counted, and came again as files: these were not compared.
    pub changed: Sample,
    /// Files whose objects the listing did not have and a HEAD found: they were written meanwhile.
    pub found_by_head: u64,
    /// Files that are missing by the listing alone: a thousand others before them were looked at by HEAD,
    /// and none was there.
    pub missing_by_listing: u64,
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
    /// The index's count after the last row; [`None`] where it gave none.
    pub counted_after: Option<u64>,
    /// Why the index could not be counted; [`None`] when there was no error.
    pub uncounted: Option<String>,
    /// The rows that the index has by fid, all of which were read; [`None`] where its count was enough.
    pub listed_by_fid: Option<u64>,
    /// Why the comparison ended early; [`None`] when it did not.
    #[serde(skip_deserializing)]
    pub stopped: Option<Stopped>,
    /// The rows that must be in S3, as a freeze counts the rows of mapped buckets. The journal has it.
    /// [`None`] where it is not known: a state of an earlier version was continued, or the comparison ended
    /// early.
    #[serde(skip)]
    pub digest: Option<RowsDigest>,
}

/// The files of all reasons.
fn files_of(samples: &BTreeMap<&'static str, Sample>) -> u64 {
    samples.values().map(|sample| sample.files).sum()
}

type Samples = BTreeMap<&'static str, Sample>;

fn absorb(samples: &mut Samples, others: Samples) {
    for (name, sample) in others {
        samples.entry(name).or_default().merge(sample);
    }
}

/// Reads samples whose names are these.
fn samples<'de, D: Deserializer<'de>>(
    from: D,
    name_of: impl Fn(&str) -> Option<&'static str>,
) -> Result<Samples, D::Error> {
    let samples = BTreeMap::<String, Sample>::deserialize(from)?;
    let named = samples.into_iter().map(|(name, sample)| match name_of(&name) {
        Some(name) => Ok((name, sample)),
        None => Err(serde::de::Error::custom(UnknownName(name))),
    });
    named.collect()
}

fn rejections<'de, D: Deserializer<'de>>(from: D) -> Result<Samples, D::Error> {
    let unreadable = |name: &str| (name == UNREADABLE).then_some(UNREADABLE);
    let known = |name: &str| name.parse().map(RejectedAs::name).ok();
    samples(from, |name| known(name).or_else(|| unreadable(name)))
}

fn differences<'de, D: Deserializer<'de>>(from: D) -> Result<Samples, D::Error> {
    samples(from, |name| name.parse().map(Difference::name).ok())
}

fn reasons<'de, D: Deserializer<'de>>(from: D) -> Result<Samples, D::Error> {
    samples(from, |name| name.parse().map(ReasonKind::name).ok())
}

fn kinds<'de, D: Deserializer<'de>>(from: D) -> Result<Samples, D::Error> {
    samples(from, |name| name.parse().map(FindingKind::name).ok())
}

/// The name of a row that the index cannot give, as `migrate` has it.
pub(super) const UNREADABLE: &str = "unreadable-row";

impl VerifySummary {
    /// Adds what a part of the comparison has counted.
    pub(super) fn absorb(&mut self, other: Self) {
        self.rows += other.rows;
        self.temporary += other.temporary;
        self.ignored += other.ignored;
        self.excluded += other.excluded;
        absorb(&mut self.rejected, other.rejected);
        self.accepted_rows += other.accepted_rows;
        self.files.merge(other.files);
        self.whole.merge(other.whole);
        absorb(&mut self.different, other.different);
        self.accepted.merge(other.accepted);
        absorb(&mut self.unseen, other.unseen);
        absorb(&mut self.findings, other.findings);
        self.changed.merge(other.changed);
        self.found_by_head += other.found_by_head;
        self.missing_by_listing += other.missing_by_listing;
        self.objects += other.objects;
        self.extra.absorb(other.extra);
        self.intermediaries.absorb(other.intermediaries);
        self.other_keys.absorb(other.other_keys);
        self.out_of_place += other.out_of_place;
        self.ranges_done += other.ranges_done;
        self.content.read.merge(other.content.read);
    }

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
            None => self.coverage_by_counts(),
        }
    }

    /// What the index has at the end and was never read is missing. A count at the begin alone is no witness
    /// of the rows that came meanwhile.
    fn coverage_by_counts(&self) -> Coverage {
        let now = self.counted_after.or(self.listed_by_fid);
        match now {
            Some(now) if now > self.rows => Coverage::Missing(now - self.rows),
            _ => {
                let equal = self.counted_after.filter(|now| *now == self.rows);
                coverage(self.rows, self.counted_before.or(equal), now)
            }
        }
    }

    /// Whether the number of rows that were read has something behind it: a count of the index, or its rows by
    /// fid.
    #[must_use]
    pub const fn is_backed(&self) -> bool {
        self.counted_after.is_some() || self.listed_by_fid.is_some()
    }

    /// Whether objects were read whose `ETag` is not their MD5.
    #[must_use]
    pub fn has_other_etags(&self) -> bool {
        self.findings.contains_key(FindingKind::EtagNotMd5.name())
    }

    /// Whether something was found that is not as it must be.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.different.is_empty() || !self.rejected.is_empty() || !self.adds_up()
    }

    /// Returns the number of files that could not be looked at.
    #[must_use]
    pub fn unseen_files(&self) -> u64 {
        files_of(&self.unseen)
    }

    /// Whether the same comparison can go on from its state and become complete. It cannot where rows
    /// became files that were counted otherwise, nor where more files were not looked at than a state has.
    #[must_use]
    pub fn can_go_on(&self) -> bool {
        let looks_again = self.changed.files == 0 && self.unseen_files() <= limits::UNSEEN_KEPT;
        self.stopped.is_some() || (self.is_incomplete() && looks_again)
    }

    /// Whether something was not looked at.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        self.stopped.is_some()
            || !self.is_backed()
            || !self.unseen.is_empty()
            || self.changed.files > 0
            || matches!(self.coverage(), Coverage::Missing(_))
    }
}
