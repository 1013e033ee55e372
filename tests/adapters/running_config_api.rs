//! How a client is asked for the configuration with which it runs: which answers are one.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use adapters::running_config_api::RunningConfigApi;
use domain::ports::{RunningConfigError, RunningConfigs};

/// Answers one request with these bytes, and returns the URL of its configuration.
fn answers(bytes: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/config", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = [0; 4096];
        let read = stream.read(&mut request).expect("a request");
        assert!(request[..read].starts_with(b"GET /config HTTP/1.1\r\n"));
        // The one that asks may have gone by then.
        let _ = stream.write_all(bytes.as_bytes());
        std::thread::park();
    });
    url
}

async fn asked(url: &str) -> Result<String, RunningConfigError> {
    let time = Duration::from_millis(300);
    let api = RunningConfigApi::new(Vec::new(), time, Arc::default()).expect("no https");
    api.config(url).await
}

fn of(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

#[tokio::test]
async fn only_an_answer_with_200_is_one() {
    let good = asked(&answers(of("200 OK", "", "{}"))).await;
    assert_eq!(good.expect("an answer"), "{}");
    let elsewhere = "Location: http://127.0.0.1:1/config\r\n";
    for (bytes, may_heal, words) in [
        (of("302 Found", elsewhere, ""), false, "302"),
        (of("404 Not Found", "", "{}"), false, "404"),
        (of("401 Unauthorized", "", "{}"), false, "401"),
        (of("500 Internal Server Error", "", "{}"), true, "500"),
        (of("429 Too Many Requests", "", "{}"), true, "429"),
        (of("200 OK", "", &" ".repeat(100_000)), true, "broke off"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{".to_owned(), true, "no answer within"),
        (String::new(), true, "no answer within"),
    ] {
        let error = asked(&answers(bytes.clone())).await.expect_err(words);
        let is_away = matches!(error, RunningConfigError::Unavailable { .. });
        assert_eq!(is_away, may_heal, "{words}: {error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}
