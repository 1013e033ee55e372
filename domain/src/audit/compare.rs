//! Reads the index once and keeps a fingerprint of each file; the ledger, the failures and the
//! verifications stream past these into bitmaps.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::expected::{ExpectedFiles, Fingerprint};
use super::row::{AuditedFile, AuditedRow};
use super::summary::AuditSummary;
use super::without_row::{RecordWithoutRow, judge};
use crate::ledger_scan::scan_ledger;
use crate::ports::{
    Clock, ContentRepoDatabase, FailureLog, IndexError, Ledger, LedgerError, SourceIndex,
    VerificationLog,
};
use crate::retried::retried;
use crate::summary::{Sample, Stopped};
use crate::{
    BucketMap, FailureRecord, Fid, IndexRow, LedgerItem, LedgerRecord, Misconfigured,
    ObjectAddress, Reason, VerifiedFile, limits,
};

/// What an audit reads.
pub struct AuditPorts<'a> {
    /// MogileFS's index.
    pub index: &'a dyn SourceIndex,
    /// The ledger.
    pub ledger: &'a dyn Ledger,
    /// The failures table, which has the doubts of verifications.
    pub failures: &'a dyn FailureLog,
    /// The verifications.
    pub verifications: &'a dyn VerificationLog,
    /// contentrepo's database, where it is named.
    pub content_repo: Option<&'a dyn ContentRepoDatabase>,
    /// The time, for waits between tries.
    pub clock: &'a dyn Clock,
}

/// What is compared.
pub struct AuditPlan<'a> {
    /// Where files belong.
    pub buckets: &'a BucketMap,
    /// The verification whose passes are compared; [`None`] compares index and ledger only.
    pub run: Option<&'a str>,
}

/// How far an audit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditProgress {
    /// So many rows of the index are read.
    Rows(u64),
    /// So many items of the ledger are read.
    Items(u64),
    /// So many verifications of the run are read.
    Passes(u64),
}

/// The index, compared with the rest.
#[derive(Debug, Default)]
pub struct Comparison {
    expected: ExpectedFiles,
    /// Fids of rows that are no file that must be in S3.
    other_rows: RoaringTreemap,
    proven: RoaringTreemap,
    claimed: RoaringTreemap,
    of_another: RoaringTreemap,
    doubted: RoaringTreemap,
    passed: RoaringTreemap,
    without_row: BTreeMap<Fid, RecordWithoutRow>,
    summary: AuditSummary,
}

/// What an audit says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileVerdict {
    /// All that was compared has it.
    Whole,
    /// The ledger has no record of it.
    WithoutRecord,
    /// Its record has no proof.
    Claimed,
    /// Its record names another bucket or another SHA-1.
    OfAnother,
    /// A verification found it missing or wrong since it was proven.
    Doubted,
    /// The run did not find it whole.
    WithoutPass,
}

impl Comparison {
    /// Reads everything and compares it. `tell` is called once in a while.
    pub async fn make(
        ports: &AuditPorts<'_>,
        plan: &AuditPlan<'_>,
        tell: &(dyn Fn(AuditProgress) + Sync),
    ) -> Self {
        let mut comparison = Self::default();
        let stopped = comparison.read(ports, plan, tell).await.err();
        if stopped.is_none() {
            comparison.class_files(plan.run.is_some());
            comparison.name_examples(ports).await;
        }
        comparison.summary.stopped = stopped;
        comparison
    }

    /// What was found.
    #[must_use]
    pub const fn summary(&self) -> &AuditSummary {
        &self.summary
    }

    /// What is said of this file; [`None`] where its row was written or changed since the index was
    /// read.
    #[must_use]
    pub fn verdict_of(&self, file: &AuditedFile) -> Option<FileVerdict> {
        let print = Fingerprint::of(&file.bucket, &file.sha1);
        let is_known = self.expected.find(file.fid) == Some(print);
        is_known.then(|| self.verdict(file.fid, self.summary.passes.is_some()))
    }

    /// The records that were judged though they have no row, ascending, each with the object that it names.
    pub fn records_without_row(&self) -> impl Iterator<Item = (Fid, ObjectAddress)> {
        self.without_row.iter().map(|(fid, record)| (*fid, record.address()))
    }

    async fn read(
        &mut self,
        ports: &AuditPorts<'_>,
        plan: &AuditPlan<'_>,
        tell: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<(), Stopped> {
        self.read_index(ports, plan.buckets, tell).await?;
        let read = self.read_ledger(ports.ledger, tell).await;
        self.without_row = read.map_err(|error| of_table(&error))?;
        let mut each = |record: FailureRecord| {
            if record.doubts_the_proof() {
                self.doubted.insert(record.fid.0);
            }
        };
        ports.failures.scan(&mut each).await.map_err(|error| of_table(&error))?;
        if let Some(run) = plan.run {
            let read = self.read_passes(ports.verifications, run, tell).await;
            read.map_err(|error| of_table(&error))?;
        }
        let judged = judge(&mut self.without_row, &self.expected, ports, plan.buckets).await?;
        self.summary.without_row = judged;
        Ok(())
    }

    async fn read_index(
        &mut self,
        ports: &AuditPorts<'_>,
        buckets: &BucketMap,
        tell: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<(), Stopped> {
        let AuditPorts { index, clock, .. } = ports;
        let known = retried(*clock, 0, || index.domains()).await.map_err(|e| of_index(&e))?;
        let domain = index.domain().to_owned();
        if !known.contains(&domain) {
            return Err(Stopped::Misconfigured(Misconfigured::NoSuchDomain { domain, known }));
        }
        let (mut next, mut pages) = (Some(Fid(0)), 0_u64);
        while let Some(after) = next {
            let page = retried(*clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
            let page = page.map_err(|error| of_index(&error))?;
            self.summary.other_domains += page.other_domains;
            for row in &page.rows {
                self.take_row(row, buckets);
            }
            for row in page.unreadable {
                self.summary.rows += 1;
                self.other_rows.insert(row.fid.0);
                let sample = self.summary.rejected.entry(UNREADABLE_ROW).or_default();
                sample.add(row.fid, row.why);
            }
            next = page.next;
            pages += 1;
            if pages.is_multiple_of(PAGES_A_WORD) {
                tell(AuditProgress::Rows(self.summary.rows));
            }
        }
        let AuditSummary { rows, other_domains, files, ref rejected, .. } = self.summary;
        let unread = rejected.get(UNREADABLE_ROW).map_or(0, |sample| sample.files);
        let without_length = rejected.contains_key(super::RejectedAs::NoLength.name());
        if rows == 0 {
            let empty = Misconfigured::EmptyDomain { domain, known, other_domains };
            return Err(Stopped::Misconfigured(empty));
        }
        if files.files == 0 && rows > unread && !without_length {
            let mapped = buckets.pairs().map(|(old, _)| old.to_string()).collect();
            return Err(Stopped::Misconfigured(Misconfigured::NothingMapped { rows, mapped }));
        }
        Ok(())
    }

    fn take_row(&mut self, row: &IndexRow, buckets: &BucketMap) {
        let summary = &mut self.summary;
        summary.rows += 1;
        match AuditedRow::of(row, buckets) {
            AuditedRow::File(AuditedFile { fid, sha1, bucket, length, .. }) => {
                if self.expected.add(fid, Fingerprint::of(&bucket, &sha1)) {
                    summary.files.add(length);
                } else {
                    // No index has a fid twice. One that is read again was counted.
                    summary.rows -= 1;
                }
                return;
            }
            AuditedRow::Temporary => summary.temporary += 1,
            AuditedRow::Ignored => summary.ignored += 1,
            AuditedRow::Rejected(why) => {
                let key = row.dkey.as_deref().unwrap_or("NULL");
                let sample = summary.rejected.entry(why.name()).or_default();
                sample.add(row.fid, format_args!("its key is `{key}`"));
            }
        }
        self.other_rows.insert(row.fid.0);
    }

    /// Returns the records of fids without a row.
    async fn read_ledger(
        &mut self,
        ledger: &dyn Ledger,
        tell: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<BTreeMap<Fid, RecordWithoutRow>, LedgerError> {
        let (mut without_row, mut of_other_rows) = (BTreeMap::new(), RoaringTreemap::new());
        let mut unreadable: BTreeMap<Option<Fid>, (u64, String)> = BTreeMap::new();
        let mut items = 0_u64;
        let scanned = scan_ledger(ledger, |item: LedgerItem| {
            items += 1;
            if items.is_multiple_of(ITEMS_A_WORD) {
                tell(AuditProgress::Items(items));
            }
            let record = match item {
                Ok(record) => record,
                Err(item) => {
                    let seen = unreadable.entry(item.fid).or_insert((0, item.why));
                    seen.0 += 1;
                    return;
                }
            };
            let LedgerRecord { fid, bucket, sha1, proof, .. } = record;
            match self.expected.find(fid) {
                Some(print) if print == Fingerprint::of(&bucket, &sha1) => {
                    let proven = if proof.is_some() { &mut self.proven } else { &mut self.claimed };
                    proven.insert(fid.0);
                }
                Some(_) => {
                    self.of_another.insert(fid.0);
                }
                None if self.other_rows.contains(fid.0) => {
                    of_other_rows.insert(fid.0);
                }
                None => {
                    without_row.insert(fid, RecordWithoutRow { bucket, sha1 });
                }
            }
        });
        scanned.await?;
        // A page that was read again may have shown an item twice, and an item may have changed between.
        self.claimed -= &self.proven;
        self.of_another -= &self.proven;
        self.of_another -= &self.claimed;
        let summary = &mut self.summary;
        summary.records_of_other_rows = of_other_rows.len();
        summary.records = self.proven.len()
            + self.claimed.len()
            + self.of_another.len()
            + of_other_rows.len()
            + without_row.len() as u64;
        for (fid, (times, why)) in unreadable {
            match fid {
                Some(fid) => summary.unreadable_items.add(fid, why),
                None => (0..times).for_each(|_| summary.unreadable_items.add_nameless(&why)),
            }
        }
        Ok(without_row)
    }

    async fn read_passes(
        &mut self,
        verifications: &dyn VerificationLog,
        run: &str,
        tell: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<(), LedgerError> {
        let (mut of_others, mut read) = (RoaringTreemap::new(), 0_u64);
        let mut each = |VerifiedFile { fid, bucket, sha1 }: VerifiedFile| {
            read += 1;
            if read.is_multiple_of(ITEMS_A_WORD) {
                tell(AuditProgress::Passes(read));
            }
            let is_same = self.expected.find(fid) == Some(Fingerprint::of(&bucket, &sha1));
            let fids = if is_same { &mut self.passed } else { &mut of_others };
            fids.insert(fid.0);
        };
        verifications.verified(run, &mut each).await?;
        self.summary.passes = Some(self.passed.len());
        self.summary.passes_of_others = of_others.len();
        Ok(())
    }

    fn verdict(&self, fid: Fid, run_named: bool) -> FileVerdict {
        let fid = fid.0;
        let passed = run_named && self.passed.contains(fid);
        if self.claimed.contains(fid) {
            FileVerdict::Claimed
        } else if self.of_another.contains(fid) {
            FileVerdict::OfAnother
        } else if !self.proven.contains(fid) {
            FileVerdict::WithoutRecord
        } else if passed {
            FileVerdict::Whole
        } else if self.doubted.contains(fid) {
            FileVerdict::Doubted
        } else if run_named {
            FileVerdict::WithoutPass
        } else {
            FileVerdict::Whole
        }
    }

    fn class_files(&mut self, run_named: bool) {
        let mut summary = std::mem::take(&mut self.summary);
        for (fid, _) in self.expected.iter() {
            match self.verdict(fid, run_named) {
                FileVerdict::Whole => summary.whole += 1,
                FileVerdict::WithoutRecord => summary.without_record.add(fid, ""),
                FileVerdict::Claimed => summary.claimed.add(fid, ""),
                FileVerdict::OfAnother => summary.of_another.add(fid, ""),
                FileVerdict::Doubted => summary.doubted.add(fid, ""),
                FileVerdict::WithoutPass => summary.without_pass.add(fid, ""),
            }
        }
        self.summary = summary;
    }

    /// Gives each class the key of its first file. They are only for the eye: without them the audit is
    /// as good.
    async fn name_examples(&mut self, ports: &AuditPorts<'_>) {
        let AuditSummary { without_record, claimed, of_another, doubted, without_pass, .. } =
            &mut self.summary;
        for sample in [without_record, claimed, of_another, doubted, without_pass] {
            let Sample { first_fids, example, .. } = sample;
            let Some(fid) = first_fids.first() else { continue };
            if let Ok(Some(IndexRow { dkey: Some(key), .. })) = ports.index.row(*fid).await {
                *example = format!("key `{key}`");
            }
        }
    }
}

/// The name of rows that the index cannot give.
const UNREADABLE_ROW: &str = "unreadable-row";

/// Pages between two words about how far the audit is.
const PAGES_A_WORD: u64 = 500;

/// Items between two words about how far the audit is.
const ITEMS_A_WORD: u64 = 500_000;

pub(super) fn of_index(error: &IndexError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}

fn of_table(error: &LedgerError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}
