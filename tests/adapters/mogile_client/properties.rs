//! Whatever a tracker says, and however it comes: the answer or an error, never a panic, a hang or
//! another request's answer.

use std::time::Duration;

use adapters::mogile::{Timeouts, TrackerError, Trackers};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::time::{Instant, timeout};

use super::client::{DOMAIN, timeouts, trackers, trackers_within};
use super::scripted::{Reply, Scripted, Then, callid, nothing, say};

/// Cases of each property: every one opens sockets.
const CASES: u32 = 48;

/// No answer may take longer, whatever comes.
const LONGEST: Duration = Duration::from_secs(5);

/// Runs each case of a property on sockets.
fn check<S: Strategy>(cases: &S, property: impl AsyncFn(S::Value) -> Result<(), TestCaseError>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() };
    let ran = TestRunner::new(config).run(cases, |case| runtime.block_on(property(case)));
    if let Err(failure) = ran {
        panic!("{failure}");
    }
}

/// Bytes cut at these places, each piece for a write of its own.
fn in_pieces(bytes: &[u8], cuts: &[prop::sample::Index]) -> Reply {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.sort_unstable();
    at.push(bytes.len());
    let mut start = 0;
    let pieces = at.into_iter().map(|end| {
        let piece = bytes[start..end].to_vec();
        start = end;
        piece
    });
    pieces.fold(nothing(), Reply::and)
}

/// Every byte as `%XX`.
fn encoded(value: &[u8]) -> String {
    value.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).map(char::from).collect()
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..4)
}

#[test]
fn any_order_of_keys_any_bytes_in_values_and_any_split_give_the_answer() {
    let values = prop::collection::vec(prop::collection::vec(any::<u8>(), 0..24), 0..6);
    check(&(values, any::<u64>(), cuts()), async |(values, order, cuts)| {
        let numbered = (1..).zip(&values);
        let mut fields: Vec<_> =
            numbered.map(|(n, value)| format!("key_{n}={}", encoded(value))).collect();
        fields.push(format!("key_count={}", values.len()));
        let server = Scripted::tracker(move |_, request| {
            let mut fields = fields.clone();
            fields.push(format!("callid={}", callid(request)));
            let by = usize::try_from(order % fields.len() as u64).expect("below a few");
            fields.rotate_left(by);
            if order % 2 == 0 {
                fields.reverse();
            }
            in_pieces(format!("OK {}\r\n", fields.join("&")).as_bytes(), &cuts)
        });
        let server = server.await;
        let wanted: Vec<_> =
            values.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        // A second time over the same connection: nothing of the first is left in it.
        let trackers = trackers(&[server.address]);
        for _ in 0..2 {
            let keys = trackers.list_keys(DOMAIN, "", "", 9).await;
            prop_assert_eq!(&keys.expect("an answer"), &wanted);
        }
        prop_assert_eq!(server.seen().connections, 1);
        Ok(())
    });
}

/// Keys that say which request they answer.
async fn key_of(trackers: &Trackers, prefix: &str) -> Result<Vec<String>, TrackerError> {
    trackers.list_keys(DOMAIN, prefix, "", 1).await
}

/// The prefix that a request names.
fn prefix(request: &str) -> &str {
    let (_, behind) = request.split_once("prefix=").expect("it has one");
    behind.split('&').next().unwrap_or_default()
}

/// What comes beyond an answer.
#[derive(Debug, Clone)]
enum Surplus {
    /// In the same write.
    Along(Vec<u8>),
    /// After a while, when the client may have kept the connection.
    Behind(Vec<u8>),
}

fn surplus() -> impl Strategy<Value = Surplus> {
    let words = prop_oneof![
        Just(b"OK key_count=1&key_1=another\r\n".to_vec()),
        Just(b"OK key_count=1&key_1=another&callid=1\r\n".to_vec()),
        Just(b"ERR unknown_key unknown_key\r\n".to_vec()),
        Just(b"ERR unknown_key unknown_key 1\r\n".to_vec()),
        Just(b"OK key_count=1&key_1=ano".to_vec()),
        prop::collection::vec(any::<u8>(), 1..40),
    ];
    (words, any::<bool>()).prop_map(|(words, along)| {
        if along { Surplus::Along(words) } else { Surplus::Behind(words) }
    })
}

#[test]
fn a_surplus_never_becomes_the_next_requests_answer() {
    let cases =
        (prop::collection::vec(prop::option::of(surplus()), 4), any::<bool>(), any::<bool>());
    check(&cases, async |(surpluses, echo, pause)| {
        let server = Scripted::tracker(move |number, request| {
            let callid = if echo { format!("&callid={}", callid(request)) } else { String::new() };
            let answer = format!("OK key_count=1&key_1={}{callid}\r\n", prefix(request));
            match surpluses.get(number).cloned().flatten() {
                None => say(answer),
                Some(Surplus::Along(words)) => say([answer.into_bytes(), words].concat()),
                // Without `callid`s, what comes as late as an answer cannot be told from one.
                Some(Surplus::Behind(_)) if !echo => say(answer),
                Some(Surplus::Behind(words)) => say(answer).and(words),
            }
        });
        let server = server.await;
        let trackers = trackers(&[server.address]);
        for n in 0..5 {
            let own = format!("own{n}");
            let keys = timeout(LONGEST, key_of(&trackers, &own)).await;
            match keys.map_err(|_| TestCaseError::fail("a hang"))? {
                Ok(keys) => prop_assert_eq!(keys, [own]),
                Err(TrackerError::BadAnswer { .. } | TrackerError::Unreachable { .. }) => {}
                Err(error) => prop_assert!(false, "{error}"),
            }
            if pause {
                // What is still on its way arrives before the next request is sent.
                tokio::time::sleep(Duration::from_millis(6)).await;
            }
        }
        Ok(())
    });
}

#[test]
fn garbage_is_an_error_and_leaves_nothing_behind() {
    let ends = prop_oneof![
        Just((&b""[..], Then::Close)),
        Just((&b""[..], Then::Reset)),
        Just((&b""[..], Then::Silence)),
        Just((&b"\n"[..], Then::Listen)),
        Just((&b"\r\n"[..], Then::Close)),
    ];
    let starts = prop_oneof![
        Just(Vec::new()),
        Just(b"OK ".to_vec()),
        Just(b"OK key_count=".to_vec()),
        Just(b"ERR".to_vec()),
        Just(b"ERR ".to_vec()),
        Just(b"HTTP/1.1 400 Bad Request\r\n".to_vec()),
    ];
    let bytes = prop::collection::vec(any::<u8>(), 0..64);
    check(&(starts, bytes, ends, cuts()), async |(start, mut bytes, (end, then), cuts)| {
        if start.starts_with(b"ERR") {
            // A whole line of that kind is an answer. A tracker that is silent after one is away, and
            // what it says behind one, a little later, would be the answer to the next request.
            bytes.retain(|byte| *byte != b'\n');
        }
        let garbage = [start, bytes, end.to_vec()].concat();
        let server = Scripted::tracker(move |number, request| {
            if number == 0 {
                return in_pieces(&garbage, &cuts).then(then);
            }
            let (prefix, callid) = (prefix(request), callid(request));
            say(format!("OK key_count=1&key_1={prefix}&callid={callid}\r\n"))
        });
        let server = server.await;
        let short = Duration::from_millis(200);
        let trackers =
            trackers_within(&[server.address], Timeouts { tracker_answer: short, ..timeouts() });
        let first = timeout(LONGEST, key_of(&trackers, "first")).await;
        let first = first.map_err(|_| TestCaseError::fail("a hang"))?;
        prop_assert!(first.is_err(), "{first:?}");
        let keys = key_of(&trackers, "second").await;
        prop_assert_eq!(keys.ok(), Some(vec!["second".to_owned()]));
        Ok(())
    });
}

/// What comes of a line of so many bytes in all, and how long that takes.
async fn line_of(length: usize, then: Then) -> (Result<Vec<String>, TrackerError>, Duration) {
    let server = Scripted::tracker(move |_, request| {
        let (head, tail) = ("OK key_count=1&key_1=", format!("&callid={}\r\n", callid(request)));
        let filling = "x".repeat(length - head.len() - tail.len());
        say(format!("{head}{filling}{tail}")).then(then)
    });
    let server = server.await;
    let started = Instant::now();
    let patient = Timeouts { tracker_answer: LONGEST, ..timeouts() };
    let keys = key_of(&trackers_within(&[server.address], patient), "x").await;
    (keys, started.elapsed())
}

#[tokio::test]
async fn a_line_of_a_mebibyte_is_the_longest() {
    const MEBIBYTE: usize = 1 << 20;
    let (keys, _) = line_of(MEBIBYTE, Then::Listen).await;
    assert!(keys.is_ok_and(|keys| keys[0].len() > MEBIBYTE - 100));
    for length in [MEBIBYTE + 1, MEBIBYTE * 3] {
        let (keys, took) = line_of(length, Then::Silence).await;
        let error = keys.expect_err("too long");
        assert!(error.to_string().contains("a line of more than 1048576 bytes"), "{error}");
        assert!(took < LONGEST, "without waiting for its end");
    }
}

#[tokio::test]
async fn a_line_without_its_end_is_no_answer() {
    for (then, why) in
        [(Then::Close, "closed before a whole answer"), (Then::Silence, "no answer within 300ms")]
    {
        let server = Scripted::tracker(move |_, request| {
            say(format!("OK key_count=0&callid={}", callid(request))).then(then)
        });
        let error = key_of(&trackers(&[server.await.address]), "x").await.expect_err("cut off");
        assert!(error.to_string().contains(why), "{then:?}: {error}");
    }
}
