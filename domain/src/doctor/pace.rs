//! How long a migration takes: the longest of what limits it.

use serde::Serialize;

use super::estimate::{RequestsNeeded, Work};
use super::function_time::ramped;
use crate::limits::{self, assumed};

/// On what the time of a migration depends, beside its requests. Nothing here is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Pace {
    /// Files at once of one `migrate` or `work`.
    pub concurrency: u64,
    /// Calls of the function at once.
    pub function_calls: u64,
    /// Jobs of one call.
    pub function_batch: u64,
    /// The function's memory in MB.
    pub function_megabytes: u64,
    /// The slowest line between MogileFS's disks and S3, in millions of bits a second.
    pub bandwidth_megabits: u64,
    /// A file by copy.
    pub copy_milliseconds: u64,
    /// A small file from MogileFS, or a part of a large one.
    pub mogile_milliseconds: u64,
    /// A HEAD request.
    pub look_milliseconds: u64,
}

/// Files at once where no one says otherwise, as `migrate` has it.
const CONCURRENCY: u64 = 64;

impl Default for Pace {
    fn default() -> Self {
        let milliseconds = |time: std::time::Duration| time.as_millis().try_into().unwrap_or(1);
        Self {
            concurrency: CONCURRENCY,
            function_calls: assumed::FUNCTION_CALLS,
            function_batch: assumed::FUNCTION_BATCH,
            function_megabytes: assumed::FUNCTION_MEGABYTES,
            bandwidth_megabits: assumed::LINE_MEGABITS,
            copy_milliseconds: milliseconds(assumed::COPY_TIME),
            mogile_milliseconds: milliseconds(assumed::MOGILE_TIME),
            look_milliseconds: milliseconds(assumed::LOOK_TIME),
        }
    }
}

impl Pace {
    /// The milliseconds of this work, one file after the other. The bytes from MogileFS are left out: they
    /// share a line.
    pub(super) fn of_work(self, work: &Work) -> u64 {
        let from_mogile = work.by_mogile.files.saturating_add(work.parts);
        let copying = u128::from(work.by_copy.bytes) * 1_000;
        let copying = copying.div_ceil(limits::EXPECTED_COPY_BYTES_PER_SECOND.into());
        let copied = work.by_copy.files.saturating_mul(self.copy_milliseconds);
        let sent = from_mogile.saturating_mul(self.mogile_milliseconds);
        let of_requests = copied.saturating_add(sent).saturating_add(self.of_looks(work.looks));
        of_requests.saturating_add(saturated(copying))
    }

    /// The seconds of these bytes on the line.
    pub(super) fn of_line(self, bytes: u64) -> u64 {
        divided(u128::from(bytes) * 8, self.bandwidth_megabits, 1_000_000)
    }

    /// The milliseconds of these looks one after the other.
    pub(super) fn of_looks(self, looks: u64) -> u64 {
        looks.saturating_mul(self.look_milliseconds)
    }

    /// Files that one call of the function works on at once.
    #[must_use]
    pub fn files_of_a_call(self) -> u64 {
        self.function_batch.min(assumed::FUNCTION_FILES)
    }
}

/// Something that a migration cannot be faster than.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeLimit {
    /// What it is.
    pub name: &'static str,
    /// How much has to pass it.
    pub amount: u64,
    /// Of what.
    pub of: &'static str,
    /// How much passes it: a second, or at once.
    pub rate: u64,
    /// Of what.
    pub per: &'static str,
    /// How long that takes.
    pub seconds: u64,
}

/// Who migrates, and how long that takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worker {
    /// The longest of what limits it.
    pub seconds: u64,
    /// The name of that limit.
    pub decides: &'static str,
}

/// How long a migration takes, where nothing is throttled and every try succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeNeeded {
    /// What limits it. The last but one is for one machine alone, the last for the function.
    pub limits: Vec<TimeLimit>,
    /// By one `migrate` or `work`.
    pub machine: Worker,
    /// By the queue and the function.
    pub function: Worker,
    /// The seconds for which the calls of the function run at least, however fast their requests are: the
    /// line, the busiest bucket and the ledger let the jobs pass no faster.
    #[serde(skip)]
    pub(super) held_up: u64,
    /// The seconds of the bytes of one call's jobs where all calls share the line. Jobs are taken to be
    /// equally large.
    #[serde(skip)]
    pub batch_seconds: u64,
}

impl TimeNeeded {
    /// The time of these requests at this pace.
    #[must_use]
    pub fn of(needed: &RequestsNeeded, pace: Pace) -> Self {
        let (work, of_jobs) = (needed.work(), needed.work_of_jobs());
        let bytes = work.line_bytes();
        let busiest = needed.writes_by_bucket.values().copied().max().unwrap_or_default();
        let records = needed.files() - needed.without_way.files;
        let milliseconds = pace.of_work(&work);
        let (machine, function) =
            (pace.concurrency, pace.function_calls.saturating_mul(pace.files_of_a_call()));
        let limits = vec![
            TimeLimit {
                name: "the line from MogileFS to S3",
                amount: bytes,
                of: "bytes x 8",
                rate: pace.bandwidth_megabits,
                per: "Mbit/s",
                seconds: pace.of_line(bytes),
            },
            writes("writes of one bucket", busiest, assumed::BUCKET_WRITES_A_SECOND),
            writes("records of the ledger", records, assumed::TABLE_WRITES_A_SECOND),
            TimeLimit {
                name: "one machine's files at once",
                amount: milliseconds,
                of: "ms of requests",
                rate: machine,
                per: "at once",
                seconds: divided(milliseconds.into(), machine, 1_000),
            },
            TimeLimit {
                name: "the function's files at once",
                amount: milliseconds,
                of: "ms of requests",
                rate: function,
                per: "at once, with the mapping's ramp",
                seconds: ramped(milliseconds, pace),
            },
        ];
        let (machine, function) = (longest(&limits, 4), longest(&limits, 3));
        let writes = limits[1].seconds.max(limits[2].seconds);
        let held_up = pace.of_line(of_jobs.line_bytes()).max(writes);
        let jobs = needed.jobs();
        let at_once = pace.function_calls.saturating_mul(pace.function_batch).min(jobs);
        let shared = u128::from(of_jobs.line_bytes()) * u128::from(at_once);
        let batch_seconds = pace.of_line(saturated(shared.div_ceil(u128::from(jobs.max(1)))));
        Self { limits, machine, function, held_up, batch_seconds }
    }
}

fn writes(name: &'static str, amount: u64, rate: u64) -> TimeLimit {
    let (of, per) = ("writes", "a second");
    TimeLimit { name, amount, of, rate, per, seconds: divided(amount.into(), rate, 1) }
}

/// The longest of the limits but the one at this place, which is for another worker.
fn longest(limits: &[TimeLimit], but: usize) -> Worker {
    let mut worker = Worker { seconds: 0, decides: "nothing" };
    for (place, limit) in limits.iter().enumerate() {
        if place != but && limit.seconds > worker.seconds {
            worker = Worker { seconds: limit.seconds, decides: limit.name };
        }
    }
    worker
}

/// Seconds, rounded up.
fn divided(amount: u128, rate: u64, of_rate: u64) -> u64 {
    saturated(amount.div_ceil(u128::from(rate.max(1)) * u128::from(of_rate)))
}

pub(super) fn saturated(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{S3Bucket, Tally};

    fn needed(by_copy: Tally, by_mogile: Tally) -> RequestsNeeded {
        let writes = by_copy.files + by_mogile.files;
        let bucket = S3Bucket::new("one").expect("a name");
        RequestsNeeded {
            writes,
            by_copy,
            by_mogile,
            writes_by_bucket: [(bucket, writes)].into(),
            ..RequestsNeeded::default()
        }
    }

    const TEN_MILLION: u64 = 10_000_000;

    /// Ten million files of 2 MB each.
    const ALL: Tally = Tally { files: TEN_MILLION, bytes: TEN_MILLION * 2_000_000 };

    const EMPTY: Tally = Tally { files: TEN_MILLION, bytes: 0 };

    #[test]
    fn twenty_terabytes_take_their_line() {
        let time = TimeNeeded::of(&needed(Tally::default(), ALL), Pace::default());
        // 1.6e14 bits at 1e9 a second.
        assert_eq!(time.limits[0].seconds, 160_000);
        assert_eq!(time.machine.decides, "the line from MogileFS to S3");
        assert_eq!((time.machine.seconds, time.function.seconds), (160_000, 160_000));
    }

    /// The pace, what decides, and the seconds: of the machine, then of the function.
    #[test]
    fn each_limit_decides_where_it_is_the_longest() {
        let pace = Pace::default();
        let wide = Pace { bandwidth_megabits: 1_000_000, ..pace };
        let quick = Pace { copy_milliseconds: 1, concurrency: 64, ..wide };
        let (line, bucket) = ("the line from MogileFS to S3", "writes of one bucket");
        let (machine, function) = ("one machine's files at once", "the function's files at once");
        let none = Tally::default();
        for (by_copy, by_mogile, pace, of_machine, of_function) in [
            // What comes by copy needs no line: 10,000,000 x 0.1 s and 2e13 bytes ÷ 2^26 a second, ÷ 64, and
            // ÷ 200 with 18 s of ramp.
            (ALL, none, pace, (machine, 20_282), (function, 6_492)),
            (EMPTY, none, pace, (machine, 15_625), (function, 5_002)),
            (none, ALL, pace, (line, 160_000), (line, 160_000)),
            (none, ALL, wide, (machine, 31_250), (function, 10_002)),
            (EMPTY, none, quick, (bucket, 2_858), (bucket, 2_858)),
            (none, none, pace, ("nothing", 0), ("nothing", 0)),
        ] {
            let time = TimeNeeded::of(&needed(by_copy, by_mogile), pace);
            let found = |worker: &Worker| (worker.decides, worker.seconds);
            assert_eq!(found(&time.machine), of_machine, "{by_copy:?} {by_mogile:?} {pace:?}");
            assert_eq!(found(&time.function), of_function, "{by_copy:?} {by_mogile:?} {pace:?}");
        }
        // Many buckets: each takes its writes, and the ledger takes all records.
        let buckets = ["one", "two"].map(|name| S3Bucket::new(name).expect("a name"));
        let halves = buckets.map(|bucket| (bucket, TEN_MILLION / 2));
        let spread = RequestsNeeded { writes_by_bucket: halves.into(), ..needed(EMPTY, none) };
        let time = TimeNeeded::of(&spread, quick);
        assert_eq!((time.machine.decides, time.machine.seconds), ("records of the ledger", 2_500));
    }

    #[test]
    fn parts_looks_and_reads_take_their_time_too() {
        let pace = Pace {
            copy_milliseconds: 1,
            mogile_milliseconds: 100,
            look_milliseconds: 10,
            ..Pace::default()
        };
        let some = RequestsNeeded {
            writes: 5,
            uploads: 2,
            parts: 30,
            refused: 1,
            by_copy: Tally { files: 3, bytes: 1 << 26 },
            by_mogile: Tally { files: 4, bytes: 0 },
            to_be_read: Tally { files: 1, bytes: 1 },
            ..RequestsNeeded::default()
        };
        // 3 copies, 4 files and 30 parts from MogileFS, a HEAD each of 2 uploads and 1 refused, 1 GET; and
        // 64 MiB are copied in a second.
        assert_eq!(pace.of_work(&some.work()), 1_000 + 3 + 34 * 100 + 4 * 10);
    }

    #[test]
    fn a_batch_takes_its_share_of_the_line() {
        let of = |files, function_calls, bandwidth_megabits| {
            let pace = Pace { function_calls, bandwidth_megabits, ..Pace::default() };
            let sent = Tally { files, bytes: files * 10_000_000 };
            TimeNeeded::of(&needed(Tally::default(), sent), pace).batch_seconds
        };
        // 20 calls of ten files of 10 MB at a gigabit.
        assert_eq!(of(1_000_000, 20, 1_000), 16);
        assert_eq!(of(1_000_000, 20, 100), 160);
        assert_eq!(of(1_000_000, 1_000, 1_000), 800);
        // Fewer jobs than the calls could take.
        assert_eq!(of(5, 20, 1_000), 1);
        assert_eq!(of(0, 20, 1_000), 0);
    }
}
