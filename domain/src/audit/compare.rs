//! Reads the index once and keeps a fingerprint of each file; the ledger, the failures and the
//! verifications stream past these into bitmaps.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringTreemap;

use super::expected::{ExpectedFiles, Fingerprint};
use super::other_domains::OtherDomains;
use super::row::AuditedFile;
use super::summary::AuditSummary;
use super::without_row::{JUDGED, NamedContents, RecordWithoutRow, judge};
use crate::ledger_scan::scan_ledger;
use crate::ports::{
    Clock, ContentRepoDatabase, FailureLog, IndexError, Ledger, LedgerError, SourceIndex,
    VerificationLog,
};
use crate::summary::{Sample, Stopped};
use crate::{
    Acceptance, Acceptances, BucketMap, FailureItem, Fid, IndexRow, LedgerItem, LedgerRecord,
    ObjectAddress, Reason, ReasonKind, UnreadableItem, VerifiedFile,
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
    /// Fids that the operator has decided about. Their rows are counted, and not judged.
    pub excluded: RoaringTreemap,
    /// The files that an operator accepts by name, with what is known of their replicas since.
    pub accepted: Acceptances,
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
    pub(super) expected: ExpectedFiles,
    /// Fids of rows that are no file that must be in S3.
    pub(super) other_rows: RoaringTreemap,
    /// What rows of other domains name.
    pub(super) others: OtherDomains,
    /// The last row of the index that was read, whatever its domain is.
    pub(super) last_row: Fid,
    proven: RoaringTreemap,
    claimed: RoaringTreemap,
    of_another: RoaringTreemap,
    doubted: RoaringTreemap,
    /// Files with another object at their final key, by the last failure of each.
    wrong_objects: RoaringTreemap,
    unreadable_failures: RoaringTreemap,
    passed: RoaringTreemap,
    pub(super) without_row: BTreeMap<Fid, RecordWithoutRow>,
    /// Contents that rows name which are no files that must be in S3.
    pub(super) also_named: BTreeSet<Fingerprint>,
    /// Files whose rows are as they were accepted.
    pub(super) accepted: BTreeMap<Fid, Acceptance>,
    /// Files whose acceptances are over, each with what ended it.
    pub(super) ended: BTreeMap<Fid, String>,
    pub(super) summary: AuditSummary,
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
    /// The ledger does not prove it, and an operator has accepted that.
    Accepted,
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
        self.read_index(ports, plan, tell).await?;
        self.read_ledger(ports.ledger, tell).await.map_err(|error| of_table(&error))?;
        let mut each = |item: FailureItem| self.take_failure(item);
        ports.failures.scan(&mut each).await.map_err(|error| of_table(&error))?;
        if let Some(run) = plan.run {
            let read = self.read_passes(ports.verifications, run, tell).await;
            read.map_err(|error| of_table(&error))?;
        }
        let found = &mut self.summary.without_row;
        let (expected, also, others) = (&self.expected, &self.also_named, &self.others);
        let named = NamedContents { expected, also, others, last_row: self.last_row };
        judge(&mut self.without_row, found, named, ports, plan.buckets).await?;
        self.summary.count_again(ports).await;
        Ok(())
    }

    /// Keeps a doubt. An item that cannot be read may be one.
    fn take_failure(&mut self, item: FailureItem) {
        match item {
            Ok(record) if record.doubts_the_proof() => {
                self.doubted.insert(record.fid.0);
                if record.reason == ReasonKind::WrongObject.name() {
                    self.wrong_objects.insert(record.fid.0);
                }
            }
            Ok(_) => {}
            Err(UnreadableItem { fid: Some(fid), why }) => {
                // A page that is read again shows an item twice.
                if self.unreadable_failures.insert(fid.0) {
                    self.summary.unreadable_failures.add(fid, why);
                }
            }
            Err(UnreadableItem { fid: None, why }) => {
                self.summary.unreadable_failures.add_nameless(why);
            }
        }
    }

    async fn read_ledger(
        &mut self,
        ledger: &dyn Ledger,
        tell: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<(), LedgerError> {
        let (mut of_other_rows, mut unreadable) = (RoaringTreemap::new(), RoaringTreemap::new());
        let (mut without_row, mut items) = (RoaringTreemap::new(), 0_u64);
        let mut of_other_domains = RoaringTreemap::new();
        let scanned = scan_ledger(ledger, |item: LedgerItem| {
            items += 1;
            if items.is_multiple_of(ITEMS_A_WORD) {
                tell(AuditProgress::Items(items));
            }
            let record = match item {
                Ok(record) => record,
                Err(UnreadableItem { fid: Some(fid), why }) => {
                    // A page that is read again shows an item twice.
                    if unreadable.insert(fid.0) {
                        self.summary.unreadable_items.add(fid, why);
                    }
                    return;
                }
                Err(UnreadableItem { fid: None, why }) => {
                    self.summary.unreadable_items.add_nameless(why);
                    return;
                }
            };
            self.end_by_proof(&record);
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
                None if self.others.has_fid(fid) => {
                    of_other_domains.insert(fid.0);
                }
                None => {
                    without_row.insert(fid.0);
                    if self.without_row.len() < JUDGED {
                        self.without_row.insert(fid, RecordWithoutRow::new(bucket, sha1));
                    }
                }
            }
        });
        scanned.await?;
        // An item may have changed between two reads of its page.
        self.claimed -= &self.proven;
        self.of_another -= &self.proven;
        self.of_another -= &self.claimed;
        let summary = &mut self.summary;
        summary.records_of_other_rows = of_other_rows.len();
        summary.records_of_other_domains = of_other_domains.len();
        summary.without_row.records = without_row.len();
        summary.without_row.not_judged = without_row.len() - self.without_row.len() as u64;
        summary.records = self.proven.len()
            + self.claimed.len()
            + self.of_another.len()
            + of_other_rows.len()
            + of_other_domains.len()
            + without_row.len();
        Ok(())
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

    /// Only a file without a proof counts as accepted: a proof ends an acceptance, too. A wrong object at
    /// its key is not accepted with it: readers get that.
    fn verdict(&self, fid: Fid, run_named: bool) -> FileVerdict {
        let verdict = self.verdict_of_tables(fid.0, run_named);
        match verdict {
            FileVerdict::Whole | FileVerdict::WithoutPass => verdict,
            FileVerdict::Claimed
            | FileVerdict::OfAnother
            | FileVerdict::WithoutRecord
            | FileVerdict::Doubted
            | FileVerdict::Accepted => {
                let is_wrong =
                    verdict == FileVerdict::Doubted && self.wrong_objects.contains(fid.0);
                if self.accepted.contains_key(&fid) && !is_wrong {
                    FileVerdict::Accepted
                } else {
                    verdict
                }
            }
        }
    }

    pub(super) fn has_no_record(&self, fid: Fid) -> bool {
        self.verdict_of_tables(fid.0, false) == FileVerdict::WithoutRecord
    }

    fn verdict_of_tables(&self, fid: u64, run_named: bool) -> FileVerdict {
        if self.claimed.contains(fid) {
            FileVerdict::Claimed
        } else if self.of_another.contains(fid) {
            FileVerdict::OfAnother
        } else if !self.proven.contains(fid) {
            FileVerdict::WithoutRecord
        } else if self.doubted.contains(fid) {
            // Also where the run has found it whole: a proof ends a doubt, and a pass may be older.
            FileVerdict::Doubted
        } else if run_named && !self.passed.contains(fid) {
            FileVerdict::WithoutPass
        } else {
            FileVerdict::Whole
        }
    }

    fn class_files(&mut self, run_named: bool) {
        let mut summary = std::mem::take(&mut self.summary);
        for (fid, _) in self.expected.iter() {
            let verdict = self.verdict(fid, run_named);
            self.count_ended(fid, verdict, &mut summary);
            match verdict {
                FileVerdict::Accepted => self.count_accepted(fid, &mut summary),
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

/// Items between two words about how far the audit is.
const ITEMS_A_WORD: u64 = 500_000;

pub(super) fn of_index(error: &IndexError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}

fn of_table(error: &LedgerError) -> Stopped {
    Stopped::Trouble(Reason::from(error))
}
