//! Reads content from storage nodes, which answer in HTTP/1.0 on kept-alive connections.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::content::SourceContent;
use domain::ports::Replica;
use domain::{ByteCount, Cause, SourceError};
use futures_util::stream;
use http::{Response, StatusCode, Uri, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::location::{Location, Unfit};
use super::node::{Connection, Node};
use super::timeouts::Timeouts;
use crate::aws::in_full;
use crate::calls::{Calls, System};

/// The storage nodes. Each is asked for a bounded number of files at once. Requests use no proxy,
/// follow no redirect and look up no host name.
pub struct StorageNodes {
    nodes: Mutex<BTreeMap<SocketAddr, Arc<Node>>>,
    connections: usize,
    timeouts: Timeouts,
    calls: Arc<Calls>,
}

impl StorageNodes {
    /// Allows at most `connections` connections to each node, and at least one.
    #[must_use]
    pub fn new(connections: usize, calls: Arc<Calls>) -> Self {
        let timeouts = Timeouts::default();
        Self { nodes: Mutex::default(), connections: connections.max(1), timeouts, calls }
    }

    /// Replaces the default time-outs, which are production's.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Opens a replica. Its bytes are read from the node as the caller asks for them.
    pub(super) async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        let unfit = || bad_answer(replica, Unfit::NotAReplica.why().to_owned());
        let location = Location::parse(&replica.url).ok_or_else(unfit)?;
        let uri: Uri = replica.url.parse().map_err(|_| unfit())?;
        let node = self.node(location.node);
        let slot = node.slot().await.map_err(|error| unreachable(replica, error.into()))?;
        let waiting = self.calls.begin(System::StorageNode, "GET");
        let answer = node.get(&uri).await.map_err(|cause| unreachable(replica, cause));
        let accepted = answer.and_then(|(response, connection)| {
            let (length, body) = accept(replica, response)?;
            Ok((length, body, connection))
        });
        let (length, body, connection) = waiting.end(accepted)?;
        let flow = Flow {
            replica: replica.to_string(),
            body,
            left: length.0,
            patience: self.timeouts.content(length.0),
            slowest: self.timeouts.slowest_bytes_per_second,
            connection: Some(connection),
            node,
            _slot: slot,
        };
        let stream = stream::try_unfold(flow.kept(), Flow::next);
        Ok(SourceContent { length, stream: Box::pin(stream) })
    }

    fn node(&self, address: SocketAddr) -> Arc<Node> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Node::new(address, self.connections, self.timeouts));
        Arc::clone(nodes.entry(address).or_insert_with(new))
    }
}

/// Accepts an answer with status 200 and a length. Returns the length and the body.
fn accept(
    replica: &Replica,
    response: Response<Incoming>,
) -> Result<(ByteCount, Incoming), SourceError> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(refusal(replica, status));
    }
    let length = response.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    match length {
        Some(length) => Ok((ByteCount(length), response.into_body())),
        None => Err(bad_answer(replica, "an answer without Content-Length".to_owned())),
    }
}

fn refusal(replica: &Replica, status: StatusCode) -> SourceError {
    let at = replica.to_string();
    if status.is_redirection() {
        return bad_answer(replica, format!("{status}: redirects are not followed"));
    }
    if status.is_server_error() {
        return SourceError::Busy { at, why: status.to_string() };
    }
    SourceError::Refused { at, why: status.to_string() }
}

/// A replica's content while it is being read. It holds a permit of its node until it ends.
struct Flow {
    replica: String,
    body: Incoming,
    /// The number of bytes that are still to come.
    left: u64,
    /// The total time that the node may still make us wait. The time between two reads does not
    /// count: a slow reader is not the node's fault.
    patience: Duration,
    slowest: u64,
    /// [`Some`] until all bytes have come. Dropping it earlier closes the connection.
    connection: Option<Connection>,
    node: Arc<Node>,
    _slot: OwnedSemaphorePermit,
}

impl Flow {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, SourceError> {
        loop {
            let asked = Instant::now();
            let frame = timeout(self.patience, self.body.frame()).await;
            self.patience = self.patience.saturating_sub(asked.elapsed());
            match frame {
                Ok(Some(Ok(frame))) => {
                    if let Ok(chunk) = frame.into_data() {
                        self.left = self.left.saturating_sub(chunk.len() as u64);
                        return Ok(Some((chunk, self.kept())));
                    }
                }
                Ok(Some(Err(error))) => {
                    return Err(self.failed(format!("the content breaks off: {}", in_full(&error))));
                }
                Ok(None) => return Ok(None),
                Err(_) => {
                    let slowest = self.slowest / 1024;
                    return Err(
                        self.failed(format!("the content flows slower than {slowest} KiB/s"))
                    );
                }
            }
        }
    }

    /// Gives the connection back to the node once all bytes have come. A reader knows their number
    /// and may not read to the end of the stream.
    fn kept(mut self) -> Self {
        if self.left == 0
            && let Some(connection) = self.connection.take()
        {
            self.node.keep(connection);
        }
        self
    }

    fn failed(self, cause: String) -> SourceError {
        SourceError::Unreachable { at: self.replica, cause: cause.into() }
    }
}

fn unreachable(replica: &Replica, cause: Cause) -> SourceError {
    SourceError::Unreachable { at: replica.to_string(), cause }
}

fn bad_answer(replica: &Replica, why: String) -> SourceError {
    SourceError::BadAnswer { at: replica.to_string(), why }
}
