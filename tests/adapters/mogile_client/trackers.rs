//! Trackers that fail: another is asked, and the bad one rests.

use std::time::Duration;

use adapters::mogile::{Timeouts, TrackerError, Trackers};
use futures_util::future::{join, join_all};
use tokio::time::Instant;

use super::client::{
    DOMAIN, PATIENCE, nobody, timeouts, trackers, trackers_within, with_connections,
};
use super::scripted::{Reply, Scripted, Then, err, nothing, ok, say};
use super::stage::Stage;

/// Answers everything with one path.
fn well(_: usize, request: &str) -> Reply {
    ok(request, "paths=1&path1=x")
}

async fn ask(trackers: &Trackers) -> Result<Vec<String>, TrackerError> {
    trackers.get_paths(DOMAIN, "k").await
}

/// That a tracker which says this to everything is passed over, and asked once while it rests.
async fn check_passed_over(bad: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) {
    let (bad, good) = (Scripted::tracker(bad).await, Scripted::tracker(well).await);
    let trackers = trackers(&[bad.address, good.address]);
    for _ in 0..6 {
        assert_eq!(ask(&trackers).await.expect("the other answers"), ["x"]);
    }
    assert_eq!((bad.requests(), good.requests()), (1, 6));
}

#[tokio::test]
async fn a_dead_tracker_is_passed_over() {
    let good = Scripted::tracker(well).await;
    let trackers = trackers(&[nobody().await, good.address]);
    for _ in 0..6 {
        assert_eq!(ask(&trackers).await.expect("the other answers"), ["x"]);
    }
    let noop = trackers.noop().await;
    assert!(noop[0].1.is_err() && noop[1].1.is_ok(), "{noop:?}");
}

#[tokio::test]
async fn a_tracker_that_hangs_is_passed_over() {
    check_passed_over(|_, _| nothing().then(Then::Silence)).await;
}

#[tokio::test]
async fn a_tracker_that_hangs_in_mid_line_is_passed_over() {
    check_passed_over(|_, _| say("OK paths=1&pa").then(Then::Silence)).await;
}

#[tokio::test]
async fn a_tracker_that_breaks_off_in_mid_line_is_passed_over() {
    check_passed_over(|_, _| say("OK paths=1&pa").then(Then::Reset)).await;
}

#[tokio::test]
async fn a_tracker_that_closes_without_a_word_is_passed_over() {
    check_passed_over(|_, _| nothing().then(Then::Close)).await;
}

#[tokio::test]
async fn a_tracker_whose_database_is_down_is_passed_over() {
    check_passed_over(|_, request| err(request, "failure Operation+failed")).await;
}

#[tokio::test]
async fn a_server_that_is_no_tracker_is_passed_over() {
    check_passed_over(|_, _| say("HTTP/1.1 400 Bad Request\r\n\r\n").then(Then::Close)).await;
}

#[tokio::test]
async fn a_tracker_that_answers_another_request_is_passed_over() {
    check_passed_over(|_, _| say("OK paths=1&path1=y&callid=other\r\n")).await;
}

#[tokio::test]
async fn a_tracker_that_answers_nonsense_is_passed_over() {
    check_passed_over(|_, request| ok(request, "paths=2&path1=y")).await;
}

#[tokio::test]
async fn a_refusal_is_an_answer() {
    let refuse = |_: usize, request: &str| err(request, "unreg_domain Domain+name+invalid");
    let (one, other) = (Scripted::tracker(refuse).await, Scripted::tracker(well).await);
    let trackers = trackers(&[one.address, other.address]);
    assert!(matches!(ask(&trackers).await, Err(TrackerError::Refused { .. })));
    assert_eq!(other.requests(), 0);
    assert!(ask(&trackers).await.is_ok());
    assert!(ask(&trackers).await.is_err(), "and the tracker that gave it does not rest");
}

#[tokio::test]
async fn trackers_take_turns() {
    let (one, other) = (Scripted::tracker(well).await, Scripted::tracker(well).await);
    let trackers = trackers(&[one.address, other.address]);
    for _ in 0..6 {
        assert!(ask(&trackers).await.is_ok());
    }
    assert_eq!((one.requests(), other.requests()), (3, 3));
}

#[tokio::test]
async fn every_tracker_is_tried_before_they_are_given_up() {
    let mute = Scripted::tracker(|_, _| nothing().then(Then::Silence)).await;
    let down = Scripted::tracker(|_, request| err(request, "failure Operation+failed")).await;
    let dead = nobody().await;
    let trackers = trackers(&[mute.address, down.address, dead]);
    // The second time all of them rest: they are asked all the same.
    for time in 1..=2 {
        let error = ask(&trackers).await.expect_err("nobody answers");
        assert!(matches!(error, TrackerError::Unreachable { .. }), "{error:?}");
        let told = error.to_string();
        for why in ["no answer within 300ms", "failure: Operation failed", "refused"] {
            assert!(told.contains(why), "{why} in {told}");
        }
        assert_eq!((mute.requests(), down.requests()), (time, time));
    }
}

#[tokio::test]
async fn a_tracker_that_recovers_is_asked_again() {
    let failing = |number: usize, request: &str| {
        if number < 2 { err(request, "failure Operation+failed") } else { well(number, request) }
    };
    let (bad, good) = (Scripted::tracker(failing).await, Scripted::tracker(well).await);
    let rest = Duration::from_millis(80);
    let trackers = trackers_within(
        &[bad.address, good.address],
        Timeouts { tracker_rest: rest, ..timeouts() },
    );
    for asked in 1..=3 {
        for _ in 0..4 {
            assert_eq!(ask(&trackers).await.expect("one answers"), ["x"]);
        }
        let least = if asked == 3 { 4 } else { asked };
        assert!(bad.requests() >= asked && bad.requests() <= least, "{}", bad.requests());
        tokio::time::sleep(rest * 2).await;
    }
}

#[tokio::test]
async fn the_only_tracker_is_asked_again_at_once() {
    let failing = |number: usize, request: &str| {
        if number < 3 { err(request, "failure Operation+failed") } else { well(number, request) }
    };
    let only = Scripted::tracker(failing).await;
    let trackers = trackers(&[only.address]);
    for _ in 0..3 {
        assert!(matches!(ask(&trackers).await, Err(TrackerError::Busy { .. })));
    }
    assert_eq!(ask(&trackers).await.expect("it recovered"), ["x"]);
    assert_eq!(only.seen().connections, 1, "an answer keeps the connection, whatever it says");
}

#[tokio::test]
async fn a_tracker_that_closes_after_each_answer_is_used_all_the_same() {
    let closing = Scripted::tracker(|n, request| well(n, request).then(Then::Close)).await;
    let trackers = trackers(&[closing.address]);
    for _ in 0..20 {
        assert_eq!(ask(&trackers).await.expect("every time"), ["x"]);
    }
    let seen = closing.seen();
    assert_eq!((seen.requests.len(), seen.connections), (20, 20));
}

/// That requests whose answers come in time get their own, when every other one's comes late.
async fn check_late_answers(echo: bool) {
    let limit = Duration::from_millis(120);
    let server = Scripted::tracker(move |number, request| {
        let fields = format!("paths=1&path1=answer{number}");
        let answer = if echo { ok(request, &fields) } else { say(format!("OK {fields}\r\n")) };
        answer.after(if number % 2 == 0 { limit * 3 / 2 } else { Duration::ZERO })
    });
    let server = server.await;
    let patient = Timeouts { tracker_answer: limit, ..timeouts() };
    let trackers = trackers_within(&[server.address], patient);
    for number in 0..4 {
        let answer = ask(&trackers).await;
        if number % 2 == 0 {
            let error = answer.expect_err("late");
            assert!(error.to_string().contains("no answer within 120ms"), "{error}");
        } else {
            assert_eq!(answer.expect("in time"), [format!("answer{number}")]);
        }
        // Before the next request the late answer has come, to whoever still listens.
        tokio::time::sleep(limit).await;
    }
}

#[tokio::test]
async fn a_late_answer_is_never_the_next_requests() {
    join(check_late_answers(true), check_late_answers(false)).await;
}

#[tokio::test]
async fn a_connection_on_which_something_was_said_unasked_is_not_used_again() {
    for along in [true, false] {
        // Without `callid`s, so that only the connection tells what is an answer.
        let server = Scripted::tracker(move |number, _| {
            let answer = format!("OK paths=1&path1=answer{number}\r\n");
            let unasked = "OK paths=1&path1=unasked\r\n";
            if along { say(answer + unasked) } else { say(answer).and(unasked) }
        });
        let server = server.await;
        let trackers = trackers(&[server.address]);
        for number in 0..3 {
            assert_eq!(ask(&trackers).await.expect("well"), [format!("answer{number}")]);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(server.seen().connections, 3);
    }
}

#[tokio::test]
async fn a_connection_on_which_nonsense_was_said_is_not_used_again() {
    // A whole line, that is no answer to this request, and its rest a little later.
    let server = Scripted::tracker(|number, request| match number {
        0 => say("OK paths=x\r\n").and("OK paths=1&path1=rest\r\n"),
        _ => well(number, request),
    });
    let server = server.await;
    let trackers = trackers(&[server.address]);
    ask(&trackers).await.expect_err("nonsense");
    assert_eq!(ask(&trackers).await.expect("well"), ["x"]);
    assert_eq!(server.seen().connections, 2);
}

#[tokio::test]
async fn requests_that_wait_for_a_tracker_leave_when_it_goes_bad() {
    let mute = Scripted::tracker(|_, _| nothing().then(Then::Silence)).await;
    let good = Scripted::tracker(well).await;
    let trackers = with_connections(&[mute.address, good.address], 1);
    let started = Instant::now();
    let answers = join_all((0..8).map(|_| ask(&trackers))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert!(started.elapsed() < PATIENCE * 2, "each of them waited: {:?}", started.elapsed());
    assert_eq!(mute.requests(), 1);
}

#[tokio::test]
async fn without_a_tracker_nothing_is_asked() {
    let error = ask(&trackers(&[])).await.expect_err("nobody is there");
    assert!(error.to_string().contains("no tracker is configured"), "{error}");
}

/// A web server may wait for the end of the request's head before it says anything.
#[tokio::test]
async fn a_storage_nodes_port_is_said_to_be_no_trackers() {
    let waiting = |_: usize, _: &str| say("HTTP/1.0 404 Not Found\r\n\r\n");
    let server = Scripted::node(waiting).await;
    let node = server.address;
    let begun = Instant::now();
    let noop = trackers(&[node]).noop().await;
    let error = noop[0].1.as_ref().expect_err("it is no tracker");
    assert!(matches!(error, TrackerError::BadAnswer { .. }), "{error:?}");
    for part in [&*node.to_string(), "HTTP/1.0 404", "no tracker listens", "MOGILE_TRACKERS"] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
    assert!(begun.elapsed() < PATIENCE, "{:?}: it was not waited for", begun.elapsed());
    let stage = Stage::start().await;
    let url = stage.urls(&stage.store(b"content"))[0].clone();
    let node = url.split('/').nth(2).expect("host and port").parse().expect("an address");
    let error = trackers(&[node]).noop().await.remove(0).1.expect_err("it is no tracker");
    assert!(error.to_string().contains("no tracker listens"), "{error}");
}

/// mogstored's own port answers each line in words of its own.
#[tokio::test]
async fn mogstoreds_port_is_said_to_be_no_trackers() {
    let mogstored = Scripted::tracker(|_, _| say("ERROR: unknown command\r\n")).await;
    let noop = trackers(&[mogstored.address]).noop().await;
    let error = noop[0].1.as_ref().expect_err("it is no tracker").to_string();
    for part in ["ERROR: unknown command", "no tracker listens", "MOGILE_TRACKERS"] {
        assert!(error.contains(part), "{part} in {error}");
    }
}

#[tokio::test]
async fn a_tracker_that_has_answered_and_falls_silent_is_not_taken_for_another_server() {
    let freezing = |number: usize, request: &str| match number {
        0 => ok(request, "paths=1&path1=x"),
        _ => nothing().then(Then::Silence),
    };
    let tracker = Scripted::tracker(freezing).await;
    let trackers = trackers(&[tracker.address]);
    assert!(ask(&trackers).await.is_ok());
    let error = ask(&trackers).await.expect_err("it is silent");
    assert!(matches!(error, TrackerError::Unreachable { .. }), "{error:?}");
    assert_eq!(tracker.requests(), 2);
}
