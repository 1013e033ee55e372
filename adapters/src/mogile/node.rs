//! One storage node: keeps its HTTP connections and limits their number.

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
    /// Allows at most `connections` connections at once.
    pub(super) fn new(address: SocketAddr, connections: usize, timeouts: Timeouts) -> Self {
        let slots = Arc::new(Semaphore::new(connections));
        Self { address, timeouts, idle: Mutex::default(), slots }
    }

    /// Waits for the permit to use one of its connections.
    pub(super) async fn slot(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.slots).acquire_owned().await
    }

    /// Sends a GET. Returns the head of the answer, and the connection on which the body comes.
    pub(super) async fn get(&self, uri: &Uri) -> Result<(Response<Incoming>, Connection), Cause> {
        if let Some(kept) = self.take_kept() {
            match self.ask(kept, uri).await {
                Ok(answer) => return Ok(answer),
                // Most likely the node closed the kept connection at this moment, so a new one is
                // tried.
                Err(NoAnswer::Broken(_)) => {}
                Err(NoAnswer::Late(cause)) => return Err(cause),
            }
        }
        let new = self.connect().await?;
        self.ask(new, uri).await.map_err(|(NoAnswer::Broken(cause) | NoAnswer::Late(cause))| cause)
    }

    /// Keeps a connection for a later request. Its last answer must have been read to the end.
    pub(super) fn keep(&self, connection: Connection) {
        let kept = Kept { connection, since: Instant::now() };
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }

    fn take_kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Drops connections that were idle for too long, and those that the node has closed.
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
        // The caller that waits for the answer or the content gets this error, too.
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

    /// Builds a request in HTTP/1.1 with `keep-alive`: nodes answer in HTTP/1.0 and close the
    /// connection without it.
    fn request(&self, uri: &Uri) -> Result<Request<Empty<Bytes>>, http::Error> {
        Request::get(uri.path())
            .header(HOST, self.address.to_string())
            .header(CONNECTION, HeaderValue::from_static("keep-alive"))
            .body(Empty::new())
    }
}
