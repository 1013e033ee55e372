//! How many connections there are, how long they are kept, and what becomes of broken ones.

use std::net::SocketAddr;
use std::time::Duration;

use adapters::mogile::{MogileFiles, Timeouts};
use domain::ports::{Replica, SourceFiles};
use domain::{Fid, SourceError};
use futures_util::future::join_all;
use futures_util::{StreamExt, TryStreamExt};

use super::client::{DOMAIN, files_within, nobody, timeouts, with_connections};
use super::scripted::{Reply, Scripted, Then, nothing, ok, say};

const BRIEFLY: Duration = Duration::from_millis(3);

/// A file as a real node sends it.
fn file(length: usize) -> Reply {
    let head = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Type: text/plain\r\n";
    say(format!("{head}Content-Length: {length}\r\n\r\n{}", "x".repeat(length)))
}

/// Files from nodes with at most so many connections to each.
async fn files(connections: usize, timeouts: Timeouts) -> MogileFiles {
    files_within(nobody().await, connections, timeouts)
}

/// Reads a replica of this node, and tells its length.
async fn read(files: &MogileFiles, node: SocketAddr) -> Result<usize, SourceError> {
    let url = format!("http://{node}/dev1/{}", Fid(1).path());
    let content = files.open(&Replica { fid: Fid(1), url }).await?;
    let chunks: Vec<_> = content.stream.try_collect().await?;
    Ok(chunks.iter().map(bytes::Bytes::len).sum())
}

#[tokio::test]
async fn connections_to_a_tracker_are_bounded_and_kept() {
    let tracker = Scripted::tracker(|_, request| ok(request, "paths=0").after(BRIEFLY)).await;
    for connections in [1, 3] {
        let before = tracker.seen();
        let trackers = with_connections(&[tracker.address], connections);
        for _ in 0..2 {
            let asked = join_all((0..30).map(|_| trackers.get_paths(DOMAIN, "k"))).await;
            assert!(asked.iter().all(Result::is_ok), "{asked:?}");
        }
        let seen = tracker.seen();
        assert_eq!(seen.requests.len() - before.requests.len(), 60);
        assert_eq!(seen.connections - before.connections, connections);
    }
}

#[tokio::test]
async fn connections_to_a_node_are_bounded_and_kept() {
    for (connections, length) in [(1, 100), (3, 100), (3, 0), (3, 200_000)] {
        let node = Scripted::node(move |_, _| file(length).after(BRIEFLY)).await;
        let files = files(connections, timeouts()).await;
        for _ in 0..2 {
            let all = join_all((0..20).map(|_| read(&files, node.address))).await;
            assert!(all.iter().all(|read| matches!(read, Ok(n) if *n == length)), "{all:?}");
        }
        let seen = node.seen();
        assert_eq!((seen.requests.len(), seen.connections), (40, connections), "{length} bytes");
    }
}

#[tokio::test]
async fn each_node_has_its_own_connections() {
    let (mute, good) = (
        Scripted::node(|_, _| nothing().then(Then::Silence)).await,
        Scripted::node(|_, _| file(3)).await,
    );
    let files = files(1, timeouts()).await;
    let (late, well) = futures_util::join!(read(&files, mute.address), read(&files, good.address));
    assert!(matches!(late, Err(SourceError::Unreachable { .. })), "{late:?}");
    assert_eq!(well.expect("nobody is in its way"), 3);
}

#[tokio::test]
async fn a_request_says_what_nodes_need_to_hear() {
    let node = Scripted::node(|_, _| file(3)).await;
    read(&files(1, timeouts()).await, node.address).await.expect("it is there");
    let request = node.seen().requests[0].to_lowercase();
    assert!(request.starts_with("get /dev1/0/000/000/0000000001.fid http/1.1\r\n"), "{request}");
    let host = format!("host: {}\r\n", node.address);
    assert!(request.contains(&host) && request.contains("connection: keep-alive"), "{request}");
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_healed_by_one_retry() {
    for then in [Then::Close, Then::Reset] {
        // Every second request finds its connection closed under it.
        let script =
            move |n: usize, _: &str| if n % 2 == 1 { nothing().then(then) } else { file(3) };
        let node = Scripted::node(script).await;
        let files = files(1, timeouts()).await;
        for _ in 0..4 {
            assert_eq!(read(&files, node.address).await.expect("healed"), 3);
        }
        let seen = node.seen();
        assert_eq!((seen.requests.len(), seen.connections), (7, 4), "{then:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_closed_while_it_lay_idle_costs_nothing() {
    let node = Scripted::node(|_, _| file(3).then(Then::Close)).await;
    let files = files(1, timeouts()).await;
    for _ in 0..4 {
        assert_eq!(read(&files, node.address).await.expect("a new one"), 3);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seen = node.seen();
    assert_eq!((seen.requests.len(), seen.connections), (4, 4));
}

#[tokio::test]
async fn a_new_connection_that_is_closed_is_not_tried_again() {
    let node = Scripted::node(|_, _| nothing().then(Then::Close)).await;
    let files = files(1, timeouts()).await;
    let error = read(&files, node.address).await.expect_err("closed");
    assert!(matches!(error, SourceError::Unreachable { .. }), "{error:?}");
    assert_eq!(node.requests(), 1);
}

#[tokio::test]
async fn a_connection_that_lay_idle_too_long_is_not_used() {
    let node = Scripted::node(|_, _| file(3)).await;
    let idle = Duration::from_millis(40);
    let files = files(1, Timeouts { node_idle: idle, ..timeouts() }).await;
    for (pause, connections) in [(Duration::ZERO, 1), (Duration::ZERO, 1), (idle * 2, 2)] {
        tokio::time::sleep(pause).await;
        assert_eq!(read(&files, node.address).await.expect("it is there"), 3);
        assert_eq!(node.seen().connections, connections);
    }
}

#[tokio::test]
async fn content_that_is_dropped_half_way_frees_its_place() {
    let node = Scripted::node(|_, _| file(3_000_000)).await;
    let files = files(1, timeouts()).await;
    let url = format!("http://{}/dev1/{}", node.address, Fid(1).path());
    for _ in 0..3 {
        let mut content =
            files.open(&Replica { fid: Fid(1), url: url.clone() }).await.expect("there");
        let chunk = content.stream.next().await.expect("one").expect("well");
        assert!(!chunk.is_empty() && chunk.len() < 3_000_000);
    }
    assert_eq!(read(&files, node.address).await.expect("whole"), 3_000_000);
    assert_eq!(node.seen().connections, 4, "the rest of the others is not waited for");
}

#[tokio::test]
async fn a_slow_reader_is_not_the_nodes_fault() {
    let node = Scripted::node(|_, _| file(600_000)).await;
    let patience = Duration::from_millis(100);
    let limits =
        Timeouts { slowest_bytes_per_second: u64::MAX, node_answer: patience, ..timeouts() };
    let files = files(1, limits).await;
    let url = format!("http://{}/dev1/{}", node.address, Fid(1).path());
    let content = files.open(&Replica { fid: Fid(1), url }).await.expect("it is there");
    let mut stream = content.stream;
    let mut read = 0;
    while let Some(chunk) = stream.next().await {
        read += chunk.expect("in time").len();
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    assert_eq!(read, 600_000);
}
