//! The HTTP listener in front of every HTTP service of the world: it counts each request, asks the
//! script of faults, and carries the fault out, so that no backend knows of faults.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

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
}

/// Accepts for ever; every request passes the fault script first. Dropping the future closes every
/// connection.
pub async fn serve(listener: TcpListener, backend: Arc<dyn Backend>, faults: Arc<Faults>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&backend), Arc::clone(&faults)));
                }
                // Mostly a lack of file descriptors: closing connections will free some.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Between two attempts to accept, when the system refuses one.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Answers the requests of one connection until either side closes it.
async fn converse(stream: TcpStream, backend: Arc<dyn Backend>, faults: Arc<Faults>) {
    // Without it small answers wait for the client's delayed acknowledgement; a socket that
    // refuses is slower, not wrong.
    let _ = stream.set_nodelay(true);
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
mod tests {
    use std::sync::Mutex;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::fault::Rule;

    /// Answers each request with its own body, in its own time, and remembers it.
    #[derive(Default)]
    struct Echo {
        seen: Mutex<Vec<Bytes>>,
        idle_limit: Option<Duration>,
        takes: Duration,
    }

    impl Backend for Echo {
        fn service(&self) -> Service {
            Service::S3
        }

        fn idle_limit(&self) -> Option<Duration> {
            self.idle_limit
        }

        fn classify(&self, head: &http::request::Parts) -> (String, String) {
            (head.method.to_string(), head.uri.path().to_owned())
        }

        fn refusal(&self, status: u16, code: &str) -> Response<Body> {
            error_answer(status, "text/plain", code.to_owned())
        }

        fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
            Box::pin(async move {
                let body = request.into_body().collect().await.map_err(io::Error::other)?;
                let bytes = body.to_bytes();
                tokio::time::sleep(self.takes).await;
                self.seen.lock().unwrap().push(bytes.clone());
                Ok(Response::new(full(bytes)))
            })
        }
    }

    struct Outcome {
        /// All that came back, up to the end of the connection or of our patience.
        answer: String,
        /// Whether the server closed the connection within our patience.
        closed: bool,
        seen: usize,
        /// Until the last byte came.
        elapsed: Duration,
    }

    const PATIENCE: Duration = Duration::from_millis(400);

    async fn send_hello(fault: Option<Fault>) -> Outcome {
        send_hello_to(Echo::default(), fault).await
    }

    /// Sends `hello` through a listener with this one fault, and asks for the connection to stay.
    async fn send_hello_to(echo: Echo, fault: Option<Fault>) -> Outcome {
        let backend = Arc::new(echo);
        let faults = Arc::new(Faults::default());
        if let Some(fault) = fault {
            faults.add(Rule::once(Service::S3, "PUT", "/a", fault));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, Arc::clone(&backend) as _, Arc::clone(&faults)));

        let mut stream = TcpStream::connect(address).await.unwrap();
        let started = Instant::now();
        let request = b"PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello";
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        let mut elapsed = Duration::ZERO;
        let end = timeout(PATIENCE, async {
            while stream.read_buf(&mut answer).await.is_ok_and(|read| read > 0) {
                elapsed = started.elapsed();
            }
        });
        let closed = end.await.is_ok();
        server.abort();
        assert_eq!(faults.counts().get(&(Service::S3, "PUT".to_owned())), Some(&1));
        Outcome {
            answer: String::from_utf8(answer).unwrap(),
            closed,
            seen: backend.seen.lock().unwrap().len(),
            elapsed,
        }
    }

    #[tokio::test]
    async fn without_a_fault_the_answer_comes_and_the_connection_stays() {
        let outcome = send_hello(None).await;
        assert!(outcome.answer.starts_with("HTTP/1.1 200"), "{}", outcome.answer);
        assert!(outcome.answer.ends_with("hello"));
        assert!(!outcome.closed);
    }

    #[tokio::test]
    async fn an_idle_connection_closes_and_a_slow_answer_is_no_idleness() {
        let (limit, takes) = (Duration::from_millis(60), Duration::from_millis(150));
        let echo = Echo { idle_limit: Some(limit), takes, ..Echo::default() };
        let outcome = send_hello_to(echo, None).await;
        assert!(outcome.answer.starts_with("HTTP/1.1 200"), "{}", outcome.answer);
        assert!(outcome.answer.ends_with("hello"), "{}", outcome.answer);
        assert!(outcome.elapsed >= takes && outcome.closed);
    }

    #[tokio::test]
    async fn a_lost_request_never_reaches_the_backend_and_a_lost_answer_did() {
        for (fault, seen) in [(Fault::RequestLost, 0), (Fault::AnswerLost, 1)] {
            let outcome = send_hello(Some(fault)).await;
            assert_eq!((outcome.answer.as_str(), outcome.closed, outcome.seen), ("", true, seen));
        }
    }

    #[tokio::test]
    async fn a_hang_answers_nothing_and_keeps_the_connection() {
        let outcome = send_hello(Some(Fault::Hang)).await;
        assert_eq!((outcome.answer.as_str(), outcome.closed, outcome.seen), ("", false, 1));
    }

    #[tokio::test]
    async fn a_refusal_takes_the_backends_place() {
        let fault = Fault::Refuse { status: 503, code: "SlowDown".to_owned() };
        let outcome = send_hello(Some(fault)).await;
        assert!(outcome.answer.starts_with("HTTP/1.1 503"), "{}", outcome.answer);
        assert!(outcome.answer.ends_with("SlowDown"));
        assert_eq!((outcome.closed, outcome.seen), (false, 0));
    }

    #[tokio::test]
    async fn a_body_that_stops_short_was_promised_whole() {
        for (bytes, part) in [(0, ""), (2, "he")] {
            for (fault, closed) in
                [(Fault::TruncateBody(bytes), true), (Fault::HangInBody(bytes), false)]
            {
                let outcome = send_hello(Some(fault)).await;
                assert!(outcome.answer.contains("content-length: 5\r\n"), "{}", outcome.answer);
                assert!(outcome.answer.ends_with(&format!("\r\n\r\n{part}")), "{}", outcome.answer);
                assert_eq!((outcome.closed, outcome.seen), (closed, 1));
            }
        }
    }

    #[tokio::test]
    async fn a_limit_beyond_the_body_leaves_it_whole() {
        let outcome = send_hello(Some(Fault::TruncateBody(5))).await;
        assert!(outcome.answer.ends_with("hello"));
        assert!(!outcome.closed);
    }

    #[tokio::test]
    async fn a_corrupt_body_has_another_first_byte() {
        let outcome = send_hello(Some(Fault::CorruptBody)).await;
        assert!(outcome.answer.ends_with("ello") && !outcome.answer.ends_with("hello"));
        assert!(outcome.answer.contains("content-length: 5\r\n"));
    }

    #[tokio::test]
    async fn a_delay_and_a_trickle_take_their_time() {
        let pause = Duration::from_millis(30);
        for (fault, least) in [(Fault::Delay(pause), pause), (Fault::Trickle(pause), pause * 4)] {
            let outcome = send_hello(Some(fault)).await;
            assert!(outcome.answer.ends_with("hello"), "{}", outcome.answer);
            assert!(outcome.elapsed >= least, "{:?}", outcome.elapsed);
        }
    }
}
