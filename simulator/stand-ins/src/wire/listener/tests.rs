//! Every fault on raw sockets, in front of a backend that echoes.

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
async fn an_error_inside_a_200_comes_before_the_effect_or_after() {
    for (carried_out, seen) in [(false, 0), (true, 1)] {
        let code = "InternalError".to_owned();
        let outcome = send_hello(Some(Fault::RefuseInside200 { code, carried_out })).await;
        assert!(outcome.answer.starts_with("HTTP/1.1 200"), "{}", outcome.answer);
        assert!(outcome.answer.ends_with("InternalError"));
        assert_eq!((outcome.closed, outcome.seen), (false, seen));
    }
}

#[tokio::test]
async fn what_is_no_batch_is_carried_out_in_full() {
    let outcome = send_hello(Some(Fault::Unprocessed { processed: 0 })).await;
    assert!(outcome.answer.ends_with("hello"), "{}", outcome.answer);
    assert_eq!((outcome.closed, outcome.seen), (false, 1));
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
async fn a_head_announces_what_the_body_does_not_have() {
    let outcome = send_hello(Some(Fault::Announce(9_999_999_999_999_999))).await;
    assert!(outcome.answer.contains("content-length: 9999999999999999\r\n"), "{}", outcome.answer);
    assert!(outcome.answer.ends_with("\r\n\r\nhello"), "{}", outcome.answer);
    assert_eq!((outcome.closed, outcome.seen), (true, 1));
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
