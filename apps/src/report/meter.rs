//! How fast a run is now, and how long it will take.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanDuration};

/// The time over which the rate is taken: long enough to be calm, short enough to show what happens
/// now.
const WINDOW: Duration = Duration::from_secs(30);

/// What a run has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows that nothing is left to do for; or ranges of keys.
    pub(super) rows: u64,
    /// Of them files that were worked on; or rows of ranges of keys.
    pub(super) files: u64,
    /// Objects that were listed.
    pub(super) objects: u64,
    /// Bytes of those that are in S3 now.
    pub(super) bytes: u64,
    /// Files that failed.
    pub(super) failures: u64,
}

/// What a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Rows of the index, and files among them.
    Rows,
    /// Ranges of keys, with the rows and the objects in them.
    Ranges,
    /// Rows of contentrepo's and rhino's tables, and objects.
    References,
    /// Deliveries of a queue, and jobs among them that are done. One job may be delivered often.
    Deliveries,
}

/// Counts over the last while.
#[derive(Debug)]
pub(super) struct Meter {
    counted: Counted,
    samples: VecDeque<(Duration, Counts)>,
}

/// What the meter shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    counted: Counted,
    counts: Counts,
    expected: Option<u64>,
    files_per_second: u64,
    bytes_per_second: u64,
    left: Option<Duration>,
}

impl Meter {
    /// At the beginning, with nothing done.
    pub(super) fn new(counted: Counted) -> Self {
        Self { counted, samples: VecDeque::from([(Duration::ZERO, Counts::default())]) }
    }

    /// Takes the counts at this time after the beginning, and returns how far the run is.
    pub(super) fn read(&mut self, at: Duration, counts: Counts, expected: Option<u64>) -> Reading {
        self.samples.push_back((at, counts));
        // One sample from before the window stays: it is where the window begins.
        while self.samples.get(1).is_some_and(|(second, _)| *second + WINDOW <= at) {
            self.samples.pop_front();
        }
        let (since, before) = self.samples.front().copied().unwrap_or_default();
        let millis = at.saturating_sub(since).as_millis().max(1);
        let done = |of: fn(&Counts) -> u64| of(&counts).saturating_sub(of(&before));
        let per_second = |done: u64| saturated(u128::from(done) * 1000 / millis);
        let rows_done = u128::from(done(|counts| counts.rows));
        let left = expected.filter(|_| rows_done > 0).map(|expected| {
            let rows = u128::from(expected.saturating_sub(counts.rows));
            Duration::from_millis(saturated(rows * millis / rows_done))
        });
        Reading {
            counted: self.counted,
            counts,
            expected,
            files_per_second: per_second(done(|counts| counts.files)),
            bytes_per_second: per_second(done(|counts| counts.bytes)),
            left,
        }
    }
}

fn saturated(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { rows, files, objects, bytes, failures } = self.counts;
        write!(f, "{}", HumanCount(rows))?;
        if let Some(expected) = self.expected {
            write!(f, " of {}", HumanCount(expected))?;
        }
        let (rows_are, files_are, each) = match self.counted {
            Counted::Rows => ("rows", "files", "files"),
            Counted::Deliveries => ("deliveries", "jobs done", "jobs"),
            Counted::Ranges => {
                write!(
                    f,
                    " key ranges; {} rows, {} objects; now {} rows/s; {} not as they must be",
                    HumanCount(files),
                    HumanCount(objects),
                    HumanCount(self.files_per_second),
                    HumanCount(failures)
                )?;
                return self.write_left(f);
            }
            Counted::References => {
                write!(
                    f,
                    " rows of contentrepo and rhino; {} objects; now {} rows/s; {} broken references",
                    HumanCount(objects),
                    HumanCount(self.files_per_second),
                    HumanCount(failures)
                )?;
                return self.write_left(f);
            }
        };
        write!(
            f,
            " {rows_are}; {} {files_are}, {}; now {} {each}/s, {}/s; {} failed",
            HumanCount(files),
            HumanBytes(bytes),
            HumanCount(self.files_per_second),
            HumanBytes(self.bytes_per_second),
            HumanCount(failures)
        )?;
        self.write_left(f)
    }
}

impl Reading {
    fn write_left(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left {
            Some(left) if self.expected > Some(self.counts.rows) => {
                write!(f, "; {} left", HumanDuration(left))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(files: u64) -> Counts {
        Counts { rows: files, files, bytes: files * 1024, ..Counts::default() }
    }

    #[test]
    fn the_rate_is_the_recent_one_and_the_time_left_follows_it() {
        let mut meter = Meter::new(Counted::Rows);
        // A hundred files a second for a minute, then ten.
        for second in 1..=60 {
            meter.read(Duration::from_secs(second), counts(second * 100), Some(7_000));
        }
        let mut reading = meter.read(Duration::from_secs(61), counts(6_010), Some(7_000));
        for second in 2..=40 {
            let now = counts(6_000 + second * 10);
            reading = meter.read(Duration::from_secs(60 + second), now, Some(7_000));
        }
        assert_eq!((reading.files_per_second, reading.bytes_per_second), (10, 10 * 1024));
        assert_eq!(reading.left, Some(Duration::from_mins(1)));
        let told = "6,400 of 7,000 rows; 6,400 files, 6.25 MiB; now 10 files/s, 10.00 KiB/s; \
                    0 failed; 60 seconds left";
        assert_eq!(reading.to_string(), told);
        assert!(meter.samples.len() <= 32, "it keeps no more than it needs");
    }

    #[test]
    fn while_nothing_moves_nobody_knows_how_long() {
        let mut meter = Meter::new(Counted::Rows);
        let reading = meter.read(Duration::from_secs(5), Counts::default(), Some(10));
        let told = "0 of 10 rows; 0 files, 0 B; now 0 files/s, 0 B/s; 0 failed";
        assert_eq!(reading.to_string(), told);
        let reading = meter.read(Duration::from_secs(6), counts(3), None);
        assert!(reading.to_string().starts_with("3 rows; 3 files"), "{reading}");
    }

    #[test]
    fn a_comparison_counts_ranges_rows_and_objects() {
        let counts = Counts { rows: 1_024, files: 2_500, objects: 2_600, failures: 3, bytes: 0 };
        let reading = Meter::new(Counted::Ranges).read(Duration::from_secs(1), counts, Some(4_096));
        let told = "1,024 of 4,096 key ranges; 2,500 rows, 2,600 objects; now 2,500 rows/s; 3 not as \
                    they must be; 3 seconds left";
        assert_eq!(reading.to_string(), told);
    }

    /// A job that fails five times is one file, and five deliveries.
    #[test]
    fn a_worker_counts_deliveries_and_jobs_that_are_done() {
        let counts = Counts { rows: 7, files: 2, bytes: 2048, failures: 5, ..Counts::default() };
        let reading = Meter::new(Counted::Deliveries).read(Duration::from_secs(1), counts, None);
        let told = "7 deliveries; 2 jobs done, 2.00 KiB; now 2 jobs/s, 2.00 KiB/s; 5 failed";
        assert_eq!(reading.to_string(), told);
    }
}
