//! Limits of `smoke`.

/// Objects that are read at once: enough to be done within minutes, few enough to disturb no reader.
pub const SMOKE_READS_AT_ONCE: usize = 8;

/// The bytes of an object that is written by contentrepo's API.
pub const SMOKE_BYTES: usize = 4_096;

/// The most rows of each bucket that may be drawn: they are held in memory.
pub const SMOKE_MOST_ROWS: u32 = 100_000;
