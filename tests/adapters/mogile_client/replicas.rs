//! Replicas that fail, seen by the migration of one file: the next is taken, and the reason told.

use std::time::Duration;

use domain::migrate::{FileEnd, FileOutcome};
use domain::{ReasonKind, SourceFile};
use stand_ins::fault::{Fault, Service};
use stand_ins::world::mogile::{Content, DeviceStatus, Fid};

use super::client::{DOMAIN, files};
use super::scripted::{Scripted, Then, nothing, ok, say};
use super::stage::Stage;

/// More than fits in one chunk on its way.
fn content() -> Vec<u8> {
    (0..=250).cycle().take(200_000).collect()
}

/// That the file was migrated, and each bad replica told with its URL and this reason.
fn check_migrated(stage: &Stage, file: &SourceFile, outcome: &FileOutcome, reasons: &[&str]) {
    assert!(matches!(outcome.end, FileEnd::Proven(_)), "{outcome:?}");
    assert!(stage.migrated(file) == Some(content()), "the content is whole");
    assert_eq!(outcome.findings.len(), reasons.len(), "{:?}", outcome.findings);
    for ((finding, reason), url) in outcome.findings.iter().zip(reasons).zip(stage.urls(file)) {
        assert_eq!(finding.kind.name(), "bad-replica");
        assert!(finding.detail.contains(&url), "{url} in {}", finding.detail);
        assert!(finding.detail.contains(reason), "{reason} in {}", finding.detail);
    }
}

/// That a file whose first replica is struck comes from the second.
async fn check_struck(fault: Fault, reason: &str) {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    stage.strike(stage.holders(&file)[0], fault);
    let outcome = stage.migrate(&file).await;
    check_migrated(&stage, &file, &outcome, &[reason]);
}

/// That a file whose first replica has other bytes, or none, comes from the second.
async fn check_replaced(bytes: Option<Vec<u8>>, reason: &str) {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let (fid, first) = (Fid(file.fid.0), stage.holders(&file)[0]);
    match bytes {
        Some(bytes) => stage.mogile.set_replica(fid, first, Content::from(bytes)),
        None => drop(stage.mogile.remove_replica(fid, first)),
    }
    let outcome = stage.migrate(&file).await;
    check_migrated(&stage, &file, &outcome, &[reason]);
}

#[tokio::test]
async fn a_missing_replica_is_passed_over() {
    check_replaced(None, "refuses: 404 Not Found").await;
}

#[tokio::test]
async fn a_corrupt_replica_is_passed_over() {
    let mut bytes = content();
    bytes[150_000] ^= 1;
    check_replaced(Some(bytes), "has content with SHA-1").await;
}

#[tokio::test]
async fn a_replica_that_is_corrupted_on_its_way_is_passed_over() {
    check_struck(Fault::CorruptBody, "has content with SHA-1").await;
}

#[tokio::test]
async fn a_truncated_replica_is_passed_over() {
    check_replaced(Some(content()[..123_456].to_vec()), "has content with SHA-1").await;
}

#[tokio::test]
async fn an_empty_replica_is_passed_over() {
    check_replaced(Some(Vec::new()), "has content with SHA-1").await;
}

#[tokio::test]
async fn a_replica_longer_than_the_index_says_is_passed_over() {
    check_replaced(Some([content(), vec![0]].concat()), "has content with SHA-1").await;
}

#[tokio::test]
async fn a_replica_that_breaks_off_is_passed_over() {
    check_struck(Fault::TruncateBody(123_456), "the content breaks off").await;
}

#[tokio::test]
async fn a_node_that_hangs_before_the_headers_is_passed_over() {
    check_struck(Fault::Hang, "no answer within 300ms").await;
}

#[tokio::test]
async fn a_node_that_hangs_in_mid_body_is_passed_over() {
    check_struck(Fault::HangInBody(123_456), "the content flows slower than 256 KiB/s").await;
}

#[tokio::test]
async fn a_node_that_trickles_is_passed_over() {
    let pause = Duration::from_millis(20);
    check_struck(Fault::Trickle(pause), "the content flows slower than 256 KiB/s").await;
}

#[tokio::test]
async fn a_node_that_closes_without_an_answer_is_passed_over() {
    check_struck(Fault::RequestLost, "cannot be reached: ").await;
}

#[tokio::test]
async fn a_node_that_is_overloaded_is_passed_over() {
    let overloaded = Fault::Refuse { status: 503, code: "overloaded".to_owned() };
    check_struck(overloaded, "is busy: 503 Service Unavailable").await;
}

#[tokio::test]
async fn a_slow_answer_within_patience_is_taken() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    stage.strike(stage.holders(&file)[0], Fault::Delay(Duration::from_millis(100)));
    let outcome = stage.migrate(&file).await;
    check_migrated(&stage, &file, &outcome, &[]);
}

#[tokio::test]
async fn a_node_that_resets_the_connection_is_passed_over() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let resetting = Scripted::node(|_, _| nothing().then(Then::Reset)).await;
    let good = stage.urls(&file)[0].clone();
    let reset = format!("http://{}/dev9/{}", resetting.address, file.fid.path());
    let paths = format!("paths=2&path1={reset}&path2={good}");
    let tracker = Scripted::tracker(move |_, request| ok(request, &paths)).await;
    let nodes = [&stage.nodes()[..], &[resetting.address]].concat();
    let outcome = stage.migrate_by(files(&tracker, &nodes), &file).await;
    assert!(matches!(outcome.end, FileEnd::Proven(_)), "{outcome:?}");
    let detail = &outcome.findings[0].detail;
    assert!(detail.contains(&reset) && detail.contains("cannot be reached"), "{detail}");
    assert_eq!(resetting.requests(), 1, "a new connection has no excuse");
}

#[tokio::test]
async fn when_all_replicas_are_bad_each_is_told() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let holders = stage.holders(&file);
    stage.mogile.remove_replica(Fid(file.fid.0), holders[0]);
    stage.mogile.set_replica(Fid(file.fid.0), holders[1], Content::from("other"));
    let outcome = stage.migrate(&file).await;
    let FileEnd::Failed(failure) = &outcome.end else { panic!("{outcome:?}") };
    assert_eq!(failure.reason.kind, ReasonKind::WrongContent);
    let told = &failure.reason.detail;
    for part in [&*stage.urls(&file)[0], "404 Not Found", &stage.urls(&file)[1], "SHA-1"] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(stage.migrated(&file), None);
}

#[tokio::test]
async fn replicas_that_are_all_out_of_reach_are_an_outage() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    stage.holders(&file).into_iter().for_each(|at| stage.strike(at, Fault::RequestLost));
    let outcome = stage.migrate(&file).await;
    let FileEnd::Failed(failure) = &outcome.end else { panic!("{outcome:?}") };
    assert_eq!(failure.reason.kind, ReasonKind::ReplicasUnreachable);
}

#[tokio::test]
async fn a_file_without_a_replica_is_told() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let fid = Fid(file.fid.0);
    let row = stage.mogile.row(fid).expect("stored");
    stage.mogile.plant(stand_ins::world::mogile::FileRow { devids: Vec::new(), ..row });
    let outcome = stage.migrate(&file).await;
    let FileEnd::Failed(failure) = &outcome.end else { panic!("{outcome:?}") };
    assert_eq!(failure.reason.kind, ReasonKind::NoReplica);
    assert!(failure.reason.detail.contains("know of no usable replica"), "{failure}");
}

#[tokio::test]
async fn a_device_that_is_down_is_not_asked() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let holders = stage.holders(&file);
    stage.strike(holders[0], Fault::Hang);
    stage.mogile.set_device_status(holders[0], DeviceStatus::Down);
    let outcome = stage.migrate(&file).await;
    check_migrated(&stage, &file, &outcome, &[]);
    // When all are down, the one that the tracker names all the same is tried.
    stage.faults.clear();
    let other = stage.store(b"another");
    stage.devices.iter().for_each(|at| stage.mogile.set_device_status(*at, DeviceStatus::Down));
    let outcome = stage.migrate(&other).await;
    assert!(matches!(outcome.end, FileEnd::Proven(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_draining_device_is_asked_last() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let holders = stage.holders(&file);
    stage.mogile.set_device_status(holders[0], DeviceStatus::Drain);
    stage.strike(holders[1], Fault::CorruptBody);
    let outcome = stage.migrate(&file).await;
    check_migrated(&stage, &file, &outcome, &["has content with SHA-1"]);
    assert_eq!(stage.holders(&file), [holders[1], holders[0]]);
    let gets = stage.faults.counts()[&(Service::StorageNode, "GET".to_owned())];
    assert_eq!(gets, 2);
}

#[tokio::test]
async fn a_key_that_is_gone_is_no_failure() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    stage.mogile.delete(DOMAIN, &file.dkey.to_string()).expect("it is there");
    assert_eq!(stage.migrate(&file).await.end, FileEnd::Gone);
}

/// A file with two replicas, the first on a node that says what the script does.
async fn with_first_node(
    reply: &'static str,
) -> (Stage, domain::SourceFile, Scripted, domain::migrate::FileOutcome) {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let node = Scripted::node(move |_, _| say(reply)).await;
    let first = format!("http://{}/dev9/{}", node.address, file.fid.path());
    let paths = format!("paths=2&path1={first}&path2={}", stage.urls(&file)[0]);
    let tracker = Scripted::tracker(move |_, request| ok(request, &paths)).await;
    let nodes = [&stage.nodes()[..], &[node.address]].concat();
    let outcome = stage.migrate_by(files(&tracker, &nodes), &file).await;
    (stage, file, node, outcome)
}

#[tokio::test]
async fn a_replica_that_announces_more_than_any_file_has_is_not_taken_for_the_file() {
    for length in ["9999999999999999", "6000000000"] {
        let reply = format!("HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\nx");
        let reply: &'static str = reply.leak();
        let (stage, file, node, outcome) = with_first_node(reply).await;
        assert!(matches!(outcome.end, FileEnd::Proven(_)), "{length}: {outcome:?}");
        assert_eq!(stage.migrated(&file), Some(content()), "{length}");
        let [finding] = &outcome.findings[..] else { panic!("{outcome:?}") };
        assert!(finding.detail.contains(&format!("it announces {length} bytes")), "{finding:?}");
        assert_eq!(node.requests(), 1, "its content is not waited for");
    }
}

#[tokio::test]
async fn where_every_replica_announces_too_much_the_reason_says_so() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let reply = "HTTP/1.0 200 OK\r\nContent-Length: 9999999999999999\r\n\r\nx";
    let node = Scripted::node(move |_, _| say(reply)).await;
    let paths = format!("paths=1&path1=http://{}/dev9/{}", node.address, file.fid.path());
    let tracker = Scripted::tracker(move |_, request| ok(request, &paths)).await;
    let outcome = stage.migrate_by(files(&tracker, &[node.address]), &file).await;
    let FileEnd::Failed(failure) = &outcome.end else { panic!("{outcome:?}") };
    assert_eq!(failure.reason.kind, ReasonKind::NoReplica);
    assert!(failure.reason.detail.contains("it announces 9999999999999999 bytes"), "{failure}");
}

#[tokio::test]
async fn a_second_look_without_an_answer_is_told() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let node = Scripted::node(|_, _| say("HTTP/1.0 404 Not Found\r\n\r\n").then(Then::Close)).await;
    let paths = format!("paths=1&path1=http://{}/dev9/{}", node.address, file.fid.path());
    let tracker = Scripted::tracker(move |_, request| {
        if request.contains("noverify=1") { ok(request, &paths) } else { nothing() }
    })
    .await;
    let outcome = stage.migrate_by(files(&tracker, &[node.address]), &file).await;
    let FileEnd::Failed(failure) = &outcome.end else { panic!("{outcome:?}") };
    assert_eq!(failure.reason.kind, ReasonKind::NoReplica);
    let detail = &failure.reason.detail;
    assert!(detail.contains("404 Not Found; whether there are others is not known: "), "{detail}");
}

#[tokio::test]
async fn a_trackers_memcached_does_not_have_the_last_word() {
    let stage = Stage::start().await;
    let file = stage.store(&content());
    let (key, fid) = (file.dkey.to_string(), Fid(file.fid.0));
    let dmid = stage.mogile.row(fid).expect("stored").dmid;
    // The third device never had it.
    stage.mogile.cache_paths(dmid, &key, fid, &stage.devices[2..]);
    let outcome = stage.migrate(&file).await;
    check_migrated(&stage, &file, &outcome, &["404 Not Found"]);
    let asked = stage.faults.counts()[&(Service::Tracker, "get_paths".to_owned())];
    assert_eq!(asked, 2);
}
