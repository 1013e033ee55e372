//! A scripted function: this test binary itself, started with `FAKE` in its environment, speaks to
//! the Runtime API by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The script: what is done about each event, one after the other, the last for all further ones.
/// `answer TEXT`, `error`, `exit`, `hang`, `large`, `twice TEXT`; or `init-error`, `init-exit`.
pub const SCRIPT: &str = "FAKE";

/// Only a function when it is started as one.
#[test]
fn function() {
    let (Ok(script), Ok(api)) = (std::env::var(SCRIPT), std::env::var("AWS_LAMBDA_RUNTIME_API"))
    else {
        return;
    };
    let mut steps = script.split(';').peekable();
    while let Some(step) = steps.next() {
        let (verb, text) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "init-exit" => std::process::exit(3),
            "init-error" => {
                let error = r#"{"errorType":"Fake.Init","errorMessage":"scripted"}"#;
                call(&api, "POST", "init/error", error);
                return;
            }
            _ => {}
        }
        loop {
            let (head, event) = call(&api, "GET", "invocation/next", "");
            let id = header(&head, "lambda-runtime-aws-request-id");
            println!("event {}", event.len());
            let respond =
                |body: &str| call(&api, "POST", &format!("invocation/{id}/response"), body).0;
            match verb {
                "answer" => drop(respond(text)),
                "twice" => {
                    respond(text);
                    println!("again {}", respond(text).lines().next().unwrap_or_default());
                }
                "error" => {
                    let error = r#"{"errorType":"Fake.Error","errorMessage":"scripted"}"#;
                    call(&api, "POST", &format!("invocation/{id}/error"), error);
                }
                "large" => drop(respond(&"x".repeat(6 * 1024 * 1024 + 1))),
                "exit" => std::process::exit(3),
                "hang" => std::thread::sleep(Duration::from_mins(10)),
                other => panic!("no such step: {other}"),
            }
            if steps.peek().is_some() {
                break;
            }
        }
    }
}

/// One request on a connection of its own: the answer's head and body.
fn call(api: &str, method: &str, path: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(api).expect("the Runtime API");
    let length = body.len();
    let head = format!(
        "{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: {api}\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n"
    );
    // An answer that is too large is refused before it was sent whole.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (head.to_owned(), body.to_owned())
}

fn header(head: &str, name: &str) -> String {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let value = headers.find(|(header, _)| header.eq_ignore_ascii_case(name));
    value.map(|(_, value)| value.to_owned()).unwrap_or_default()
}
