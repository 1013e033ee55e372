//! The node asked over a socket.

use std::time::Duration;

use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::fault::{Fault, Rule};
use crate::world::mogile::{CHUNK_BYTES, fid_path};

struct Node {
    mogile: Arc<MogileFs>,
    faults: Arc<Faults>,
    address: std::net::SocketAddr,
    client: SendRequest<Full<Bytes>>,
}

const HERE: DeviceId = DeviceId(1);
const ELSEWHERE: DeviceId = DeviceId(2);

/// Two hosts of one device each with fid 3 on both, the node of the first, and one connection.
async fn node() -> Node {
    let mogile = Arc::new(MogileFs::default());
    let hosts = [1, 2].map(|last| mogile.add_host([127, 0, 0, last].into(), 7500));
    for host in hosts {
        mogile.add_device(host);
    }
    let dmid = mogile.add_domain("plos_repo");
    let content = Content::from("hello world");
    mogile.store_as(Fid(3), dmid, "k", &content, &[HERE, ELSEWHERE]);
    let faults = Arc::new(Faults::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Arc::clone(&mogile), hosts[0], Arc::clone(&faults)));
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    Node { mogile, faults, address, client }
}

impl Node {
    /// Asks on the one connection: fails when the node has closed it.
    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        range: Option<&str>,
        body: &'static str,
    ) -> (http::response::Parts, Bytes) {
        self.client.ready().await.unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        let request = request.body(Full::from(body)).unwrap();
        let (head, body) = self.client.send_request(request).await.unwrap().into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    }
}

#[tokio::test]
async fn one_connection_serves_many_requests_as_http_1_0() {
    let mut node = node().await;
    for _ in 0..3 {
        let (head, body) = node.ask("GET", &fid_path(HERE, Fid(3)), None, "").await;
        assert_eq!((head.status, head.version), (StatusCode::OK, Version::HTTP_10));
        assert_eq!(head.headers[header::CONTENT_LENGTH], "11");
        assert_eq!(head.headers[header::CONTENT_TYPE], "text/plain");
        assert_eq!(head.headers[header::CONNECTION], "keep-alive");
        assert_eq!(body, "hello world");
    }
    let (head, body) = node.ask("HEAD", &fid_path(HERE, Fid(3)), None, "").await;
    assert_eq!((&head.headers[header::CONTENT_LENGTH], body.len()), (&"11".parse().unwrap(), 0));
    node.ask("GET", "/", None, "").await;
}

#[tokio::test]
async fn a_connection_stays_only_for_who_wants_it() {
    let node = node().await;
    for (request, stays) in [
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false),
    ] {
        let mut stream = TcpStream::connect(node.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let end = stream.read_to_string(&mut answer);
        let closed = tokio::time::timeout(Duration::from_millis(200), end).await.is_ok();
        assert_eq!(closed, !stays, "{request}");
        assert!(closed != answer.is_empty() && (stays || answer.contains(": close\r\n")));
    }
}

#[tokio::test]
async fn a_range_gets_206() {
    let mut node = node().await;
    let path = fid_path(HERE, Fid(3));
    for (range, code, shown, body) in [
        ("bytes=0-4", 206, "bytes 0-4/11", "hello"),
        ("bytes=6-", 206, "bytes 6-10/11", "world"),
        ("bytes=-3", 206, "bytes 8-10/11", "rld"),
        ("bytes=4-999", 206, "bytes 4-10/11", "o world"),
        ("bytes=11-", 416, "bytes */11", ""),
        ("bytes=5-2", 200, "", "hello world"),
        ("bytes=0-1,3-4", 200, "", "hello world"),
        ("lines=1-2", 200, "", "hello world"),
    ] {
        let (head, got) = node.ask("GET", &path, Some(range), "").await;
        assert_eq!((head.status.as_u16(), &got[..]), (code, body.as_bytes()), "{range}");
        let content_range = head.headers.get(header::CONTENT_RANGE);
        assert_eq!(content_range.map_or("", |value| value.to_str().unwrap()), shown);
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let mut node = node().await;
    let missing = [
        fid_path(HERE, Fid(4)),
        fid_path(DeviceId(9), Fid(3)),
        fid_path(ELSEWHERE, Fid(3)),
        "/dev1/0/000/000/../000/0000000003.fid".to_owned(),
        "/".to_owned(),
    ];
    for path in missing {
        let (head, _) = node.ask("GET", &path, None, "").await;
        assert_eq!(head.status, StatusCode::NOT_FOUND, "{path}");
    }
    let (head, _) = node.ask("PATCH", "/", None, "").await;
    assert_eq!(head.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn what_is_put_can_be_got_and_deleted() {
    let mut node = node().await;
    let path = fid_path(HERE, Fid(7));
    for (method, body, code, answer) in [
        ("MKCOL", "", 201, "Created"),
        ("PUT", "new bytes", 200, "OK"),
        ("GET", "", 200, "new bytes"),
        ("DELETE", "", 204, ""),
        ("DELETE", "", 404, "Not Found"),
    ] {
        let (head, got) = node.ask(method, &path, None, body).await;
        assert_eq!((head.status.as_u16(), &got[..]), (code, answer.as_bytes()), "{method}");
    }
    let (head, _) = node.ask("PUT", &fid_path(ELSEWHERE, Fid(7)), None, "x").await;
    assert_eq!(head.status, StatusCode::NOT_FOUND);
    assert!(node.mogile.replica(Fid(7), ELSEWHERE).is_none());
}

#[tokio::test]
async fn the_length_is_the_one_on_disk_and_a_file_is_streamed() {
    let mut node = node().await;
    let bytes: Vec<u8> = (0..=250).cycle().take(CHUNK_BYTES * 3 + 1).collect();
    let file = std::env::temp_dir().join(format!("stand-in-node-{}", std::process::id()));
    std::fs::write(&file, &bytes).unwrap();
    node.mogile.set_replica(Fid(3), HERE, Content::file(&file).unwrap());
    let path = fid_path(HERE, Fid(3));
    let (head, body) = node.ask("GET", &path, None, "").await;
    assert_eq!(head.headers[header::CONTENT_LENGTH], bytes.len().to_string());
    assert_eq!(body, bytes);
    let (_, body) = node.ask("GET", &path, Some("bytes=65535-65536"), "").await;
    assert_eq!(body, bytes[65535..=65536]);
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn faults_strike_by_method_and_path() {
    let mut node = node().await;
    let refuse = Fault::Refuse { status: 503, code: "overloaded".to_owned() };
    node.faults.add(Rule::once(Service::StorageNode, "GET", "/dev1/", refuse));
    let path = fid_path(HERE, Fid(3));
    let (head, body) = node.ask("GET", &path, None, "").await;
    assert_eq!((head.status.as_u16(), &body[..]), (503, &b"overloaded"[..]));
    node.faults.add(Rule::once(Service::StorageNode, "GET", "3.fid", Fault::CorruptBody));
    let (head, body) = node.ask("GET", &path, None, "").await;
    assert_eq!(head.status, StatusCode::OK);
    assert!(body != "hello world" && body.ends_with(b"ello world"));
    assert_eq!(node.faults.counts()[&(Service::StorageNode, "GET".to_owned())], 2);
}

#[tokio::test]
async fn garbage_harms_nobody() {
    let mut node = node().await;
    for garbage in [&b"\0\xff\r\n\r\n"[..], b"GET\r\n\r\n", b"GET /%zz HTTP/9.9\r\n\r\n"] {
        let mut stream = TcpStream::connect(node.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer);
        // Ended in order or by a reset: either is an end.
        assert!(tokio::time::timeout(Duration::from_secs(5), end).await.is_ok());
    }
    let (head, _) = node.ask("GET", &fid_path(HERE, Fid(3)), None, "").await;
    assert_eq!(head.status, StatusCode::OK);
}
