//! How long a migration takes: the longest of what limits it.

use serde::Serialize;

use super::estimate::RequestsNeeded;
use crate::limits::assumed;

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
    /// A look at an object.
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
    /// The milliseconds of all files one after the other, without the time of their bytes.
    pub(super) fn of_requests(self, needed: &RequestsNeeded) -> u64 {
        let from_mogile = needed.by_mogile.files.saturating_add(needed.parts);
        let copied = needed.by_copy.files.saturating_mul(self.copy_milliseconds);
        let sent = from_mogile.saturating_mul(self.mogile_milliseconds);
        let looks = needed.heads().saturating_add(needed.to_be_read.files);
        copied.saturating_add(sent).saturating_add(self.of_looks(looks))
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

/// The seconds of a function with 1 GB of memory that requests of this time take.
pub(super) fn gb_seconds(milliseconds: u64, pace: Pace) -> u64 {
    let (memory, of_a_call) = (u128::from(pace.function_megabytes), pace.files_of_a_call());
    let all = u128::from(milliseconds) * memory;
    saturated(all.div_ceil(1_024 * 1_000 * u128::from(of_a_call)))
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
}

impl TimeNeeded {
    /// The time of these requests at this pace.
    #[must_use]
    pub fn of(needed: &RequestsNeeded, pace: Pace) -> Self {
        let bytes = needed.by_mogile.bytes.saturating_add(needed.to_be_read.bytes);
        let busiest = needed.writes_by_bucket.values().copied().max().unwrap_or_default();
        let records = needed.files() - needed.without_way.files;
        let milliseconds = pace.of_requests(needed);
        let (machine, function) =
            (pace.concurrency, pace.function_calls.saturating_mul(pace.files_of_a_call()));
        let limits = vec![
            TimeLimit {
                name: "the line from MogileFS to S3",
                amount: bytes,
                of: "bytes x 8",
                rate: pace.bandwidth_megabits,
                per: "Mbit/s",
                seconds: divided(u128::from(bytes) * 8, pace.bandwidth_megabits, 1_000_000),
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
        Self { limits, machine, function }
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

/// How long calls of the function take for these milliseconds of requests. The mapping begins with few
/// calls at once and adds some each second, up to its most.
fn ramped(milliseconds: u64, pace: Pace) -> u64 {
    let (first, added) =
        (u128::from(assumed::FIRST_CALLS), u128::from(assumed::CALLS_ADDED_A_SECOND));
    let calls = u128::from(pace.function_calls.max(1));
    let work = u128::from(milliseconds).div_ceil(u128::from(pace.files_of_a_call().max(1)));
    // In milliseconds. After `t` of them `first × t + added × t² ÷ 2,000` of the calls' time has passed.
    let ramp = calls.saturating_sub(first) * 1_000 / added;
    let within = first * ramp + added * ramp * ramp / 2_000;
    let time = if calls <= first {
        work.div_ceil(calls)
    } else if work >= within {
        ramp + (work - within).div_ceil(calls)
    } else {
        // The positive root of that equation.
        let root = (first * first * 1_000_000 + added * 2_000 * work).isqrt() + 1;
        root.saturating_sub(first * 1_000) / added
    };
    saturated(time.div_ceil(1_000))
}

fn saturated(number: u128) -> u64 {
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
            // What comes by copy needs no line. 10,000,000 x 0.1 s ÷ 64, and ÷ 200 with 18 s of ramp.
            (ALL, none, pace, (machine, 15_625), (function, 5_002)),
            (none, ALL, pace, (line, 160_000), (line, 160_000)),
            (none, ALL, wide, (machine, 31_250), (function, 10_002)),
            (ALL, none, quick, (bucket, 2_858), (bucket, 2_858)),
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
        let spread = RequestsNeeded { writes_by_bucket: halves.into(), ..needed(ALL, none) };
        let time = TimeNeeded::of(&spread, quick);
        assert_eq!((time.machine.decides, time.machine.seconds), ("records of the ledger", 2_500));
    }

    /// Milliseconds of requests with one file a call, the most calls at once, and the seconds.
    #[test]
    fn the_mapping_begins_with_five_calls_and_adds_five_a_second() {
        for (milliseconds, calls, seconds) in [
            (0, 20, 0),
            // Within the first second: 5 calls and a few more.
            (5_000, 1_000, 1),
            // 5 + 7.5 calls on the average of two seconds: 5 x 2 + 2.5 x 4 = 20 s of calls.
            (20_000, 1_000, 2),
            (20_100, 1_000, 3),
            // 20 calls are reached after 3 s and 37.5 s of calls.
            (37_500, 20, 3),
            (37_501, 20, 4),
            (57_500, 20, 4),
            // 1,000 calls are reached after 199 s: 5 x 199 + 2.5 x 199² = 99,997.5 s of calls.
            (99_997_500, 1_000, 199),
            (100_997_500, 1_000, 200),
            // No ramp.
            (10_000, 5, 2),
            (10_000, 2, 5),
        ] {
            let pace = Pace { function_calls: calls, function_batch: 1, ..Pace::default() };
            let found = ramped(milliseconds, pace);
            assert_eq!(found, seconds, "{milliseconds} {calls}");
        }
        assert!(ramped(u64::MAX, Pace { function_calls: 1, ..Pace::default() }) > 1 << 50);
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
            by_copy: Tally { files: 3, bytes: 0 },
            by_mogile: Tally { files: 4, bytes: 0 },
            to_be_read: Tally { files: 1, bytes: 1 },
            ..RequestsNeeded::default()
        };
        // 3 copies, 4 files and 30 parts from MogileFS, a HEAD each of 2 uploads and 1 refused, 1 GET.
        assert_eq!(pace.of_requests(&some), 3 + 34 * 100 + 4 * 10);
    }

    #[test]
    fn the_functions_seconds_are_those_of_its_batches_and_its_memory() {
        let of = |batch, megabytes| {
            let pace =
                Pace { function_batch: batch, function_megabytes: megabytes, ..Pace::default() };
            gb_seconds(2_000_000_000, pace)
        };
        // Ten million files of 0.2 s, ten at once, half a gigabyte.
        assert_eq!(of(10, 512), 100_000);
        assert_eq!(of(10, 1_024), 200_000);
        assert_eq!(of(1, 512), 1_000_000);
        // A call works on 32 files at once, at most.
        assert_eq!(of(100, 512), 31_250);
    }
}
