//! Connections to the trackers: kept alive, one request in flight on each, every tracker tried
//! before the trackers are given up.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::ports::SourceError;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::wire::{self, Reply};
use crate::calls::{Calls, System};

const CONNECT: Duration = Duration::from_secs(3);

/// A tracker whose database hangs does not answer at all.
const ANSWER: Duration = Duration::from_secs(10);

/// A tracker that failed is asked last for so long.
const REST: Duration = Duration::from_secs(15);

/// The longest reply that is read: 500 entries of `list_fids` with the longest keys, twice over.
const LONGEST_REPLY: u64 = 1024 * 1024;

/// The trackers of one MogileFS, any of which can answer any request.
pub struct Trackers {
    trackers: Vec<Tracker>,
    first: AtomicUsize,
    calls: Arc<Calls>,
}

/// The fields of an `OK`.
pub(super) type Fields = BTreeMap<String, String>;

/// What came of asking the trackers.
#[derive(Debug)]
pub(super) enum Answer {
    Ok(Fields),
    /// An `ERR` that is about the request, not about the tracker.
    Err {
        at: String,
        code: String,
        text: String,
    },
}

struct Tracker {
    address: String,
    idle: Mutex<Vec<BufReader<TcpStream>>>,
    slots: Semaphore,
    rests_until: Mutex<Option<Instant>>,
}

impl Trackers {
    /// For trackers at these addresses (`host:port`), with at most so many connections to each.
    #[must_use]
    pub fn new(addresses: &[String], connections: usize, calls: Arc<Calls>) -> Self {
        let trackers = addresses
            .iter()
            .map(|address| Tracker {
                address: address.clone(),
                idle: Mutex::default(),
                slots: Semaphore::new(connections.max(1)),
                rests_until: Mutex::default(),
            })
            .collect();
        Self { trackers, first: AtomicUsize::new(0), calls }
    }

    /// The trackers' addresses, for errors about all of them.
    pub(super) fn name(&self) -> String {
        let addresses: Vec<_> = self.trackers.iter().map(|tracker| &*tracker.address).collect();
        addresses.join(",")
    }

    /// Asks one tracker after the other until one answers. For requests that may be repeated: a
    /// tracker whose answer was lost may have carried the request out.
    pub(super) async fn ask(
        &self,
        command: &'static str,
        arguments: &[(&str, &str)],
    ) -> Result<Answer, SourceError> {
        let request = wire::request(command, arguments);
        let mut failure = None;
        for tracker in self.in_turn() {
            let answer = tracker.ask(&request).await;
            match self.calls.count(System::Tracker, command, answer) {
                Ok(answer) => {
                    tracker.rest(None);
                    return Ok(answer);
                }
                Err(error) => {
                    tracker.rest(Some(Instant::now() + REST));
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| SourceError::Refused {
            at: "MOGILE_TRACKERS".to_owned(),
            why: "no tracker is configured".to_owned(),
        }))
    }

    /// All trackers, another one first each time, those that failed lately last.
    fn in_turn(&self) -> Vec<&Tracker> {
        let first = self.first.fetch_add(1, Ordering::Relaxed);
        let count = self.trackers.len();
        let mut turn: Vec<_> = (0..count).map(|i| &self.trackers[(first + i) % count]).collect();
        let now = Instant::now();
        turn.sort_by_key(|tracker| tracker.is_resting(now));
        turn
    }
}

impl Tracker {
    async fn ask(&self, request: &str) -> Result<Answer, SourceError> {
        let Ok(_slot) = self.slots.acquire().await else { return Err(self.cut_off()) };
        // A kept connection may have been closed while it lay idle; a new one has no such excuse.
        while let Some(connection) = self.take_idle() {
            if let Some(line) = self.converse(connection, request).await? {
                return self.understand(&line);
            }
        }
        let connection = self.connect().await?;
        match self.converse(connection, request).await? {
            Some(line) => self.understand(&line),
            None => Err(self.cut_off()),
        }
    }

    async fn connect(&self) -> Result<BufReader<TcpStream>, SourceError> {
        match timeout(CONNECT, TcpStream::connect(&self.address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|error| self.unreachable(error))?;
                Ok(BufReader::new(stream))
            }
            Ok(Err(error)) => Err(self.unreachable(error)),
            Err(_) => Err(self.late("connection", CONNECT)),
        }
    }

    /// One request and its answer's line; [`None`] when the connection was closed before the first
    /// byte of it. The connection is kept only when the answer was whole: one that comes late
    /// would be taken for the next request's.
    async fn converse(
        &self,
        mut connection: BufReader<TcpStream>,
        request: &str,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let exchange = async {
            connection.write_all(request.as_bytes()).await?;
            let mut line = Vec::new();
            (&mut connection).take(LONGEST_REPLY).read_until(b'\n', &mut line).await?;
            io::Result::Ok(line)
        };
        let mut line = match timeout(ANSWER, exchange).await {
            Ok(Ok(line)) if line.is_empty() => return Ok(None),
            Ok(Ok(line)) => line,
            Ok(Err(error)) if is_closed(&error) => return Ok(None),
            Ok(Err(error)) => return Err(self.unreachable(error)),
            Err(_) => return Err(self.late("answer", ANSWER)),
        };
        if line.pop() != Some(b'\n') {
            if (line.len() as u64) < LONGEST_REPLY - 1 {
                return Err(self.cut_off());
            }
            let why = format!("a line of more than {LONGEST_REPLY} bytes");
            return Err(SourceError::BadAnswer { at: self.name(), why });
        }
        line.pop_if(|last| *last == b'\r');
        // More bytes than the one line asked for: whose answer they are nobody knows.
        if connection.buffer().is_empty() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(Some(line))
    }

    fn understand(&self, line: &[u8]) -> Result<Answer, SourceError> {
        match wire::parse_reply(line) {
            Some(Reply::Ok(fields)) => Ok(Answer::Ok(fields)),
            // Its database is down, or was a moment ago: another tracker may do better.
            Some(Reply::Err { code, text }) if code == "failure" => {
                Err(SourceError::Busy { at: self.name(), why: format!("{code}: {text}") })
            }
            Some(Reply::Err { code, text }) => Ok(Answer::Err { at: self.name(), code, text }),
            None => {
                let start: String = String::from_utf8_lossy(line).chars().take(80).collect();
                let why = format!("neither OK nor ERR but {start:?}: is this a tracker's port?");
                Err(SourceError::BadAnswer { at: self.name(), why })
            }
        }
    }

    fn take_idle(&self) -> Option<BufReader<TcpStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn rest(&self, until: Option<Instant>) {
        *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_resting(&self, now: Instant) -> bool {
        let until = *self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| now < until)
    }

    fn name(&self) -> String {
        format!("tracker {}", self.address)
    }

    fn unreachable(&self, error: io::Error) -> SourceError {
        SourceError::Unreachable { at: self.name(), cause: error.into() }
    }

    fn late(&self, what: &str, limit: Duration) -> SourceError {
        let cause = format!("no {what} within {} s", limit.as_secs()).into();
        SourceError::Unreachable { at: self.name(), cause }
    }

    fn cut_off(&self) -> SourceError {
        let cause = "the connection was closed before the whole answer".into();
        SourceError::Unreachable { at: self.name(), cause }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
    )
}
