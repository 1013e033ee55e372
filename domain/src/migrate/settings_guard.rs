//! Are the settings those of this store? Asked before a run is begun, and when it has read all.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use roaring::RoaringTreemap;

use super::rows::{Rows, Selection};
use crate::misconfigured::is_likely_a_mistake;
use crate::ports::{Clock, IndexError, SourceIndex};
use crate::retried::retried;
use crate::summary::Stopped;
use crate::{
    BucketMap, Fid, KnownFiles, Misconfigured, Moved, Reason, RowClass, RowCounts, S3Bucket,
    Swapped, Tally, limits,
};

/// Errors when MogileFS does not have the configured domain.
pub async fn require_domain(index: &dyn SourceIndex, clock: &dyn Clock) -> Result<(), Stopped> {
    let known = domains(index, clock).await?;
    if known.iter().any(|name| name == index.domain()) {
        return Ok(());
    }
    let domain = index.domain().to_owned();
    Err(Stopped::Misconfigured(Misconfigured::NoSuchDomain { domain, known }))
}

async fn domains(index: &dyn SourceIndex, clock: &dyn Clock) -> Result<Vec<String>, Stopped> {
    let known = retried(clock, 0, || index.domains()).await;
    known.map_err(|error| Stopped::Trouble(Reason::from(&error)))
}

/// Errors when all rows have been read and none of them means anything: the selection or the domain
/// has none, or no bucket of theirs is mapped.
pub async fn require_rows(
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
    selection: &Selection,
    intake: &RowCounts,
) -> Result<(), Stopped> {
    let misconfigured = if !selection.is_whole() {
        // Fids that were named one by one are absent, and told.
        if intake.rows > 0 || intake.absent.files > 0 {
            return Ok(());
        }
        Misconfigured::NothingSelected { domain: index.domain().to_owned() }
    } else if intake.rows == 0 {
        Misconfigured::EmptyDomain {
            domain: index.domain().to_owned(),
            known: domains(index, clock).await?,
            other_domains: intake.other_domains,
        }
    } else if intake.nothing_is_mapped() {
        let mapped = buckets.pairs().map(|(old, _)| old.to_string()).collect();
        Misconfigured::NothingMapped { rows: intake.rows, mapped }
    } else {
        return Ok(());
    };
    Err(Stopped::Misconfigured(misconfigured))
}

/// Errors when the map takes many files to other buckets than those in which they are proven: the map
/// is more likely to be wrong, and all of them would be written again. Those of `moved_from` may be.
pub async fn refuse_moved_files(
    source: (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
    selection: &Selection,
    known: &KnownFiles,
    moved_from: &BTreeSet<S3Bucket>,
) -> Result<(), Stopped> {
    let recorded = known.recorded_in.iter().filter(|(bucket, _)| !moved_from.contains(bucket));
    let (named, unnamed): (Vec<_>, Vec<_>) =
        recorded.partition(|(bucket, _)| buckets.pairs().any(|(_, mapped)| mapped == *bucket));
    // Where few files were named only their records are known, and one that was renamed in MogileFS is
    // no sign of a wrong map.
    let only = selection.only.as_ref().map_or(u64::MAX, RoaringTreemap::len);
    let least =
        if only <= limits::FIDS_READ_SINGLY { limits::PROVEN_FILES_LOOKED_AT / 2 } else { 1 };
    let all = known.recorded_in.values().map(RoaringTreemap::len).sum();
    refuse_swapped(source, buckets, named, (all, least)).await?;
    if unnamed.is_empty() {
        return Ok(());
    }
    refuse_unnamed(source, buckets, selection, unnamed).await
}

/// A bucket with the fids of the files that the ledger has in it.
type RecordedIn<'a> = (&'a S3Bucket, &'a RoaringTreemap);

/// Errors when names of the map were swapped: it still names the bucket of the records, for other
/// files. A few rows of each bucket show that, but no fewer than `least`.
async fn refuse_swapped(
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
    recorded: Vec<RecordedIn<'_>>,
    (all, least): (u64, u64),
) -> Result<(), Stopped> {
    let mut swapped = Vec::new();
    for (bucket, fids) in recorded {
        let rows = stream::iter(spread(fids, limits::PROVEN_FILES_LOOKED_AT))
            .map(|fid| retried(clock, fid, move || index.row(Fid(fid))))
            .buffered(limits::LOOKUPS_AT_ONCE);
        let rows: Vec<_> = rows.collect().await;
        let (mut looked_at, mut moved) = (0, BTreeMap::<S3Bucket, u64>::new());
        for row in rows {
            let row = match row {
                Err(IndexError::UnreadableRow { .. }) | Ok(None) => continue,
                Err(error) => return Err(Stopped::Trouble(Reason::from(&error))),
                Ok(Some(row)) => row,
            };
            if let RowClass::Source(file) = row.classify(buckets) {
                looked_at += 1;
                if file.bucket != *bucket {
                    *moved.entry(file.bucket).or_default() += 1;
                }
            }
        }
        let Some((mapped_to, most)) = moved.into_iter().max_by_key(|(_, files)| *files) else {
            continue;
        };
        let files = fids.len();
        if looked_at >= least && most * 2 > looked_at && is_likely_a_mistake(files, all) {
            let (recorded_in, mapped_to) = (bucket.to_string(), mapped_to.to_string());
            swapped.push(Swapped { recorded_in, mapped_to, files, looked_at, moved: most });
        }
    }
    if swapped.is_empty() {
        return Ok(());
    }
    Err(Stopped::Misconfigured(Misconfigured::Swapped(swapped)))
}

/// At most `most` of these fids, spread evenly over all of them.
fn spread(fids: &RoaringTreemap, most: u64) -> Vec<u64> {
    let (all, most) = (fids.len(), most.min(fids.len()));
    (0..most).filter_map(|number| fids.select(number * all / most)).collect()
}

/// Errors when many of the selected files are proven in buckets that the map does not name. Reads the
/// index once more.
async fn refuse_unnamed(
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
    selection: &Selection,
    elsewhere: Vec<RecordedIn<'_>>,
) -> Result<(), Stopped> {
    let nothing = KnownFiles::default();
    // What is excluded counts too: a list of what is proven would hide all that has moved.
    let selection = Selection { without: RoaringTreemap::new(), ..selection.clone() };
    let rows = Rows::new(index, clock, buckets, &selection, &nothing);
    let (mut files, mut moved) = (0_u64, BTreeMap::<(&S3Bucket, S3Bucket), Tally>::new());
    let mut next = Some(rows.begin());
    while let Some(after) = next {
        let page = rows.page(after).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        for file in page.files {
            files += 1;
            if let Some((from, _)) = elsewhere.iter().find(|(_, fids)| fids.contains(file.fid.0)) {
                moved.entry((from, file.bucket)).or_default().add(file.length);
            }
        }
        next = page.next;
    }
    let all: u64 = moved.values().map(|tally| tally.files).sum();
    if !is_likely_a_mistake(all, files) {
        return Ok(());
    }
    let moved = moved.into_iter().map(|((from, to), files)| Moved {
        recorded_in: from.to_string(),
        mapped_to: to.to_string(),
        files,
    });
    Err(Stopped::Misconfigured(Misconfigured::Moved(moved.collect())))
}

/// The index's own count, where it can be had: it is for the eye, and stops nothing. Else why not.
pub async fn count_for_the_eye(index: &dyn SourceIndex) -> (Option<u64>, Option<String>) {
    match index.count().await {
        Ok(count) => (count, None),
        Err(error) => (None, Some(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fids_are_looked_at_over_the_whole_range() {
        let fids = |list: std::ops::Range<u64>| list.collect::<RoaringTreemap>();
        for (all, most, looked_at) in [
            (fids(0..0), 4, &[][..]),
            (fids(7..8), 4, &[7]),
            (fids(10..13), 4, &[10, 11, 12]),
            (fids(0..100), 4, &[0, 25, 50, 75]),
            (fids(u64::MAX - 9..u64::MAX), 2, &[u64::MAX - 9, u64::MAX - 5]),
        ] {
            assert_eq!(spread(&all, most), looked_at, "{most} of {all:?}");
        }
    }
}
