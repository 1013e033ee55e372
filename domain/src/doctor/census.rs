use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::migrate::{Selection, require_domain, require_rows};
use crate::ports::{Clock, SourceIndex, UnreadableRow};
use crate::retried::retried;
use crate::summary::Sample;
use crate::{
    BucketMap, ByteCount, Dkey, Fid, MogileBucket, Reason, Rejection, RowClass, RowCounts, Stopped,
    Tally, limits,
};

/// The whole index, counted by class and bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// Rows of the configured domain.
    pub rows: u64,
    /// Rows of other domains; not part of `rows`.
    pub other_domains: u64,
    /// Files to be migrated, by the S3 bucket that they go to.
    pub source: BTreeMap<String, Tally>,
    /// `{uuid}.tmp` rows.
    pub temporary: Tally,
    /// Rows of ignored buckets.
    pub ignored: Tally,
    /// Rows that cannot be migrated as they stand, by reason.
    pub rejected: BTreeMap<&'static str, Sample>,
    /// The rejected rows whose MogileFS bucket neither the map nor the ignored buckets name, by
    /// that bucket. Where there are very many such buckets, only the first ones in the order of the
    /// fids are counted here.
    pub unmapped: BTreeMap<String, Tally>,
    /// MogileFS buckets that the map names and that no row is in. Only a whole count knows them.
    pub without_rows: BTreeSet<String>,
    /// The highest fid of the domain.
    pub highest_fid: Option<Fid>,
    /// Files that are too large for one PUT and are written in parts. They are part of `source`,
    /// too.
    pub in_parts: Tally,
    /// Why the count ended early, or which setting makes it meaningless. [`None`] when the count is
    /// whole and the settings fit the index.
    pub stopped: Option<Stopped>,
}

/// The most buckets that [`Census::unmapped`] names.
const BUCKETS_NAMED: usize = 20;

/// Reads and counts all rows of the index, and asks no other system. An error of the index, or a
/// setting that does not fit the rows, is in [`Census::stopped`]; the counts are then those of the
/// rows read before.
pub async fn census(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    buckets: &BucketMap,
    single_request_bytes: u64,
) -> Census {
    let mut census = Census::default();
    let read = read_all(index, clock, buckets, single_request_bytes, &mut census).await;
    census.stopped = read.err();
    census
}

async fn read_all(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    buckets: &BucketMap,
    single_request_bytes: u64,
    census: &mut Census,
) -> Result<(), Stopped> {
    require_domain(index, clock).await?;
    let mut without_rows: BTreeSet<_> =
        buckets.pairs().map(|(bucket, _)| bucket.as_str().to_owned()).collect();
    let mut next = Some(Fid(0));
    while let Some(after) = next {
        let page = retried(clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        census.other_domains += page.other_domains;
        for row in page.rows {
            let length = row.length.unwrap_or_default();
            let class = row.classify(buckets);
            if !without_rows.is_empty()
                && let Some(bucket) = mapped_bucket(&class)
            {
                without_rows.remove(bucket.as_str());
            }
            census.count(row.fid, length, class, single_request_bytes);
        }
        for UnreadableRow { fid, why } in page.unreadable {
            let class = RowClass::Rejected(Rejection::Unreadable(why));
            census.count(fid, ByteCount(0), class, single_request_bytes);
        }
        next = page.next;
    }
    census.without_rows = without_rows;
    require_rows((index, clock), buckets, &Selection::default(), &census.intake()).await
}

/// The bucket of a row that the map has a place for, whether it can be migrated or not.
fn mapped_bucket(class: &RowClass) -> Option<MogileBucket> {
    match class {
        RowClass::Source(file) => Some(file.dkey.bucket.clone()),
        RowClass::Rejected(Rejection::NoLength(key)) => Dkey::parse(key).map(|dkey| dkey.bucket),
        RowClass::Temporary | RowClass::Ignored | RowClass::Rejected(_) => None,
    }
}

impl Census {
    /// The counts as a run would report them.
    fn intake(&self) -> RowCounts {
        RowCounts {
            rows: self.rows,
            other_domains: self.other_domains,
            temporary: self.temporary.files,
            ignored: self.ignored.files,
            rejected: self.rejected.clone(),
            ..RowCounts::default()
        }
    }

    fn count(&mut self, fid: Fid, length: ByteCount, class: RowClass, single_request_bytes: u64) {
        self.rows += 1;
        self.highest_fid = self.highest_fid.max(Some(fid));
        match class {
            RowClass::Source(file) => {
                self.source.entry(file.bucket.to_string()).or_default().add(length);
                if length.0 > single_request_bytes {
                    self.in_parts.add(length);
                }
            }
            RowClass::Temporary => self.temporary.add(length),
            RowClass::Ignored => self.ignored.add(length),
            RowClass::Rejected(why) => {
                self.rejected.entry(why.name()).or_default().add(fid, &why);
                if let Rejection::UnmappedBucket(bucket) = why {
                    self.count_unmapped(bucket, length);
                }
            }
        }
    }

    fn count_unmapped(&mut self, bucket: String, length: ByteCount) {
        if self.unmapped.len() < BUCKETS_NAMED || self.unmapped.contains_key(&bucket) {
            self.unmapped.entry(bucket).or_default().add(length);
        }
    }
}
