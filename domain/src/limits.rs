//! Every limit in one place, each with its reason.

use std::time::Duration;

/// The largest object that one PUT or one COPY may write (Amazon S3 user guide: 5 GB, which it
/// counts in powers of two).
pub const SINGLE_REQUEST_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The usual part of a multipart upload: large enough to cost few requests, small enough for eight
/// files to have one each in [`PART_POOL_BYTES`].
pub const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Parts of one multipart upload, at most (Amazon S3 user guide, "Multipart upload limits").
pub const PARTS: u64 = 10_000;

/// Memory for the parts of all files together; files wait for it.
pub const PART_POOL_BYTES: u64 = 64 * 1024 * 1024;

/// S3 may take so many times as long as for another request to put a multipart upload together:
/// "several minutes", by its API reference.
pub const COMPLETE_TIMES: u32 = 15;

/// Rows asked for at a time: enough that paging costs nothing beside the files, few enough that
/// they are nothing in memory.
pub const PAGE_ROWS: usize = 1_000;

/// Items of one ledger write (`BatchWriteItem` takes 25).
pub const LEDGER_BATCH: usize = 25;

/// Ledger writes under way at once. While there are so many no new file is begun: what is proven
/// and not recorded would grow as long as the ledger hangs.
pub const LEDGER_WRITES_AT_ONCE: usize = 4;

/// A proven file waits at most so long for its ledger record: what a kill can cost.
pub const LEDGER_FLUSH_AFTER: Duration = Duration::from_secs(1);

/// Tries of one request before it is given up.
pub const ATTEMPTS: u32 = 5;

/// The first pause between tries; each next may be twice as long.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// No pause is longer.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(10);

/// Actions for one file before it is given up as contended. The longest honest path (a lost COPY,
/// a look, a wrong object, its replacement lost, another look) takes six.
pub const ACTIONS: u8 = 16;

/// Listings of intermediaries that run at once for a page of rows.
pub const LISTINGS_AT_ONCE: usize = 8;

/// Files that may fail because something could not be reached, with none recorded between them,
/// before nothing new is begun: an outage is not a million failures.
pub const BREAKER_FAILURES: u32 = 100;

/// A job that nobody takes lives so long.
pub const JOB_RETENTION: Duration = Duration::from_hours(4 * 24);

/// A dead letter lives so long, from when the job was first sent: the most that SQS gives.
pub const DEAD_LETTER_RETENTION: Duration = Duration::from_hours(14 * 24);

/// A job that came back so often is a dead letter: fewer would take a passing trouble, or a
/// neighbour in its batch, for its own (AWS Lambda developer guide, "Using Lambda with Amazon SQS":
/// at least 5).
pub const DELIVERIES: u32 = 5;

/// What the function may take for a batch.
pub const FUNCTION_TIME: Duration = Duration::from_mins(2);

/// Lambda lets no function take longer.
pub const FUNCTION_TIME_MOST: Duration = Duration::from_mins(15);

/// A delivery stays invisible so many times as long as the function may take, for Lambda to try
/// again what was throttled (the same guide).
pub const VISIBILITY_TIMES: u32 = 6;

/// Multipart uploads that were not ended are aborted after so many days: far longer than the
/// largest file takes.
pub const ABORT_UPLOADS_AFTER_DAYS: u32 = 7;

/// What was made or changed can be used within this, or is given up.
pub const READY_WITHIN: Duration = Duration::from_mins(5);

/// Between two looks whether it can.
pub const READY_POLL: Duration = Duration::from_secs(1);

/// Fids that a summary names for each reason.
pub const FIDS_NAMED: usize = 10;

/// The time any request may take that moves no content.
pub const REQUEST_TIME: Duration = Duration::from_secs(20);

/// Content that flows slower than this, over its whole time, is given up.
pub const SLOWEST_BYTES_PER_SECOND: u64 = 256 * 1024;

/// S3 copies faster than this within a bucket.
pub const SLOWEST_COPY_BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;

/// How long a delivery stays invisible, for a function that may take so long.
#[must_use]
pub const fn visibility(function_time: Duration) -> Duration {
    function_time.saturating_mul(VISIBILITY_TIMES)
}

/// What a COPY of so many bytes, which is answered when it is done, may take beside the request.
#[must_use]
pub const fn copying_time(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST_COPY_BYTES_PER_SECOND)
}

/// What so many bytes that flow from or to here may take beside the request.
#[must_use]
pub const fn moving_time(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
}

/// Time allowed for a request that moves so many bytes.
#[must_use]
pub fn time_for(bytes: u64) -> Duration {
    REQUEST_TIME + moving_time(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_grows_with_the_bytes() {
        assert_eq!(time_for(0), Duration::from_secs(20));
        assert_eq!(time_for(256 * 1024 * 100), REQUEST_TIME + Duration::from_secs(100));
        assert!(time_for(u64::MAX) > time_for(1 << 40));
    }
}
