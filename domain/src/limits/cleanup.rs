//! The limits of the journal, of the clean-up and of the cut-over.

use std::time::Duration;

/// The most bytes of one entry of the journal. `DynamoDB` takes items of 400 KB, with the names and the
/// key (service quotas, "Item size").
pub const JOURNAL_ENTRY_BYTES: usize = 256 * 1024;

/// The bytes of larger data in one entry of the journal: in base64 they and the rest of the entry stay
/// below [`JOURNAL_ENTRY_BYTES`].
pub const JOURNAL_PART_BYTES: usize = 180 * 1024;

/// The most bytes of one line in an export of the journal: more than an item of `DynamoDB` can have.
pub const JOURNAL_LINE_BYTES: usize = 512 * 1024;

/// The most entries that one repair of the journal puts back, and the bytes after which it takes no
/// more. A transaction has at most 100 items and 4 MB (`DynamoDB` API reference, `TransactWriteItems`).
/// Each entry is one item, and what stood in its place another.
pub const REPAIR_ENTRIES: usize = 40;

/// See [`REPAIR_ENTRIES`].
pub const REPAIR_BYTES: usize = 1024 * 1024;

/// Rows of unfinished uploads in one entry of the journal. Each has at most 85 bytes there, so that the
/// entry stays below [`JOURNAL_ENTRY_BYTES`].
pub const SEEN_ROWS: usize = 2_500;

/// Files that one entry of the journal condemns. Each has at most 600 bytes there.
pub const CONDEMNED_FILES: usize = 400;

/// Intermediaries that one entry of the journal condemns. Each has at most 21 bytes there, where no two fids
/// are neighbours.
pub const CONDEMNED_INTERMEDIARIES: usize = 10_000;

/// Intermediaries that are deleted at the same time, with two requests each. S3 takes 3,500 deletions a second
/// below one prefix.
pub const INTERMEDIARIES_AT_ONCE: u16 = 64;

/// Files that one `audit accept` takes: an operator can look through so many. Each has about a kilobyte of
/// evidence, which is kept in memory.
pub const ACCEPTED_FILES: usize = 10_000;

/// Accepted files that are looked at at once. Each may read a replica of any size.
pub const FILES_LOOKED_AT_ONCE: usize = 4;

/// Replicas of one file that are read at once.
pub const REPLICAS_AT_ONCE: usize = 2;

/// The most bytes of the words about one replica in the journal.
pub const EVIDENCE_BYTES: usize = 400;

/// The most bytes of the reason for which files are accepted.
pub const LONGEST_REASON_BYTES: usize = 1_000;

/// Unfinished uploads that `tmp delete` reads before it asks contentrepo about all of them, which reads
/// ten million rows in a few minutes: about 300 bytes of memory each.
pub const TEMPORARY_ROWS: usize = 20_000;

/// Rows of contentrepo at which `rekey` looks once more: as many as may have been written, and not yet
/// committed, when it looked first.
pub const ROWS_SEEN_AGAIN: i128 = 10_000;

/// The newest files of the index that must have the same keys in the database in which `rekey` changes
/// them.
pub const KEYS_COMPARED: usize = 10;

/// Rows of contentrepo that `rekey` prints: more than a person looks through.
pub const REFERRING_ROWS: usize = 100;

/// A clock of ours may differ from that of the journal's service by this much: as far as AWS itself
/// lets one differ (`DynamoDB` refuses signatures that are older than five minutes).
pub const CLOCKS_APART: Duration = Duration::from_mins(5);

/// An upload that a listing saw this long ago is not going on any more: 24 hours, and the time by which
/// the clocks of the one that listed and the one that deletes may be apart.
pub const UPLOAD_OVER_AFTER: Duration =
    Duration::from_secs(24 * 60 * 60 + 2 * CLOCKS_APART.as_secs());

/// The time between two looks at whether a store that is to be frozen moves.
pub const FREEZE_LOOK: Duration = Duration::from_secs(10);
