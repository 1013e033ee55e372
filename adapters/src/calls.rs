//! Counts calls by system, operation and outcome, and names the systems that do not answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::retry::{Classed, ErrorClass};

/// An outside system that the adapters call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum System {
    /// A MogileFS tracker.
    Tracker,
    /// A MogileFS storage node.
    StorageNode,
    /// Amazon S3.
    S3,
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon SQS.
    Sqs,
    /// AWS Lambda.
    Lambda,
    /// AWS Security Token Service.
    Sts,
    /// A MySQL or MariaDB server.
    Mysql,
    /// A node of contentrepo.
    ContentRepo,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tracker => "tracker",
            Self::StorageNode => "storage node",
            Self::S3 => "S3",
            Self::DynamoDb => "DynamoDB",
            Self::Sqs => "SQS",
            Self::Lambda => "Lambda",
            Self::Sts => "STS",
            Self::Mysql => "MySQL",
            Self::ContentRepo => "contentrepo",
        })
    }
}

/// How often one operation of one system succeeded and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Calls that succeeded.
    pub ok: u64,
    /// Calls that were refused, failed or had no answer.
    pub failed: u64,
}

/// A system counts as silent when a call has waited this long for an answer, or its calls have
/// failed for this long.
const SILENT_AFTER: Duration = Duration::from_secs(8);

/// An older failure does not show how the system is now.
const RECENT: Duration = Duration::from_secs(70);

/// Counts of calls, by system and operation, and the calls that wait for their answers.
#[derive(Debug, Default)]
pub struct Calls(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counts: BTreeMap<(System, &'static str), Outcomes>,
    standings: BTreeMap<System, Standing>,
    number: u64,
}

/// The last answer, the waiting calls and the recent failures of one system.
#[derive(Debug, Default)]
struct Standing {
    answered_at: Option<Instant>,
    waiting: BTreeMap<u64, Waiting>,
    failing: Option<Failing>,
}

/// Calls that have failed since the last answer.
#[derive(Debug)]
struct Failing {
    /// When the first of these calls began.
    since: Instant,
    last_at: Instant,
    /// Whether more than one call has failed.
    several: bool,
    /// The error of the last one.
    why: String,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    operation: &'static str,
    since: Instant,
    patience: Duration,
}

/// A call that waits for its answer. A call that is dropped before its answer is not counted.
#[derive(Debug)]
pub struct Call<'a> {
    calls: &'a Calls,
    system: System,
    operation: &'static str,
    number: u64,
}

/// A system that does not answer the calls to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The system that does not answer.
    pub system: System,
    /// The error of its last failed call, or how long its oldest call has waited.
    pub what: String,
}

impl Calls {
    /// Begins a call. The system counts as silent when the call has waited for 8 seconds, however
    /// much longer it may wait.
    #[must_use]
    pub fn begin(&self, system: System, operation: &'static str) -> Call<'_> {
        self.begin_long(system, operation, Duration::ZERO)
    }

    /// Begins a call that moves content, or waits for something to come: no silence is seen in it for
    /// `more` than the 8 seconds.
    #[must_use]
    pub fn begin_long(&self, system: System, operation: &'static str, more: Duration) -> Call<'_> {
        let mut inner = self.inner();
        inner.number += 1;
        let number = inner.number;
        let patience = SILENT_AFTER + more;
        let waiting = Waiting { operation, since: Instant::now(), patience };
        inner.standings.entry(system).or_default().waiting.insert(number, waiting);
        Call { calls: self, system, operation, number }
    }

    /// Counts one call as succeeded or failed, and returns its result.
    pub fn count<T, E>(
        &self,
        system: System,
        operation: &'static str,
        result: Result<T, E>,
    ) -> Result<T, E> {
        let mut inner = self.inner();
        let outcomes = inner.counts.entry((system, operation)).or_default();
        match result {
            Ok(_) => outcomes.ok += 1,
            Err(_) => outcomes.failed += 1,
        }
        result
    }

    /// Returns all counts since the start.
    #[must_use]
    pub fn all(&self) -> BTreeMap<(System, &'static str), Outcomes> {
        self.inner().counts.clone()
    }

    /// Returns the systems that have not answered for some seconds although calls wait or fail.
    #[must_use]
    pub fn silent(&self) -> Vec<Silence> {
        self.silent_at(Instant::now())
    }

    fn silent_at(&self, now: Instant) -> Vec<Silence> {
        let inner = self.inner();
        let what = |(system, standing): (&System, &Standing)| {
            let what = standing.failing(now).or_else(|| standing.late(now))?;
            Some(Silence { system: *system, what })
        };
        inner.standings.iter().filter_map(what).collect()
    }

    /// Whether a call of this system was answered after this moment.
    #[must_use]
    pub fn is_answered_since(&self, system: System, moment: Instant) -> bool {
        let inner = self.inner();
        let answered_at = inner.standings.get(&system).and_then(|standing| standing.answered_at);
        answered_at.is_some_and(|at| at >= moment)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Returns the last error, where calls have failed for some time and none was answered
    /// meanwhile.
    fn failing(&self, now: Instant) -> Option<String> {
        let Failing { since, last_at, several, why } = self.failing.as_ref()?;
        let is_lasting = *several || last_at.duration_since(*since) >= SILENT_AFTER;
        let is_now = now.duration_since(*last_at) < RECENT;
        (is_lasting && is_now && now.duration_since(*since) >= SILENT_AFTER).then(|| why.clone())
    }

    /// Returns how long the oldest late call has waited, where no later call was answered.
    fn late(&self, now: Instant) -> Option<String> {
        let is_late = |waiting: &&Waiting| {
            let is_over = now.duration_since(waiting.since) >= waiting.patience;
            is_over && self.answered_at.is_none_or(|at| at < waiting.since)
        };
        let oldest = self.waiting.values().find(is_late)?;
        let seconds = now.duration_since(oldest.since).as_secs();
        Some(format!("no answer to {} for {seconds} s", oldest.operation))
    }
}

impl Call<'_> {
    /// Ends the call with its answer: counts it and returns the result.
    pub fn end<T, E: Classed>(self, result: Result<T, E>) -> Result<T, E> {
        self.end_by(result, |error| error)
    }

    /// The same, where the error has the class of another one.
    pub fn end_by<T, E, C: Classed>(
        self,
        result: Result<T, E>,
        classed: impl Fn(&E) -> &C,
    ) -> Result<T, E> {
        {
            let mut inner = self.calls.inner();
            let standing = inner.standings.entry(self.system).or_default();
            let now = Instant::now();
            match &result {
                Err(error) if classed(error).class() == ErrorClass::Retry => {
                    let began = standing.waiting.get(&self.number).map_or(now, |call| call.since);
                    let since = standing.failing.as_ref().map(|failing| failing.since);
                    standing.failing = Some(Failing {
                        since: since.unwrap_or(began),
                        last_at: now,
                        several: since.is_some(),
                        why: classed(error).to_string(),
                    });
                }
                // A refusal is an answer too.
                Ok(_) | Err(_) => {
                    standing.answered_at = Some(now);
                    standing.failing = None;
                }
            }
        }
        self.calls.count(self.system, self.operation, result)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut inner = self.calls.inner();
        if let Some(standing) = inner.standings.get_mut(&self.system) {
            standing.waiting.remove(&self.number);
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.system, self.what)
    }
}

#[cfg(test)]
mod tests {
    use domain::SourceError;

    use super::*;

    fn unreachable() -> Result<(), SourceError> {
        Err(SourceError::Unreachable { at: "tracker t1".into(), cause: "refused".into() })
    }

    /// The texts for the systems that are silent this many seconds from now.
    fn silent_after(calls: &Calls, seconds: u64) -> Vec<String> {
        let silent = calls.silent_at(Instant::now() + Duration::from_secs(seconds));
        silent.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_system_that_does_not_answer_is_named_before_the_call_is_given_up() {
        let calls = Calls::default();
        let waiting = calls.begin(System::Tracker, "get_paths");
        assert_eq!(silent_after(&calls, 7), Vec::<String>::new());
        assert_eq!(silent_after(&calls, 9), ["tracker: no answer to get_paths for 9 s"]);
        let _moving = calls.begin_long(System::S3, "PutObject", Duration::from_mins(2));
        assert_eq!(silent_after(&calls, 60).len(), 1, "what moves much content may take its time");
        assert_eq!(silent_after(&calls, 129).len(), 2);

        // Another tracker has answered meanwhile, so the trackers are not silent.
        calls.begin(System::Tracker, "get_paths").end(Ok::<_, SourceError>(())).expect("answered");
        assert_eq!(silent_after(&calls, 9), Vec::<String>::new());
        drop(waiting);
    }

    #[test]
    fn a_system_whose_calls_fail_is_named_with_its_own_words() {
        let calls = Calls::default();
        let fail = || calls.begin(System::Tracker, "get_paths").end(unreachable());
        fail().unwrap_err();
        assert_eq!(silent_after(&calls, 9), Vec::<String>::new(), "once is nothing");
        fail().unwrap_err();
        assert_eq!(silent_after(&calls, 1), Vec::<String>::new());
        assert_eq!(silent_after(&calls, 9), ["tracker: `tracker t1` cannot be reached: refused"]);
        assert_eq!(silent_after(&calls, 99), Vec::<String>::new(), "nothing is asked any more");
        // An unknown key is an answer, too.
        let unknown: Result<(), _> = Err(SourceError::UnknownKey { key: "k".into() });
        calls.begin(System::Tracker, "get_paths").end(unknown).unwrap_err();
        assert_eq!(silent_after(&calls, 9), Vec::<String>::new());
        let counted = calls.all()[&(System::Tracker, "get_paths")];
        assert_eq!(counted, Outcomes { ok: 0, failed: 3 });
    }
}
