//! URLs that must not be followed: refused with the reason, and never asked.

use std::net::SocketAddr;

use domain::migrate::FileEnd;
use domain::ports::SourceFiles;
use domain::{SourceError, SourceFile};
use futures_util::StreamExt;

use super::client::files;
use super::scripted::{Reply, Scripted, Then, ok, say};
use super::stage::Stage;

/// A node that answers everything with this file.
fn serving(content: &'static str) -> impl Fn(usize, &str) -> Reply + Send + Sync + 'static {
    move |_, _| {
        let length = content.len();
        say(format!(
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: {length}\r\n\r\n{content}"
        ))
    }
}

const CONTENT: &str = "the content";

/// What comes of a file whose only replica is at this URL, where MogileFS has this node.
async fn end_at(stage: &Stage, file: &SourceFile, node: SocketAddr, url: String) -> FileEnd {
    let fields = format!("paths=1&path1={url}");
    let tracker = Scripted::tracker(move |_, request| ok(request, &fields)).await;
    stage.migrate_by(files(&tracker, &[node]), file).await.end
}

/// That a URL is refused with this reason, and the node in it asked nothing.
async fn check_refused(node: &Scripted, url: impl Fn(&str, &str) -> String, reason: &str) {
    let stage = Stage::start().await;
    let file = stage.store(CONTENT.as_bytes());
    let url = url(&node.address.to_string(), &file.fid.path());
    let end = end_at(&stage, &file, node.address, url.clone()).await;
    let FileEnd::Failed(failure) = &end else { panic!("{url}: {end:?}") };
    let told = &failure.reason.detail;
    assert!(told.contains(reason), "{url}: {reason} in {told}");
    assert_eq!(node.seen().connections, 0, "{url}");
}

#[tokio::test]
async fn what_is_not_the_url_of_a_replica_is_refused() {
    let node = Scripted::node(serving(CONTENT)).await;
    let reason = "not the URL of a replica";
    check_refused(&node, |node, _| format!("http://{node}/latest/meta-data/"), reason).await;
    check_refused(&node, |node, path| format!("http://{node}/dev1/../dev1/{path}"), reason).await;
    check_refused(&node, |node, path| format!("http://{node}/dev1/{path}%3Fx=1"), reason).await;
    check_refused(&node, |node, path| format!("https://{node}/dev1/{path}"), reason).await;
    check_refused(&node, |node, path| format!("http://x%40{node}/dev1/{path}"), reason).await;
    check_refused(&node, |_, path| format!("http://localhost/dev1/{path}"), reason).await;
    check_refused(&node, |_, path| format!("file:///etc/dev1/{path}"), reason).await;
}

#[tokio::test]
async fn hosts_that_are_not_mogilefs_are_refused() {
    let node = Scripted::node(serving(CONTENT)).await;
    let unknown = "MogileFS registers no storage node at this address and port";
    let never = "is never asked";
    for (host, reason) in [
        ("127.0.0.1:9", unknown),
        ("127.0.0.2", unknown),
        ("[::1]", unknown),
        ("8.8.8.8:7500", unknown),
        ("169.254.169.254", never),
        ("[fd00:ec2::254]:80", never),
    ] {
        check_refused(&node, |_, path| format!("http://{host}/dev1/{path}"), reason).await;
    }
    let metadata = |_: &str, _: &str| "http://169.254.169.254/latest/meta-data/".to_owned();
    check_refused(&node, metadata, "not the URL of a replica").await;
}

#[tokio::test]
async fn the_path_of_another_fid_is_refused() {
    let stage = Stage::start().await;
    let file = stage.store(CONTENT.as_bytes());
    let node = Scripted::node(serving(CONTENT)).await;
    let other = format!("http://{}/dev1/{}", node.address, domain::Fid(999).path());
    let own = stage.urls(&file)[0].clone();
    let fields = format!("paths=2&path1={other}&path2={own}");
    let tracker = Scripted::tracker(move |_, request| ok(request, &fields)).await;
    let outcome = stage.migrate_by(files(&tracker, &stage.nodes()), &file).await;
    assert!(matches!(outcome.end, FileEnd::Proven(_)), "{outcome:?}");
    let detail = &outcome.findings[0].detail;
    assert!(detail.contains("the path of another fid") && detail.contains(&other), "{detail}");
    assert_eq!(node.seen().connections, 0);
}

#[tokio::test]
async fn a_key_whose_paths_are_all_another_fids_is_another_file_by_now() {
    let stage = Stage::start().await;
    let file = stage.store(CONTENT.as_bytes());
    let other = format!("http://127.0.0.1:7500/dev1/{}", domain::Fid(999).path());
    let fields = format!("paths=2&path1={other}&path2={other}");
    let tracker = Scripted::tracker(move |_, request| ok(request, &fields)).await;
    let replicas = files(&tracker, &[]).replicas(&file).await;
    assert!(matches!(replicas, Err(SourceError::UnknownKey { .. })), "{replicas:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = Stage::start().await;
    let file = stage.store(CONTENT.as_bytes());
    let target = Scripted::node(serving(CONTENT)).await;
    let location = format!("http://{}/dev1/{}", target.address, file.fid.path());
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let head =
            format!("HTTP/1.0 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let node = Scripted::node(move |_, _| say(head.clone()).then(Then::Close)).await;
        let url = format!("http://{}/dev1/{}", node.address, file.fid.path());
        let end = end_at(&stage, &file, node.address, url).await;
        let FileEnd::Failed(failure) = &end else { panic!("{status}: {end:?}") };
        let told = &failure.reason.detail;
        assert!(told.contains(status) && told.contains("redirects are not followed"), "{told}");
        assert_eq!(node.requests(), 1);
    }
    assert_eq!(target.seen().connections, 0);
}

/// That the answer of a node, to the letter, is refused with this reason.
async fn check_answer(answer: &'static str, reason: &str) {
    let stage = Stage::start().await;
    let file = stage.store(CONTENT.as_bytes());
    let node = Scripted::node(move |_, _| say(answer).then(Then::Close)).await;
    let url = format!("http://{}/dev1/{}", node.address, file.fid.path());
    let end = end_at(&stage, &file, node.address, url).await;
    let FileEnd::Failed(failure) = &end else { panic!("{answer:?}: {end:?}") };
    assert!(failure.reason.detail.contains(reason), "{answer:?}: {failure}");
}

#[tokio::test]
async fn answers_that_are_no_file_are_refused() {
    for (answer, reason) in [
        ("HTTP/1.0 200 OK\r\n\r\nthe content", "without Content-Length"),
        ("HTTP/1.0 206 Partial Content\r\nContent-Length: 3\r\n\r\nthe", "206 Partial Content"),
        ("HTTP/1.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "403 Forbidden"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\nthe", "the content breaks off"),
        ("HTTP/1.0 200 OK\r\nContent-Length: x\r\n\r\nthe content", "cannot be reached"),
        ("OK paths=0\r\n\r\n", "cannot be reached"),
        ("", "cannot be reached"),
    ] {
        check_answer(answer, reason).await;
    }
}

#[tokio::test]
async fn what_a_node_says_beyond_the_announced_length_is_not_content() {
    let stage = Stage::start().await;
    let file = stage.store(CONTENT.as_bytes());
    let answer = "HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\nthe content and more";
    let node = Scripted::node(move |_, _| say(answer)).await;
    let fields = format!("paths=1&path1=http://{}/dev1/{}", node.address, file.fid.path());
    let tracker = Scripted::tracker(move |_, request| ok(request, &fields)).await;
    let files = files(&tracker, &[node.address]);
    for _ in 0..3 {
        let replica = files.replicas(&file).await.expect("one").remove(0).expect("fit");
        let content = files.open(&replica).await.expect("it is there");
        let chunks: Vec<_> = content.stream.collect().await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.expect("whole")).collect();
        assert_eq!(bytes, CONTENT.as_bytes());
    }
}
