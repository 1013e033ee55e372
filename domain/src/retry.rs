//! What an error asks for next, and how long to wait before it.

use std::time::Duration;

use crate::limits::{BACKOFF_FIRST, BACKOFF_LONGEST};

/// "What now?", which every port error answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// It may work in a while: throttled, hung, unreachable.
    Retry,
    /// It will not work until somebody changes something.
    GiveUp,
    /// What came is not what was promised; another source may do.
    Corrupt,
}

/// An adapter's own error, kept as the cause of a port's.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error with a class.
pub trait Classed: std::error::Error {
    /// What now?
    fn class(&self) -> ErrorClass;
}

/// The pause before try `attempt + 1` (the first try is attempt 1): exponential with full jitter.
/// The jitter comes from `salt` (a fid, say), so that files spread out and a simulation replays.
#[must_use]
pub fn backoff(attempt: u32, salt: u64) -> Duration {
    backoff_between(BACKOFF_FIRST, BACKOFF_LONGEST, attempt, salt)
}

/// As [`backoff`], between other bounds.
#[must_use]
pub(crate) fn backoff_between(
    first: Duration,
    longest: Duration,
    attempt: u32,
    salt: u64,
) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let ceiling = first.saturating_mul(1 << doublings).min(longest);
    // Never less than a tenth: a pause of nothing is no pause.
    ceiling * (100 + spread(attempt, salt) * 9 / 10) / 1_000
}

/// A number below a thousand that looks like chance and is the same for the same arguments.
pub(crate) const fn spread(attempt: u32, salt: u64) -> u32 {
    (mix(salt ^ (attempt as u64).rotate_left(32)) % 1_000) as u32
}

/// The finalizer of `SplitMix64`: neighbouring numbers come out far apart.
const fn mix(number: u64) -> u64 {
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
