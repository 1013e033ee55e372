//! Content from storage nodes, over HTTP/1.0 with kept-alive connections.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::ByteCount;
use domain::content::SourceContent;
use domain::limits;
use domain::ports::{Replica, SourceError};
use futures_util::stream;
use http::{Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::aws::in_full;
use crate::calls::{Calls, System};

const CONNECT: Duration = Duration::from_secs(5);

/// Nodes close a connection that was idle for 31 s: ours go before.
const IDLE: Duration = Duration::from_secs(20);

type Body = hyper::body::Incoming;

/// The storage nodes, each asked for a bounded number of files at once. No proxies, no redirects.
pub struct StorageNodes {
    client: Client<HttpConnector, Empty<Bytes>>,
    connections: usize,
    slots: Mutex<BTreeMap<String, Arc<Semaphore>>>,
    calls: Arc<Calls>,
}

impl StorageNodes {
    /// With at most so many connections to each node.
    #[must_use]
    pub fn new(connections: usize, calls: Arc<Calls>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(connections.max(1))
            .build(connector);
        Self { client, connections: connections.max(1), slots: Mutex::default(), calls }
    }

    /// Opens a replica; its bytes then come as they are asked for.
    pub(super) async fn open(&self, replica: &Replica) -> Result<SourceContent, SourceError> {
        let uri: Uri = replica
            .url
            .parse()
            .map_err(|error| bad_answer(replica, format!("not a URL: {error}")))?;
        let slot = self.slot(&uri).await.map_err(|error| unreachable(replica, error.into()))?;
        let answer = self.get(replica, &uri).await.and_then(|response| accept(replica, response));
        let (length, body) = self.calls.count(System::StorageNode, "GET", answer)?;
        let flow = Flow {
            replica: replica.to_string(),
            body,
            patience: limits::time_for(length.0),
            _slot: slot,
        };
        let stream = stream::try_unfold(flow, Flow::next);
        Ok(SourceContent { length, stream: Box::pin(stream) })
    }

    async fn get(&self, replica: &Replica, uri: &Uri) -> Result<Response<Body>, SourceError> {
        let ask = || async {
            let mut request = Request::new(Empty::new());
            *request.uri_mut() = uri.clone();
            match timeout(limits::REQUEST_TIME, self.client.request(request)).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err((!error.is_connect(), in_full(&error))),
                Err(_) => {
                    let seconds = limits::REQUEST_TIME.as_secs();
                    Err((false, format!("no answer within {seconds} s")))
                }
            }
        };
        let answer = match ask().await {
            // A kept connection may be closed just when it is used again: that is worth one more.
            Err((true, _)) => ask().await,
            settled => settled,
        };
        answer.map_err(|(_, why)| unreachable(replica, why.into()))
    }

    async fn slot(&self, uri: &Uri) -> Result<OwnedSemaphorePermit, tokio::sync::AcquireError> {
        let node = uri.authority().map(ToString::to_string).unwrap_or_default();
        let slots = {
            let mut all = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(node).or_insert_with(|| Arc::new(Semaphore::new(self.connections))).clone()
        };
        slots.acquire_owned().await
    }
}

/// The announced length and the body of an answer that is the file.
fn accept(replica: &Replica, response: Response<Body>) -> Result<(ByteCount, Body), SourceError> {
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

/// A replica's content under way. It holds its node's slot until it ends.
struct Flow {
    replica: String,
    body: Body,
    /// How long the node may still let us wait, in all. Time in which nobody asked for more does
    /// not count: a slow reader is not the node's fault.
    patience: Duration,
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
                        return Ok(Some((chunk, self)));
                    }
                }
                Ok(Some(Err(error))) => {
                    let cause = format!("the content breaks off: {}", in_full(&error)).into();
                    return Err(SourceError::Unreachable { at: self.replica, cause });
                }
                Ok(None) => return Ok(None),
                Err(_) => {
                    let slowest = limits::SLOWEST_BYTES_PER_SECOND / 1024;
                    let cause = format!("the content flows slower than {slowest} KiB/s").into();
                    return Err(SourceError::Unreachable { at: self.replica, cause });
                }
            }
        }
    }
}

fn unreachable(replica: &Replica, cause: domain::ports::Cause) -> SourceError {
    SourceError::Unreachable { at: replica.to_string(), cause }
}

fn bad_answer(replica: &Replica, why: String) -> SourceError {
    SourceError::BadAnswer { at: replica.to_string(), why }
}
