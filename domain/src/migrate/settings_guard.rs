//! Are the settings those of this store? Asked before a run is begun, and when it has read all.

use std::collections::{BTreeMap, BTreeSet};

use roaring::RoaringTreemap;

use super::rows::{Rows, Selection};
use crate::misconfigured::is_likely_a_mistake;
use crate::ports::{Clock, SourceIndex};
use crate::summary::Stopped;
use crate::{BucketMap, KnownFiles, Misconfigured, Moved, Reason, RowCounts, S3Bucket, Tally};

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
    let known = crate::retried::retried(clock, 0, || index.domains()).await;
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

/// Errors when many of the selected files are proven in buckets that the map does not name: the map
/// is more likely to be wrong, and all of them would be copied again. Those of `moved_from` may be.
///
/// Reads the index once more, but only where such proofs exist.
pub async fn refuse_moved_files(
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
    selection: &Selection,
    known: &KnownFiles,
    moved_from: &BTreeSet<S3Bucket>,
) -> Result<(), Stopped> {
    let elsewhere: Vec<_> =
        known.elsewhere.iter().filter(|(bucket, _)| !moved_from.contains(bucket)).collect();
    if elsewhere.is_empty() {
        return Ok(());
    }
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
        proven_in: from.to_string(),
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
