//! What a migration asks of AWS, and what that costs: counted row by row, before anything is asked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::contents::Arrival;
use super::pace::{Pace, gb_seconds};
use super::way::{Way, way};
use crate::migrate::RoutePolicy;
use crate::prices::Unit;
use crate::{
    ByteCount, Dollars, FileStanding, IntermediaryForm, Prices, S3Bucket, SourceFile, Tally, limits,
};

/// How files are written: by which route, from which size on in parts, and how large these are.
#[derive(Debug, Clone, Copy)]
pub struct WriteSizes {
    /// The most bytes that one PUT or COPY may write.
    pub single_request_bytes: u64,
    /// The bytes of each part, unless that would be more than [`limits::PARTS`] parts.
    pub part_bytes: u64,
    /// Files of more bytes are no jobs: a function could not finish them in its time.
    pub most_job_bytes: u64,
    /// Where their content may come from.
    pub route: RoutePolicy,
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
    /// Files that a COPY of their intermediary writes.
    pub by_copy: Tally,
    /// Files whose content is sent from MogileFS, those included whose write is refused. Where the route is
    /// `auto` and S3 was not listed these are all files.
    pub by_mogile: Tally,
    /// Files that the chosen route cannot bring: by `--route copy` those without an intermediary, where S3
    /// was listed, and those that are too large for one COPY. A HEAD looks whether they are there.
    pub without_way: Tally,
    /// The writes by bucket. What is in parts counts by its parts.
    #[serde(skip)]
    pub writes_by_bucket: BTreeMap<S3Bucket, u64>,
}

impl RequestsNeeded {
    /// Counts the files of one page of rows, each with what is in S3 and in the ledger. The pages come in
    /// the order of the fids.
    pub(super) fn add_page(&mut self, files: &[(&SourceFile, Arrival)], sizes: WriteSizes) {
        let (mut folders, mut jobs) = (BTreeSet::new(), 0_usize);
        let is_listed = sizes.route != RoutePolicy::Mogile;
        for (file, arrival) in files {
            let in_parts = file.length.0 > sizes.single_request_bytes;
            if file.length.0 > sizes.most_job_bytes {
                self.without_job.add(file.length);
            } else {
                jobs += 1;
                self.jobs_in_parts += u64::from(in_parts);
            }
            if arrival.at_final_key && arrival.without_sha1 {
                self.to_be_read.add(file.length);
            }
            let writes = self.add_file(file, *arrival, sizes);
            folders.insert((&file.bucket, IntermediaryForm::Plain.prefix(file.fid)));
            if let Some(all) = self.writes_by_bucket.get_mut(&file.bucket) {
                *all += writes;
            } else {
                self.writes_by_bucket.insert(file.bucket.clone(), writes);
                self.lists += u64::from(is_listed);
            }
        }
        self.lists += if is_listed { folders.len() as u64 } else { 0 };
        self.job_batches += jobs.div_ceil(limits::QUEUE_BATCH) as u64;
    }

    /// Counts what one file takes, and returns its writes.
    fn add_file(&mut self, file: &SourceFile, arrival: Arrival, sizes: WriteSizes) -> u64 {
        let Arrival { at_final_key, standing, intermediary, .. } = arrival;
        let in_parts = file.length.0 > sizes.single_request_bytes;
        // A claim of the ledger, whatever its bucket, and an upload in parts are looked at first.
        let is_recorded = matches!(standing, FileStanding::Claimed | FileStanding::Proven);
        let way = way(sizes.route, intermediary, in_parts);
        if at_final_key && (in_parts || is_recorded || way == Way::Neither) {
            self.looked_at += 1;
            return 0;
        }
        match way {
            Way::Neither => {
                self.without_way.add(file.length);
                return 0;
            }
            Way::Copy => self.by_copy.add(file.length),
            Way::Mogile => self.by_mogile.add(file.length),
        }
        if in_parts {
            let parts = file.length.0.div_ceil(sizes.part_size_bytes(file.length));
            self.uploads += 1;
            self.parts += parts;
            return parts;
        }
        self.writes += 1;
        self.refused += u64::from(at_final_key);
        self.looked_for += u64::from(is_recorded);
        1
    }

    /// All files.
    #[must_use]
    pub const fn files(&self) -> u64 {
        self.writes + self.uploads + self.looked_at + self.without_way.files
    }

    /// The HEADs: before each upload in parts, of each object that is there, of each that the ledger says
    /// is there, and of each that no way leads to.
    #[must_use]
    pub const fn heads(&self) -> u64 {
        self.uploads + self.refused + self.looked_at + self.looked_for + self.without_way.files
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

/// Returns what these requests and the function's time cost, line by line. Lines without a count are left
/// out.
#[must_use]
pub fn costs(needed: &RequestsNeeded, pace: Pace, prices: &Prices) -> Vec<CostLine> {
    use Stage::{Migration, Queue, Verification};
    let (files, batches) = (needed.files(), needed.job_batches);
    let recorded = files - needed.without_way.files;
    let jobs = files - needed.without_job.files.min(files);
    let (moving, looking) = (pace.of_requests(needed), pace.of_looks(jobs));
    let lines = [
        (Migration, "COPY or PUT", needed.writes, Unit::S3Write),
        (Migration, "uploads in parts: begun, completed", 2 * needed.uploads, Unit::S3Write),
        (Migration, "their parts", needed.parts, Unit::S3Write),
        (Migration, "HEAD before uploads, of what is there", needed.heads(), Unit::S3Read),
        (Migration, "GET, whole, of what has no SHA-1", needed.to_be_read.files, Unit::S3Read),
        (Migration, "LIST of intermediaries", needed.lists, Unit::S3Write),
        (Migration, "ledger records written", recorded, Unit::DynamoDbWrite),
        (Migration, "ledger scanned by a second pass", scan_reads(recorded), Unit::DynamoDbRead),
        (Queue, "SQS: sent, received, deleted by tens", 3 * batches, Unit::SqsRequest),
        (Queue, "calls of the function with ten jobs", batches, Unit::LambdaRequest),
        (Queue, "its time: GB x seconds", gb_seconds(moving, pace), Unit::LambdaGbSecond),
        (Verification, "ledger scanned before it", scan_reads(recorded), Unit::DynamoDbRead),
        (Verification, "HEAD", jobs, Unit::S3Read),
        // One item of at most 4 KB each, consistently: the price is by the item, not by the request.
        (Verification, "records of the ledger read", jobs, Unit::DynamoDbRead),
        (Verification, "GET, whole, of what is in parts", needed.jobs_in_parts, Unit::S3Read),
        (Verification, "verifications written", jobs, Unit::DynamoDbWrite),
        (Verification, "SQS: sent, received, deleted by tens", 3 * batches, Unit::SqsRequest),
        (Verification, "calls of the function with ten jobs", batches, Unit::LambdaRequest),
        (Verification, "its time: GB x seconds", gb_seconds(looking, pace), Unit::LambdaGbSecond),
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

#[cfg(test)]
mod tests;
