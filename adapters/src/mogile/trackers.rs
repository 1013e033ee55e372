//! All trackers of one MogileFS. They are given up only after every one was tried. A tracker that
//! failed rests for some time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use domain::retry::{Classed, ErrorClass};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::error::TrackerError;
use super::timeouts::Timeouts;
use super::tracker::Tracker;
use super::wire::Fields;
use crate::calls::{Calls, System};

/// The trackers of one MogileFS. Any of them can answer any request. Connections are kept, and each
/// has one request in flight at most.
pub struct Trackers {
    all: Vec<Tracker>,
    first: AtomicUsize,
    calls: Arc<Calls>,
}

/// No tracker gave an answer.
pub(super) struct Failed<'a> {
    /// Why.
    pub(super) error: TrackerError,
    /// Those that answered `ERR failure`.
    pub(super) failing: Vec<&'a Tracker>,
}

/// Whether a request may be sent twice.
#[derive(Debug, Clone, Copy)]
enum How {
    Repeatable,
    Once,
}

impl Trackers {
    /// Takes the trackers' addresses (`host:port`), and the most connections to each.
    #[must_use]
    pub fn new(addresses: &[String], connections: usize, calls: Arc<Calls>) -> Self {
        let all =
            addresses.iter().map(|address| Tracker::new(address.clone(), connections)).collect();
        Self { all, first: AtomicUsize::new(0), calls }
    }

    /// Replaces the default time-outs, which are production's.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        for tracker in &mut self.all {
            tracker.timeouts = timeouts;
        }
        self
    }

    /// Asks one tracker after the other until one gives an answer that `read` understands. Only for
    /// requests that may be sent twice: a tracker whose answer was lost may have carried the
    /// request out.
    pub(super) async fn ask<T>(
        &self,
        command: &'static str,
        arguments: &[(&str, &str)],
        read: impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, TrackerError> {
        self.request(How::Repeatable, command, arguments, read).await
    }

    /// As [`ask`](Self::ask), and on failure the trackers that answered `ERR failure`.
    pub(super) async fn try_ask<T>(
        &self,
        command: &'static str,
        arguments: &[(&str, &str)],
        read: impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, Failed<'_>> {
        self.try_request(How::Repeatable, command, arguments, read).await
    }

    /// Asks one tracker alone.
    pub(super) async fn ask_at<T>(
        &self,
        tracker: &Tracker,
        command: &'static str,
        arguments: &[(&str, &str)],
        read: impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, TrackerError> {
        let _slot = tracker.slot().await;
        self.ask_one(tracker, How::Repeatable, command, arguments, &read).await
    }

    /// Has the first tracker that can be reached change something, once.
    ///
    /// Errors with [`TrackerError::Uncertain`] when the tracker neither confirms nor refuses it.
    pub(super) async fn change(
        &self,
        command: &'static str,
        arguments: &[(&str, &str)],
    ) -> Result<(), TrackerError> {
        self.request(How::Once, command, arguments, |_| Ok(())).await
    }

    /// Asks every tracker, whatever the others answer.
    pub(super) async fn ask_each(
        &self,
        command: &'static str,
    ) -> Vec<(String, Result<(), TrackerError>)> {
        let asked = self.all.iter().map(|tracker| async {
            let _slot = tracker.slot().await;
            let answer = self.ask_one(tracker, How::Repeatable, command, &[], &|_| Ok(())).await;
            (tracker.address().to_owned(), answer)
        });
        futures_util::future::join_all(asked).await
    }

    async fn request<T>(
        &self,
        how: How,
        command: &'static str,
        arguments: &[(&str, &str)],
        read: impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, TrackerError> {
        let settled = self.try_request(how, command, arguments, read).await;
        settled.map_err(|failed| failed.error)
    }

    async fn try_request<T>(
        &self,
        how: How,
        command: &'static str,
        arguments: &[(&str, &str)],
        read: impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, Failed<'_>> {
        let mut turn = self.in_turn();
        let (mut failures, mut failing) = (Vec::new(), Vec::new());
        while let Some((tracker, _slot)) = next(&mut turn).await {
            match self.ask_one(tracker, how, command, arguments, &read).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_the_trackers_own() => {
                    failing.extend(failure.is_failure().then_some(tracker));
                    failures.push(failure);
                }
                Err(error) => return Err(Failed { error, failing: Vec::new() }),
            }
        }
        Err(Failed { error: self.all_failed(failures), failing })
    }

    async fn ask_one<T>(
        &self,
        tracker: &Tracker,
        how: How,
        command: &'static str,
        arguments: &[(&str, &str)],
        read: &impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, TrackerError> {
        let waiting = self.calls.begin(System::Tracker, command);
        let answer = match how {
            How::Repeatable => tracker.ask(command, arguments, read).await,
            How::Once => tracker.change(command, arguments, read).await,
        };
        let is_well = match &answer {
            Ok(_) | Err(TrackerError::Gone { .. } | TrackerError::Refused { .. }) => true,
            Err(
                TrackerError::Busy { .. }
                | TrackerError::Unreachable { .. }
                | TrackerError::Uncertain { .. }
                | TrackerError::BadAnswer { .. },
            ) => false,
        };
        tracker.rest((!is_well).then(|| Instant::now() + tracker.timeouts.tracker_rest));
        waiting.end(answer)
    }

    /// Returns all trackers in turn: each call begins with the next one.
    fn in_turn(&self) -> VecDeque<&Tracker> {
        let mut turn: VecDeque<_> = self.all.iter().collect();
        let first = self.first.fetch_add(1, Ordering::Relaxed);
        turn.rotate_left(first % turn.len().max(1));
        turn
    }

    /// The addresses of all trackers.
    pub(super) fn addresses(&self) -> String {
        self.all.iter().map(Tracker::address).collect::<Vec<_>>().join(",")
    }

    /// Joins the failures of all trackers into one error.
    fn all_failed(&self, mut failures: Vec<TrackerError>) -> TrackerError {
        if failures.len() == 1 {
            return failures.remove(0);
        }
        let at = self.addresses();
        let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
        let told =
            if told.is_empty() { "no tracker is configured".into() } else { told.join("; ") };
        if failures.iter().any(|failure| failure.class() == ErrorClass::Retry) {
            TrackerError::Unreachable { at, cause: told.into() }
        } else {
            TrackerError::BadAnswer { at, why: told }
        }
    }
}

/// Waits for the next tracker to ask and a permit for one of its connections. Takes a resting
/// tracker only when no other is left.
async fn next<'a>(
    turn: &mut VecDeque<&'a Tracker>,
) -> Option<(&'a Tracker, Option<SemaphorePermit<'a>>)> {
    loop {
        let at = turn.iter().position(|tracker| !tracker.is_resting()).unwrap_or(0);
        let tracker = turn.remove(at)?;
        let was_resting = tracker.is_resting();
        let slot = tracker.slot().await;
        // While this request waited for the permit, another one may have failed at this tracker.
        let went_bad = !was_resting && tracker.is_resting();
        if went_bad && turn.iter().any(|other| !other.is_resting()) {
            turn.push_back(tracker);
            continue;
        }
        return Some((tracker, slot));
    }
}
