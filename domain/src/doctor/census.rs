use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::alike::Candidates;
use super::arrived::{Arrivals, Arrived};
use super::contents::{Arrival, Contents};
use super::estimate::{RequestsNeeded, WriteSizes};
use crate::migrate::{Selection, require_domain, require_rows};
use crate::ports::{Clock, SourceIndex, UnreadableRow};
use crate::retried::retried;
use crate::summary::Sample;
use crate::{
    BucketMap, ByteCount, Dkey, Fid, IndexRow, MogileBucket, Reason, Rejection, RowClass,
    RowCounts, SourceFile, Stopped, StorageClass, StorageClasses, Tally, limits,
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
    /// Files to be migrated that have a replica, and fewer than the `mindevcount` of their storage
    /// class; [`None`] where the classes were not read. A file with a single replica can be one of
    /// them. MogileFS can give each of them.
    pub below_mindevcount: Option<Sample>,
    /// Files to be migrated that have a replica, and whose storage class the domain does not have, so
    /// that nothing says how many replicas they should have.
    pub unknown_class: Sample,
    /// Why the storage classes could not be read. All other counts do not depend on them.
    pub classes_unread: Option<String>,
    /// The rejected rows whose keys would name their content if the SHA-1 were not in capitals.
    pub in_capitals: Sample,
    /// The keys that may have a twin in other case. [`Candidates::look_up`] looks for it.
    #[serde(skip)]
    pub alike: Candidates,
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
    let classes = census.read_classes(index, clock).await;
    census.alike = Candidates::of(buckets);
    let mut without_rows: BTreeSet<_> =
        buckets.pairs().map(|(bucket, _)| bucket.as_str().to_owned()).collect();
    let mut next = Some(Fid(0));
    while let Some(after) = next {
        let page = retried(clock, after.0, || index.page(after, limits::PAGE_ROWS)).await;
        let page = page.map_err(|error| Stopped::Trouble(Reason::from(&error)))?;
        census.other_domains += page.other_domains;
        let mut files = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            let length = census.believed(&row);
            if let Some(key) = &row.dkey {
                census.alike.add(row.fid, key, buckets);
            }
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
                let class = row.storage_class.as_ref();
                census.count_replicas(&file, row.replicas, class, classes.as_ref());
                files.push(file);
            }
        }
        let at_first =
            |file| arrivals.as_ref().map_or(Arrival::NOWHERE, |it| it.at_the_start(file));
        let first: Vec<_> = files.iter().map(|file| (file, at_first(file))).collect();
        census.requests_needed.add_page(&first, sizes);
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

    /// Reads the storage classes, or notes why they cannot be read.
    async fn read_classes(
        &mut self,
        index: &dyn SourceIndex,
        clock: &dyn Clock,
    ) -> Option<StorageClasses> {
        match retried(clock, 0, || index.storage_classes()).await {
            Ok(classes) => {
                self.below_mindevcount = Some(Sample::default());
                Some(classes)
            }
            Err(error) => {
                self.classes_unread = Some(error.to_string());
                None
            }
        }
    }

    /// Counts a file to be migrated by the number of its replicas, where the index tells it.
    fn count_replicas(
        &mut self,
        file: &SourceFile,
        replicas: Option<u64>,
        class: Option<&StorageClass>,
        classes: Option<&StorageClasses>,
    ) {
        let (fid, dkey) = (file.fid, &file.dkey);
        let replicas = match replicas {
            None => return,
            Some(0) => return self.without_replica.add(fid, dkey),
            Some(replicas) => replicas,
        };
        if replicas == 1 {
            self.one_replica.add(file.length);
        }
        let Some(classes) = classes else { return };
        let Some(class) = class else {
            return self.unknown_class.add(fid, format_args!("{dkey} (no class)"));
        };
        match classes.mindevcount(class) {
            None => self.unknown_class.add(fid, format_args!("{dkey} (class {class})")),
            Some(least) if replicas < least => {
                let words = format_args!("{dkey} (class {class}: {replicas} of {least} replicas)");
                self.below_mindevcount.get_or_insert_default().add(fid, words);
            }
            Some(_) => {}
        }
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
    use crate::S3Bucket;
    use crate::StorageClass::Numbered;

    const KEY: &str = "4cb62c588ecdb941e92cbb85cdcb282f0fec0c77-repo";

    fn named(name: &str) -> StorageClass {
        StorageClass::Named(name.to_owned())
    }

    /// A letter for each count that a file is in: `0` no replica, `1` a single one, `b` below the
    /// `mindevcount` of its class, `u` of an unknown class.
    fn counted_in(
        replicas: Option<u64>,
        class: Option<&StorageClass>,
        classes: Option<&StorageClasses>,
    ) -> (String, Census) {
        let bucket = S3Bucket::new("new-repo").expect("a name");
        let dkey = Dkey::parse(KEY).expect("a key");
        let file = SourceFile::new(Fid(7), dkey, ByteCount(5), bucket);
        let mut census = Census::default();
        census.count_replicas(&file, replicas, class, classes);
        let below = census.below_mindevcount.as_ref().map_or(0, |below| below.files);
        let counts = [
            ('0', census.without_replica.files),
            ('1', census.one_replica.files),
            ('b', below),
            ('u', census.unknown_class.files),
        ];
        (counts.into_iter().filter(|(_, files)| *files > 0).map(|(name, _)| name).collect(), census)
    }

    #[test]
    fn replicas_are_compared_with_the_mindevcount_of_the_files_own_class() {
        let classes = [(Numbered(0), 2), (Numbered(1), 3), (Numbered(2), 1), (named("default"), 2)];
        let classes = StorageClasses::from_iter(classes);
        for (class, counts) in [
            // By the number of replicas: 0, 1, 2, 3.
            (Some(Numbered(0)), ["0", "1b", "", ""]),
            (Some(Numbered(1)), ["0", "1b", "b", ""]),
            (Some(Numbered(2)), ["0", "1", "", ""]),
            (Some(named("default")), ["0", "1b", "", ""]),
            // A class without a row, one of another index, and NULL.
            (Some(Numbered(9)), ["0", "1u", "u", "u"]),
            (Some(named("rare")), ["0", "1u", "u", "u"]),
            (None, ["0", "1u", "u", "u"]),
        ] {
            for (replicas, expected) in (0..).zip(counts) {
                let (counts, _) = counted_in(Some(replicas), class.as_ref(), Some(&classes));
                assert_eq!(counts, expected, "{class:?} {replicas}");
            }
            assert_eq!(counted_in(None, class.as_ref(), Some(&classes)).0, "", "{class:?}");
            // Where the classes could not be read.
            for (replicas, expected) in (0..).zip(["0", "1", "", ""]) {
                let (counts, census) = counted_in(Some(replicas), class.as_ref(), None);
                assert_eq!(counts, expected, "{class:?} {replicas}");
                assert_eq!(census.below_mindevcount, None);
            }
        }
    }

    #[test]
    fn the_example_says_how_many_replicas_there_are_and_should_be() {
        let classes = StorageClasses::from_iter([(StorageClass::DEFAULT, 2)]);
        let example = |class: Option<StorageClass>| {
            let (_, census) = counted_in(Some(1), class.as_ref(), Some(&classes));
            census.below_mindevcount.unwrap_or(census.unknown_class).example
        };
        assert_eq!(example(Some(Numbered(0))), format!("{KEY} (class 0: 1 of 2 replicas)"));
        assert_eq!(example(Some(Numbered(9))), format!("{KEY} (class 9)"));
        assert_eq!(example(Some(named("rare"))), format!("{KEY} (class `rare`)"));
        assert_eq!(example(None), format!("{KEY} (no class)"));
    }

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
