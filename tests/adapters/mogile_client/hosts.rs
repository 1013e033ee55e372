//! Which storage nodes are asked: those that a tracker's `get_hosts` lists, as far as
//! `MOGILE_STORAGE_HOSTS` allows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adapters::mogile::{AllowedHosts, MogileFiles, Timeouts};
use domain::migrate::{FileEnd, FileOutcome};
use domain::ports::SourceFiles;
use domain::retry::{Classed, ErrorClass};
use domain::{ReasonKind, SourceError, SourceFile};
use futures_util::future::join_all;
use stand_ins::fault::{Fault, Rule, Service};

use super::client::{PATIENCE, files_by, timeouts, trackers_within};
use super::scripted::{Reply, Scripted, ok, say};
use super::stage::Stage;

const UNREGISTERED: &str = "MogileFS registers no storage node at this address and port";
const LEFT_OUT: &str = "MOGILE_STORAGE_HOSTS leaves this storage node out";
const LOOPBACK: &str = "only where MOGILE_STORAGE_HOSTS names it";
const NEVER: &str = "is never asked";

/// A tracker that lists these hosts and names these nodes for every file.
async fn tracker(hosts: &'static str, file: &SourceFile, nodes: &[&str]) -> Scripted {
    let paths = paths(file, nodes);
    Scripted::tracker(move |_, request| answer(request, hosts, &paths)).await
}

fn answer(request: &str, hosts: &str, paths: &str) -> Reply {
    ok(request, if request.starts_with("get_hosts") { hosts } else { paths })
}

fn paths(file: &SourceFile, nodes: &[&str]) -> String {
    let path = |(n, node)| format!("&path{n}=http://{node}/dev1/{}", file.fid.path());
    let paths: String = (1..).zip(nodes).map(path).collect();
    format!("paths={}{paths}", nodes.len())
}

/// An answer with these hosts: `hostip`, `altip`, `http_port`, `http_get_port` and status; `-` is NULL.
fn hosts(rows: &[&str]) -> &'static str {
    let columns = ["hostip", "altip", "http_port", "http_get_port", "status"];
    let mut fields = vec![format!("hosts={}", rows.len())];
    for (n, row) in (1..).zip(rows) {
        let values = columns.iter().zip(row.split(' '));
        fields.extend(values.map(|(name, value)| {
            let value = if value == "-" { "" } else { value };
            format!("host{n}_{name}={value}")
        }));
    }
    fields.join("&").leak()
}

fn files(tracker: &Scripted, allowed: &str, timeouts: Timeouts) -> MogileFiles {
    files_of(tracker.address, allowed, timeouts)
}

fn files_of(tracker: SocketAddr, allowed: &str, timeouts: Timeouts) -> MogileFiles {
    let trackers = Arc::new(trackers_within(&[tracker], timeouts));
    files_by(trackers.clone(), trackers, allowed.parse().expect("valid"), 4, timeouts)
}

/// What is said of each replica: nothing where it may be asked.
async fn said(files: &MogileFiles, file: &SourceFile) -> Vec<String> {
    let replicas = files.replicas(file).await.expect("the tracker answers");
    let why = |error: SourceError| {
        let SourceError::NotAsked { why, .. } = error else { panic!("{error}") };
        why
    };
    replicas.into_iter().map(|replica| replica.map_or_else(why, |_| String::new())).collect()
}

fn asked_for_hosts(tracker: &Scripted) -> usize {
    let requests = tracker.seen().requests;
    requests.iter().filter(|request| request.starts_with("get_hosts")).count()
}

/// A file that is in no node.
fn file(stage: &Stage) -> SourceFile {
    stage.store(b"the content")
}

#[tokio::test]
async fn every_address_and_port_of_a_host_may_be_asked_and_no_other() {
    let stage = Stage::start().await;
    let file = file(&stage);
    let listed = hosts(&[
        "10.0.0.7 - 7500 - alive",
        "10.0.0.8 8.8.8.8 7500 7600 alive",
        "10.0.0.9 - 7500 - dead",
        "10.0.0.10 - 7500 - down",
        "- - 7500 - alive",
        "store7 10.0.0.11 7500 x alive",
        "127.0.0.2 - 7500 - alive",
        "169.254.169.254 - 80 - alive",
    ]);
    let judged = [
        ("10.0.0.7:7500", ""),
        ("10.0.0.7:7600", UNREGISTERED),
        ("10.0.0.7", UNREGISTERED),
        ("10.0.0.8:7500", ""),
        ("10.0.0.8:7600", ""),
        ("8.8.8.8:7500", ""),
        ("8.8.8.8:7600", ""),
        ("10.0.0.9:7500", ""),
        ("10.0.0.10:7500", ""),
        ("10.0.0.11:7500", ""),
        ("10.0.0.12:7500", UNREGISTERED),
        ("127.0.0.2:7500", LOOPBACK),
        ("127.0.0.1:7500", UNREGISTERED),
        ("169.254.169.254", NEVER),
    ];
    let nodes = judged.map(|(node, _)| node);
    let tracker = tracker(listed, &file, &nodes).await;
    let trackers = Arc::new(trackers_within(&[tracker.address], timeouts()));
    let files = files_by(trackers.clone(), trackers, AllowedHosts::default(), 4, timeouts());
    for ((node, reason), said) in judged.into_iter().zip(said(&files, &file).await) {
        assert_eq!(said.is_empty(), reason.is_empty(), "{node}: {said}");
        assert!(said.contains(reason), "{node}: {said}");
    }
}

#[tokio::test]
async fn the_setting_narrows_and_adds_nothing() {
    let stage = Stage::start().await;
    let file = file(&stage);
    let listed = hosts(&["10.0.0.7 - 7500 7600 alive", "10.0.0.8 - 7500 - alive"]);
    let nodes = ["10.0.0.7:7500", "10.0.0.7:7600", "10.0.0.8:7500", "10.0.0.9:7500"];
    let tracker = tracker(listed, &file, &nodes).await;
    for (allowed, reasons) in [
        ("10.0.0.0/8", ["", "", "", UNREGISTERED]),
        ("10.0.0.7:7600,10.0.0.9", [LEFT_OUT, "", LEFT_OUT, UNREGISTERED]),
        ("127.0.0.1", [LEFT_OUT, LEFT_OUT, LEFT_OUT, UNREGISTERED]),
    ] {
        let said = said(&files(&tracker, allowed, timeouts()), &file).await;
        for (said, reason) in said.iter().zip(reasons) {
            assert_eq!(said.is_empty(), reason.is_empty(), "{allowed}: {said}");
            assert!(said.contains(reason), "{allowed}: {said}");
        }
    }
}

#[tokio::test]
async fn an_unknown_host_is_asked_for_again_once_for_all_files() {
    let stage = Stage::start().await;
    let file = file(&stage);
    let before = hosts(&["10.0.0.7 - 7500 - alive"]);
    let after = hosts(&["10.0.0.7 - 7500 - alive", "10.0.0.8 - 7500 - alive"]);
    let names = paths(&file, &["10.0.0.7:7500", "10.0.0.8:7500"]);
    let known = paths(&file, &["10.0.0.7:7500"]);
    // The second host is added after three files.
    let tracker = Scripted::tracker(move |number, request| match number {
        0..=3 => answer(request, before, &known),
        _ => answer(request, after, &names),
    });
    let tracker = tracker.await;
    let timeouts = Timeouts { hosts_again: Duration::ZERO, ..timeouts() };
    let files = files(&tracker, "10.0.0.0/8", timeouts);
    for _ in 0..3 {
        assert_eq!(said(&files, &file).await, [""]);
    }
    assert_eq!(asked_for_hosts(&tracker), 1, "once for all files");
    let at_once = join_all((0..20).map(|_| said(&files, &file))).await;
    assert!(at_once.iter().all(|said| *said == ["", ""]), "{at_once:?}");
    assert_eq!(asked_for_hosts(&tracker), 2, "once more for the new host");
}

#[tokio::test]
async fn a_host_that_stays_unknown_costs_no_request_a_file() {
    let stage = Stage::start().await;
    let file = file(&stage);
    let tracker = tracker(hosts(&["10.0.0.7 - 7500 - alive"]), &file, &["10.0.0.9:7500"]).await;
    let timeouts = Timeouts { hosts_again: PATIENCE, ..timeouts() };
    let files = files(&tracker, "10.0.0.0/8", timeouts);
    let begun = tokio::time::Instant::now();
    for _ in 0..50 {
        assert!(said(&files, &file).await[0].contains(UNREGISTERED));
    }
    let most = 1 + begun.elapsed().as_millis() / PATIENCE.as_millis();
    assert!(asked_for_hosts(&tracker) as u128 <= most, "{}", asked_for_hosts(&tracker));
    tokio::time::sleep(PATIENCE).await;
    let before = asked_for_hosts(&tracker);
    said(&files, &file).await;
    assert_eq!(asked_for_hosts(&tracker), before + 1, "it may have been added since");
}

#[tokio::test]
async fn the_next_tracker_is_asked_where_one_lists_no_host() {
    let stage = Stage::start().await;
    let file = file(&stage);
    let empty = tracker("hosts=0", &file, &["10.0.0.7:7500"]).await;
    let full = tracker(hosts(&["10.0.0.7 - 7500 - alive"]), &file, &["10.0.0.7:7500"]).await;
    // Requests take turns: the first tracker gives the paths, and the second one is asked for hosts.
    let both = Arc::new(trackers_within(&[full.address, empty.address], timeouts()));
    let allowed = "10.0.0.0/8".parse().expect("valid");
    let files = files_by(both.clone(), both, allowed, 4, timeouts());
    assert_eq!(said(&files, &file).await, [""]);
    assert_eq!((asked_for_hosts(&empty), asked_for_hosts(&full)), (1, 1));
}

/// That a file's own trouble is none: what the tracker says to `get_hosts` is the tracker's.
async fn check_outcome(reply: fn(&str) -> Reply, kind: ReasonKind, words: &str) {
    let stage = Stage::start().await;
    let file = file(&stage);
    let node = stage.nodes()[0].to_string();
    let paths = paths(&file, &[&node]);
    let tracker = Scripted::tracker(move |_, request| {
        if request.starts_with("get_hosts") { reply(request) } else { ok(request, &paths) }
    });
    let tracker = tracker.await;
    let files = files(&tracker, "127.0.0.1", timeouts());
    let FileOutcome { end, .. } = stage.migrate_by(files, &file).await;
    let FileEnd::Failed(failure) = &end else { panic!("{words}: {end:?}") };
    assert_eq!(failure.reason.kind, kind, "{failure}");
    assert!(failure.reason.detail.contains(words), "{words}: {failure}");
}

#[tokio::test]
async fn hosts_that_cannot_be_listed_are_the_trackers_trouble_and_not_the_files() {
    let silent: fn(&str) -> Reply = |_| say("").after(PATIENCE * 4);
    check_outcome(silent, ReasonKind::SourceUnreachable, "get_hosts: no answer within").await;
    let away: fn(&str) -> Reply =
        |request| super::scripted::err(request, "failure Operation+failed");
    check_outcome(away, ReasonKind::SourceUnreachable, "get_hosts: failure").await;
    let unknown: fn(&str) -> Reply =
        |request| super::scripted::err(request, "unknown_command Unknown+server+command");
    check_outcome(unknown, ReasonKind::SourceRefused, "get_hosts: unknown_command").await;
    let none: fn(&str) -> Reply = |request| ok(request, "hosts=0");
    check_outcome(none, ReasonKind::SourceRefused, "get_hosts: it lists no host").await;
    let nonsense: fn(&str) -> Reply = |request| ok(request, "hosts=many");
    check_outcome(nonsense, ReasonKind::SourceRefused, "get_hosts: hosts is `many`").await;
}

#[tokio::test]
async fn a_tracker_that_recovers_is_asked_again() {
    let stage = Stage::start().await;
    let file = file(&stage);
    let operation = Some("get_hosts".to_owned());
    let rule = Rule { operation, ..Rule::always(Service::Tracker, Fault::RequestLost) };
    stage.faults.add(rule);
    let files = files_of(stage.tracker, "127.0.0.1", timeouts());
    let error = files.replicas(&file).await.expect_err("get_hosts is lost");
    assert_eq!(error.class(), ErrorClass::Retry, "{error}");
    stage.faults.clear();
    let outcome = stage.migrate_by(files, &file).await;
    assert!(matches!(outcome.end, FileEnd::Proven(_)), "{outcome:?}");
}
