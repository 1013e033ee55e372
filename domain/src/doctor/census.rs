use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::arrived::{Arrivals, Arrived};
use super::contents::{Arrival, Contents};
use super::estimate::{RequestsNeeded, WriteSizes};
use crate::migrate::{Selection, require_domain, require_rows};
use crate::ports::{Clock, SourceIndex, UnreadableRow};
use crate::retried::retried;
use crate::summary::Sample;
use crate::{
    BucketMap, ByteCount, Dkey, Fid, IndexRow, MogileBucket, Reason, Rejection, RowClass,
    RowCounts, SourceFile, Stopped, Tally, limits,
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
    /// Rows that claim more bytes than any file can have that is written. Their bytes are in no sum, and
    /// where they are files to be migrated their requests are not either.
    pub too_long: Sample,
    /// Files to be migrated that have no replica, as the index counts them. None of them can be.
    pub without_replica: Sample,
    /// Files to be migrated that have a single replica.
    pub one_replica: Tally,
    /// The rejected rows whose keys would name their content if the SHA-1 were not in capitals.
    pub in_capitals: Sample,
    /// The rejected rows whose MogileFS bucket neither the map nor the ignored buckets name, by
    /// that bucket: the first thousand of such buckets in the order of the fids.
    pub unmapped: BTreeMap<String, Tally>,
    /// Those in any other such bucket.
    pub unmapped_others: Tally,
    /// MogileFS buckets that the map names and that no row is in. Only a whole count knows them.
    pub without_rows: BTreeSet<String>,
    /// The highest fid of the domain.
    pub highest_fid: Option<Fid>,
    /// Files that are too large for one PUT and are written in parts. They are part of `source`,
    /// too.
    pub in_parts: Tally,
    /// The requests that a first migration of all these files makes.
    pub requests_needed: RequestsNeeded,
    /// What of these files is in S3 already; [`None`] where S3 was not looked at.
    pub arrived: Option<Arrived>,
    /// Why the count ended early, or which setting makes it meaningless. [`None`] when the count is
    /// whole and the settings fit the index.
    pub stopped: Option<Stopped>,
}

/// The most buckets that [`Census::unmapped`] names.
const BUCKETS_NAMED: usize = 1_000;

/// Reads and counts all rows of the index, and asks no other system. With the `contents` of S3 it also
/// counts what is there already. An error of the index, or a
/// setting that does not fit the rows, is in [`Census::stopped`]; the counts are then those of the
/// rows read before.
pub async fn census(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    buckets: &BucketMap,
    sizes: WriteSizes,
    contents: Option<&Contents>,
) -> Census {
    let mut census = Census::default();
    let mut arrivals = contents.map(|contents| Arrivals::new(contents, sizes));
    let read = read_all((index, clock), buckets, sizes, &mut census, arrivals.as_mut()).await;
    census.stopped = read.err();
    census.arrived = arrivals.map(Arrivals::into_arrived);
    census
}

async fn read_all(
    (index, clock): (&dyn SourceIndex, &dyn Clock),
    buckets: &BucketMap,
    sizes: WriteSizes,
    census: &mut Census,
    mut arrivals: Option<&mut Arrivals<'_>>,
) -> Result<(), Stopped> {
    require_domain(index, clock).await?;
    let mut without_rows: BTreeSet<_> =
        buckets.pairs().map(|(bucket, _)| bucket.as_str().to_owned()).collect();
    let mut listed = BTreeSet::new();
    let mut next = Some(Fid(0));
    while let Some(after) = next {
        let page = retried(clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        census.other_domains += page.other_domains;
        let mut files = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            let (length, replicas) = (census.believed(&row), row.replicas);
            let class = row.classify(buckets);
            if !without_rows.is_empty()
                && let Some(bucket) = mapped_bucket(&class)
            {
                without_rows.remove(bucket.as_str());
            }
            if let Some(file) = census.count(row.fid, length, class) {
                if file.length.0 > limits::LARGEST_FILE_BYTES {
                    continue;
                }
                if file.length.0 > sizes.single_request_bytes {
                    census.in_parts.add(file.length);
                }
                match replicas {
                    Some(0) => census.without_replica.add(file.fid, &file.dkey),
                    Some(1) => census.one_replica.add(file.length),
                    Some(_) | None => {}
                }
                files.push(file);
            }
        }
        let first: Vec<_> = files.iter().map(|file| (file, Arrival::NOWHERE)).collect();
        census.requests_needed.add_page(&first, sizes, &mut listed);
        if let Some(arrivals) = &mut arrivals {
            arrivals.add_page(&files);
        }
        for UnreadableRow { fid, why } in page.unreadable {
            let class = RowClass::Rejected(Rejection::Unreadable(why));
            census.count(fid, ByteCount(0), class);
        }
        next = page.next;
    }
    census.without_rows = without_rows;
    require_rows((index, clock), buckets, &Selection::default(), &census.intake()).await
}

/// Whether this names content but for the capitals in its SHA-1.
fn is_in_capitals(key: &str) -> bool {
    let small = |(sha1, rest): (&str, &str)| format!("{}{rest}", sha1.to_ascii_lowercase());
    key.split_at_checked(40).map(small).is_some_and(|key| Dkey::parse(&key).is_some())
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

    /// The length of a row as it is counted: one that no written file can have is a finding.
    fn believed(&mut self, row: &IndexRow) -> ByteCount {
        let length = row.length.unwrap_or_default();
        if length.0 <= limits::LARGEST_FILE_BYTES {
            return length;
        }
        let key = row.dkey.as_deref().unwrap_or("no key");
        self.too_long.add(row.fid, format_args!("{key}: {length} bytes"));
        ByteCount(0)
    }

    /// Counts a row in its class. Returns it where it is a file to be migrated.
    fn count(&mut self, fid: Fid, length: ByteCount, class: RowClass) -> Option<SourceFile> {
        self.rows += 1;
        self.highest_fid = self.highest_fid.max(Some(fid));
        match class {
            RowClass::Source(file) => {
                match self.source.get_mut(file.bucket.as_str()) {
                    Some(tally) => tally.add(length),
                    None => self.source.entry(file.bucket.to_string()).or_default().add(length),
                }
                return Some(file);
            }
            RowClass::Temporary => self.temporary.add(length),
            RowClass::Ignored => self.ignored.add(length),
            RowClass::Rejected(why) => {
                self.rejected.entry(why.name()).or_default().add(fid, &why);
                if let Rejection::NotContentAddressed(key) = &why
                    && is_in_capitals(key)
                {
                    self.in_capitals.add(fid, key);
                }
                if let Rejection::UnmappedBucket(bucket) = why {
                    self.count_unmapped(bucket, length);
                }
            }
        }
        None
    }

    fn count_unmapped(&mut self, bucket: String, length: ByteCount) {
        if self.unmapped.len() < BUCKETS_NAMED || self.unmapped.contains_key(&bucket) {
            self.unmapped.entry(bucket).or_default().add(length);
        } else {
            self.unmapped_others.add(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_told_from_other_shapes() {
        for (key, is) in [
            ("F79BA8F5B9FECBEB8ACE12421C73D5198BEA6D05-repo", true),
            ("f79ba8f5b9fecbeb8ace12421c73d5198bea6D05-repo", true),
            ("F79BA8F5B9FECBEB8ACE12421C73D5198BEA6D05", false),
            ("F79BA8F5B9FECBEB8ACE12421C73D5198BEA6D0-repo", false),
            ("G79BA8F5B9FECBEB8ACE12421C73D5198BEA6D05-repo", false),
            ("\u{e4}79BA8F5B9FECBEB8ACE12421C73D5198BEA6D0-repo", false),
            ("pone.0012345.xml", false),
            ("", false),
        ] {
            assert_eq!(is_in_capitals(key), is, "{key}");
        }
    }

    #[test]
    fn a_thousand_buckets_are_counted_by_name_and_the_others_together() {
        let mut census = Census::default();
        for number in 0..1_100 {
            census.count_unmapped(format!("bucket-{number}"), ByteCount(1));
        }
        census.count_unmapped("bucket-7".to_owned(), ByteCount(1));
        assert_eq!(census.unmapped.len(), 1_000);
        assert_eq!(census.unmapped["bucket-7"].files, 2);
        assert_eq!(census.unmapped_others, Tally { files: 100, bytes: 100 });
    }
}
