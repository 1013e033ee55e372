//! One tracker: keeps its connections, limits their number, and knows whether the tracker rests
//! after a failure.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::Cause;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::connection::{Connection, Heard, LONGEST_REPLY};
use super::error::TrackerError;
use super::timeouts::Timeouts;
use super::wire::{self, Fields};

/// A tracker at one address.
pub(super) struct Tracker {
    address: String,
    pub(super) timeouts: Timeouts,
    idle: Mutex<Vec<Connection>>,
    slots: Semaphore,
    rests_until: Mutex<Option<Instant>>,
    calls: AtomicU64,
    /// Whether it has ever repeated a request's `callid`. A tracker that does so once does so
    /// always.
    says_callids: AtomicBool,
    /// It has answered as a tracker does.
    has_answered: AtomicBool,
}

impl Tracker {
    /// Allows at most `connections` connections at once, and at least one.
    pub(super) fn new(address: String, connections: usize) -> Self {
        Self {
            address,
            timeouts: Timeouts::default(),
            idle: Mutex::default(),
            slots: Semaphore::new(connections.max(1)),
            rests_until: Mutex::default(),
            calls: AtomicU64::new(1),
            says_callids: AtomicBool::new(false),
            has_answered: AtomicBool::new(false),
        }
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the permit to use one of its connections.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }

    /// Sends a request that may be sent twice, and returns what `read` makes of its answer.
    pub(super) async fn ask<T>(
        &self,
        command: &str,
        arguments: &[(&str, &str)],
        read: impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, TrackerError> {
        if let Some(kept) = self.take_kept() {
            match self.converse(kept, command, arguments, &read).await {
                // Most likely the tracker closed the kept connection while it was idle, so a new
                // one is tried.
                Ok(None) => {}
                settled => return self.answered(settled),
            }
        }
        let new = self.connect().await?;
        let settled = self.converse(new, command, arguments, &read).await;
        self.answered(settled)
    }

    /// Sends a request that must not be sent twice, and returns what `read` makes of its answer.
    /// It uses a new connection: after a kept one closes, it is unknown whether the request was
    /// carried out.
    ///
    /// Errors with [`TrackerError::Unreachable`] only when nothing was sent.
    pub(super) async fn change<T>(
        &self,
        command: &str,
        arguments: &[(&str, &str)],
        read: impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<T, TrackerError> {
        // The new connection replaces a kept one, so that their number stays within the limit.
        drop(self.take_kept());
        let new = self.connect().await?;
        let settled = self.converse(new, command, arguments, &read).await;
        self.answered(settled).map_err(TrackerError::of_a_change)
    }

    /// Sets the time until which it is asked only after the others; [`None`] ends its rest.
    pub(super) fn rest(&self, until: Option<Instant>) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    pub(super) fn is_resting(&self) -> bool {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn name(&self) -> String {
        format!("tracker {}", self.address)
    }

    fn bad_answer(&self, why: String) -> TrackerError {
        TrackerError::BadAnswer { at: self.name(), why }
    }

    async fn connect(&self) -> Result<Connection, TrackerError> {
        let limit = self.timeouts.tracker_connect;
        match Connection::open(&self.address, limit).await {
            Ok(Some(connection)) => Ok(connection),
            Ok(None) => Err(self.unreachable(format!("no connection within {limit:?}"))),
            Err(error) => Err(self.unreachable(error)),
        }
    }

    /// Sends one request and returns what `read` makes of its answer; [`None`] when the connection
    /// was closed before a whole answer.
    async fn converse<T>(
        &self,
        connection: Connection,
        command: &str,
        arguments: &[(&str, &str)],
        read: &impl Fn(&Fields) -> Result<T, String>,
    ) -> Result<Option<T>, TrackerError> {
        let callid = self.calls.fetch_add(1, Ordering::Relaxed).to_string();
        let mut request = wire::request(command, arguments, &callid);
        if !self.has_answered.load(Ordering::Relaxed) {
            // Trackers skip blank lines. A web server, as on a storage node's port, waits for one
            // before it says that this is no request.
            request.push_str("\r\n");
        }
        let limit = self.timeouts.tracker_answer;
        match connection.ask(&request, limit).await {
            Heard::Line(line, connection) => {
                // After an answer that cannot be read the connection is not kept: what else comes
                // on it may belong to that answer.
                let answer = match self.understand(&line, &callid)? {
                    Ok(fields) => Ok(read(&fields).map_err(|why| self.bad_answer(why))?),
                    Err(rejection) => Err(TrackerError::of(rejection, self.name())),
                };
                self.keep(connection);
                answer.map(Some)
            }
            Heard::Closed => Ok(None),
            Heard::Endless => {
                Err(self.bad_answer(format!("a line of more than {LONGEST_REPLY} bytes")))
            }
            Heard::Late => Err(self.unreachable(format!("no answer within {limit:?}"))),
            Heard::Broken(error) => Err(self.unreachable(error)),
        }
    }

    /// Reads the answer in a line. Errors when the line is no answer, or the answer to another
    /// request.
    fn understand(
        &self,
        line: &[u8],
        callid: &str,
    ) -> Result<Result<Fields, wire::Rejection>, TrackerError> {
        let Some(reply) = wire::parse_reply(line) else {
            return Err(self.no_tracker(line));
        };
        self.has_answered.store(true, Ordering::Relaxed);
        let is_ours = match &reply.callid {
            Some(said) => said == callid,
            None => !self.says_callids.load(Ordering::Relaxed),
        };
        if !is_ours {
            return Err(self.bad_answer("it belongs to another request".to_owned()));
        }
        self.says_callids.fetch_or(reply.callid.is_some(), Ordering::Relaxed);
        Ok(reply.outcome)
    }

    fn no_tracker(&self, line: &[u8]) -> TrackerError {
        let start: String = String::from_utf8_lossy(line).chars().take(80).collect();
        self.bad_answer(format!(
            "neither OK nor ERR but {start:?}, so no tracker listens on this port: correct \
             MOGILE_TRACKERS (trackers commonly use port 7001, storage nodes 7500 and 7501)"
        ))
    }

    fn answered<T>(&self, settled: Result<Option<T>, TrackerError>) -> Result<T, TrackerError> {
        settled?.ok_or_else(|| self.unreachable("the connection was closed before a whole answer"))
    }

    /// Takes a kept connection that is still open and has no unread bytes.
    fn take_kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if connection.is_silent() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    fn unreachable(&self, cause: impl Into<Cause>) -> TrackerError {
        TrackerError::Unreachable { at: self.name(), cause: cause.into() }
    }
}
