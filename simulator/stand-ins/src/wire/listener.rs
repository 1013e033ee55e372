//! The HTTP listener in front of every HTTP service of the world: it counts each request, asks the
//! script of faults, and carries the fault out, so that no backend knows of faults.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::accept::accept;
use crate::fault::{Fault, Faults, Service};

mod faulty_body;

/// The body of an answer; its error closes the connection.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A whole body that is in memory.
#[must_use]
pub fn full(bytes: impl Into<Bytes>) -> Body {
    http_body_util::Full::new(bytes.into())
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

/// A refusal's answer; a status that is none becomes 500.
#[must_use]
pub fn error_answer(status: u16, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(full(text));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What answers behind the listener.
pub trait Backend: Send + Sync + 'static {
    /// The service that this is, for the fault script and the counts.
    fn service(&self) -> Service;

    /// How long a connection may lie idle; none is for ever.
    fn idle_limit(&self) -> Option<Duration> {
        None
    }

    /// Operation name and target, for the fault script and the counts.
    fn classify(&self, head: &http::request::Parts) -> (String, String);

    /// The error answer in this service's own format, for [`Fault::Refuse`].
    fn refusal(&self, status: u16, code: &str) -> Response<Body>;

    /// Carries a request out. An error closes the connection in place of an answer.
    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, Result<Response<Body>, io::Error>>;

    /// Carries out the first `processed` entries of a batch and tells of the others that they are
    /// unprocessed, for [`Fault::Unprocessed`]. What is no batch is carried out in full.
    fn call_in_part(
        &self,
        request: Request<Incoming>,
        processed: usize,
    ) -> BoxFuture<'_, Result<Response<Body>, io::Error>> {
        let _ = processed;
        self.call(request)
    }
}

/// Accepts for ever; every request passes the fault script first. Dropping the future closes every
/// connection.
pub async fn serve(listener: TcpListener, backend: Arc<dyn Backend>, faults: Arc<Faults>) {
    let converse = |stream| converse(stream, Arc::clone(&backend), Arc::clone(&faults));
    accept(listener, converse).await;
}

/// Answers the requests of one connection until either side closes it.
async fn converse(stream: TcpStream, backend: Arc<dyn Backend>, faults: Arc<Faults>) {
    // Without it small answers wait for the client's delayed acknowledgement; a socket that
    // refuses is slower, not wrong.
    let _ = stream.set_nodelay(true);
    let _open = faults.connected(backend.service(), &stream);
    let service = service_fn(|request| answer(backend.as_ref(), &faults, request));
    let mut connection = http1::Builder::new();
    if let Some(limit) = backend.idle_limit() {
        // The wait for a request's head is the time that a kept connection lies idle.
        connection.timer(TokioTimer::new()).header_read_timeout(limit);
    }
    // Its error is a connection that broke, by a fault or by the client, or that idled too long:
    // all are expected here.
    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
}

/// One request through the script to the backend.
async fn answer(
    backend: &dyn Backend,
    faults: &Faults,
    request: Request<Incoming>,
) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let (operation, target) = backend.classify(&head);
    let request = Request::from_parts(head, body);
    let Some(fault) = faults.strike(backend.service(), &operation, &target) else {
        return backend.call(request).await;
    };
    match fault {
        Fault::RequestLost => Err(closed_by_script()),
        Fault::AnswerLost => {
            backend.call(request).await?;
            Err(closed_by_script())
        }
        Fault::Hang => {
            backend.call(request).await?;
            pending().await
        }
        Fault::Delay(pause) => {
            let answer = backend.call(request).await;
            tokio::time::sleep(pause).await;
            answer
        }
        Fault::Refuse { status, code } => {
            drain(request.into_body()).await;
            Ok(backend.refusal(status, &code))
        }
        Fault::RefuseInside200 { code, carried_out: false } => {
            drain(request.into_body()).await;
            Ok(backend.refusal(200, &code))
        }
        Fault::RefuseInside200 { code, carried_out: true } => {
            let answer = backend.call(request).await?;
            Ok(if answer.status().is_success() { backend.refusal(200, &code) } else { answer })
        }
        Fault::Unprocessed { processed } => backend.call_in_part(request, processed).await,
        Fault::TruncateBody(bytes) => {
            Ok(backend.call(request).await?.map(|body| faulty_body::truncate(body, bytes)))
        }
        Fault::HangInBody(bytes) => {
            Ok(backend.call(request).await?.map(|body| faulty_body::hang(body, bytes)))
        }
        Fault::Trickle(pause) => {
            Ok(backend.call(request).await?.map(|body| faulty_body::trickle(body, pause)))
        }
        Fault::CorruptBody => Ok(backend.call(request).await?.map(faulty_body::corrupt)),
        Fault::Announce(bytes) => {
            let mut answer = backend.call(request).await?.map(faulty_body::of_any_length);
            answer.headers_mut().insert(CONTENT_LENGTH, bytes.into());
            Ok(answer)
        }
    }
}

/// The error that makes hyper close the connection without an answer.
fn closed_by_script() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "closed by the fault script")
}

/// Bounds of [`drain`]: a client that has more to say finds its connection closed.
const DRAIN_LIMIT_BYTES: usize = 64 << 20;
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Reads a request's body away: a client that is still sending would otherwise find a reset
/// connection where the answer should be.
async fn drain(mut body: Incoming) {
    let read = async {
        let mut drained = 0;
        while let Some(Ok(frame)) = body.frame().await {
            drained += frame.data_ref().map_or(0, Bytes::len);
            if drained > DRAIN_LIMIT_BYTES {
                break;
            }
        }
    };
    // Past the limit the answer is sent all the same.
    let _ = tokio::time::timeout(DRAIN_LIMIT, read).await;
}

#[cfg(test)]
mod tests;
