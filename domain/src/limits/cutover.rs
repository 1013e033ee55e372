//! Limits of the changes of bucket names in rhino's database.

use std::time::Duration;

/// Rows of `articleFile` that one statement changes, at least: fewer cost more in round trips than they save
/// in locks.
pub const CHUNK_ROWS_LEAST: usize = 1_000;

/// The same, at most: half a second of the rate that was measured (see
/// [`super::assumed::RENAMED_ROWS_A_SECOND`]).
pub const CHUNK_ROWS_MOST: usize = 50_000;

/// What one statement is to take: other sessions wait no longer for the rows that it holds.
pub const CHUNK_TIME: Duration = Duration::from_millis(500);

/// How long a statement of a cut-over is tried again while the server cannot carry it out: a restart takes
/// minutes.
pub const STATEMENT_TRIES_WITHIN: Duration = Duration::from_mins(5);

/// Rows of one page of a backup.
pub const BACKUP_PAGE_ROWS: usize = 10_000;

/// Bytes of a bitmap of rows that keep their names: about a million rows, or two hundred thousand where their ids
/// lie far apart. It is written into the journal, in about a dozen entries.
pub const KEPT_BITMAP_BYTES: usize = 2 * 1024 * 1024;

/// Rows that a report of differences names.
pub const ROWS_NAMED: usize = 20;

/// Statements under way on a server above which a change with `--online` pauses: what
/// `pt-online-schema-change` has as its option `max-load` (Percona Toolkit documentation).
pub const ONLINE_THREADS_RUNNING: u64 = 25;

/// How far a replica may be behind before a change with `--online` pauses. Replicas count whole seconds.
pub const ONLINE_REPLICA_LAG: Duration = Duration::from_secs(2);

/// The pause between two looks at a server that is too busy.
pub const ONLINE_POLL: Duration = Duration::from_secs(1);

/// How long both queues must be empty before a cut-over. SQS's counts are approximate: they are right about a
/// minute after the last message was sent, or after some of its partitions were slow (SQS developer guide,
/// "Confirming that a queue is empty").
pub const QUEUE_EMPTY_FOR: Duration = Duration::from_mins(2);

/// The longest pause between two looks at the queues.
pub const QUEUE_LOOK: Duration = Duration::from_secs(30);

/// Looks at the queues in that time, at least, whatever the clock says.
pub const QUEUE_LOOKS: u32 = 4;
