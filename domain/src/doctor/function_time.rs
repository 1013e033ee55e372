//! How long the calls of the function take, and how much of that Lambda bills.

use super::pace::{Pace, saturated};
use crate::limits::assumed;

/// The seconds of a function with 1 GB of memory that Lambda bills for requests of this time, by this
/// number of calls at most. Lambda bills a call while it waits, too: the jobs pass in no less than `held_up` seconds,
/// whatever the function could do.
pub(super) fn gb_seconds(milliseconds: u64, held_up: u64, calls: u64, pace: Pace) -> u64 {
    let busy = call_milliseconds(milliseconds, pace);
    let billed = if held_up > ramped(milliseconds, pace) {
        let at_once = pace.function_calls.min(calls);
        busy.max(within(u128::from(held_up) * 1_000, at_once))
    } else {
        busy
    };
    saturated((billed * u128::from(pace.function_megabytes)).div_ceil(1_024 * 1_000))
}

/// How many seconds calls of the function take for these milliseconds of requests. The mapping begins with
/// few calls at once and adds some each second, up to its most.
pub(super) fn ramped(milliseconds: u64, pace: Pace) -> u64 {
    let calls = pace.function_calls.max(1);
    let (first, added, ramp) = ramp(calls);
    let (work, calls) = (call_milliseconds(milliseconds, pace), u128::from(calls));
    let of_ramp = first * ramp + added * ramp * ramp / 2_000;
    let time = if calls <= first {
        work.div_ceil(calls)
    } else if work >= of_ramp {
        ramp + (work - of_ramp).div_ceil(calls)
    } else {
        // The positive root of the equation of `within`.
        let root = (first * first * 1_000_000 + added * 2_000 * work).isqrt() + 1;
        root.saturating_sub(first * 1_000) / added
    };
    saturated(time.div_ceil(1_000))
}

/// The milliseconds that all calls together run in this many milliseconds, where none of them is idle.
fn within(time: u128, calls: u64) -> u128 {
    let (first, added, ramp) = ramp(calls);
    let calls = u128::from(calls);
    if calls <= first {
        return calls * time;
    }
    // After `t` milliseconds of the ramp `first × t + added × t² ÷ 2,000` of the calls' time has passed.
    let in_ramp = time.min(ramp);
    first * in_ramp + added * in_ramp * in_ramp / 2_000 + calls * (time - in_ramp)
}

/// The calls with which the mapping begins, those it adds a second, and the milliseconds until there are as
/// many as these.
fn ramp(calls: u64) -> (u128, u128, u128) {
    let (first, added) =
        (u128::from(assumed::FIRST_CALLS), u128::from(assumed::CALLS_ADDED_A_SECOND));
    (first, added, u128::from(calls).saturating_sub(first) * 1_000 / added)
}

/// The milliseconds of all calls one after the other.
fn call_milliseconds(milliseconds: u64, pace: Pace) -> u128 {
    u128::from(milliseconds).div_ceil(u128::from(pace.files_of_a_call().max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    const MANY: u64 = 1_000_000;

    #[test]
    fn the_functions_seconds_are_those_of_its_batches_and_its_memory() {
        let of = |batch, megabytes| {
            let pace =
                Pace { function_batch: batch, function_megabytes: megabytes, ..Pace::default() };
            gb_seconds(2_000_000_000, 0, MANY, pace)
        };
        // Ten million files of 0.2 s, ten at once, half a gigabyte, where nothing else holds them up.
        assert_eq!(of(10, 512), 100_000);
        assert_eq!(of(10, 1_024), 200_000);
        assert_eq!(of(1, 512), 1_000_000);
        // A call works on 32 files at once, at most.
        assert_eq!(of(100, 512), 31_250);
    }

    /// The seconds that the line takes, all calls, and the seconds with 1 GB that are billed.
    #[test]
    fn calls_that_wait_for_the_line_are_billed_too() {
        for (held_up, calls, expected) in [
            // 2,000,000 s of requests, ten at once, end in 10,002 s.
            (10_002, MANY, 100_000),
            // 20 calls that wait for 160,000 s, less 22.5 s while the mapping adds calls.
            (160_000, MANY, 1_599_989),
            // There are fewer calls than could run at once.
            (160_000, 12, 959_998),
            (160_000, 5, 400_000),
            (160_000, 0, 100_000),
            // Three seconds of ramp: 37.5 s of calls.
            (3, MANY, 100_000),
        ] {
            let found = gb_seconds(2_000_000_000, held_up, calls, Pace::default());
            assert_eq!(found, expected, "{held_up} {calls}");
        }
        assert_eq!(gb_seconds(0, 3, MANY, Pace::default()), 19);
        assert_eq!(gb_seconds(0, 1, MANY, Pace::default()), 4);
    }
}
