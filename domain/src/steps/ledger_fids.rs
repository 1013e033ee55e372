//! The fids in the ledger, compressed: the only thing that is kept of every file.

use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;
use roaring::RoaringTreemap;

use super::retried::retried;
use super::rows::{Among, Selection};
use crate::ports::{Clock, Ledger, LedgerError, Segment};
use crate::{Fid, LedgerRecord, limits};

/// Segments in which the ledger is scanned side by side.
const SEGMENTS: u32 = 4;

/// Folds all records of the ledger, in no order: `add` one to what there is of its segment, and
/// `join` what there is of two.
pub(super) async fn fold_records<T: Default + Send>(
    ledger: &dyn Ledger,
    add: impl Fn(&mut T, &LedgerRecord) + Copy + Send + Sync,
    join: impl Fn(T, T) -> T,
) -> Result<T, LedgerError> {
    let segments = (0..SEGMENTS).map(|number| async move {
        let mut all = T::default();
        let mut take = |record: LedgerRecord| add(&mut all, &record);
        ledger.scan(Segment { number, of: SEGMENTS }, &mut take).await?;
        Ok(all)
    });
    let parts: Vec<T> = segments.collect::<FuturesUnordered<_>>().try_collect().await?;
    Ok(parts.into_iter().fold(T::default(), join))
}

/// The fids whose records `keep` keeps.
pub async fn ledger_fids(
    ledger: &dyn Ledger,
    keep: fn(&LedgerRecord) -> bool,
) -> Result<RoaringTreemap, LedgerError> {
    let add = |fids: &mut RoaringTreemap, record: &LedgerRecord| {
        if keep(record) {
            fids.insert(record.fid.0);
        }
    };
    fold_records(ledger, add, |one, other| one | other).await
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
