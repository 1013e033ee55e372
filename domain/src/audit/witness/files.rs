//! The join: the files that must be in S3 today, what the buckets list today, and the rows of reports.

use serde::Serialize;

use super::row::{Computed, TaskRow};
use crate::audit::expected::Fingerprint;
use crate::{ETag, ObjectKey, S3Bucket, Sha1};

/// The files of today's index by bucket and SHA-1, with what was seen of each: 17 bytes for one. It knows
/// no fid: [`verdict`](Self::verdict) is asked with a row of the index.
#[derive(Debug, Default)]
pub struct WitnessedFiles {
    /// Ascending, each once.
    prints: Vec<Fingerprint>,
    /// Of the listed object; it counts where the file has the mark [`LISTED`].
    etags: Vec<u64>,
    marks: Vec<u8>,
}

/// An object is at the file's key today.
const LISTED: u8 = 1;
/// The manifest of the report that is read has a line of it.
const LINE: u8 = 1 << 1;
/// The report that is read has a row of it.
const ROW: u8 = 1 << 2;
/// S3 computed the right SHA-1 of the object that is there today.
const RIGHT: u8 = 1 << 3;
/// S3 computed another SHA-1 of the object that is there today.
const WRONG: u8 = 1 << 4;
/// S3 computed a SHA-1 of an object that is not the one that is there today.
const CHANGED: u8 = 1 << 5;
/// A task of it failed, or its row proves nothing.
const FAILED: u8 = 1 << 6;

/// What S3's witness says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WitnessVerdict {
    /// S3 computed the right SHA-1 of the object that is at its key today.
    Whole,
    /// S3 computed another SHA-1 of the object that is at its key today.
    Wrong,
    /// No object is at its key today.
    Missing,
    /// The object was written again since S3 read it.
    Changed,
    /// S3 could not read the object, or its answer proves nothing.
    Failed,
    /// No report has a row of it: it was ingested since, or the report lacks it.
    NotWitnessed,
}

/// How the rows of one report fit its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReportCounts {
    /// Lines of the manifest.
    pub lines: u64,
    /// Lines whose file is not in today's index: it was deleted, or is excluded.
    pub lines_of_no_file: u64,
    /// Lines that the manifest has twice.
    pub duplicate_lines: u64,
    /// Lines without a row.
    pub lines_without_row: u64,
    /// Rows of the report.
    pub rows: u64,
    /// Rows whose file is not in today's index.
    pub rows_of_no_file: u64,
    /// Rows that the report has twice.
    pub duplicate_rows: u64,
    /// Rows that the manifest has no line of.
    pub rows_of_no_line: u64,
    /// Rows of tasks that failed, or that prove nothing.
    pub failed_rows: u64,
    /// The first of these, in S3's words.
    pub first_failure: Option<String>,
    /// Tasks of the job; [`None`] where its description does not say.
    pub tasks: Option<u64>,
}

impl ReportCounts {
    /// Whether the report has exactly one row for each line of its manifest, and the job as many tasks.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.rows == self.lines
            && self.rows_of_no_file == self.lines_of_no_file
            && self.duplicate_lines + self.duplicate_rows == 0
            && self.rows_of_no_line + self.lines_without_row == 0
            && self.tasks == Some(self.lines)
    }
}

impl WitnessedFiles {
    /// Adds a file of the index.
    pub fn add(&mut self, bucket: &S3Bucket, sha1: &Sha1) {
        self.prints.push(Fingerprint::of(bucket, sha1));
    }

    /// Call this behind the last file.
    pub fn seal(&mut self) {
        self.prints.sort_unstable();
        self.prints.dedup();
        self.prints.shrink_to_fit();
        self.etags = vec![0; self.prints.len()];
        self.marks = vec![0; self.prints.len()];
    }

    fn place(&self, bucket: &S3Bucket, sha1: &Sha1) -> Option<usize> {
        self.prints.binary_search(&Fingerprint::of(bucket, sha1)).ok()
    }

    /// An object is there today.
    pub fn listed(&mut self, bucket: &S3Bucket, key: &ObjectKey, etag: &ETag) {
        let sha1 = key.as_content();
        if let Some(at) = sha1.and_then(|sha1| self.place(bucket, &sha1)) {
            self.etags[at] = print_of(etag);
            self.marks[at] |= LISTED;
        }
    }

    /// Begins with another report.
    pub fn begin_report(&mut self) -> ReportCounts {
        self.marks.iter_mut().for_each(|marks| *marks &= !(LINE | ROW));
        ReportCounts::default()
    }

    /// Takes a line of the report's manifest. All lines come before the first row.
    pub fn line(&mut self, counts: &mut ReportCounts, bucket: &S3Bucket, sha1: &Sha1) {
        counts.lines += 1;
        match self.place(bucket, sha1) {
            None => counts.lines_of_no_file += 1,
            Some(at) => {
                counts.duplicate_lines += u64::from(self.marks[at] & LINE != 0);
                self.marks[at] |= LINE;
            }
        }
    }

    /// Takes a row of the report, whose manifest is of this bucket.
    pub fn row(&mut self, counts: &mut ReportCounts, bucket: &S3Bucket, row: &TaskRow) {
        counts.rows += 1;
        if let Err(why) = &row.result {
            counts.failed_rows += 1;
            counts
                .first_failure
                .get_or_insert_with(|| format!("{}/{}: {why}", row.bucket, row.key));
        }
        let sha1 = Sha1::from_hex(&row.key).ok().filter(|_| row.bucket == bucket.as_str());
        let Some(sha1) = sha1 else {
            counts.rows_of_no_line += 1;
            return;
        };
        let Some(at) = self.place(bucket, &sha1) else {
            counts.rows_of_no_file += 1;
            return;
        };
        let marks = &mut self.marks[at];
        if *marks & LINE == 0 {
            counts.rows_of_no_line += 1;
            return;
        }
        counts.duplicate_rows += u64::from(*marks & ROW != 0);
        *marks |= ROW;
        *marks |= match &row.result {
            Err(_) => FAILED,
            Ok(Computed { etag, .. }) if self.etags[at] != print_of(etag) => CHANGED,
            Ok(Computed { sha1: computed, .. }) if *computed == sha1 => RIGHT,
            Ok(_) => WRONG,
        };
    }

    /// Ends a report whose job had so many tasks.
    pub fn end_report(&self, counts: &mut ReportCounts, tasks: Option<u64>) {
        let lacks_row = |marks: &&u8| **marks & (LINE | ROW) == LINE;
        counts.lines_without_row = self.marks.iter().filter(lacks_row).count() as u64;
        counts.tasks = tasks;
    }

    /// What all reports say of this file; [`None`] where it is not one of those that were added.
    #[must_use]
    pub fn verdict(&self, bucket: &S3Bucket, sha1: &Sha1) -> Option<WitnessVerdict> {
        let marks = self.marks[self.place(bucket, sha1)?];
        let has = |mark: u8| marks & mark != 0;
        // A witness against the object that is there wins over every other one.
        Some(if has(LISTED) && has(WRONG) {
            WitnessVerdict::Wrong
        } else if !has(LISTED) {
            WitnessVerdict::Missing
        } else if has(RIGHT) {
            WitnessVerdict::Whole
        } else if has(CHANGED) {
            WitnessVerdict::Changed
        } else if has(FAILED) {
            WitnessVerdict::Failed
        } else {
            WitnessVerdict::NotWitnessed
        })
    }
}

fn print_of(etag: &ETag) -> u64 {
    let sha1 = Sha1::of(etag.0.as_bytes());
    sha1.as_bytes().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}
