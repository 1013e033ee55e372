use std::sync::{Mutex, PoisonError};

use futures_util::TryStreamExt;
use futures_util::stream::FuturesUnordered;

use crate::LedgerItem;
use crate::ports::{Ledger, LedgerError, Segment};

/// The number of segments in which the ledger is scanned in parallel.
const SEGMENTS: u32 = 4;

/// Scans the ledger and passes every item to `each`, in no order.
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
