//! Files and rows that an operator accepts by name: they are counted apart, while their rows and their
//! replicas are as they were accepted.

use super::compare::{AuditPlan, Comparison, FileVerdict};
use super::row::RejectedAs;
use super::summary::AuditSummary;
use crate::journal::AcceptedFile;
use crate::{Acceptance, BucketMap, Fid, IndexRow, LedgerRecord, RowAccepted, Since};

impl Comparison {
    /// Notes whether the row of a file is an accepted one. It counts as accepted where the ledger does
    /// not prove the file.
    pub(super) fn note_accepted_file(&mut self, row: &IndexRow, plan: &AuditPlan<'_>) {
        let key = row.dkey.as_deref();
        match plan.accepted.of_row(row.fid, key, AcceptedFile::MISSING, plan.buckets) {
            RowAccepted::No => {}
            RowAccepted::Yes(Acceptance { since: Since::Reappeared(replica), .. }) => {
                self.ended.insert(row.fid, reappeared(replica));
            }
            RowAccepted::Yes(accepted) => {
                self.accepted.insert(row.fid, accepted.clone());
            }
            RowAccepted::Ended(accepted) => {
                self.ended.insert(row.fid, changed(accepted, row, plan.buckets));
            }
        }
    }

    /// Counts a rejected row where it is an accepted one. False where it is none.
    pub(super) fn accepts_rejected(
        &mut self,
        row: &IndexRow,
        why: RejectedAs,
        plan: &AuditPlan<'_>,
    ) -> bool {
        let summary = &mut self.summary;
        match plan.accepted.of_row(row.fid, row.dkey.as_deref(), why.name(), plan.buckets) {
            RowAccepted::No => false,
            RowAccepted::Yes(Acceptance { since: Since::Reappeared(replica), .. }) => {
                summary.acceptance_ended.add(row.fid, reappeared(replica));
                false
            }
            RowAccepted::Yes(accepted) => {
                summary.accepted.rejected.add(row.fid, words(accepted));
                summary.note_unsure(accepted);
                true
            }
            RowAccepted::Ended(accepted) => {
                summary.acceptance_ended.add(row.fid, changed(accepted, row, plan.buckets));
                false
            }
        }
    }

    /// Ends the acceptance of a file that this record has proven since, whatever a verification has found
    /// later.
    pub(super) fn end_by_proof(&mut self, record: &LedgerRecord) {
        let accepted = self.accepted.get(&record.fid);
        if accepted.is_some_and(|one| one.file.is_proven_since(record)) {
            self.accepted.remove(&record.fid);
            self.ended.insert(record.fid, PROVEN_SINCE.to_owned());
        }
    }

    /// Counts an acceptance that is over: a proof ends it, too.
    pub(super) fn count_ended(&self, fid: Fid, verdict: FileVerdict, summary: &mut AuditSummary) {
        let is_proven = matches!(verdict, FileVerdict::Whole | FileVerdict::WithoutPass);
        match (self.ended.get(&fid), self.accepted.get(&fid)) {
            (Some(why), _) if is_proven => summary.acceptance_proven.add(fid, why),
            (Some(why), _) => summary.acceptance_ended.add(fid, why),
            (None, Some(_)) if is_proven => summary.acceptance_proven.add(fid, "it is proven"),
            (None, _) => {}
        }
    }

    /// Counts a file that is accepted and not proven.
    pub(super) fn count_accepted(&self, fid: Fid, summary: &mut AuditSummary) {
        let Some(accepted) = self.accepted.get(&fid) else { return };
        summary.accepted.files.add(fid, words(accepted));
        summary.accepted.without_record += u64::from(self.has_no_record(fid));
        summary.note_unsure(accepted);
    }
}

impl AuditSummary {
    fn note_unsure(&mut self, accepted: &Acceptance) {
        if let Since::Unknown(why) = &accepted.since {
            self.acceptance_unsure.add(accepted.file.fid, why);
        }
    }
}

fn words(Acceptance { reason, entry, .. }: &Acceptance) -> String {
    format!("{reason} (entry {entry} of the journal)")
}

fn reappeared(replica: &str) -> String {
    format!("{replica} gives its content again")
}

/// What ends an acceptance for good.
const PROVEN_SINCE: &str = "the ledger has proven its content since it was accepted";

/// What of a row is not as it was accepted.
fn changed(accepted: &Acceptance, row: &IndexRow, buckets: &BucketMap) -> String {
    let AcceptedFile { key, class, bucket, .. } = &accepted.file;
    if accepted.is_proven_since {
        return PROVEN_SINCE.to_owned();
    }
    let shown = |key: Option<&str>| key.map_or_else(|| "NULL".to_owned(), |key| format!("`{key}`"));
    let (before, now) = (shown(key.as_deref()), shown(row.dkey.as_deref()));
    if before == now && !accepted.file.is_of(buckets) {
        return match bucket {
            Some(bucket) => {
                format!(
                    "it was accepted for the S3 bucket `{bucket}`, and BUCKETS has another for it"
                )
            }
            None => "an earlier version accepted it, without the S3 bucket".to_owned(),
        };
    }
    if before == now {
        return format!("it was accepted as `{class}`, and its row is another one by now");
    }
    format!("it was accepted under the key {before}, and its key is {now} by now")
}
