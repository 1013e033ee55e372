//! Every limit in one place, each with its reason.

/// What `plan` assumes.
pub mod assumed;
mod cleanup;
mod cutover;
mod smoke;
mod verify;

use std::time::Duration;

pub use self::cleanup::*;
pub use self::cutover::*;
pub use self::smoke::*;
pub use self::verify::*;

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

/// The largest file that can be written: the most parts, each with all the memory that there is.
pub const LARGEST_FILE_BYTES: u64 = PART_POOL_BYTES * PARTS;

/// `CompleteMultipartUpload` may take this many times the usual request time: "several minutes", by
/// the S3 API reference.
pub const COMPLETE_TIMES: u32 = 15;

/// Rows asked for at a time: enough that paging costs nothing beside the files, few enough that
/// they are nothing in memory.
pub const PAGE_ROWS: usize = 1_000;

/// Named fids are read by the page where at least this number of them lie within [`PAGE_ROWS`] fids,
/// and one by one where fewer do: a page costs about as much as this number of single rows.
pub const DENSE_FIDS: u64 = 64;

/// Named fids that are looked up one by one for one page of them: few, so that the first files are
/// soon under way.
pub const ROWS_LOOKED_UP: usize = 256;

/// Single rows asked for at once: the index serves others too.
pub const LOOKUPS_AT_ONCE: usize = 4;

/// Up to this many named fids are looked up in the ledger one by one. For more, the whole ledger is
/// read.
pub const FIDS_READ_SINGLY: u64 = 20_000;

/// Records asked of the ledger by fid at a time (`BatchGetItem` takes 100).
pub const LEDGER_READ: usize = 100;

/// Items of one ledger write (`BatchWriteItem` takes 25).
pub const LEDGER_BATCH: usize = 25;

/// A proven file waits at most so long for its ledger record: what a kill can cost.
pub const LEDGER_FLUSH_AFTER: Duration = Duration::from_secs(1);

/// A PUT or COPY to S3 in millionths of a dollar (us-east-1, 2026: $0.005 per 1,000).
pub const WRITE_COST_MICRODOLLARS: u64 = 5;

/// Files that may change their bucket without being asked for, though they are proven in another.
pub const MOVED_FILES: u64 = 1_000;

/// The bytes on disk that one row's type and name take while they are sorted, for names of usual
/// lengths: two records of 39 bytes and a text of about 50.
pub const SPOOL_BYTES_A_ROW: u64 = 130;

/// The most user metadata that S3 takes with an object, in bytes (Amazon S3 user guide, "Working with
/// object metadata": 2 KB).
pub const USER_METADATA_BYTES: usize = 2_048;

/// The bytes of the fields of one of contentrepo's objects that it sends with each PUT and whose lengths
/// hardly differ: the names of all sixteen (127), the checksum (40), the uuid (36), two times in
/// milliseconds (13 each), and up to 36 of the numbers and the status (contentrepo's
/// `S3StoreService.saveUploadedObject`, which sends every property of the object).
pub const REPO_FIELD_BYTES: usize = 265;

/// Characters of contentrepo's user metadata that are read: one more than S3 takes.
pub const METADATA_READ: usize = USER_METADATA_BYTES + 1;

/// Records or objects without a row that are no sign of another store, however few files there are.
pub const UNEXPLAINED: u64 = 100;

/// Keys whose twin in other case is looked for, one by one: a store has few of them.
pub const KEYS_LOOKED_UP: usize = 1_000;

/// Rows at each place of the index that are looked at to see whether contentrepo's database is this
/// store's.
pub const SAMPLED_ROWS: usize = 50;

/// The number of places that lie evenly over the index.
pub const SAMPLED_PLACES: u64 = 16;

/// The fewest files that say, when contentrepo's database knows hardly any of them, that it is another
/// store's.
pub const FILES_OF_A_STORE: u64 = 100;

/// contentrepo's database must know one of so many files that are looked for. Some are in every store,
/// such as the empty one.
pub const KNOWN_OF_A_STORE: u64 = 10;

/// Files of the store that contentrepo's database is searched for, at most, to see that it is this
/// store's.
pub const CONTROL_FILES: usize = 1_000;

/// The newest files of the store that contentrepo's database is searched for. A replica that lags behind,
/// or an old copy, does not have them.
pub const NEWEST_FILES: usize = 100;

/// One in so many of these may be unknown there: an ingest may have stopped between the file and its row,
/// and a file may be in the store by mistake.
pub const UNKNOWN_OF_THE_NEWEST: usize = 10;

/// Rows among which the newest files are looked for, at most.
pub const NEWEST_ROWS: usize = 200_000;

/// Proven files of each bucket whose rows are looked at before a run begins, to see whether the
/// bucket map still takes them there. Names that were swapped are wrong for all of a bucket's files;
/// a few are looked at because rows may be gone or changed.
pub const PROVEN_FILES_LOOKED_AT: u64 = 16;

/// Tries of one request before it is given up.
pub const ATTEMPTS: u32 = 5;

/// The bound of the first pause between tries of one request. Each next may be twice as long. The
/// pause is 10 to 100 % of its bound.
pub const BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// The longest pause between two tries of one request.
pub const BACKOFF_LONGEST: Duration = Duration::from_secs(10);

/// Actions for one file before it is given up as contended. The longest honest path (a lost COPY,
/// a look, a wrong object, its replacement lost, another look) takes six.
pub const ACTIONS: u8 = 16;

/// Listings of intermediaries that run at once for a page of rows.
pub const LISTINGS_AT_ONCE: usize = 8;

/// SQS keeps a job this long: the most that it allows, for an outage may last.
pub const JOB_RETENTION: Duration = Duration::from_hours(14 * 24);

/// SQS keeps a dead letter this long, the most that it allows. It counts from the first sending of a
/// job that SQS itself made a dead letter.
pub const DEAD_LETTER_RETENTION: Duration = Duration::from_hours(14 * 24);

/// After this many deliveries SQS itself makes a dead letter of a job: the most that it allows. An
/// outage takes a delivery of each job every ten minutes, and the worker moves a job that fails by
/// itself long before, after [`TRIES`].
pub const DELIVERIES: u32 = 1_000;

/// A job that has failed by itself this many times is moved to the dead-letter queue.
pub const TRIES: u32 = 5;

/// A job that was begun this many times without an end is moved to the dead-letter queue: it ends
/// its worker, by memory or by time.
pub const BEGUN_WITHOUT_END: u32 = 4;

/// What the function may take for a batch.
pub const FUNCTION_TIME: Duration = Duration::from_mins(2);

/// Lambda lets no function take longer.
pub const FUNCTION_TIME_MOST: Duration = Duration::from_mins(15);

/// A delivery stays invisible this number of times as long as the function may take, for Lambda to
/// try again what was throttled (the same guide).
pub const VISIBILITY_TIMES: u32 = 6;

/// Days after which multipart uploads that were not ended are aborted: far longer than the largest
/// file takes.
pub const ABORT_UPLOADS_AFTER_DAYS: u32 = 7;

/// How long `provision` waits until a new or changed resource is usable.
pub const READY_WITHIN: Duration = Duration::from_mins(5);

/// The pause between two checks of it.
pub const READY_POLL: Duration = Duration::from_secs(1);
/// The longest name of a verification, in bytes: it is part of a key in the verifications table, and
/// travels with every job.
pub const LONGEST_RUN_BYTES: usize = 256;

/// Entries of one request to the queue (SQS takes 10).
pub const QUEUE_BATCH: usize = 10;

/// How long a worker waits for jobs in one request: an idle worker costs few requests, and one
/// that is told to stop is not held up for long (SQS allows 20 s).
pub const LONG_POLL: Duration = Duration::from_secs(10);

/// The same, for a worker that ends when the queue is empty: it finds that out soon.
pub const LAST_POLL: Duration = Duration::from_secs(2);

/// How long a dead letter that is looked at is invisible to others; half of it later it is hidden for
/// as long again. Short enough for the next one who looks, when the first one was killed.
pub const DEAD_LETTER_LOOK: Duration = Duration::from_mins(5);

/// Requests for dead letters at the same time: a hundred thousand letters are ten thousand requests,
/// and as many for what each died of.
pub const DEAD_LETTER_READERS: usize = 16;

/// How long a request for dead letters waits for the first: long enough that the queue asks all its
/// servers.
pub const DEAD_LETTER_WAIT: Duration = Duration::from_secs(2);

/// Dead letters that are looked at, at most: what SQS lets be in flight, less some.
pub const DEAD_LETTERS_READ: usize = 100_000;

/// A system counts as away when this many different files have failed in a row because it could
/// not be reached: as many as may be under way at once, within these bounds. One broken file is
/// not an outage.
pub const OUTAGE_TASKS_LEAST: usize = 3;
/// See [`OUTAGE_TASKS_LEAST`].
pub const OUTAGE_TASKS_MOST: usize = 10;

/// Tries of one file that fails because a system cannot be reached, while it can be for others.
pub const OUTAGE_TRIES: u32 = 3;

/// How long the engine waits for a system that was not reached since the start. The time for what is
/// under way then ([`STOPPING_TIME`]) comes on top.
pub const UNREACHED_WAIT: Duration = Duration::from_secs(90);

/// How long `migrate` waits for a system that was reached before, unless told otherwise.
pub const OUTAGE_WAIT: Duration = Duration::from_hours(1);

/// When no other files are left, files whose storage nodes are away wait this long and then fail: a
/// node may be gone for good.
pub const LAST_NODES_WAIT: Duration = Duration::from_mins(5);

/// The run ends after this many failures in a row that point to settings, with no success between
/// them. A failed listing counts as the number of its files, 100 at most.
pub const SETTINGS_FAILURES: u64 = 1_000;

/// While storage nodes or S3 are away, a worker asks for other jobs until it holds this many.
pub const JOBS_HELD: usize = 500;

/// No new try of a request is made when this has passed since the first: where a system does not
/// answer at all, that is known within two minutes.
pub const TRIES_WITHIN: Duration = Duration::from_mins(1);

/// The same for one query of a count that takes minutes, once the server has answered: what was counted
/// before would be lost.
pub const COUNT_TRIES_WITHIN: Duration = Duration::from_mins(5);

/// The engine's pause after a system did not answer, before it tries again: the bound of the first.
/// Each next may be twice as long, up to [`OUTAGE_PAUSE_LONGEST`].
pub const OUTAGE_PAUSE_FIRST: Duration = Duration::from_secs(1);
/// See [`OUTAGE_PAUSE_FIRST`].
pub const OUTAGE_PAUSE_LONGEST: Duration = Duration::from_mins(1);

/// A batch abandons unfinished files this long before its deadline. The time is for writing records
/// and for giving the other jobs back.
pub const BATCH_RESERVE: Duration = Duration::from_secs(5);

/// A batch ends this long before its deadline, even if writes are unanswered.
pub const BATCH_LAST_MOMENT: Duration = Duration::from_secs(1);

/// The time that the requests of a job are expected to take, without its bytes.
pub const JOB_TIME: Duration = Duration::from_secs(2);

/// The rate at which content is expected to flow through this process, all files together, where it
/// must be done by a certain time.
pub const EXPECTED_BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;

/// The rate at which S3 is expected to copy one object, where it must be done by a certain time.
/// Amazon names no figure. Where this is too fast, the COPY is abandoned and the next delivery of the
/// job looks whether it came to its end.
pub const EXPECTED_COPY_BYTES_PER_SECOND: u64 = 64 * 1024 * 1024;

/// How long content of `bytes` bytes is expected to flow.
#[must_use]
pub const fn expected_flow(bytes: u64) -> Duration {
    Duration::from_secs(bytes / EXPECTED_BYTES_PER_SECOND)
}

/// How long S3 is expected to copy an object of `bytes` bytes.
#[must_use]
pub const fn expected_copy(bytes: u64) -> Duration {
    Duration::from_secs(bytes / EXPECTED_COPY_BYTES_PER_SECOND)
}

/// After a stop request the files under way have this long: enough for all but the largest. A
/// container that is killed 30 seconds after its stop signal has 10 seconds left.
pub const STOPPING_TIME: Duration = Duration::from_secs(20);

/// After unfinished files were abandoned, records that are being written have this long.
pub const LAST_WRITE_TIME: Duration = Duration::from_secs(8);

/// Fids that a summary names for each reason.
pub const FIDS_NAMED: usize = 10;

/// The time any request may take that moves no content.
pub const REQUEST_TIME: Duration = Duration::from_secs(20);

/// A statement that changes a database waits this long for rows or a table that another session holds.
/// While it waits for a table, every later statement of others waits behind it.
pub const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The time for one statement that changes rows: it may wait for a lock first.
pub const CHANGE_TIME: Duration = Duration::from_mins(1);

/// The time for dropping or creating an index of ten million rows. It is far more than any server
/// needs: to give up too early is to create the index twice.
pub const INDEX_TIME: Duration = Duration::from_hours(4);

/// While an index is created, the server is asked this often whether our session is still there.
pub const SESSION_WATCH: Duration = Duration::from_secs(10);

/// Looks in a row that do not find our session before it counts as ended.
pub const SESSION_LOOKS: u32 = 3;

/// A session that changes rows stays open this long between two statements, while the caller waits for
/// replicas.
pub const SESSION_IDLE: Duration = Duration::from_hours(8);

/// Rows of one range that keep their bucket names: each is a parameter, of which a statement has at most
/// 65,535.
pub const KEPT_ROWS: usize = 10_000;

/// Rows of contentrepo in use that a second contentrepo is asked for, to see whether its database is the real one.
pub const SCRATCH_ROWS: usize = 3;

/// Content that flows slower than this, over its whole time, is given up.
pub const SLOWEST_BYTES_PER_SECOND: u64 = 256 * 1024;

/// S3 copies faster than this within a bucket.
pub const SLOWEST_COPY_BYTES_PER_SECOND: u64 = 16 * 1024 * 1024;

/// How long a delivery stays invisible, for a function that may take so long.
#[must_use]
pub const fn visibility(function_time: Duration) -> Duration {
    function_time.saturating_mul(VISIBILITY_TIMES)
}

/// What a COPY of this size, which is answered when it is done, may take beside the request.
#[must_use]
pub const fn copying_time(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST_COPY_BYTES_PER_SECOND)
}

/// What content of this size, which flows from or to here, may take beside the request.
#[must_use]
pub const fn moving_time(bytes: u64) -> Duration {
    Duration::from_secs(bytes / SLOWEST_BYTES_PER_SECOND)
}

/// Time allowed for a request that moves content of this size.
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
