use std::collections::BTreeMap;
use std::time::Duration;

use super::WatchPorts;
use super::ledger_fids::fold_records;
use super::retried::retried;
use crate::outlook::{Failing, Sight};
use crate::ports::{Ledger, LedgerError, SourceIndex, Timestamp};
use crate::{FailureRecord, LedgerRecord, Reason};

/// How far work has come that goes on elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What can be seen.
    pub sight: Sight,
    /// Files recorded in [`RATE_OVER`], where the ledger was read.
    pub recorded_lately: Option<u64>,
}

/// The time over which the rate is told.
pub const RATE_OVER: Duration = Duration::from_mins(5);

/// Looks at queue, dead letters and failures; and, with `count`, at every record of the ledger and
/// at how many rows the index has.
pub async fn look_around(
    ports: &WatchPorts,
    count: Option<&dyn SourceIndex>,
) -> Result<Progress, Reason> {
    let clock = ports.clock.as_ref();
    let queue = retried(clock, 0, || ports.queue.depth()).await.map_err(|e| Reason::from(&e))?;
    let dead =
        retried(clock, 1, || ports.dead_letters.depth()).await.map_err(|e| Reason::from(&e))?;
    let mut failing: BTreeMap<String, Failing> = BTreeMap::new();
    let mut take = |record: FailureRecord| {
        failing.entry(record.reason.clone()).or_default().add(&record);
    };
    ports.failures.scan(&mut take).await.map_err(|error| Reason::from(&error))?;
    let at = clock.now();
    let (mut rows, mut counted) = (None, None);
    if let Some(index) = count {
        rows = retried(clock, 2, || index.count()).await.map_err(|e| Reason::from(&e))?;
        let all = count_records(ports.ledger.as_ref(), at).await;
        counted = Some(all.map_err(|error| Reason::from(&error))?);
    }
    let proven = counted.map(|(proven, _)| proven);
    let dead_letters = dead.all();
    Ok(Progress {
        sight: Sight { queue, dead_letters, failing, proven, rows, at },
        recorded_lately: counted.map(|(_, lately)| lately),
    })
}

/// Proven records, and those among them that are not older than [`RATE_OVER`].
async fn count_records(ledger: &dyn Ledger, now: Timestamp) -> Result<(u64, u64), LedgerError> {
    let since = now.0.saturating_sub(RATE_OVER.as_secs() * 1000);
    let add = |(proven, lately): &mut (u64, u64), record: &LedgerRecord| {
        if record.proof.is_some() {
            *proven += 1;
            *lately += u64::from(record.migrated_at.is_some_and(|at| at.0 >= since));
        }
    };
    fold_records(ledger, add, |one, other| (one.0 + other.0, one.1 + other.1)).await
}
