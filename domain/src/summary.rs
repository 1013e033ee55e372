//! What came of a run: every row in exactly one class, and sums that must add up.

use crate::Tally;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::index_row::{NO_LENGTH, UNREADABLE};
use crate::named::named;
use crate::{
    ByteCount, Coverage, Failure, Fid, Misconfigured, Reason, Rejection, Route, coverage, limits,
};

/// Files that share a reason: how many, the lowest of them, and the lowest one's words. It comes
/// out the same in whatever order they are added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// How many.
    pub files: u64,
    /// The lowest few fids, for a closer look.
    pub first_fids: Vec<Fid>,
    /// What was said of the lowest.
    pub example: String,
}

impl Sample {
    /// Counts those of another sample too.
    pub fn merge(&mut self, other: Self) {
        let (own, theirs) = (self.first_fids.first(), other.first_fids.first());
        if self.files == 0 || theirs.is_some_and(|theirs| own.is_none_or(|own| theirs < own)) {
            self.example = other.example;
        }
        self.files += other.files;
        self.first_fids.extend(other.first_fids);
        self.first_fids.sort_unstable();
        self.first_fids.dedup();
        self.first_fids.truncate(limits::FIDS_NAMED);
    }

    /// Whether its words are those of this reason.
    #[must_use]
    pub fn is_of(&self, reason: &Reason) -> bool {
        self.example.contains(&reason.detail)
    }

    /// Counts one more whose fid nobody knows.
    pub fn add_nameless(&mut self, words: impl fmt::Display) {
        self.files += 1;
        if self.example.is_empty() {
            self.example = words.to_string();
        }
    }

    /// Counts one more, and keeps its words while it is the lowest. Who fails twice is named once.
    pub fn add(&mut self, fid: Fid, words: impl fmt::Display) {
        self.files += 1;
        let place = self.first_fids.partition_point(|other| *other < fid);
        if place == 0 {
            self.example = words.to_string();
        }
        if place < limits::FIDS_NAMED && self.first_fids.get(place) != Some(&fid) {
            self.first_fids.insert(place, fid);
            self.first_fids.truncate(limits::FIDS_NAMED);
        }
    }
}

/// Something that is worth a look and kept nothing from being migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The index tells another length than the content has. The SHA-1 decided.
    IndexLength,
    /// A replica did not give the content; another one did.
    BadReplica,
    /// The intermediary did not give the content; MogileFS did.
    BadIntermediary,
    /// S3 refuses to copy the intermediary; the content came from MogileFS.
    CopyRefused,
    /// An object with other content was at the final key, and was replaced.
    Replaced,
    /// The file was abandoned in the middle of a write.
    PerhapsLeft,
}

named!(FindingKind {
    IndexLength = "index-length",
    BadReplica = "bad-replica",
    BadIntermediary = "bad-intermediary",
    CopyRefused = "copy-refused",
    Replaced = "replaced-object",
    PerhapsLeft = "perhaps-left",
});

/// A finding, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind.
    pub kind: FindingKind,
    /// In words, with the thing's name.
    pub detail: String,
}

/// Rows as they were read, before anything was done for one: each is in one class here, or is a
/// file to be worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows of the configured domain that were read and that the selection takes.
    pub rows: u64,
    /// Rows of other domains that were passed over; not part of `rows`.
    pub other_domains: u64,
    /// Passed over: the ledger has their proof already.
    pub proven_before: Tally,
    /// Worked on although the ledger has a proof: it is of another bucket or another content. Part of
    /// [`files`](Self::files).
    pub proven_as_another: Tally,
    /// `{uuid}.tmp` rows.
    pub temporary: u64,
    /// Rows of ignored buckets.
    pub ignored: u64,
    /// Rows that the operator excluded.
    pub excluded: u64,
    /// Those of them that are files in a bucket that is mapped.
    #[serde(skip)]
    pub excluded_files: u64,
    /// Fids that were asked for and have no row; not part of `rows`.
    pub absent: Sample,
    /// Rows that cannot be migrated as they stand, by reason.
    pub rejected: BTreeMap<&'static str, Sample>,
}

impl RowCounts {
    /// Counts those of another page too.
    pub fn merge(&mut self, other: Self) {
        let Self {
            rows,
            other_domains,
            proven_before,
            proven_as_another,
            temporary,
            ignored,
            excluded,
            excluded_files,
            absent,
            rejected,
        } = other;
        self.rows += rows;
        self.other_domains += other_domains;
        self.proven_before.merge(proven_before);
        self.proven_as_another.merge(proven_as_another);
        self.temporary += temporary;
        self.ignored += ignored;
        self.excluded += excluded;
        self.excluded_files += excluded_files;
        self.absent.merge(absent);
        for (reason, sample) in rejected {
            self.rejected.entry(reason).or_default().merge(sample);
        }
    }

    /// Counts a row that is rejected.
    pub fn add_rejected(&mut self, fid: Fid, rejection: &Rejection) {
        self.rejected.entry(rejection.name()).or_default().add(fid, rejection);
    }

    /// All rows that were rejected.
    #[must_use]
    pub fn rejections(&self) -> u64 {
        self.rejected.values().map(|sample| sample.files).sum()
    }

    /// Rows that nothing is to be done for.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.proven_before.files + self.temporary + self.ignored + self.excluded + self.rejections()
    }

    /// Rows that are files to be worked on.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.rows.saturating_sub(self.passed_over())
    }

    /// Whether rows were read, and none of them is in a bucket that is mapped.
    #[must_use]
    pub fn nothing_is_mapped(&self) -> bool {
        let rejected = |name| self.rejected.get(name).map_or(0, |sample| sample.files);
        let passed_over = self.proven_before.files + self.excluded_files + rejected(NO_LENGTH);
        self.rows > rejected(UNREADABLE) && self.files() + passed_over == 0
    }

    /// Whether nothing was found that somebody has to look into.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rejected.is_empty() && self.absent.files == 0
    }
}

/// Why a run ended before its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// Something that all files need could not be reached, or refuses.
    Trouble(Reason),
    /// So many files failed, and no more were to fail.
    Failures(u64),
    /// It was told to.
    Interrupted,
    /// A setting is not the one of this store.
    Misconfigured(Misconfigured),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trouble(reason) => fmt::Display::fmt(reason, f),
            Self::Failures(files) => write!(f, "too many failures: {files}"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Misconfigured(why) => fmt::Display::fmt(why, f),
        }
    }
}

impl Serialize for Stopped {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// What became of files that were worked on: each is in one class here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Migrated by copying intermediaries.
    pub by_copy: Tally,
    /// Migrated by streaming from MogileFS.
    pub by_mogile: Tally,
    /// Found at their final key, and proven there.
    pub already_there: Tally,
    /// Gone from MogileFS since they were listed.
    pub gone: u64,
    /// Files that failed, by reason.
    pub failed: BTreeMap<&'static str, Sample>,
    /// Worth a look, by kind; these files are counted above as what they became.
    pub findings: BTreeMap<&'static str, Sample>,
    /// Files whose failure record is out of date and could not be taken away; these are counted
    /// above, too.
    pub uncleared: Sample,
}

impl Outcomes {
    /// Counts a file that was brought, or found, and is recorded.
    pub fn add_proven(&mut self, route: Option<Route>, length: ByteCount) {
        match route {
            Some(Route::Copy) => self.by_copy.add(length),
            Some(Route::Mogile) => self.by_mogile.add(length),
            None => self.already_there.add(length),
        }
    }

    /// Counts a file that failed.
    pub fn add_failed(&mut self, fid: Fid, failure: &Failure) {
        self.failed.entry(failure.reason.kind.name()).or_default().add(fid, failure);
    }

    /// Notes a finding.
    pub fn add_finding(&mut self, fid: Fid, finding: &Finding) {
        self.findings.entry(finding.kind.name()).or_default().add(fid, &finding.detail);
    }

    /// Counts files whose failure records could not be taken away.
    pub fn add_uncleared(&mut self, fids: impl IntoIterator<Item = Fid>, why: &Reason) {
        fids.into_iter().for_each(|fid| self.uncleared.add(fid, why));
    }

    /// All files that failed.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().map(|sample| sample.files).sum()
    }

    /// All files in any class.
    #[must_use]
    pub fn files(&self) -> u64 {
        let proven = [self.by_copy, self.by_mogile, self.already_there];
        proven.iter().map(|tally| tally.files).sum::<u64>() + self.gone + self.failures()
    }
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The rows that were read.
    #[serde(flatten)]
    pub intake: RowCounts,
    /// What became of those that were begun.
    #[serde(flatten)]
    pub ends: Outcomes,
    /// Read, but not begun when the run was stopped.
    pub not_begun: u64,
    /// Begun, and left when the run was stopped. What they had written already is found, and
    /// proven, by the next run.
    pub abandoned: u64,
    /// Why the run ended before its end, if it did.
    pub stopped: Option<Stopped>,
    /// What the index counted before the first row was read; [`None`] where it cannot count, or
    /// not all of it was to be read.
    pub counted_before: Option<u64>,
    /// What it counted after the last one, if fewer were read.
    pub counted_after: Option<u64>,
    /// Why the index could not be counted, where it could not.
    pub uncounted: Option<String>,
}

impl Summary {
    /// Whether every row that was read is in exactly one class.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let ended = self.ends.files() + self.not_begun + self.abandoned;
        self.intake.passed_over() + ended == self.intake.rows
    }

    /// Whether the rows that were read are those that the index counts. A run that was stopped tells
    /// nothing of it.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        match self.stopped {
            Some(_) => Coverage::NotTold,
            None => coverage(self.intake.rows, self.counted_before, self.counted_after),
        }
    }

    /// Whether nothing is left to do or to look into.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.adds_up()
            && self.stopped.is_none()
            && self.intake.is_clean()
            && self.ends.failed.is_empty()
            && self.ends.uncleared.files == 0
            && self.not_begun == 0
            && self.abandoned == 0
            && !matches!(self.coverage(), Coverage::Missing(_))
    }
}

#[cfg(test)]
mod tests;
