//! The counts of a run. Each row is in exactly one class, and the sums must add up.

use crate::Tally;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::index_row::{NO_LENGTH, UNREADABLE};
use crate::named::named;
use crate::{
    ByteCount, Coverage, Failure, Fid, Misconfigured, Reason, Rejection, Route, TypesSummary,
    coverage, limits,
};

/// Files that share a reason: their number, the lowest fids, and the text for the lowest one. The
/// result does not depend on the order in which files are added.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The number of files.
    pub files: u64,
    /// The lowest fids, at most [`limits::FIDS_NAMED`], for a closer look.
    pub first_fids: Vec<Fid>,
    /// The text for the lowest fid.
    pub example: String,
}

impl Sample {
    /// Adds the files of another sample.
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

    /// Adds one file, and keeps its text while its fid is the lowest. A fid that is added twice is
    /// counted twice and named once.
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

/// The kind of a finding: something that an operator should know and that did not stop the file's
/// migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// The index has another length than the content. The SHA-1 decided.
    IndexLength,
    /// A replica did not give the content, and another one did.
    BadReplica,
    /// The intermediary has other content than its file.
    BadIntermediary,
    /// S3 refuses to copy the intermediary, so the content is read from MogileFS.
    CopyRefused,
    /// An object with other content was at the final key, and was replaced.
    Replaced,
    /// The file was abandoned in the middle of a write.
    PerhapsLeft,
    /// The object's content is right, and its `ETag` is not the MD5 of it: a stock contentrepo cannot read it.
    EtagNotMd5,
}

named!(FindingKind {
    IndexLength = "index-length",
    BadReplica = "bad-replica",
    BadIntermediary = "bad-intermediary",
    CopyRefused = "copy-refused",
    Replaced = "replaced-object",
    PerhapsLeft = "perhaps-left",
    EtagNotMd5 = "etag-not-md5",
});

/// A finding about one file, with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of the finding.
    pub kind: FindingKind,
    /// The text, which names the replica or object.
    pub detail: String,
}

/// The counts of rows as they were read, before any work on them. Each row is in one class here, or
/// is a file to be worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows of the configured domain that were read and that the selection takes.
    pub rows: u64,
    /// Rows of other domains that were passed over; not part of `rows`.
    pub other_domains: u64,
    /// Files that are passed over, since the ledger has their proof already.
    pub proven_before: Tally,
    /// Files that are worked on although the ledger has a proof, since it is for another bucket or
    /// another content. They are part of [`files`](Self::files).
    pub proven_as_another: Tally,
    /// Files whose failure record cannot be read. Each may be a doubt, so their final keys are looked at
    /// first. They are part of [`files`](Self::files).
    pub unreadable_failures: Tally,
    /// `{uuid}.tmp` rows.
    pub temporary: u64,
    /// Rows of ignored buckets.
    pub ignored: u64,
    /// Rows that the operator excluded.
    pub excluded: u64,
    /// The excluded rows that are files in a mapped bucket.
    #[serde(skip)]
    pub excluded_files: u64,
    /// Rows that an operator accepts by name, and that get no work.
    pub accepted_rows: u64,
    /// Fids that were asked for and have no row; not part of `rows`.
    pub absent: Sample,
    /// Rows that cannot be migrated as they stand, by reason.
    pub rejected: BTreeMap<&'static str, Sample>,
}

impl RowCounts {
    /// Adds the counts of another page.
    pub fn merge(&mut self, other: Self) {
        let Self {
            rows,
            other_domains,
            proven_before,
            proven_as_another,
            unreadable_failures,
            temporary,
            ignored,
            excluded,
            excluded_files,
            accepted_rows,
            absent,
            rejected,
        } = other;
        self.rows += rows;
        self.other_domains += other_domains;
        self.proven_before.merge(proven_before);
        self.proven_as_another.merge(proven_as_another);
        self.unreadable_failures.merge(unreadable_failures);
        self.temporary += temporary;
        self.ignored += ignored;
        self.excluded += excluded;
        self.excluded_files += excluded_files;
        self.accepted_rows += accepted_rows;
        self.absent.merge(absent);
        for (reason, sample) in rejected {
            self.rejected.entry(reason).or_default().merge(sample);
        }
    }

    /// Counts a rejected row under its reason.
    pub fn add_rejected(&mut self, fid: Fid, rejection: &Rejection) {
        self.rejected.entry(rejection.name()).or_default().add(fid, rejection);
    }

    /// Returns the number of rejected rows.
    #[must_use]
    pub fn rejections(&self) -> u64 {
        self.rejected.values().map(|sample| sample.files).sum()
    }

    /// Returns the number of rows that need no work or get none.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        let left_out = self.excluded + self.accepted_rows;
        self.proven_before.files + self.temporary + self.ignored + left_out + self.rejections()
    }

    /// Returns the number of rows that are files to be worked on.
    #[must_use]
    pub fn files(&self) -> u64 {
        self.rows.saturating_sub(self.passed_over())
    }

    /// Whether rows were read, and none of them is in a bucket that is mapped.
    #[must_use]
    pub fn nothing_is_mapped(&self) -> bool {
        let rejected = |name| self.rejected.get(name).map_or(0, |sample| sample.files);
        let left_out = self.excluded_files + self.accepted_rows;
        let passed_over = self.proven_before.files + left_out + rejected(NO_LENGTH);
        self.rows > rejected(UNREADABLE) && self.files() + passed_over == 0
    }

    /// Whether no row was rejected and no requested fid was absent.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rejected.is_empty() && self.absent.files == 0
    }
}

/// Why a run stopped early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// A system that all files need could not be reached, or refuses.
    Trouble(Reason),
    /// This many files failed, the most that the run allows.
    Failures(u64),
    /// The run was asked to stop, for example by a signal.
    Interrupted,
    /// A setting does not fit this store.
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

/// The outcomes of the files that were worked on. Each file is in one class here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// Files that were migrated by copying their intermediaries.
    pub by_copy: Tally,
    /// Files that were migrated by streaming from MogileFS.
    pub by_mogile: Tally,
    /// Files that were already at their final key, and proven there.
    pub already_there: Tally,
    /// Files that a sync left out: no COPY could take their intermediaries. A migration has none.
    #[serde(skip)]
    pub too_large: Tally,
    /// Files that are gone from MogileFS since they were listed.
    pub gone: u64,
    /// Files that failed, by reason.
    pub failed: BTreeMap<&'static str, Sample>,
    /// Files that failed, and of which an operator accepts that they never get to S3.
    pub accepted: Sample,
    /// Findings by kind. Their files are counted above, too, by their outcomes.
    pub findings: BTreeMap<&'static str, Sample>,
    /// Files whose failure record is out of date and could not be deleted. They are counted above,
    /// too.
    pub uncleared: Sample,
}

impl Outcomes {
    /// Counts a file that is proven and recorded.
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

    /// Counts a finding under its kind.
    pub fn add_finding(&mut self, fid: Fid, finding: &Finding) {
        self.findings.entry(finding.kind.name()).or_default().add(fid, &finding.detail);
    }

    /// Counts files whose failure records could not be deleted.
    pub fn add_uncleared(&mut self, fids: impl IntoIterator<Item = Fid>, why: &Reason) {
        fids.into_iter().for_each(|fid| self.uncleared.add(fid, why));
    }

    /// Returns the number of failed files.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().map(|sample| sample.files).sum()
    }

    /// Returns the number of files in all classes.
    #[must_use]
    pub fn files(&self) -> u64 {
        let well = [self.by_copy, self.by_mogile, self.already_there, self.too_large];
        well.iter().map(|tally| tally.files).sum::<u64>()
            + self.gone
            + self.failures()
            + self.accepted.files
    }
}

/// The counts of a whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The rows that were read, by class.
    #[serde(flatten)]
    pub intake: RowCounts,
    /// The outcomes of the files that were begun and not abandoned.
    #[serde(flatten)]
    pub ends: Outcomes,
    /// Files that were read and not begun when the run stopped.
    pub not_begun: u64,
    /// Files that were begun and abandoned when the run stopped. The next run finds what they had
    /// written, and proves it.
    pub abandoned: u64,
    /// Why the run stopped early; [`None`] when it did not.
    pub stopped: Option<Stopped>,
    /// The index's count before the first row was read; [`None`] where the index cannot count, or
    /// where only a part of it was to be read.
    pub counted_before: Option<u64>,
    /// The index's count after the last row, if fewer rows were read than counted before.
    pub counted_after: Option<u64>,
    /// Why the index could not be counted; [`None`] when there was no error.
    pub uncounted: Option<String>,
    /// The types and names of the files; [`None`] where contentrepo's database is not named.
    pub types: Option<TypesSummary>,
    /// What could not be looked at before the first file, in words.
    pub not_looked_at: Vec<String>,
}

impl Summary {
    /// Whether every row that was read is in exactly one class.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let ended = self.ends.files() + self.not_begun + self.abandoned;
        self.intake.passed_over() + ended == self.intake.rows
    }

    /// Compares the rows that were read with the index's counts. A run that stopped early has
    /// nothing to compare.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        match self.stopped {
            Some(_) => Coverage::NotTold,
            None => coverage(self.intake.rows, self.counted_before, self.counted_after),
        }
    }

    /// Whether the run is complete and nothing is left to do or to look into.
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
