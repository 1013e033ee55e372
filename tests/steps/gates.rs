//! The looks at both queues before a cut-over, in virtual time.

use std::time::Duration;

use domain::cutover::{QueueLook, QueueSeen, watch_queues};
use domain::{Job, JobAction, limits};
use futures_util::future::join;

use crate::common::{World, content};

fn looks(seen: &QueueSeen) -> &[QueueLook] {
    match seen {
        QueueSeen::Watched { looks, .. } => looks,
        QueueSeen::NotNamed | QueueSeen::NotUsed { .. } | QueueSeen::Other { .. } => &[],
    }
}

fn watched(world: &World, window: Duration, meanwhile: impl Future<Output = ()>) -> QueueSeen {
    let ports = world.port.watch_ports();
    let queues = (&*ports.queue, &*ports.dead_letters);
    let both = join(watch_queues(queues, &*ports.clock, window), meanwhile);
    world.run(both).0.expect("queues that answer")
}

#[test]
fn empty_queues_are_looked_at_over_two_minutes_or_once() {
    let world = World::instant();
    let seen = watched(&world, limits::QUEUE_EMPTY_FOR, async {});
    let [first, .., last] = looks(&seen) else { panic!("several looks: {seen:?}") };
    assert!(seen.is_empty() && looks(&seen).len() >= limits::QUEUE_LOOKS as usize, "{seen:?}");
    assert!(first.at.until(last.at) >= limits::QUEUE_EMPTY_FOR, "{seen:?}");
    let once = watched(&world, Duration::ZERO, async {});
    assert_eq!((once.is_empty(), looks(&once).len()), (true, 1));
}

/// A sender that the operator has forgotten, and a worker that gives up.
#[test]
fn a_job_or_a_dead_letter_that_comes_meanwhile_ends_the_looks() {
    for to_dead_letters in [false, true] {
        let world = World::instant();
        let file = world.store(&content(1, 10));
        let ports = world.port.watch_ports();
        let queue = if to_dead_letters { &ports.dead_letters } else { &ports.queue };
        let late = async {
            ports.clock.sleep(Duration::from_secs(70)).await;
            let job = Job::new(JobAction::Migrate, &file);
            queue.send(&[job]).await.expect("a queue that answers");
        };
        let seen = watched(&world, limits::QUEUE_EMPTY_FOR, late);
        let last = looks(&seen).last().expect("a look");
        assert!(!seen.is_empty(), "{seen:?}");
        let found = if to_dead_letters { last.dead_letters } else { last.queue };
        assert_eq!((found.all(), looks(&seen).len()), (1, 4), "{seen:?}");
    }
}
