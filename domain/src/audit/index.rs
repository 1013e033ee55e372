//! Reads the index: each row into its class, and of each file a fingerprint.

use super::compare::{AuditPlan, AuditPorts, AuditProgress, Comparison, of_index};
use super::expected::Fingerprint;
use super::row::{AuditedFile, AuditedRow, RejectedAs, content_of};
use super::summary::AuditSummary;
use crate::ports::IndexError;
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{Fid, IndexRow, Misconfigured, limits};

impl Comparison {
    pub(super) async fn read_index(
        &mut self,
        ports: &AuditPorts<'_>,
        plan: &AuditPlan<'_>,
        tell: &(dyn Fn(AuditProgress) + Sync),
    ) -> Result<(), Stopped> {
        let AuditPorts { index, clock, .. } = ports;
        let known = retried(*clock, 0, || index.domains()).await.map_err(|e| of_index(&e))?;
        let domain = index.domain().to_owned();
        if !known.contains(&domain) {
            return Err(Stopped::Misconfigured(Misconfigured::NoSuchDomain { domain, known }));
        }
        self.summary.count_before(ports).await;
        let (mut next, mut pages) = (Some(Fid(0)), 0_u64);
        while let Some(after) = next {
            let page = retried(*clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
            let page = page.map_err(|error| of_index(&error))?;
            self.summary.other_domains += page.other_domains;
            self.others.take(&page.of_others);
            let last = [
                page.rows.last().map(|row| row.fid),
                page.unreadable.last().map(|row| row.fid),
                page.of_others.last().map(|row| row.fid),
            ];
            self.last_row = last.into_iter().flatten().fold(self.last_row, Fid::max);
            for row in &page.rows {
                if !self.take_row(row, plan) {
                    let (at, fid) = (index.domain().to_owned(), row.fid);
                    let why = format!("fid {fid} does not come in ascending order");
                    return Err(of_index(&IndexError::BadAnswer { at, why }));
                }
            }
            for row in page.unreadable {
                self.summary.rows += 1;
                self.other_rows.insert(row.fid.0);
                if plan.excluded.contains(row.fid.0) {
                    self.summary.excluded += 1;
                    self.summary.excluded_unreadable += 1;
                    continue;
                }
                let sample = self.summary.rejected.entry(UNREADABLE_ROW).or_default();
                sample.add(row.fid, row.why);
            }
            next = page.next;
            pages += 1;
            if pages.is_multiple_of(PAGES_A_WORD) {
                tell(AuditProgress::Rows(self.summary.rows));
            }
        }
        self.others.sort();
        let AuditSummary { rows, other_domains, files, ref rejected, .. } = self.summary;
        let unread = rejected.get(UNREADABLE_ROW).map_or(0, |sample| sample.files);
        let without_length = rejected.contains_key(RejectedAs::NoLength.name());
        if rows == 0 {
            let empty = Misconfigured::EmptyDomain { domain, known, other_domains };
            return Err(Stopped::Misconfigured(empty));
        }
        // Also where every file is excluded: nothing would be compared.
        if files.files == 0 && rows > unread && !without_length {
            let mapped = plan.buckets.pairs().map(|(old, _)| old.to_string()).collect();
            return Err(Stopped::Misconfigured(Misconfigured::NothingMapped { rows, mapped }));
        }
        Ok(())
    }

    /// Counts a row in its class. False where its fid is not above those before it.
    fn take_row(&mut self, row: &IndexRow, plan: &AuditPlan<'_>) -> bool {
        let summary = &mut self.summary;
        summary.rows += 1;
        if plan.excluded.contains(row.fid.0) {
            summary.excluded += 1;
            self.other_rows.insert(row.fid.0);
            self.name_content(row, plan);
            return true;
        }
        match AuditedRow::of(row, plan.buckets) {
            AuditedRow::File(AuditedFile { fid, sha1, bucket, length, .. }) => {
                summary.files.add(length);
                summary.content.add(row);
                self.note_accepted_file(row, plan);
                return self.expected.add(fid, Fingerprint::of(&bucket, &sha1));
            }
            AuditedRow::Temporary => summary.temporary += 1,
            AuditedRow::Ignored => summary.ignored += 1,
            AuditedRow::Rejected(why) => {
                self.name_content(row, plan);
                if self.accepts_rejected(row, why, plan) {
                    self.other_rows.insert(row.fid.0);
                    return true;
                }
                let summary = &mut self.summary;
                let key = row.dkey.as_deref().unwrap_or("NULL");
                let sample = summary.rejected.entry(why.name()).or_default();
                sample.add(row.fid, format_args!("its key is `{key}`"));
            }
        }
        self.other_rows.insert(row.fid.0);
        true
    }
}

impl Comparison {
    /// Keeps the content that a row names which is no file that must be in S3: nothing withdraws it.
    fn name_content(&mut self, row: &IndexRow, plan: &AuditPlan<'_>) {
        let content = content_of(row, plan.buckets);
        self.also_named.extend(content.map(|(bucket, sha1)| Fingerprint::of(&bucket, &sha1)));
    }
}

impl AuditSummary {
    /// Asks the index for its own count, the second witness that every row was read.
    async fn count_before(&mut self, AuditPorts { index, clock, .. }: &AuditPorts<'_>) {
        match retried(*clock, 0, || index.count()).await {
            Ok(counted) => self.counted_before = counted,
            Err(error) => self.uncounted = Some(error.to_string()),
        }
    }

    /// Asks once more where fewer rows were read: some may have been deleted meanwhile.
    pub(super) async fn count_again(&mut self, AuditPorts { index, clock, .. }: &AuditPorts<'_>) {
        if self.counted_before.is_none_or(|counted| self.rows >= counted) {
            return;
        }
        match retried(*clock, 0, || index.count()).await {
            Ok(counted) => self.counted_after = counted,
            Err(error) => self.uncounted = Some(error.to_string()),
        }
    }
}

/// The name of rows that the index cannot give.
pub(super) const UNREADABLE_ROW: &str = "unreadable-row";

/// Pages between two words about how far the audit is.
const PAGES_A_WORD: u64 = 500;
