use std::collections::BTreeMap;

use serde::Serialize;

use crate::misconfigured::is_likely_another_store;
use crate::store_state::RowsDigest;
use crate::summary::{Sample, Stopped};
use crate::{Coverage, Tally, coverage};

/// What an audit found. Each row of the index is in one class, and so is each file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditSummary {
    /// Rows of the configured domain.
    pub rows: u64,
    /// Rows of other domains; not part of `rows`.
    pub other_domains: u64,
    /// Files that must be in S3.
    pub files: Tally,
    /// Their rows, as a freeze counts the rows of mapped buckets. The journal has it.
    #[serde(skip)]
    pub content: RowsDigest,
    /// `{uuid}.tmp` rows.
    pub temporary: u64,
    /// Rows of ignored buckets.
    pub ignored: u64,
    /// Rows that the operator excluded.
    pub excluded: u64,
    /// Those of them that the index cannot give. What they name is not known.
    pub excluded_unreadable: u64,
    /// Rows from which no file can be migrated as they stand, by reason.
    pub rejected: BTreeMap<&'static str, Sample>,
    /// Files that the ledger proves, no verification doubts, and, where a run is named, this run found
    /// whole.
    pub whole: u64,
    /// Files without a record in the ledger.
    pub without_record: Sample,
    /// Files whose record has no proof: s3migrate's claims.
    pub claimed: Sample,
    /// Files whose record names another S3 bucket or another SHA-1.
    pub of_another: Sample,
    /// Files that the ledger proves and that a verification found missing or wrong since, whatever the
    /// named run found: only a proof ends a doubt.
    pub doubted: Sample,
    /// Files that the ledger proves and that the named run did not find whole.
    pub without_pass: Sample,
    /// Files and rejected rows that an operator accepts by name. They are in none of the classes above.
    pub accepted: AcceptedRows,
    /// Files and rejected rows whose acceptances are over, and that are not proven: a replica gives the
    /// content again, the ledger has proven it since, or the row has another key or belongs in another S3
    /// bucket. Each is in its class above, too.
    pub acceptance_ended: Sample,
    /// Files whose acceptances are over because the ledger proves them: they are in S3, and no findings.
    /// Each is in its class above, too.
    pub acceptance_proven: Sample,
    /// Accepted ones with a replica that nobody has tried before and that cannot be asked now: with one of
    /// them the audit is not complete.
    pub acceptance_unsure: Sample,
    /// Passes of the run, of these files as they are today; [`None`] where no run was named.
    pub passes: Option<u64>,
    /// Passes of the run for other content, another bucket, or a fid without such a row.
    pub passes_of_others: u64,
    /// Records in the ledger: the lines that `fids` prints.
    pub records: u64,
    /// Records of fids whose row is no file that must be in S3: temporary, ignored or rejected.
    pub records_of_other_rows: u64,
    /// Records of fids that have a row in another MogileFS domain: that domain is migrated with the same
    /// ledger, or has taken the fid since.
    pub records_of_other_domains: u64,
    /// Records of fids without a row.
    pub without_row: RecordsWithoutRow,
    /// Items of the ledger that cannot be read. They prove nothing: a file that has only such an item is
    /// without a record.
    pub unreadable_items: Sample,
    /// Items of the failures table that cannot be read. Each may be a doubt: with one of them the audit is
    /// not complete.
    pub unreadable_failures: Sample,
    /// The index's count before the first row was read; [`None`] where the index cannot count.
    pub counted_before: Option<u64>,
    /// The index's count after the last row, where fewer rows were read than counted before.
    pub counted_after: Option<u64>,
    /// Why the index could not be counted.
    pub uncounted: Option<String>,
    /// Why the audit ended early. No file is classed then: the counts are those of the rows that were read.
    pub stopped: Option<Stopped>,
}

/// What an operator accepts by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AcceptedRows {
    /// Files that must be in S3 and that the ledger does not prove.
    pub files: Sample,
    /// Of them those without a record in the ledger.
    pub without_record: u64,
    /// Rows from which no file can be migrated.
    pub rejected: Sample,
}

/// Records of fids that have no row in the index, in whatever domain. Their content is judged by its S3 bucket and SHA-1: a
/// file that is ingested again gets another fid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecordsWithoutRow {
    /// Their number. Each of them is counted below, too.
    pub records: u64,
    /// Their row was written after the index was read.
    pub ingested_since: u64,
    /// Another row has the same content in the same bucket.
    pub content_of_another_row: u64,
    /// A row of another MogileFS domain has the same SHA-1. Where its content is, settings of its own
    /// decide.
    pub content_of_another_domain: u64,
    /// No row has the content any more, and contentrepo still refers to it.
    pub referenced: Sample,
    /// Their S3 bucket is none of BUCKETS, and no row has the content in it. Under the settings with which
    /// it was recorded a row may name it.
    pub unmapped: Sample,
    /// *Withdrawn*: no row has the content any more, and contentrepo, where it was asked, does not refer
    /// to it.
    pub withdrawn: Sample,
    /// They are more than are judged.
    pub not_judged: u64,
    /// Whether the index had rows behind the last one that was read, when that was asked: they may name
    /// the same contents.
    pub has_rows_since: bool,
    /// Whether contentrepo's database is named and, where a record needed it, was read.
    pub content_repo_asked: bool,
    /// Why contentrepo's database could not be read.
    pub content_repo_unread: Option<String>,
}

impl AuditSummary {
    /// Whether something is not as it must be.
    #[must_use]
    pub fn differs(&self) -> bool {
        let findings = [
            &self.without_record,
            &self.claimed,
            &self.of_another,
            &self.doubted,
            &self.without_pass,
        ];
        !self.rejected.is_empty()
            || self.acceptance_ended.files > 0
            || findings.iter().any(|sample| sample.files > 0)
    }

    /// Whether something was not looked at that might differ.
    #[must_use]
    pub fn is_incomplete(&self) -> bool {
        matches!(self.coverage(), Coverage::Missing(_))
            || self.without_row.content_repo_unread.is_some()
            || self.unreadable_failures.files > 0
            || self.acceptance_unsure.files > 0
    }

    /// Compares the rows that were read with the index's counts.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        coverage(self.rows, self.counted_before, self.counted_after)
    }

    /// Whether the ledger has so many records of files that the index does not have that the index is most
    /// likely another store's, or an old copy.
    #[must_use]
    pub const fn is_likely_of_another_store(&self) -> bool {
        let RecordsWithoutRow {
            records,
            ingested_since,
            content_of_another_row,
            content_of_another_domain,
            ..
        } = self.without_row;
        let named = content_of_another_row + content_of_another_domain;
        let gone = records.saturating_sub(ingested_since + named);
        is_likely_another_store(gone, self.files.files)
    }

    /// The rows of MogileFS's table `file`: what `SELECT COUNT(fid) FROM file` gives.
    #[must_use]
    pub const fn rows_of_the_table(&self) -> u64 {
        self.rows + self.other_domains
    }

    /// Rows from which no file can be migrated.
    #[must_use]
    pub fn rejections(&self) -> u64 {
        self.rejected.values().map(|sample| sample.files).sum()
    }
}
