//! A second read of the index, which names each file with what the comparison says of it.

use super::compare::{AuditPlan, AuditPorts, Comparison, FileVerdict, of_index};
use super::row::{AuditedFile, AuditedRow, RejectedAs};
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{Fid, RowAccepted, limits};

/// One row that must be a file in S3, or would have to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListedFile {
    /// A file, with what is said of it.
    Judged(AuditedFile, FileVerdict),
    /// A file whose row was written or changed while the audit ran.
    Changed(AuditedFile),
    /// A row from which no file can be migrated, with its key.
    Rejected(Fid, RejectedAs, Option<String>),
    /// A row from which no file can be migrated, with its key, that an operator accepts.
    AcceptedRow(Fid, RejectedAs, Option<String>),
    /// A row that the index cannot give.
    Unreadable(Fid),
}

/// Passes every file of the index to `each`, ascending by fid, until `each` errors.
pub async fn list_files<E>(
    comparison: &Comparison,
    AuditPorts { index, clock, .. }: &AuditPorts<'_>,
    plan: &AuditPlan<'_>,
    mut each: impl FnMut(ListedFile) -> Result<(), E>,
) -> Result<Result<(), E>, Stopped> {
    let mut next = Some(Fid(0));
    while let Some(after) = next {
        let page = retried(*clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(|error| of_index(&error))?;
        next = page.next;
        let unreadable = page.unreadable.into_iter().map(|row| ListedFile::Unreadable(row.fid));
        let rows = page.rows.into_iter().filter(|row| !plan.excluded.contains(row.fid.0));
        let files = rows.filter_map(|row| match AuditedRow::of(&row, plan.buckets) {
            AuditedRow::File(file) => Some(match comparison.verdict_of(&file) {
                Some(verdict) => ListedFile::Judged(file, verdict),
                None => ListedFile::Changed(file),
            }),
            AuditedRow::Rejected(why) => {
                let (key, buckets) = (row.dkey.as_deref(), plan.buckets);
                let of_row = plan.accepted.of_row(row.fid, key, why.name(), buckets);
                Some(match of_row {
                    RowAccepted::Yes(accepted) if !accepted.is_over() => {
                        ListedFile::AcceptedRow(row.fid, why, row.dkey)
                    }
                    RowAccepted::Yes(_) | RowAccepted::No | RowAccepted::Ended(_) => {
                        ListedFile::Rejected(row.fid, why, row.dkey)
                    }
                })
            }
            AuditedRow::Temporary | AuditedRow::Ignored => None,
        });
        for file in files.chain(unreadable) {
            if let Err(error) = each(file) {
                return Ok(Err(error));
            }
        }
    }
    Ok(Ok(()))
}
