use std::collections::BTreeMap;
use std::time::Duration;

use crate::ledger_scan::scan_ledger;
use crate::migrate::{count_for_the_eye, require_domain};
use crate::outlook::{Failing, LedgerCounts, QueueSnapshot, RecordedLately};
use crate::ports::{Clock, Ledger, LedgerError, SourceIndex, WatchPorts};
use crate::retried::retried;
use crate::{BucketMap, FailureItem, LedgerItem, Reason, Stopped, Timestamp, UnreadableItem};

use super::dead_letters::UNREADABLE_FAILURE;

/// How far work has come that goes on elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What can be seen.
    pub sight: QueueSnapshot,
    /// Files recorded in [`RATE_OVER`], where the ledger was read and there were any.
    pub recorded_lately: Option<RecordedLately>,
}

/// Files that were recorded longer ago say nothing of the rate.
pub const RATE_OVER: Duration = Duration::from_mins(5);

/// Looks at queue, dead letters and failures; and, with `count`, at every record of the ledger and
/// at how many rows the index has. Errors where one of the first cannot be read, or MogileFS does not
/// have the index's domain.
pub async fn look_around(
    ports: &WatchPorts,
    count: Option<(&dyn SourceIndex, &BucketMap)>,
) -> Result<Progress, Stopped> {
    let clock = ports.clock.as_ref();
    let queue = retried(clock, 0, || ports.queue.depth()).await.map_err(|e| trouble(&e))?;
    let dead = retried(clock, 1, || ports.dead_letters.depth()).await.map_err(|e| trouble(&e))?;
    let mut failing: BTreeMap<String, Failing> = BTreeMap::new();
    let mut take = |item: FailureItem| match item {
        Ok(record) => failing.entry(record.reason.clone()).or_default().add(&record),
        Err(UnreadableItem { fid, why }) => {
            let files = &mut failing.entry(UNREADABLE_FAILURE.to_owned()).or_default().files;
            match fid {
                Some(fid) => files.add(fid, why),
                None => files.add_nameless(why),
            }
        }
    };
    ports.failures.scan(&mut take).await.map_err(|error| trouble(&error))?;
    let at = clock.now();
    let mut progress = Progress {
        sight: QueueSnapshot {
            queue,
            dead_letters: dead.all(),
            failing,
            ledger: None,
            rows: None,
            uncounted: None,
            at,
        },
        recorded_lately: None,
    };
    if let Some((index, buckets)) = count {
        (progress.sight.rows, progress.sight.uncounted) = count_of(index, clock).await?;
        let counts = count_records(ports.ledger.as_ref(), buckets, at).await;
        let (counts, lately) = counts.map_err(|error| trouble(&error))?;
        (progress.sight.ledger, progress.recorded_lately) = (Some(counts), lately);
    }
    Ok(progress)
}

/// The index's rows; or why it could not be counted. Errors where MogileFS does not have the domain.
async fn count_of(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
) -> Result<(Option<u64>, Option<String>), Stopped> {
    match require_domain(index, clock).await {
        Ok(()) => Ok(count_for_the_eye(index).await),
        Err(Stopped::Trouble(reason)) => Ok((None, Some(reason.detail))),
        Err(stopped) => Err(stopped),
    }
}

fn trouble<'a, E>(error: &'a E) -> Stopped
where
    Reason: From<&'a E>,
{
    Stopped::Trouble(Reason::from(error))
}

/// The ledger's items by what they are; and those that are not older than [`RATE_OVER`].
async fn count_records(
    ledger: &dyn Ledger,
    buckets: &BucketMap,
    now: Timestamp,
) -> Result<(LedgerCounts, Option<RecordedLately>), LedgerError> {
    let since = now.0.saturating_sub(RATE_OVER.as_secs() * 1000);
    let (mut counts, mut lately) = (LedgerCounts::default(), None);
    scan_ledger(ledger, |item: LedgerItem| match item {
        Err(unreadable) => match unreadable.fid {
            Some(fid) => counts.unreadable.add(fid, &unreadable),
            None => counts.unreadable.add_nameless(&unreadable),
        },
        Ok(record) if record.proof.is_none() => counts.claimed += 1,
        Ok(record) => {
            if let Some(at) = record.migrated_at.filter(|at| at.0 >= since) {
                RecordedLately::add(&mut lately, at);
            }
            if buckets.pairs().any(|(_, bucket)| *bucket == record.bucket) {
                counts.proven += 1;
            } else {
                *counts.elsewhere.entry(record.bucket.to_string()).or_default() += 1;
            }
        }
    })
    .await?;
    Ok((counts, lately))
}
