//! Classes of errors by what the caller should do next, and the pauses between tries.

use std::time::Duration;

use crate::limits::{BACKOFF_FIRST, BACKOFF_LONGEST};

/// What the caller should do after an error. Every error of a port has one of these classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Try again after a pause: the system is throttling, hung or unreachable.
    Retry,
    /// Give up: it fails until the operator changes something.
    GiveUp,
    /// Try another source: this one gave something other than it promised.
    Corrupt,
}

/// An adapter's own error, kept as the source of a port's error.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error with a class.
pub trait Classed: std::error::Error {
    /// Returns the class of this error.
    fn class(&self) -> ErrorClass;
}

/// The pause before try `attempt + 1` (the first try is attempt 1): exponential with full jitter.
/// The jitter comes from `salt`, for example a fid. So the tries of different files spread out, and
/// a simulation can be replayed.
#[must_use]
pub fn backoff(attempt: u32, salt: u64) -> Duration {
    backoff_between(BACKOFF_FIRST, BACKOFF_LONGEST, attempt, salt)
}

/// Returns a pause as [`backoff`] does, between other bounds.
#[must_use]
pub(crate) fn backoff_between(
    first: Duration,
    longest: Duration,
    attempt: u32,
    salt: u64,
) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let ceiling = first.saturating_mul(1 << doublings).min(longest);
    // At least a tenth of the ceiling, since a pause of zero would be none.
    ceiling * (100 + spread(attempt, salt) * 9 / 10) / 1_000
}

/// Returns a pseudo-random number below 1,000. The same arguments always give the same number.
pub(crate) const fn spread(attempt: u32, salt: u64) -> u32 {
    (mix(salt ^ (attempt as u64).rotate_left(32)) % 1_000) as u32
}

/// The finalizer of `SplitMix64`. It maps neighbouring numbers to distant ones.
pub(crate) const fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_stay_in_their_bounds(attempt: u32, salt: u64) {
            let pause = backoff(attempt, salt);
            prop_assert!(pause >= BACKOFF_FIRST / 10);
            prop_assert!(pause <= BACKOFF_LONGEST);
        }
    }

    #[test]
    fn neighbours_spread_and_pauses_grow() {
        let mean = |attempt| (0..1000).map(|fid| backoff(attempt, fid)).sum::<Duration>() / 1000;
        assert!(mean(4) > mean(1) * 4, "{:?} {:?}", mean(4), mean(1));
        let distinct: std::collections::BTreeSet<_> = (0..100).map(|fid| backoff(3, fid)).collect();
        assert!(distinct.len() > 50, "{}", distinct.len());
    }
}
