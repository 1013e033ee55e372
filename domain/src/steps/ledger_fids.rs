//! The fids in the ledger, compressed: the only thing that is kept of every file.

use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;
use roaring::RoaringTreemap;

use super::retried::retried;
use super::rows::{Among, Selection};
use crate::ports::{Clock, Ledger, LedgerError, Segment};
use crate::{Fid, LedgerRecord, limits};

/// Segments in which the ledger is scanned side by side.
pub(super) const SEGMENTS: u32 = 4;

/// The fids whose records `keep` keeps.
pub async fn ledger_fids(
    ledger: &dyn Ledger,
    keep: fn(&LedgerRecord) -> bool,
) -> Result<RoaringTreemap, LedgerError> {
    let segments = (0..SEGMENTS).map(|number| async move {
        let mut fids = RoaringTreemap::new();
        let mut take = |record: LedgerRecord| {
            if keep(&record) {
                fids.insert(record.fid.0);
            }
        };
        ledger.scan(Segment { number, of: SEGMENTS }, &mut take).await?;
        Ok(fids)
    });
    let parts = segments.collect::<FuturesUnordered<_>>();
    parts.try_fold(RoaringTreemap::new(), |all, part| async move { Ok(all | part) }).await
}

/// The files that a selection passes over because they are proven: none where all are to be taken
/// again. Where few fids are named only these are asked for; else the whole ledger is read.
pub async fn proven_fids(
    ledger: &dyn Ledger,
    clock: &dyn Clock,
    selection: &Selection,
) -> Result<RoaringTreemap, LedgerError> {
    let is_proven = |record: &LedgerRecord| record.proof.is_some();
    match (selection.among, &selection.only) {
        (Among::Again, _) => Ok(RoaringTreemap::new()),
        (Among::Pending, Some(only)) if only.len() <= limits::FIDS_READ_SINGLY => {
            let mut proven = RoaringTreemap::new();
            let (mut named, mut fids) = (only.iter(), Vec::new());
            loop {
                fids.clear();
                fids.extend(named.by_ref().take(limits::LEDGER_READ).map(Fid));
                let Some(first) = fids.first() else { return Ok(proven) };
                let records = retried(clock, first.0, || ledger.read(&fids)).await?;
                proven.extend(records.iter().filter(|r| is_proven(r)).map(|r| r.fid.0));
            }
        }
        (Among::Pending, _) => ledger_fids(ledger, is_proven).await,
    }
}
