//! How many calls went out, of which kind, and how they came out; and which systems do not answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::retry::{Classed, ErrorClass};

/// A system that is called.
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
    /// A MySQL or MariaDB server.
    Mysql,
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
            Self::Mysql => "MySQL",
        })
    }
}

/// How calls of one kind came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Answered as hoped.
    pub ok: u64,
    /// Refused, failed or unanswered.
    pub failed: u64,
}

/// A system is silent when it has given no answer for this long, and is waited for.
const SILENT_AFTER: Duration = Duration::from_secs(8);

/// A failure that is older says nothing of now.
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

/// What is known of one system.
#[derive(Debug, Default)]
struct Standing {
    answered_at: Option<Instant>,
    waiting: BTreeMap<u64, Waiting>,
    failing: Option<Failing>,
}

/// Calls that have failed since the last answer.
#[derive(Debug)]
struct Failing {
    /// When the first of them began.
    since: Instant,
    last_at: Instant,
    /// How many, as far as it matters.
    several: bool,
    /// Why the last one did.
    why: String,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    operation: &'static str,
    since: Instant,
    patience: Duration,
}

/// A call that waits for its answer. Dropped without one it counts as nothing.
#[derive(Debug)]
pub struct Call<'a> {
    calls: &'a Calls,
    system: System,
    operation: &'static str,
    number: u64,
}

/// A system that is called and does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The system.
    pub system: System,
    /// What is known of the cause.
    pub what: String,
}

impl Calls {
    /// A call begins that may take up to `limit`.
    #[must_use]
    pub fn begin(&self, system: System, operation: &'static str, limit: Duration) -> Call<'_> {
        let mut inner = self.inner();
        inner.number += 1;
        let number = inner.number;
        let patience = SILENT_AFTER.max(limit / 2);
        let waiting = Waiting { operation, since: Instant::now(), patience };
        inner.standings.entry(system).or_default().waiting.insert(number, waiting);
        Call { calls: self, system, operation, number }
    }

    /// Counts one call and hands its result on.
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

    /// All counts so far.
    #[must_use]
    pub fn all(&self) -> BTreeMap<(System, &'static str), Outcomes> {
        self.inner().counts.clone()
    }

    /// The systems that are called and have not answered for some seconds.
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

    /// Whether the last call of this system was answered.
    #[must_use]
    pub fn is_answered(&self, system: System) -> bool {
        let inner = self.inner();
        let standing = inner.standings.get(&system);
        standing
            .is_some_and(|standing| standing.answered_at.is_some() && standing.failing.is_none())
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// Why its calls fail, where several have failed over some time and none was answered.
    fn failing(&self, now: Instant) -> Option<String> {
        let Failing { since, last_at, several, why } = self.failing.as_ref()?;
        let is_lasting = *several || last_at.duration_since(*since) >= SILENT_AFTER;
        let is_now = now.duration_since(*last_at) < RECENT;
        (is_lasting && is_now && now.duration_since(*since) >= SILENT_AFTER).then(|| why.clone())
    }

    /// For how long its oldest call waits, where nothing was answered meanwhile.
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
    /// The answer has come: counts it and hands it on.
    pub fn end<T, E: Classed>(self, result: Result<T, E>) -> Result<T, E> {
        {
            let mut inner = self.calls.inner();
            let standing = inner.standings.entry(self.system).or_default();
            let now = Instant::now();
            match &result {
                Err(error) if error.class() == ErrorClass::Retry => {
                    let began = standing.waiting.get(&self.number).map_or(now, |call| call.since);
                    let since = standing.failing.as_ref().map(|failing| failing.since);
                    standing.failing = Some(Failing {
                        since: since.unwrap_or(began),
                        last_at: now,
                        several: since.is_some(),
                        why: error.to_string(),
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

    const LIMIT: Duration = Duration::from_secs(10);

    fn unreachable() -> Result<(), SourceError> {
        Err(SourceError::Unreachable { at: "tracker t1".into(), cause: "refused".into() })
    }

    /// The silent systems this many seconds from now, in words.
    fn silent_after(calls: &Calls, seconds: u64) -> Vec<String> {
        let silent = calls.silent_at(Instant::now() + Duration::from_secs(seconds));
        silent.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_system_that_does_not_answer_is_named_before_the_call_is_given_up() {
        let calls = Calls::default();
        let waiting = calls.begin(System::Tracker, "get_paths", LIMIT);
        assert_eq!(silent_after(&calls, 7), Vec::<String>::new());
        assert_eq!(silent_after(&calls, 9), ["tracker: no answer to get_paths for 9 s"]);
        let _moving = calls.begin(System::S3, "PutObject", Duration::from_mins(5));
        assert_eq!(silent_after(&calls, 60).len(), 1, "what moves much content may take its time");
        assert_eq!(silent_after(&calls, 151).len(), 2);

        // Another tracker has answered meanwhile: the trackers are not silent.
        calls
            .begin(System::Tracker, "get_paths", LIMIT)
            .end(Ok::<_, SourceError>(()))
            .expect("answered");
        assert_eq!(silent_after(&calls, 9), Vec::<String>::new());
        drop(waiting);
    }

    #[test]
    fn a_system_whose_calls_fail_is_named_with_its_own_words() {
        let calls = Calls::default();
        let fail = || calls.begin(System::Tracker, "get_paths", LIMIT).end(unreachable());
        fail().unwrap_err();
        assert_eq!(silent_after(&calls, 9), Vec::<String>::new(), "once is nothing");
        fail().unwrap_err();
        assert_eq!(silent_after(&calls, 1), Vec::<String>::new());
        assert_eq!(silent_after(&calls, 9), ["tracker: `tracker t1` cannot be reached: refused"]);
        assert_eq!(silent_after(&calls, 99), Vec::<String>::new(), "nothing is asked any more");
        // That a key is unknown is an answer.
        let unknown: Result<(), _> = Err(SourceError::UnknownKey { key: "k".into() });
        calls.begin(System::Tracker, "get_paths", LIMIT).end(unknown).unwrap_err();
        assert_eq!(silent_after(&calls, 9), Vec::<String>::new());
        let counted = calls.all()[&(System::Tracker, "get_paths")];
        assert_eq!(counted, Outcomes { ok: 0, failed: 3 });
    }
}
