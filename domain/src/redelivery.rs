//! When a job that failed is delivered again.
//!
//! Every delivery counts: after a few the queue makes a dead letter of the job. So what will not
//! heal comes back soon, and reaches the dead-letter queue within minutes, where somebody sees it;
//! what may heal comes back later each time; and what failed because a system was away waits
//! longest, since its deliveries must not run out before the system is back.

use std::time::Duration;

use crate::ReasonKind;
use crate::retry::spread;

/// What will not heal by waiting comes back after this.
const LASTING: Duration = Duration::from_secs(5);

/// What may heal comes back after twice this, then twice as late each time.
const FIRST: Duration = Duration::from_secs(30);

/// Doublings by which jobs that failed in an outage are ahead of those that may heal.
const OUTAGE_DOUBLINGS: u32 = 3;

/// Nothing waits longer; the queue itself allows twelve hours.
pub(crate) const LONGEST: Duration = Duration::from_hours(2);

/// How long after delivery `attempt` (from 1) a job that failed like this stays invisible. The
/// jitter, up to a quarter, comes from `salt`.
#[must_use]
pub fn comes_back_after(kind: ReasonKind, attempt: u32, salt: u64) -> Duration {
    let doublings = match patience(kind) {
        Patience::None => return LASTING,
        Patience::Some => attempt,
        Patience::Much => attempt.saturating_add(OUTAGE_DOUBLINGS),
    };
    let whole = FIRST.saturating_mul(1 << doublings.min(16)).min(LONGEST);
    whole * (1_000 - spread(attempt, salt) / 4) / 1_000
}

/// Whether a job that failed like this waits longest for its next delivery.
pub(crate) const fn waits_longest(kind: ReasonKind) -> bool {
    matches!(patience(kind), Patience::Much)
}

/// What waiting may do for a failed job.
enum Patience {
    None,
    Some,
    Much,
}

const fn patience(kind: ReasonKind) -> Patience {
    match kind {
        ReasonKind::BadMessage
        | ReasonKind::BadJob
        | ReasonKind::NoIntermediary
        | ReasonKind::WrongObject
        | ReasonKind::KeyUnknown
        | ReasonKind::Missing => Patience::None,
        ReasonKind::NoReplica
        | ReasonKind::SourceRefused
        | ReasonKind::Contended
        | ReasonKind::StoreRefused => Patience::Some,
        // What was not started has used up a delivery without a try.
        ReasonKind::NotStarted
        | ReasonKind::SourceUnreachable
        | ReasonKind::ReplicasUnreachable
        | ReasonKind::StoreUnreachable
        | ReasonKind::StoreDenied
        | ReasonKind::NoBucket
        | ReasonKind::IndexUnreadable
        | ReasonKind::LedgerUnavailable
        | ReasonKind::QueueUnavailable => Patience::Much,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The time from the first to the fifth and last delivery, when each fails like this at once.
    fn until_dead(kind: ReasonKind) -> Duration {
        (1..=4).map(|attempt| comes_back_after(kind, attempt, 7)).sum()
    }

    #[test]
    fn poison_is_dead_in_minutes_and_an_outage_has_hours() {
        assert!(until_dead(ReasonKind::BadMessage) < Duration::from_mins(1));
        assert!(until_dead(ReasonKind::WrongObject) < Duration::from_mins(1));
        let may_heal = until_dead(ReasonKind::NoReplica);
        assert!(may_heal > Duration::from_mins(10) && may_heal < Duration::from_mins(16));
        assert!(until_dead(ReasonKind::SourceUnreachable) > Duration::from_mins(85));
    }

    proptest! {
        #[test]
        fn later_each_time_and_never_later_than_the_queue_allows(attempt: u32, salt: u64) {
            for &kind in ReasonKind::ALL {
                let pause = comes_back_after(kind, attempt, salt);
                prop_assert!(pause >= LASTING && pause <= LONGEST);
                let next = comes_back_after(kind, attempt.saturating_add(1), salt);
                prop_assert!(next >= pause * 3 / 4, "{kind}: {pause:?} {next:?}");
            }
        }
    }
}
