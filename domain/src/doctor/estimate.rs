//! What a migration asks of AWS, and what that costs: counted row by row, before anything is asked.

use std::collections::BTreeSet;

use serde::Serialize;

use super::contents::Arrival;
use crate::prices::Unit;
use crate::{
    ByteCount, Dollars, FileStanding, IntermediaryForm, Prices, S3Bucket, SourceFile, Tally, limits,
};

/// From which size on objects are written in parts, and how large these are.
#[derive(Debug, Clone, Copy)]
pub struct WriteSizes {
    /// The most bytes that one PUT or COPY may write.
    pub single_request_bytes: u64,
    /// The bytes of each part, unless that would be more than [`limits::PARTS`] parts.
    pub part_bytes: u64,
    /// Files of more bytes are no jobs: a function could not finish them in its time.
    pub most_job_bytes: u64,
}

impl WriteSizes {
    /// The size of each part but the last for content of this length.
    #[must_use]
    pub fn part_size_bytes(self, length: ByteCount) -> u64 {
        self.part_bytes.max(length.0.div_ceil(limits::PARTS)).max(1)
    }
}

/// The requests of a first migration of all files, where every one of them succeeds at the first try.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RequestsNeeded {
    /// Files that one COPY or PUT writes.
    pub writes: u64,
    /// Uploads in parts. Each is begun and completed, after a HEAD of the final key.
    pub uploads: u64,
    /// The parts of these uploads.
    pub parts: u64,
    /// Of the writes, those that S3 refuses because an object is at the final key. A HEAD of that
    /// object follows.
    pub refused: u64,
    /// Files with an object at their final key that are looked at first, and not written: a HEAD each.
    pub looked_at: u64,
    /// Of the writes, those before which a HEAD finds nothing: the ledger has a record of the file, and no
    /// object is at its final key. Those with a proof `migrate` takes only with `--again`.
    pub looked_for: u64,
    /// Of those that are refused or looked at: the ones with whose object no SHA-1 is stored. After the
    /// HEAD each object is read whole, by a GET. The bytes are those that the index has.
    pub to_be_read: Tally,
    /// Folders of intermediaries that are listed, and a LIST for each bucket. Twice the folders where
    /// keys of a bucket begin with a slash; none by `--route mogile`.
    pub lists: u64,
    /// Batches of at most ten jobs, by which `enqueue` sends them.
    pub job_batches: u64,
    /// Files that are too large for the function, and get no job.
    pub without_job: Tally,
    /// Files in parts that get a job. A verification reads each of them whole: what S3 stores with them
    /// is no SHA-1 of the content.
    pub jobs_in_parts: u64,
}

impl RequestsNeeded {
    /// Counts the files of one page of rows, each with what is in S3 and in the ledger. `buckets` has
    /// those of earlier pages.
    pub(super) fn add_page(
        &mut self,
        files: &[(&SourceFile, Arrival)],
        sizes: WriteSizes,
        buckets: &mut BTreeSet<S3Bucket>,
    ) {
        let (mut folders, mut jobs) = (BTreeSet::new(), 0_usize);
        for (file, Arrival { at_final_key, without_sha1, standing, .. }) in files {
            let in_parts = file.length.0 > sizes.single_request_bytes;
            if file.length.0 > sizes.most_job_bytes {
                self.without_job.add(file.length);
            } else {
                jobs += 1;
                self.jobs_in_parts += u64::from(in_parts);
            }
            if *at_final_key && *without_sha1 {
                self.to_be_read.add(file.length);
            }
            // A claim of the ledger, whatever its bucket, and an upload in parts are looked at first.
            let is_recorded = matches!(standing, FileStanding::Claimed | FileStanding::Proven);
            match (in_parts, is_recorded, at_final_key) {
                (true, _, true) | (false, true, true) => self.looked_at += 1,
                (false, false, true) => {
                    self.writes += 1;
                    self.refused += 1;
                }
                (true, _, false) => {
                    self.uploads += 1;
                    self.parts += file.length.0.div_ceil(sizes.part_size_bytes(file.length));
                }
                (false, true, false) => {
                    self.writes += 1;
                    self.looked_for += 1;
                }
                (false, false, false) => self.writes += 1,
            }
            folders.insert((&file.bucket, IntermediaryForm::Plain.prefix(file.fid)));
            if !buckets.contains(&file.bucket) {
                buckets.insert(file.bucket.clone());
                self.lists += 1;
            }
        }
        self.lists += folders.len() as u64;
        self.job_batches += jobs.div_ceil(limits::QUEUE_BATCH) as u64;
    }

    /// All files.
    #[must_use]
    pub const fn files(&self) -> u64 {
        self.writes + self.uploads + self.looked_at
    }

    /// The HEADs: before each upload in parts, of each object that is there, and of each that the ledger
    /// says is there.
    #[must_use]
    pub const fn heads(&self) -> u64 {
        self.uploads + self.refused + self.looked_at + self.looked_for
    }
}

/// Of what a cost is a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A first migration, however it is run.
    Migration,
    /// What the queue and the function add to it.
    Queue,
    /// A verification of all files by the function.
    Verification,
}

/// One line of a bill: a count, and what it costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostLine {
    /// Of what it is a part.
    pub stage: Stage,
    /// What is counted.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// The unit that is charged.
    pub unit: Unit,
    /// What these cost.
    pub dollars: Dollars,
}

/// The bytes of a ledger's item, rounded up: numbers, names, two digests and a bucket.
const ITEM_BYTES: u64 = 300;

/// What one read of a scan reads: 4 KB, since scans are consistent (DynamoDB developer guide, "Read
/// consistency").
const SCANNED_BYTES: u64 = 4 * 1024;

/// The reads that a scan of a ledger with this many items takes.
#[must_use]
pub const fn scan_reads(items: u64) -> u64 {
    items.saturating_mul(ITEM_BYTES).div_ceil(SCANNED_BYTES)
}

/// Returns what these requests cost, line by line. Lines without a count are left out.
#[must_use]
pub fn costs(needed: &RequestsNeeded, prices: &Prices) -> Vec<CostLine> {
    use Stage::{Migration, Queue, Verification};
    let (files, batches) = (needed.files(), needed.job_batches);
    let jobs = files - needed.without_job.files.min(files);
    let lines = [
        (Migration, "COPY or PUT", needed.writes, Unit::S3Write),
        (Migration, "uploads in parts: begun, completed", 2 * needed.uploads, Unit::S3Write),
        (Migration, "their parts", needed.parts, Unit::S3Write),
        (Migration, "HEAD before uploads, of what is there", needed.heads(), Unit::S3Read),
        (Migration, "GET, whole, of what has no SHA-1", needed.to_be_read.files, Unit::S3Read),
        (Migration, "LIST of intermediaries", needed.lists, Unit::S3Write),
        (Migration, "ledger records written", files, Unit::DynamoDbWrite),
        (Migration, "ledger scanned by a second pass", scan_reads(files), Unit::DynamoDbRead),
        (Queue, "SQS: sent, received, deleted by tens", 3 * batches, Unit::SqsRequest),
        (Queue, "calls of the function with ten jobs", batches, Unit::LambdaRequest),
        (Verification, "ledger scanned before it", scan_reads(files), Unit::DynamoDbRead),
        (Verification, "HEAD", jobs, Unit::S3Read),
        // One item of at most 4 KB each, consistently: the price is by the item, not by the request.
        (Verification, "records of the ledger read", jobs, Unit::DynamoDbRead),
        (Verification, "GET, whole, of what is in parts", needed.jobs_in_parts, Unit::S3Read),
        (Verification, "verifications written", jobs, Unit::DynamoDbWrite),
        (Verification, "SQS: sent, received, deleted by tens", 3 * batches, Unit::SqsRequest),
        (Verification, "calls of the function with ten jobs", batches, Unit::LambdaRequest),
    ];
    let lines = lines.into_iter().filter(|(_, _, count, _)| *count > 0);
    lines
        .map(|(stage, what, count, unit)| CostLine {
            stage,
            what,
            count,
            unit,
            dollars: prices.of(count, unit),
        })
        .collect()
}

/// What the bytes of these files cost beside the requests, where they are kept twice for a month or
/// pass a NAT gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DataCosts {
    /// The intermediaries are kept beside the final objects, for a month.
    pub kept_twice_a_month: Dollars,
    /// The content passes a NAT gateway. It passes none where the function's VPC has S3's gateway
    /// endpoint.
    pub through_nat: Dollars,
}

impl DataCosts {
    /// The costs of these bytes.
    #[must_use]
    pub fn of(files: Tally, prices: &Prices) -> Self {
        const GB: u64 = 1 << 30;
        Self {
            kept_twice_a_month: prices.per_gb.storage_month.times(files.bytes, GB),
            through_nat: prices.per_gb.nat.times(files.bytes, GB),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dkey, Fid, Sha1};

    const SIZES: WriteSizes =
        WriteSizes { single_request_bytes: 100, part_bytes: 10, most_job_bytes: 300_000 };

    fn file(fid: u64, length: u64, bucket: &str) -> SourceFile {
        let dkey = Dkey::parse(&format!("{}-repo", Sha1::of(b"a"))).expect("a key");
        let bucket = S3Bucket::new(bucket).expect("a name");
        SourceFile::new(Fid(fid), dkey, ByteCount(length), bucket)
    }

    fn absent(files: &[SourceFile]) -> Vec<(&SourceFile, Arrival)> {
        files.iter().map(|file| (file, Arrival::NOWHERE)).collect()
    }

    #[test]
    fn every_request_is_counted() {
        let needed = |files: &[SourceFile]| {
            let mut needed = RequestsNeeded::default();
            needed.add_page(&absent(files), SIZES, &mut BTreeSet::new());
            (needed.writes, needed.uploads, needed.parts, needed.lists, needed.job_batches)
        };
        let of_one: Vec<_> = (1..=11).map(|fid| file(fid, 100, "one")).collect();
        assert_eq!(needed(&[]), (0, 0, 0, 0, 0));
        // The bucket is asked for keys with a slash, and folder `0/000/000/` is listed.
        assert_eq!(needed(&of_one), (11, 0, 0, 2, 2));
        assert_eq!(needed(&[file(1, 0, "one"), file(1000, 1, "one")]), (2, 0, 0, 3, 1));
        assert_eq!(needed(&[file(1, 0, "one"), file(2, 1, "two")]), (2, 0, 0, 4, 1));
        assert_eq!(needed(&[file(1, 101, "one")]), (0, 1, 11, 2, 1));
        // 10,000 parts of 10 bytes do not hold it.
        assert_eq!(needed(&[file(1, 200_000, "one")]), (0, 1, 10_000, 2, 1));
        assert_eq!(needed(&[file(1, 200_001, "one")]), (0, 1, 9_524, 2, 1));
    }

    /// What is there: `F` an object with a SHA-1 at the final key, `f` one without; then `C` for a claim
    /// in the ledger; `-` for neither. Then the writes, those refused, the looks, the uploads, all HEADs,
    /// and the bytes that are read whole.
    #[test]
    fn what_is_there_is_looked_at_and_without_a_sha1_read() {
        for (length, there, expected) in [
            (100, "-", (1, 0, 0, 0, 0, 0)),
            (100, "C", (1, 0, 0, 0, 1, 0)),
            (100, "F", (1, 1, 0, 0, 1, 0)),
            (100, "f", (1, 1, 0, 0, 1, 100)),
            (100, "FC", (0, 0, 1, 0, 1, 0)),
            (100, "fC", (0, 0, 1, 0, 1, 100)),
            (101, "-", (0, 0, 0, 1, 1, 0)),
            (101, "C", (0, 0, 0, 1, 1, 0)),
            (101, "F", (0, 0, 1, 0, 1, 0)),
            (101, "f", (0, 0, 1, 0, 1, 101)),
            (101, "fC", (0, 0, 1, 0, 1, 101)),
        ] {
            let is_claimed = there.contains('C');
            let standing = if is_claimed { FileStanding::Claimed } else { FileStanding::New };
            let without_sha1 = there.contains('f');
            let at_final_key = without_sha1 || there.contains('F');
            let arrival = Arrival { at_final_key, without_sha1, standing, ..Arrival::NOWHERE };
            let (file, mut needed) = (file(1, length, "one"), RequestsNeeded::default());
            needed.add_page(&[(&file, arrival)], SIZES, &mut BTreeSet::new());
            let RequestsNeeded { writes, refused, looked_at, uploads, to_be_read, .. } = needed;
            let (heads, read) = (needed.heads(), to_be_read.bytes);
            let found = (writes, refused, looked_at, uploads, heads, read);
            assert_eq!(found, expected, "{length} {there}");
            assert_eq!(needed.files(), 1, "{length} {there}");
            let lines = costs(&needed, &Prices::us_east_1());
            let is_get =
                |line: &&CostLine| line.stage == Stage::Migration && line.what.starts_with("GET");
            let gets = lines.iter().find(is_get).map_or(0, |line| line.count);
            assert_eq!(gets, u64::from(read > 0), "{length} {there}");
        }
    }

    /// The function's verification: a HEAD of each job's object, and of those in parts a GET.
    #[test]
    fn what_is_too_large_for_the_function_is_no_job_and_not_in_its_bill() {
        let (mut needed, sizes) =
            (RequestsNeeded::default(), WriteSizes { most_job_bytes: 200, ..SIZES });
        let mut files: Vec<_> = (1..=10).map(|fid| file(fid, 100, "one")).collect();
        files.extend([file(11, 200, "one"), file(12, 201, "one"), file(13, 300, "one")]);
        needed.add_page(&absent(&files), sizes, &mut BTreeSet::new());
        assert_eq!((needed.job_batches, needed.jobs_in_parts), (2, 1));
        assert_eq!(needed.without_job, Tally { files: 2, bytes: 501 });
        let lines = costs(&needed, &Prices::us_east_1());
        let of = |what: &str| {
            let line =
                |line: &&CostLine| line.stage == Stage::Verification && line.what.starts_with(what);
            lines.iter().find(line).map(|line| line.count)
        };
        assert_eq!((of("HEAD"), of("GET"), of("verifications")), (Some(11), Some(1), Some(11)));
        assert_eq!((of("SQS"), of("calls"), of("ledger")), (Some(6), Some(2), Some(1)));
        assert_eq!(of("records"), Some(11), "each job's record");
    }

    #[test]
    fn a_bucket_is_asked_for_its_slashes_once() {
        let (mut needed, mut buckets) = (RequestsNeeded::default(), BTreeSet::new());
        needed.add_page(&absent(&[file(1, 1, "one")]), SIZES, &mut buckets);
        let two = [file(2, 1, "one"), file(3, 1, "two")];
        needed.add_page(&absent(&two), SIZES, &mut buckets);
        assert_eq!(needed.lists, 2 + 3);
    }

    #[test]
    fn ten_million_files_cost_little_more_than_their_writes() {
        let needed = RequestsNeeded {
            writes: 10_000_000,
            lists: 10_002,
            job_batches: 1_000_000,
            ..RequestsNeeded::default()
        };
        let lines = costs(&needed, &Prices::us_east_1());
        let total = |stage| -> String {
            let of_stage = lines.iter().filter(|line| line.stage == stage);
            of_stage.map(|line| line.dollars).sum::<Dollars>().to_string()
        };
        let all = [Stage::Migration, Stage::Queue, Stage::Verification].map(total);
        assert_eq!(all, ["$56.40", "$1.40", "$13.00"]);
        assert!(lines.iter().all(|line| line.count > 0), "{lines:?}");
    }
}
