//! What the ledger and the failures table say before a run: the only things kept of every file.

use std::sync::{Mutex, PoisonError};

use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;
use roaring::RoaringTreemap;

use super::rows::{Among, Selection};
use crate::known_files::KnownFilesBuilder;
use crate::ports::{Clock, FailureLog, Ledger, LedgerError, Segment, VerificationLog};
use crate::retried::retried;
use crate::{BucketMap, Fid, KnownFiles, LedgerItem, limits};

/// Segments in which the ledger is scanned side by side.
const SEGMENTS: u32 = 4;

/// Gives every item of the ledger to `each`, in no order.
pub async fn scan_ledger(
    ledger: &dyn Ledger,
    each: impl FnMut(LedgerItem) + Send,
) -> Result<(), LedgerError> {
    let each = &Mutex::new(each);
    let segments = (0..SEGMENTS).map(|number| async move {
        let mut take = |item: LedgerItem| {
            let mut each = each.lock().unwrap_or_else(PoisonError::into_inner);
            (*each)(item);
        };
        ledger.scan(Segment { number, of: SEGMENTS }, &mut take).await
    });
    segments.collect::<FuturesUnordered<_>>().try_collect().await
}

/// What is known of the files that a selection may take. Where few fids are named only these are
/// asked for; else both tables are read whole.
pub async fn known_files(
    (ledger, failures): (&dyn Ledger, &dyn FailureLog),
    clock: &dyn Clock,
    buckets: &BucketMap,
    selection: &Selection,
) -> Result<KnownFiles, LedgerError> {
    let mut known = KnownFilesBuilder::default();
    let is_mapped = |bucket: &_| buckets.pairs().any(|(_, mapped)| mapped == bucket);
    match &selection.only {
        Some(only) if only.len() <= limits::FIDS_READ_SINGLY => {
            let mut named = only.iter();
            loop {
                let fids: Vec<_> = named.by_ref().take(limits::LEDGER_READ).map(Fid).collect();
                let Some(first) = fids.first() else { break };
                for record in retried(clock, first.0, || ledger.read(&fids)).await? {
                    known.add_item(&Ok(record), is_mapped);
                }
                let failed = retried(clock, first.0, || failures.read(&fids)).await?;
                for record in &failed {
                    known.add_failure(record);
                }
            }
        }
        Some(_) | None => {
            scan_ledger(ledger, |item| known.add_item(&item, is_mapped)).await?;
            failures.scan(&mut |record| known.add_failure(&record)).await?;
        }
    }
    Ok(known.build())
}

/// The files that a verification has found whole already: none where all are to be looked at again.
/// The failures table tells which files have a failure record.
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
    let mut each = |record: crate::FailureRecord| {
        failed.insert(record.fid.0);
    };
    failures.scan(&mut each).await?;
    // A doubt is no reason to look at what this run has found whole since.
    Ok(KnownFiles { failed, ..known.build() })
}
