//! A node of contentrepo whose answers do not come to their end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use adapters::content_repo_api::ContentRepoService;
use domain::ByteCount;
use domain::ports::{RepoService, RepoServiceError, RepoVersion};

/// Answers one request by `write`, and returns the service that asks there.
fn node(write: fn(&mut TcpStream) -> std::io::Result<()>) -> ContentRepoService {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let _ = stream.read(&mut [0; 4096]).expect("a request");
        // The one that asks goes away in the midst of it.
        let _ = write(&mut stream);
    });
    let time = Duration::from_millis(200);
    ContentRepoService::new(url.parse().expect("a URL"), time, Arc::default()).expect("no https")
}

fn head(stream: &mut TcpStream, status: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n\r\n")
}

fn endless(stream: &mut TcpStream, status: &str) -> std::io::Result<()> {
    head(stream, status)?;
    let chunk = format!("8000\r\n{}\r\n", "[".repeat(0x8000));
    loop {
        stream.write_all(chunk.as_bytes())?;
    }
}

/// Each pause is shorter than a request may take.
fn trickle(stream: &mut TcpStream, status: &str) -> std::io::Result<()> {
    head(stream, status)?;
    loop {
        stream.write_all(b"1\r\n[\r\n")?;
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn object() -> RepoVersion {
    let (bucket, key) = ("corpus".to_owned(), "key".to_owned());
    RepoVersion { bucket, key, uuid: Some("uuid".to_owned()) }
}

const LONGEST: ByteCount = ByteCount(4096);

#[tokio::test]
async fn content_without_end_is_given_up() {
    let endless = node(|stream| endless(stream, "200 OK"));
    let error = endless.read(&object(), LONGEST).await.expect_err("no end");
    let is_too_long = matches!(error, RepoServiceError::TooLong { longest: LONGEST, .. });
    assert!(is_too_long, "{error}");
    let trickle = node(|stream| trickle(stream, "200 OK"));
    let error = trickle.read(&object(), LONGEST).await.expect_err("no end");
    assert!(matches!(error, RepoServiceError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    let all: [fn(&mut TcpStream) -> std::io::Result<()>; 2] =
        [|stream| endless(stream, "200 OK"), |stream| trickle(stream, "200 OK")];
    for answer in all {
        let error = node(answer).config().await.expect_err("no end");
        assert!(matches!(error, RepoServiceError::Unavailable { .. }), "{error}");
        let error = node(answer).buckets().await.expect_err("no end");
        assert!(matches!(error, RepoServiceError::Unavailable { .. }), "{error}");
        let error = node(answer).has(&object()).await.expect_err("no end");
        assert!(matches!(error, RepoServiceError::Unavailable { .. }), "{error}");
    }
    for status in ["201 Created", "500 Internal Server Error"] {
        let node = match status {
            "201 Created" => node(|stream| trickle(stream, "201 Created")),
            _ => node(|stream| endless(stream, "500 Internal Server Error")),
        };
        let error = node.create("corpus", "key", "x".into()).await.expect_err("no end");
        let is_refused = matches!(error, RepoServiceError::Refused { status: 500, .. });
        assert!(is_refused || status == "201 Created", "{error}");
    }
    // Nothing of the answer to a purge is read.
    node(|stream| endless(stream, "200 OK")).purge(&object()).await.expect("purged");
}

#[tokio::test]
async fn only_contentrepos_own_404_says_that_there_is_no_row() {
    fn says(stream: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
        let length = body.len();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}")
    }
    let gone = node(|stream| {
        says(stream, "404 Not Found", r#"{"repoErrorCode":1,"message":"Object not found"}"#)
    });
    assert!(!gone.has(&object()).await.expect("an answer"));
    let there = node(|stream| says(stream, "200 OK", r#"{"uuid":"uuid"}"#));
    assert!(there.has(&object()).await.expect("an answer"));
    let others: [fn(&mut TcpStream) -> std::io::Result<()>; 4] = [
        |stream| says(stream, "404 Not Found", "<html>Tomcat</html>"),
        |stream| says(stream, "404 Not Found", r#"{"message":"no route"}"#),
        |stream| says(stream, "200 OK", "{}"),
        |stream| says(stream, "500 Internal Server Error", r#"{"repoErrorCode":0}"#),
    ];
    for other in others {
        node(other).has(&object()).await.expect_err("nothing is said of the row");
    }
}
