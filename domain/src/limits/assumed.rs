//! What `plan` assumes where only a run could say it. Each figure has a flag of `plan` that replaces it.
//! None of them was measured on Amazon's servers; the rates are the ones that Amazon names.

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

/// Rows of rhino's `articleFile` that get other names in a second, without the index: a million in 7.0 s in
/// chunks of 5,000 (measured once on `MariaDB` 10.11 in memory; other servers may be much slower).
pub const RENAMED_ROWS_A_SECOND: u64 = 100_000;

/// Rows of it that an index is made of in a second: a million in 1.7 to 2.9 s (the same measurement).
pub const INDEXED_ROWS_A_SECOND: u64 = 400_000;

/// Bytes of the binary log for each row that gets another name, with `binlog_row_image` FULL: 349 MB a million
/// (the same measurement).
pub const BINLOG_BYTES_A_ROW: u64 = 349;

/// The same with MINIMAL: 16 to 30 MB a million.
pub const BINLOG_BYTES_A_MINIMAL_ROW: u64 = 30;

/// The same for each statement, where the log has statements.
pub const BINLOG_BYTES_A_STATEMENT: u64 = 500;
