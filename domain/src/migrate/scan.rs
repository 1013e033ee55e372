//! Reads the ledger and the failures table before a run. Their result is all that a run keeps in
//! memory about every file.

use roaring::RoaringTreemap;

use super::rows::{Among, Selection};
use crate::known_files::KnownFilesBuilder;
use crate::ledger_scan::scan_ledger;
use crate::ports::{Clock, FailureLog, Ledger, LedgerError, VerificationLog};
use crate::retried::retried;
use crate::{FailureItem, Fid, KnownFiles, limits};

/// Reads what the tables say about the files that a selection may take. Where few fids are named
/// (at most [`limits::FIDS_READ_SINGLY`]) only their items are read, otherwise both tables are
/// scanned.
pub async fn known_files(
    (ledger, failures): (&dyn Ledger, &dyn FailureLog),
    clock: &dyn Clock,
    selection: &Selection,
) -> Result<KnownFiles, LedgerError> {
    let mut known = KnownFilesBuilder::default();
    match &selection.only {
        Some(only) if only.len() <= limits::FIDS_READ_SINGLY => {
            let mut named = only.iter();
            loop {
                let fids: Vec<_> = named.by_ref().take(limits::LEDGER_READ).map(Fid).collect();
                let Some(first) = fids.first() else { break };
                for record in retried(clock, first.0, || ledger.read(&fids)).await? {
                    known.add_item(&Ok(record));
                }
                let failed = retried(clock, first.0, || failures.read(&fids)).await?;
                for item in &failed {
                    known.add_failure(item);
                }
            }
        }
        Some(_) | None => {
            scan_ledger(ledger, |item| known.add_item(&item)).await?;
            failures.scan(&mut |item| known.add_failure(&item)).await?;
        }
    }
    Ok(known.build())
}

/// Reads which files the verification `run` has already found whole; with [`Among::Again`] none
/// count as such. It also scans the failures table for the files that have a failure record.
pub async fn verified_files(
    (verifications, failures): (&dyn VerificationLog, &dyn FailureLog),
    run: &str,
    among: Among,
) -> Result<KnownFiles, LedgerError> {
    let mut known = KnownFilesBuilder::default();
    if among == Among::Pending {
        let mut each = |file| known.add_verified(&file);
        verifications.verified(run, &mut each).await?;
    }
    let mut failed = RoaringTreemap::new();
    let mut each = |item: FailureItem| {
        let fid = item.map_or_else(|unreadable| unreadable.fid, |record| Some(record.fid));
        failed.extend(fid.map(|fid| fid.0));
    };
    failures.scan(&mut each).await?;
    // A file that this run has found whole is not looked at again because of an older doubt.
    Ok(KnownFiles { failed, ..known.build() })
}
