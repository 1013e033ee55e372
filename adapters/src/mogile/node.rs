//! One storage node: its kept HTTP connections, and how many there may be.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use domain::Cause;
use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::timeouts::Timeouts;
use crate::aws::in_full;

/// A storage node at one address.
pub(super) struct Node {
    address: SocketAddr,
    timeouts: Timeouts,
    idle: Mutex<Vec<Kept>>,
    slots: Arc<Semaphore>,
}

/// One HTTP connection. Dropping it closes it.
pub(super) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    _driver: JoinSet<()>,
}

struct Kept {
    connection: Connection,
    since: Instant,
}

/// Why a request was not answered.
enum NoAnswer {
    /// The connection broke or was closed.
    Broken(Cause),
    Late(Cause),
}

impl Node {
    /// With at most so many connections.
    pub(super) fn new(address: SocketAddr, connections: usize, timeouts: Timeouts) -> Self {
        let slots = Arc::new(Semaphore::new(connections));
        Self { address, timeouts, idle: Mutex::default(), slots }
    }

    /// The right to one of its connections; waits until one is free.
    pub(super) async fn slot(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.slots).acquire_owned().await
    }

    /// The head of the answer to a GET, and the connection that its body comes over.
    pub(super) async fn get(&self, uri: &Uri) -> Result<(Response<Incoming>, Connection), Cause> {
        if let Some(kept) = self.take_kept() {
            match self.ask(kept, uri).await {
                Ok(answer) => return Ok(answer),
                // Closed just when it was used again, most likely; a new one has no such excuse.
                Err(NoAnswer::Broken(_)) => {}
                Err(NoAnswer::Late(cause)) => return Err(cause),
            }
        }
        let new = self.connect().await?;
        self.ask(new, uri).await.map_err(|(NoAnswer::Broken(cause) | NoAnswer::Late(cause))| cause)
    }

    /// Keeps a connection on which nothing is under way.
    pub(super) fn keep(&self, connection: Connection) {
        let kept = Kept { connection, since: Instant::now() };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    fn take_kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // The oldest lie first, and those that were closed anywhere: both go.
        idle.retain(|kept| {
            kept.since.elapsed() < self.timeouts.node_idle && !kept.connection.sender.is_closed()
        });
        idle.pop().map(|kept| kept.connection)
    }

    async fn connect(&self) -> Result<Connection, Cause> {
        let limit = self.timeouts.node_connect;
        let Ok(stream) = timeout(limit, TcpStream::connect(self.address)).await else {
            return Err(format!("no connection within {limit:?}").into());
        };
        let stream = stream?;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        let mut task = JoinSet::new();
        // Its error reaches whoever waits for an answer or for content.
        task.spawn(async { drop(driver.await) });
        Ok(Connection { sender, _driver: task })
    }

    async fn ask(
        &self,
        mut connection: Connection,
        uri: &Uri,
    ) -> Result<(Response<Incoming>, Connection), NoAnswer> {
        let request = self.request(uri).map_err(|error| NoAnswer::Broken(error.into()))?;
        let answer = async {
            connection.sender.ready().await?;
            connection.sender.send_request(request).await
        };
        let limit = self.timeouts.node_answer;
        match timeout(limit, answer).await {
            Ok(Ok(response)) => Ok((response, connection)),
            Ok(Err(error)) => Err(NoAnswer::Broken(in_full(&error).into())),
            Err(_) => Err(NoAnswer::Late(format!("no answer within {limit:?}").into())),
        }
    }

    /// HTTP/1.1 that asks to stay: nodes answer in HTTP/1.0, which closes unless asked.
    fn request(&self, uri: &Uri) -> Result<Request<Empty<Bytes>>, http::Error> {
        Request::get(uri.path())
            .header(HOST, self.address.to_string())
            .header(CONNECTION, HeaderValue::from_static("keep-alive"))
            .body(Empty::new())
    }
}
