//! The client of MogileFS's database on a server that is older than any image of one: what it says is
//! played by a script, in the words of the protocol (MySQL internals manual, "Client/Server Protocol").

use std::sync::{Arc, Mutex};

use adapters::mysql::{DatabaseUrl, MysqlIndex};
use domain::Fid;
use domain::ports::SourceIndex;
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

/// Plays one session: every statement is fine but the one that asks for a read-only session, and no
/// query can be prepared. Notes each command.
async fn play(
    mut stream: TcpStream,
    refusal: Vec<u8>,
    said: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    send(&mut stream, 0, &greeting()).await?;
    receive(&mut stream).await?;
    send(&mut stream, 2, OK).await?;
    loop {
        let command = receive(&mut stream).await?;
        let text = String::from_utf8_lossy(&command[1..]).into_owned();
        let is_read_only = text.contains("READ ONLY");
        said.lock().expect("no panic").push(text);
        let denied = error(1142, "42000", "SELECT command denied");
        let answer = match command[0] {
            COM_QUERY if is_read_only => &refusal,
            COM_QUERY => OK,
            COM_STMT_PREPARE => &denied,
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

/// What a first page ends with on a server that answers so, and all statements.
async fn asked(refusal: Vec<u8>) -> (String, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
    let address = listener.local_addr().expect("bound");
    let said = Arc::new(Mutex::new(Vec::new()));
    let noted = said.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(stream, refusal.clone(), noted.clone()));
        }
    });
    let url: DatabaseUrl =
        format!("mysql://u:p@{address}/mogile?ssl-mode=disabled").parse().expect("a URL");
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
