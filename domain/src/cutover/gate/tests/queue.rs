//! When both queues count as empty.

use std::time::Duration;

use super::*;
use crate::{QueueDepth, limits};

fn depth(visible: u64, in_flight: u64, delayed: u64) -> QueueDepth {
    let visibility_timeout = Duration::from_mins(5);
    QueueDepth { visible, in_flight, delayed, visibility_timeout, deliveries: Some(5) }
}

/// Looks at these seconds: `.` nothing is there, `v` a job is visible, `f` one is in flight, `d` one is delayed,
/// `D` a dead letter is there.
fn watched(looks: &str, seconds: &[u64], window: Duration) -> QueueSeen {
    let empty = depth(0, 0, 0);
    let looks = looks.chars().zip(seconds).map(|(what, second)| {
        let (queue, dead_letters) = match what {
            'v' => (depth(1, 0, 0), empty),
            'f' => (depth(0, 1, 0), empty),
            'd' => (depth(0, 0, 1), empty),
            'D' => (empty, depth(1, 0, 0)),
            _ => (empty, empty),
        };
        QueueLook { at: Timestamp(second * 1_000), queue, dead_letters }
    });
    QueueSeen::Watched { looks: looks.collect(), window }
}

#[test]
fn both_queues_are_empty_at_each_look_over_two_minutes() {
    let (whole, once) = (limits::QUEUE_EMPTY_FOR, Duration::ZERO);
    let steady: &[u64] = &[0, 30, 60, 90, 120];
    for (looks, seconds, window, is_open) in [
        (".....", steady, whole, true),
        ("....", steady, whole, false),
        // A clock that jumps is no time that passed.
        ("..", &[0, 120], whole, false),
        ("v....", steady, whole, false),
        ("..f..", steady, whole, false),
        ("....d", steady, whole, false),
        ("....D", steady, whole, false),
        (".", &[0], whole, false),
        (".", &[0], once, true),
        ("d", &[0], once, false),
        ("D", &[0], once, false),
        ("", &[], once, false),
    ] {
        let gate = Gate::Queue(watched(looks, seconds, window));
        assert_eq!(gate.is_open(), is_open, "`{looks}` {window:?}");
    }
}

#[test]
fn a_queue_that_was_not_used_is_said_to_be_so() {
    let but = Some((7, "https://sqs/jobs".to_owned()));
    for (seen, is_open) in [
        (QueueSeen::NotNamed, false),
        (QueueSeen::NotUsed { but: None }, true),
        (QueueSeen::NotUsed { but }, false),
    ] {
        assert_eq!(Gate::Queue(seen.clone()).is_open(), is_open, "{seen:?}");
    }
}
