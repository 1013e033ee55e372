use super::examine::{failed, not_seen};
use crate::ports::{Clock, LedgerError, ServiceTime, SurveyedDatabase};
use crate::retry::{Classed, ErrorClass};
use crate::{Check, KeyTrouble, Timestamp};

/// AWS refuses a request that arrives this long after the time in its signature, in most cases (AWS
/// General Reference, "Elements of an AWS API request signature").
const REFUSED_FROM_SECONDS: u64 = 300;

/// More than any network takes.
const NOTICED_FROM_SECONDS: u64 = 30;

/// Compares this machine's clock with that of AWS. Where an answer of AWS has no time, nothing is said,
/// except where it refuses because of the clock: other checks name what it refuses.
pub async fn examine_clock(service: &dyn ServiceTime, clock: &dyn Clock) -> Option<Check> {
    let (subject, fact) = ("clock", "this machine has the time of AWS");
    let sent = clock.now();
    let told = match service.service_time().await {
        Ok(told) => told?,
        Err(error) => {
            let is_said = error.class() == ErrorClass::Retry
                || matches!(error, LedgerError::Keys { trouble: KeyTrouble::WrongClock, .. });
            return is_said.then(|| failed(subject, fact, &error));
        }
    };
    let (seconds, side) = difference(sent, told, clock.now());
    if seconds < NOTICED_FROM_SECONDS {
        return Some(Check::good(subject, fact, format!("within {} s", seconds + 1)));
    }
    let detail = format!(
        "it is {seconds} s {side} AWS. Times in reports and records are wrong by that, and from \
         {REFUSED_FROM_SECONDS} s on AWS refuses requests: set the clock, by NTP for example"
    );
    Some(if seconds < REFUSED_FROM_SECONDS {
        Check::caution(subject, fact, detail)
    } else {
        Check::bad(subject, fact, detail)
    })
}

/// Compares the clock of a database's server with this machine's. AWS is not asked: which of the two is
/// wrong, [`examine_clock`] says.
pub(super) async fn examine_server_clock<D: SurveyedDatabase + ?Sized>(
    subject: &str,
    database: &D,
    clock: &dyn Clock,
) -> Check {
    let fact = "its server has the time of this machine";
    let sent = clock.now();
    let told = match database.server_time().await {
        Ok(told) => told,
        Err(error) => return not_seen(subject, fact, &error),
    };
    let (seconds, side) = difference(sent, told, clock.now());
    if seconds < NOTICED_FROM_SECONDS {
        return Check::good(subject, fact, format!("within {} s", seconds + 1));
    }
    let detail = format!(
        "this machine is {seconds} s {side} the server, which writes its own time into new rows. Before and \
         after the cut-over such times are compared with this machine's: set the clock that is wrong, by \
         NTP for example"
    );
    Check::caution(subject, fact, detail)
}

/// How many seconds this machine is ahead of a clock or behind it. The other clock says whole seconds, and
/// was read somewhere between the two times of this machine.
const fn difference(sent: Timestamp, told: Timestamp, received: Timestamp) -> (u64, &'static str) {
    let ahead = sent.0.saturating_sub(told.0.saturating_add(999)) / 1_000;
    let behind = told.0.saturating_sub(received.0) / 1_000;
    if ahead > 0 { (ahead, "ahead of") } else { (behind, "behind") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use futures_util::FutureExt;

    use super::*;
    use crate::Health;

    struct At(u64);

    #[async_trait]
    impl Clock for At {
        async fn sleep(&self, _: Duration) {
            unreachable!("it waits for nothing")
        }

        fn now(&self) -> Timestamp {
            Timestamp(self.0)
        }
    }

    struct Says(Option<u64>);

    #[async_trait]
    impl ServiceTime for Says {
        async fn service_time(&self) -> Result<Option<Timestamp>, LedgerError> {
            Ok(self.0.map(Timestamp))
        }
    }

    struct Refuses(KeyTrouble);

    #[async_trait]
    impl ServiceTime for Refuses {
        async fn service_time(&self) -> Result<Option<Timestamp>, LedgerError> {
            let (table, why) = ("ledger".to_owned(), "in words".to_owned());
            Err(LedgerError::Keys { table, why, trouble: self.0 })
        }
    }

    #[test]
    fn a_refusal_because_of_the_clock_is_said_without_a_time() {
        let check = |trouble| {
            let check = examine_clock(&Refuses(trouble), &At(0)).now_or_never().expect("no wait");
            check.map(|check| check.health)
        };
        assert_eq!(check(KeyTrouble::WrongClock), Some(Health::Bad));
        assert_eq!(check(KeyTrouble::Unknown), None);
    }

    #[test]
    fn a_wrong_clock_is_said_before_aws_refuses_its_requests() {
        let check = |here: u64, there: Option<u64>, health: Option<Health>, words: &str| {
            let check = examine_clock(&Says(there), &At(here)).now_or_never().expect("no wait");
            assert_eq!(check.as_ref().map(|check| check.health), health, "{check:?}");
            assert!(check.is_none_or(|check| check.detail.contains(words)), "{words}");
        };
        let now = 1_767_225_600_000;
        check(now, None, None, "");
        check(now + 999, Some(now), Some(Health::Good), "within 1 s");
        check(now, Some(now + 29_999), Some(Health::Good), "within 30 s");
        check(now, Some(now + 30_000), Some(Health::Caution), "30 s behind AWS");
        check(now + 60_000, Some(now), Some(Health::Caution), "59 s ahead of AWS");
        check(now + 3_600_000, Some(now), Some(Health::Bad), "3599 s ahead of AWS");
        check(now, Some(now + 300_000), Some(Health::Bad), "by NTP");
    }
}
