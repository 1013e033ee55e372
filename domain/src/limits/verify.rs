//! The limits of the comparisons of `verify`.

use std::time::Duration;

/// Rows that one range of keys gives at a time: a range has about 2,500 rows where ten million lie in
/// 4,096 ranges, so that one answer has them all.
pub const RANGE_ROWS: usize = 10_000;

/// Runs of key ranges that a verification compares at once. Each keeps the rows of one range and a page
/// of each bucket in memory.
pub const RANGES_AT_ONCE: usize = 8;

/// Objects that one run of key ranges looks at or reads at once, beside the other runs.
pub const LOOKS_AT_ONCE: usize = 4;

/// Files in a row that the listing does not have and a HEAD does not find, before the listing is believed.
/// A file may have been written since its range was listed, but a bucket that was never filled would
/// cost a HEAD for each file.
pub const MISSING_LOOKED_FOR: u64 = 1_000;

/// Files in a row that S3 refuses to a verification, as by a wrong setting, and none of them read, before
/// the verification ends. It is less than a usual sample, so that a sample that nobody may read ends it.
pub const LOOKS_REFUSED: u64 = 100;

/// Files that could not be looked at, at most, that a comparison's state keeps for a second look.
pub const UNSEEN_KEPT: u64 = 10_000;

/// While S3 answers HEADs, the bytes of an object that break off or are not given are asked for again for this
/// long: longer than S3 slows reads down, and short enough for a sample of objects that cannot be read. Never
/// longer than `--wait`.
pub const READS_WITHIN: Duration = Duration::from_mins(2);

/// Objects of a sample that are read at once.
pub const SAMPLE_READS_AT_ONCE: usize = 16;

/// Rows whose key the index orders otherwise than by its hex digits, at most, and objects that wait for
/// such a row. A usual collation has none of these rows; with one that has many the comparison would
/// keep the whole index in memory.
pub const KEPT_ASIDE: usize = 100_000;

/// Contents without a listed object that a comparison of references looks at by HEAD, at most. A listing is
/// consistent: the look is for what was written since, and where more are missing that decides nothing.
pub const REFERENCES_LOOKED_AT: u64 = 100_000;

/// Contents that a comparison of references looks at or looks up in the index at once.
pub const REFERENCES_AT_ONCE: usize = 16;

/// Contents that a comparison of references seeks in one reading of the ledger. Memory holds about 120 bytes
/// for each.
pub const REFERENCES_SOUGHT: usize = 100_000;

/// Names of buckets whose rows are counted one by one.
pub const NAMES_COUNTED: usize = 1_000;

/// The largest sample: each of its files is kept until the end. For more all files are read.
pub const LARGEST_SAMPLE: u32 = 20_000;

/// Below this many bytes a file counts as small in a sample.
pub const SMALL_BYTES: u64 = 64 * 1024;

/// From this many bytes on a file counts as large in a sample.
pub const LARGE_BYTES: u64 = 8 * 1024 * 1024;
