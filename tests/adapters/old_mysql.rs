//! The clients of databases on a server that is older than any image of one, or that is none: what it
//! says is played by a script, in the words of the protocol (MySQL internals manual, "Client/Server
//! Protocol") or in others.

use std::sync::{Arc, Mutex};

use adapters::mysql::{DatabaseUrl, MysqlIndex, MysqlRhinoChanges};
use domain::Fid;
use domain::ports::{RhinoChanges, SourceIndex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const COM_QUERY: u8 = 3;
const COM_STMT_PREPARE: u8 = 22;

/// `PROTOCOL_41`, `SECURE_CONNECTION`, `PLUGIN_AUTH`, `CONNECT_WITH_DB`, `TRANSACTIONS` and
/// `LONG_PASSWORD`.
const CAPABILITIES: u32 = 0x0008_a209;

fn greeting() -> Vec<u8> {
    let [low, high] = [CAPABILITIES & 0xffff, CAPABILITIES >> 16];
    let two = |number: u32| u16::try_from(number).expect("two bytes").to_le_bytes().to_vec();
    let utf8 = 33;
    [
        b"\x0a5.5.62\0".to_vec(),
        vec![1, 0, 0, 0],
        b"12345678\0".to_vec(),
        two(low),
        vec![utf8, 2, 0],
        two(high),
        vec![21],
        vec![0; 10],
        b"123456789012\0".to_vec(),
        b"mysql_native_password\0".to_vec(),
    ]
    .concat()
}

fn error(number: u16, state: &str, words: &str) -> Vec<u8> {
    let number = number.to_le_bytes();
    [&[0xff], number.as_slice(), b"#", state.as_bytes(), words.as_bytes()].concat()
}

/// What a server says that is not the same each time.
#[derive(Clone)]
struct Words {
    greeting: Vec<u8>,
    login: Vec<u8>,
    /// To the statement that asks for a read-only session.
    read_only: Vec<u8>,
    /// To the other statements that set the session up.
    set_up: Vec<u8>,
    /// To a query that is to be prepared.
    query: Vec<u8>,
}

impl Words {
    fn new() -> Self {
        let (ok, query) = (OK.to_vec(), error(1142, "42000", "SELECT command denied"));
        let (login, read_only, set_up) = (ok.clone(), ok.clone(), ok);
        Self { greeting: greeting(), login, read_only, set_up, query }
    }
}

/// Plays one session. Notes each command.
async fn play(mut stream: TcpStream, words: Words, said: Arc<Mutex<Vec<String>>>) -> Option<()> {
    send(&mut stream, 0, &words.greeting).await?;
    receive(&mut stream).await?;
    send(&mut stream, 2, &words.login).await?;
    loop {
        let command = receive(&mut stream).await?;
        let text = String::from_utf8_lossy(&command[1..]).into_owned();
        let is_read_only = text.contains("READ ONLY");
        said.lock().expect("no panic").push(text);
        let answer = match command[0] {
            COM_QUERY if is_read_only => &words.read_only,
            COM_QUERY => &words.set_up,
            COM_STMT_PREPARE => &words.query,
            _ => return None,
        };
        send(&mut stream, 1, answer).await?;
    }
}

async fn send(stream: &mut TcpStream, number: u8, payload: &[u8]) -> Option<()> {
    let length = u32::try_from(payload.len()).expect("short").to_le_bytes();
    let packet = [&length[..3], &[number], payload].concat();
    stream.write_all(&packet).await.ok()
}

async fn receive(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.ok()?;
    let mut payload = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
    stream.read_exact(&mut payload).await.ok()?;
    Some(payload)
}

/// A server that says this, and all statements that come to it.
async fn serve(words: Words) -> (DatabaseUrl, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let address = listener.local_addr().expect("bound");
    let said = Arc::new(Mutex::new(Vec::new()));
    let noted = said.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(stream, words.clone(), noted.clone()));
        }
    });
    let url = format!("mysql://u:p@{address}/mogile?ssl-mode=disabled");
    (url.parse().expect("a URL"), said)
}

/// What a first page ends with, and all statements.
async fn asked(read_only: Vec<u8>) -> (String, Vec<String>) {
    let (url, said) = serve(Words { read_only, ..Words::new() }).await;
    let index = MysqlIndex::new(url, "plos_repo".to_owned(), Arc::default());
    let error = index.page(Fid(0), 10).await.expect_err("no query is answered").to_string();
    let said = said.lock().expect("no panic").clone();
    (error, said)
}

/// MySQL before 5.6.5 has no `READ ONLY`.
#[tokio::test]
async fn a_server_without_read_only_sessions_is_asked_all_the_same() {
    let syntax = error(1064, "42000", "You have an error in your SQL syntax; near 'READ ONLY'");
    let (error, said) = asked(syntax).await;
    assert!(error.contains("SELECT command denied"), "{error}");
    assert!(said.iter().any(|text| text.contains("autocommit = 1")), "{said:?}");
    assert!(said.last().is_some_and(|text| text.contains("FROM")), "{said:?}");
}

#[tokio::test]
async fn any_other_refusal_of_a_read_only_session_stands() {
    let (error, said) = asked(error(1227, "42000", "you need SUPER")).await;
    assert!(error.contains("you need SUPER"), "{error}");
    assert!(!said.iter().any(|text| text.contains("FROM")), "{said:?}");
}

/// sqlx reads past the end of such packets, and panics.
#[tokio::test]
async fn an_answer_at_which_sqlx_panics_is_an_error() {
    const NO_NUMBER: [u8; 1] = [0xff];
    let good = Words::new;
    for (name, words) in [
        ("an error as a greeting", Words { greeting: NO_NUMBER.into(), ..good() }),
        ("a short greeting", Words { greeting: b"\x0a5.5\0\x01".into(), ..good() }),
        ("the login", Words { login: NO_NUMBER.into(), ..good() }),
        ("a read-only session", Words { read_only: NO_NUMBER.into(), ..good() }),
        ("a setting", Words { set_up: NO_NUMBER.into(), ..good() }),
        ("a query", Words { query: NO_NUMBER.into(), ..good() }),
    ] {
        let (url, _) = serve(words).await;
        let index = MysqlIndex::new(url.clone(), "plos_repo".to_owned(), Arc::default());
        let error = index.page(Fid(0), 10).await.expect_err(name).to_string();
        assert!(error.contains("not in MySQL's protocol"), "{name}: {error}");
        if !["a read-only session", "a query"].contains(&name) {
            let changes = MysqlRhinoChanges::new(url, Arc::default());
            let error = changes.facts().await.expect_err(name).to_string();
            assert!(error.contains("not in MySQL's protocol"), "{name}: {error}");
        }
    }
}
