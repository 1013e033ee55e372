//! The server on a socket, asked by a client that is written here: the login, both encodings, and
//! every fault.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::*;
use crate::fault::Rule;
use crate::world::databases::Collation;
use crate::world::mogile::{Content, DeviceId, Dmid};

mod garbage;
mod locks;
mod stored;

const USER: &str = "reader";
const PASSWORD: &str = "s3cret";
const PATIENCE: Duration = Duration::from_millis(300);
const FILES: &str = "SELECT fid, dkey FROM file";

struct Client {
    faults: Arc<Faults>,
    stream: TcpStream,
    address: SocketAddr,
    server: Arc<JoinSet<()>>,
}

/// What came within our patience.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Packet(Vec<u8>),
    /// The connection has ended, behind so many bytes of a packet.
    End(usize),
    Silence,
}

impl Client {
    /// Connected to a server with three files of one domain; the greeting is read.
    async fn greeted() -> (Self, Nonce) {
        let mogile = Arc::new(MogileFs::default());
        mogile.add_domain("plos_repo");
        for key in ["a", "b", "c"] {
            mogile.store(Dmid(1), key, &Content::from("abc"), &[DeviceId(1)]);
        }
        let faults = Arc::new(Faults::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        let databases = Arc::new(Databases::new(Collation::Latin1SwedishCi).unwrap());
        let server = MysqlServer::new(mogile, USER, PASSWORD).with_databases(databases);
        let server = Arc::new(server);
        tasks.spawn(serve(listener, server, Arc::clone(&faults)));
        Self::connect(faults, address, Arc::new(tasks)).await
    }

    async fn connect(
        faults: Arc<Faults>,
        address: SocketAddr,
        server: Arc<JoinSet<()>>,
    ) -> (Self, Nonce) {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut client = Self { faults, stream, address, server };
        let greeting = client.packet().await;
        let at = 1 + login::VERSION.len() + 1 + 4;
        let nonce = [&greeting[at..at + 8], &greeting[at + 27..at + 39]].concat();
        assert_eq!(greeting[at + 39..], *b"\0caching_sha2_password\0");
        (client, Nonce::of(nonce.try_into().unwrap()))
    }

    /// Logged in, in the database.
    async fn new() -> Self {
        let (client, nonce) = Self::greeted().await;
        client.log_in(&nonce).await
    }

    /// Another session of the same server.
    async fn another(&self) -> Self {
        let server = Arc::clone(&self.server);
        let (client, nonce) = Self::connect(Arc::clone(&self.faults), self.address, server).await;
        client.log_in(&nonce).await
    }

    async fn log_in(self, nonce: &Nonce) -> Self {
        let mut client = self;
        client.send(1, &login_of(USER, &nonce.scramble(PASSWORD), login::PLUGIN)).await;
        assert_eq!(client.packet().await, login::PASSWORD_IS_RIGHT);
        assert_eq!(client.packet().await[0], 0);
        client
    }

    async fn send(&mut self, number: u8, payload: &[u8]) {
        let mut packets = Packets::from_number(number);
        packets.push(payload);
        self.stream.write_all(&packets.into_bytes()).await.unwrap();
    }

    async fn ask(&mut self, sql: &str) {
        self.send(0, &[b"\x03", sql.as_bytes()].concat()).await;
    }

    async fn next(&mut self) -> Came {
        let mut bytes = Vec::new();
        let read = async {
            loop {
                let length = bytes
                    .get(..3)
                    .map(|length: &[u8]| usize::from(length[0]) | usize::from(length[1]) << 8);
                if length.is_some_and(|length| bytes.len() == 4 + length) {
                    return true;
                }
                match self.stream.read_u8().await {
                    Ok(byte) => bytes.push(byte),
                    Err(_) => return false,
                }
            }
        };
        match timeout(PATIENCE, read).await {
            Ok(true) => Came::Packet(bytes.split_off(4)),
            Ok(false) => Came::End(bytes.len()),
            Err(_) => Came::Silence,
        }
    }

    async fn packet(&mut self) -> Vec<u8> {
        match self.next().await {
            Came::Packet(payload) => payload,
            other @ (Came::End(_) | Came::Silence) => panic!("{other:?}"),
        }
    }

    /// The rows of an answer with one or two columns, as they come.
    async fn rows(&mut self) -> Vec<Vec<u8>> {
        let columns = self.packet().await;
        assert!([[1], [2]].iter().any(|few| columns == few), "{columns:?}");
        for _ in 0..columns[0] {
            assert_eq!(self.packet().await[..4], *b"\x03def");
        }
        let mut rows = Vec::new();
        loop {
            let packet = self.packet().await;
            if packet[0] == 0xfe {
                return rows;
            }
            rows.push(packet);
        }
    }

    /// The number and the text of an error.
    async fn error(&mut self) -> (u16, String) {
        let packet = self.packet().await;
        assert_eq!(packet[0], 0xff, "{packet:?}");
        let number = u16::from_le_bytes([packet[1], packet[2]]);
        (number, String::from_utf8_lossy(&packet[3..]).into_owned())
    }
}

fn login_of(user: &str, scramble: &[u8], plugin: &str) -> Vec<u8> {
    let capabilities: u32 = 1 << 3 | 1 << 9 | 1 << 15 | 1 << 19 | 1 << 21 | 1 << 24;
    let length = [u8::try_from(scramble.len()).unwrap()];
    [
        &capabilities.to_le_bytes()[..],
        &[0; 28],
        user.as_bytes(),
        b"\0",
        &length,
        scramble,
        b"mogilefs\0",
        plugin.as_bytes(),
        b"\0",
    ]
    .concat()
}

#[tokio::test]
async fn only_the_user_with_the_password_is_let_in() {
    for (user, password, named) in [
        (USER, "another", "'reader'@'127.0.0.1' (using password: YES)"),
        ("root", PASSWORD, "'root'"),
        (USER, "", "'reader'"),
    ] {
        let (mut client, nonce) = Client::greeted().await;
        client.send(1, &login_of(user, &nonce.scramble(password), login::PLUGIN)).await;
        let (number, text) = client.error().await;
        assert_eq!(number, 1045);
        assert!(text.starts_with("#28000Access denied") && text.contains(named), "{text}");
        assert_eq!(client.next().await, Came::End(0));
    }
}

#[tokio::test]
async fn a_client_with_another_way_is_asked_for_this_one() {
    let (mut client, nonce) = Client::greeted().await;
    client.send(1, &login_of(USER, b"x", "mysql_native_password")).await;
    assert!(client.packet().await.starts_with(b"\xfecaching_sha2_password\0"));
    client.send(3, &nonce.scramble(PASSWORD)).await;
    assert_eq!(client.packet().await, login::PASSWORD_IS_RIGHT);
    assert_eq!(client.packet().await[0], 0);
}

#[tokio::test]
async fn another_database_is_refused_at_login() {
    let (mut client, nonce) = Client::greeted().await;
    let mut payload = login_of(USER, &nonce.scramble(PASSWORD), login::PLUGIN);
    let at = payload.windows(8).position(|part| part == b"mogilefs").unwrap();
    payload[at..at + 8].copy_from_slice(b"elsewher");
    client.send(1, &payload).await;
    assert_eq!(client.error().await, (1049, "#42000Unknown database 'elsewher'".to_owned()));
}

#[tokio::test]
async fn rows_come_as_text_and_in_binary() {
    let mut client = Client::new().await;
    client.ask("SELECT fid, dkey FROM file WHERE fid > 1").await;
    assert_eq!(client.rows().await, [b"\x012\x01b", b"\x013\x01c"]);

    client.send(0, b"\x16SELECT fid, dkey FROM file WHERE fid > ?").await;
    assert_eq!(client.packet().await, [0, 1, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0]);
    for _ in 0..3 {
        assert_eq!(client.packet().await[..4], *b"\x03def");
    }
    let execute = [&[0x17, 1, 0, 0, 0, 0, 1, 0, 0, 0][..], &[0, 1, 1, 0x80, 2]].concat();
    client.send(0, &execute).await;
    assert_eq!(client.rows().await, [[0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, b'c']]);

    // Closed, it is not known any more.
    client.send(0, &[0x19, 1, 0, 0, 0]).await;
    client.send(0, &execute).await;
    assert_eq!(client.error().await.0, 1243);
    assert_eq!(client.faults.counts()[&(Service::Mysql, "SELECT file".to_owned())], 2);
}

#[tokio::test]
async fn what_is_refused_is_named_and_the_session_goes_on() {
    let mut client = Client::new().await;
    let long = format!("DELETE FROM file WHERE dkey = '{}'", "é".repeat(300));
    for (sql, number, named) in [
        ("DROP TABLE file", 1064, "DROP TABLE file"),
        (&long, 1064, "ééé…"),
        ("SELECT fid FROM file WHERE fid = ?", 1064, "fid = ?"),
        ("SELECT fid FROM nothing", 1146, "'mogilefs.nothing'"),
        ("SELECT fid FROM elsewhere.file", 1049, "'elsewhere'"),
        ("USE elsewhere", 1049, "'elsewhere'"),
    ] {
        client.ask(sql).await;
        let (got, text) = client.error().await;
        assert_eq!(got, number, "{sql}: {text}");
        assert!(text.contains(named), "{sql}: {text}");
    }
    client.send(0, &[0x04, b'x']).await;
    assert_eq!(client.error().await.0, 1047);
    client.send(0, &[0x0e]).await;
    assert_eq!(client.packet().await[0], 0);
}

#[tokio::test]
async fn a_transaction_shows_in_the_status() {
    let mut client = Client::new().await;
    for (sql, status) in [("BEGIN", 3), ("COMMIT", 2), ("SET autocommit = 0", 0), ("ROLLBACK", 0)] {
        client.ask(sql).await;
        assert_eq!(client.packet().await, [0, 0, 0, status, 0, 0, 0], "{sql}");
    }
}

#[tokio::test]
async fn what_is_no_packet_is_answered_and_the_connection_ends() {
    for (bytes, number) in [
        (&[1, 0, 0, 9, 0x0e][..], 1156),
        (&[0xff, 0xff, 0xff, 0], 1153),
        (b"GET / HTTP/1.1\r\n\r\n", 1156),
    ] {
        let mut client = Client::new().await;
        client.stream.write_all(bytes).await.unwrap();
        assert_eq!(client.error().await.0, number, "{bytes:?}");
        assert!(matches!(client.next().await, Came::End(0)), "{bytes:?}");
    }
}

#[tokio::test]
async fn a_login_that_is_none_is_answered() {
    let (mut client, _) = Client::greeted().await;
    client.send(1, b"garbage").await;
    assert_eq!(client.error().await.0, 1251);
    assert_eq!(client.next().await, Came::End(0));
}

fn refuse(status: u16) -> Fault {
    Fault::Refuse { status, code: format!("error {status}") }
}

/// A client whose next reading of `file` is struck.
async fn struck(fault: Fault) -> Client {
    let mut client = Client::new().await;
    client.faults.add(Rule::once(Service::Mysql, "SELECT file", "dkey", fault));
    client.ask(FILES).await;
    client
}

#[tokio::test]
async fn an_error_in_the_place_of_an_answer_leaves_the_session() {
    for (number, class) in
        [(1205, "HY000"), (1213, "40001"), (1290, "HY000"), (1317, "70100"), (1040, "08004")]
    {
        let mut client = struck(refuse(number)).await;
        let expected = (number, format!("#{class}error {number}"));
        assert_eq!(client.error().await, expected);
        client.ask(FILES).await;
        assert_eq!(client.rows().await.len(), 3);
    }
    let code = "unknown".to_owned();
    let mut client = struck(Fault::RefuseInside200 { code, carried_out: true }).await;
    assert_eq!(client.error().await.0, 1105);
}

#[tokio::test]
async fn a_cut_ends_the_connection_where_it_is() {
    // The packet with the number of columns.
    let head = 5;
    for (fault, packets, end) in [
        (Fault::RequestLost, 0, Came::End(0)),
        (Fault::AnswerLost, 0, Came::End(0)),
        (Fault::Hang, 0, Came::Silence),
        // In the packet behind the first.
        (Fault::TruncateBody(head + 7), 1, Came::End(7)),
        (Fault::HangInBody(head + 7), 1, Came::Silence),
    ] {
        let mut client = struck(fault.clone()).await;
        for _ in 0..packets {
            client.packet().await;
        }
        assert_eq!(client.next().await, end, "{fault:?}");
    }
}

#[tokio::test]
async fn a_cut_inside_a_row_ends_the_connection_there() {
    // The count, two columns of this length, a row of 4 + 4 bytes and 6 bytes of the next.
    let mut client = Client::new().await;
    client.ask(FILES).await;
    client.packet().await;
    let columns = client.packet().await.len() + client.packet().await.len() + 8;
    let mut client = struck(Fault::TruncateBody(5 + columns + 8 + 6)).await;
    for _ in 0..3 {
        client.packet().await;
    }
    assert_eq!(client.packet().await, b"\x011\x01a");
    assert_eq!(client.next().await, Came::End(6));
}

#[tokio::test]
async fn a_cut_behind_the_answer_leaves_it_whole() {
    let mut client = struck(Fault::TruncateBody(100_000)).await;
    assert_eq!(client.rows().await.len(), 3);
    client.ask(FILES).await;
    assert_eq!(client.rows().await.len(), 3);
}

#[tokio::test]
async fn a_corrupt_answer_has_another_first_byte() {
    let mut client = struck(Fault::CorruptBody).await;
    assert_eq!(client.packet().await, [3]);
}

#[tokio::test]
async fn a_delay_and_a_trickle_take_their_time() {
    let pause = Duration::from_millis(30);
    let started = Instant::now();
    let mut client = struck(Fault::Delay(pause)).await;
    assert_eq!(client.rows().await.len(), 3);
    assert!(started.elapsed() >= pause);
    let started = Instant::now();
    let mut client = struck(Fault::Trickle(Duration::from_millis(1))).await;
    assert_eq!(client.rows().await.len(), 3);
    assert!(started.elapsed() >= Duration::from_millis(50), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_login_is_struck_as_any_request_is() {
    for (fault, came) in [(Fault::RequestLost, Came::End(0)), (Fault::Hang, Came::Silence)] {
        let (mut client, nonce) = Client::greeted().await;
        client.faults.add(Rule::once(Service::Mysql, "CONNECT", USER, fault));
        client.send(1, &login_of(USER, &nonce.scramble(PASSWORD), login::PLUGIN)).await;
        assert_eq!(client.next().await, came);
    }
    let (mut client, nonce) = Client::greeted().await;
    client.faults.add(Rule::once(Service::Mysql, "CONNECT", "", refuse(1040)));
    client.send(1, &login_of(USER, &nonce.scramble(PASSWORD), login::PLUGIN)).await;
    assert_eq!(client.error().await.0, 1040);
}
