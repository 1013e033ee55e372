//! Decides when a failed job is delivered again, and when it has failed often enough.
//!
//! A job that fails by itself is tried [`TRIES`](crate::limits::TRIES) times and then moved to the
//! dead-letter queue, where an operator sees it. Where waiting cannot help, it comes back within
//! seconds. Where waiting may help, each pause is longer than the one before. Where a system is
//! unreachable the job is not at fault: its deliveries do not count. It comes back after ten
//! minutes at the latest, so that the work goes on soon after the system is back.

use std::time::Duration;

use crate::ReasonKind;
use crate::retry::spread;

/// The pause of a job for which waiting cannot help.
const LASTING: Duration = Duration::from_secs(5);

/// Half of the first pause of a job for which waiting may help. Each next pause is twice the one
/// before.
const FIRST: Duration = Duration::from_secs(30);

/// The longest pause of any job.
pub(crate) const LONGEST: Duration = Duration::from_mins(10);

/// Returns how long a job that failed in this way stays invisible. `time` counts from 1: the job's
/// own failures, or its deliveries where the cause is outside the job. The jitter, up to a quarter,
/// comes from `salt`.
#[must_use]
pub fn comes_back_after(kind: ReasonKind, time: u32, salt: u64) -> Duration {
    let whole = match patience(kind) {
        Patience::None => return LASTING,
        Patience::Some | Patience::Much => FIRST.saturating_mul(1 << time.min(16)).min(LONGEST),
    };
    whole * (1_000 - spread(time, salt) / 4) / 1_000
}

/// Whether a failure of this kind is the job's own. Every other kind has a cause outside the job:
/// an unreachable system, settings that are wrong for all jobs, or too little time.
#[must_use]
pub const fn is_own_failure(kind: ReasonKind) -> bool {
    !matches!(patience(kind), Patience::Much)
}

/// How far waiting may help a failed job.
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
        | ReasonKind::Missing
        | ReasonKind::NoRecord
        | ReasonKind::OtherRecord
        | ReasonKind::Killed => Patience::None,
        ReasonKind::NoReplica
        | ReasonKind::WrongContent
        | ReasonKind::SourceRefused
        | ReasonKind::Contended
        | ReasonKind::StoreRefused => Patience::Some,
        ReasonKind::NotStarted
        | ReasonKind::OtherSettings
        | ReasonKind::SourceUnreachable
        | ReasonKind::ReplicasUnreachable
        | ReasonKind::StoreUnreachable
        | ReasonKind::StoreDenied
        | ReasonKind::NoBucket
        | ReasonKind::IndexUnreadable
        | ReasonKind::TypesAndNames
        | ReasonKind::References
        | ReasonKind::LedgerUnavailable
        | ReasonKind::QueueUnavailable => Patience::Much,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits;

    /// The time from the first to the last try, when each fails like this at once.
    fn until_dead(kind: ReasonKind) -> Duration {
        (1..limits::TRIES).map(|time| comes_back_after(kind, time, 7)).sum()
    }

    #[test]
    fn poison_is_dead_in_seconds_and_what_may_heal_has_minutes() {
        assert!(until_dead(ReasonKind::BadMessage) < Duration::from_mins(1));
        assert!(until_dead(ReasonKind::WrongObject) < Duration::from_mins(1));
        let may_heal = until_dead(ReasonKind::NoReplica);
        assert!(may_heal > Duration::from_mins(10) && may_heal < Duration::from_mins(16));
    }

    /// Five days of an outage, at the least, before SQS itself makes dead letters of its jobs.
    #[test]
    fn an_outage_uses_up_few_of_the_deliveries() {
        let kind = ReasonKind::SourceUnreachable;
        let time: Duration =
            (1..limits::DELIVERIES).map(|time| comes_back_after(kind, time, 7)).sum();
        assert!(time > Duration::from_hours(5 * 24), "{time:?}");
    }

    proptest! {
        #[test]
        fn later_each_time_and_never_later_than_the_longest(time: u32, salt: u64) {
            for &kind in ReasonKind::ALL {
                let pause = comes_back_after(kind, time, salt);
                prop_assert!(pause >= LASTING && pause <= LONGEST);
                let next = comes_back_after(kind, time.saturating_add(1), salt);
                prop_assert!(next >= pause * 3 / 4, "{kind}: {pause:?} {next:?}");
            }
        }
    }
}
