//! What `plan` assumes where only a run could say it. The times of files, the line and the function have flags of
//! `plan` that replace them. None of them was measured on Amazon's servers; where Amazon names a rate it is
//! that one.

use std::time::Duration;

/// A file by copy: one COPY within a bucket and its answer.
pub const COPY_TIME: Duration = Duration::from_millis(100);

/// A small file from MogileFS, or one part of a large one: the tracker's answer, the GET and the PUT.
pub const MOGILE_TIME: Duration = Duration::from_millis(200);

/// A look at an object: one HEAD.
pub const LOOK_TIME: Duration = Duration::from_millis(40);

/// The slowest line between MogileFS's disks and S3, in millions of bits a second.
pub const LINE_MEGABITS: u64 = 1_000;

/// Calls of the function at once: `MaximumConcurrency` of the template.
pub const FUNCTION_CALLS: u64 = 20;

/// Jobs of one call: `BatchSize` of the template.
pub const FUNCTION_BATCH: u64 = 10;

/// Files that one call works on at once: `WorkerConcurrency` of the template.
pub const FUNCTION_FILES: u64 = 32;

/// The function's memory: `MemoryMegabytes` of the template.
pub const FUNCTION_MEGABYTES: u64 = 512;

/// Writes that a new bucket, which is one partition, takes in a second (Amazon S3 user guide, "Best
/// practices design patterns": 3,500). It takes more when it has been split, after about half an hour.
pub const BUCKET_WRITES_A_SECOND: u64 = 3_500;

/// Writes that a new table takes in a second (Amazon `DynamoDB` developer guide, "On-demand capacity
/// mode": 4,000).
pub const TABLE_WRITES_A_SECOND: u64 = 4_000;

/// Calls with which a mapping begins (AWS Lambda developer guide, "Scaling and processing behavior for
/// Amazon SQS").
pub const FIRST_CALLS: u64 = 5;

/// Calls that it adds each second: 300 a minute (the same page).
pub const CALLS_ADDED_A_SECOND: u64 = 5;

/// Bytes of one job on its way into the queue, out of it and away from it, with what SQS puts around it.
pub const JOB_BYTES: u64 = 2_000;

/// A page of a listing, with a thousand keys. Not measured on S3: several times the time of a HEAD, for S3
/// sorts the keys and sends about 300 KB.
pub const LIST_TIME: Duration = Duration::from_millis(200);

/// Rows of the index read in a second: the rate that `rehearse measure plan` holds `plan` to.
pub const INDEX_ROWS_A_SECOND: u64 = 33_000;

/// Items of a table scanned in a second, in four segments of 1 MB a page. Not measured on `DynamoDB`.
pub const LEDGER_ITEMS_A_SECOND: u64 = 100_000;
