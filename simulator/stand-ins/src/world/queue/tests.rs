use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::*;

mod dead_letters;
mod limits;
mod sequences;
mod twice;

/// A world with the queue `jobs`, whose dead letters go to `dead` after three deliveries, and a
/// clock that is set by hand.
struct Bench {
    world: SqsWorld,
    seconds: Arc<AtomicU64>,
}

impl Bench {
    fn new() -> Self {
        let seconds = Arc::new(AtomicU64::new(1_767_225_600));
        let now = Arc::clone(&seconds);
        let clock =
            move || SystemTime::UNIX_EPOCH + Duration::from_secs(now.load(Ordering::Relaxed));
        let world = SqsWorld::with_clock(Arc::new(clock));
        create_job_queues(&world, "jobs", "dead", 30, 3).unwrap();
        Self { world, seconds }
    }

    fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    fn send(&self, body: &str) -> String {
        self.world.send("jobs", message(body)).unwrap().id
    }

    /// What can be received now, at most ten, each invisible for so many seconds.
    fn receive(&self, queue: &str, seconds: u64) -> Vec<Received> {
        let visibility = Some(Duration::from_secs(seconds));
        self.world.receive(queue, &ReceiveRequest { most: 10, visibility, wait: None }).unwrap()
    }

    fn bodies(&self, queue: &str) -> Vec<String> {
        self.world.messages(queue).unwrap().into_iter().map(|message| message.body).collect()
    }

    fn set(&self, queue: &str, name: &str, value: &str) -> Result<(), SqsError> {
        self.world.set_attributes(queue, &BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    fn change(&self, receipt: &str, seconds: u64) -> Result<(), SqsError> {
        self.world.change_visibility("jobs", receipt, Duration::from_secs(seconds))
    }
}

fn message(body: &str) -> Outgoing {
    Outgoing { body: body.to_owned(), ..Outgoing::default() }
}

#[test]
fn a_delivery_is_invisible_until_its_time_has_passed() {
    let bench = Bench::new();
    bench.send("a");
    let first = bench.receive("jobs", 10).remove(0);
    for (passes, comes) in [(0, false), (9, false), (1, true)] {
        bench.pass(passes);
        assert_eq!(bench.world.counts("jobs").unwrap().waiting == 1, comes);
    }
    let second = bench.receive("jobs", 10).remove(0);
    assert_eq!(second.message.receive_count, 2);
    assert_ne!(first.receipt, second.receipt);
    bench.change(&second.receipt, 20).unwrap();
    bench.pass(19);
    assert!(bench.receive("jobs", 10).is_empty());
    bench.change(&second.receipt, 0).unwrap();
    assert_eq!(bench.receive("jobs", 10).len(), 1);
}

#[test]
fn a_delay_is_the_senders_or_else_the_queues() {
    let bench = Bench::new();
    bench.set("jobs", "DelaySeconds", "5").unwrap();
    bench.send("queue's");
    let delay = |seconds| Some(Duration::from_secs(seconds));
    for seconds in [0, 10] {
        let outgoing = Outgoing { delay: delay(seconds), ..message("sender's") };
        bench.world.send("jobs", outgoing).unwrap();
    }
    for (passes, waiting) in [(0, 1), (4, 1), (1, 2), (4, 2), (1, 3)] {
        bench.pass(passes);
        let counts = bench.world.counts("jobs").unwrap();
        assert_eq!((counts.waiting, counts.delayed), (waiting, 3 - waiting));
    }
}

#[test]
fn only_the_last_deliverys_handle_does_anything() {
    let bench = Bench::new();
    bench.send("a");
    let old = bench.receive("jobs", 5).remove(0).receipt;
    bench.pass(5);
    // Visible again, and not received since: the handle is still the last one.
    assert_eq!(bench.change(&old, 5), Err(SqsError::MessageNotInflight));
    let new = bench.receive("jobs", 5).remove(0).receipt;
    assert_eq!(bench.change(&old, 0), Err(SqsError::MessageNotInflight));
    assert_eq!(bench.world.delete("jobs", &old), Ok(()));
    assert_eq!(bench.bodies("jobs"), ["a"]);
    bench.pass(5);
    assert_eq!(bench.world.delete("jobs", &new), Ok(()));
    assert!(bench.bodies("jobs").is_empty());
    assert_eq!(bench.world.delete("jobs", &new), Ok(()));
    let gone = bench.change(&new, 5);
    assert!(matches!(gone, Err(SqsError::InvalidParameterValue { .. })), "{gone:?}");
    for (queue, handle) in [("jobs", "nonsense"), ("jobs", "bm8="), ("dead", &*new)] {
        let refused = bench.world.delete(queue, handle);
        assert_eq!(refused, Err(SqsError::ReceiptHandleIsInvalid), "{handle}");
    }
    assert_eq!(bench.world.tally("jobs").unwrap().deleted, 1);
}

#[test]
fn messages_come_about_in_their_order_by_the_seed() {
    let order = |seed| {
        let bench = Bench::new();
        bench.world.reseed(seed);
        (0..100).for_each(|number| drop(bench.send(&number.to_string())));
        let receive = |_| bench.receive("jobs", 30).into_iter().map(|one| one.message.body);
        (0..10).flat_map(receive).map(|body| body.parse().unwrap()).collect::<Vec<usize>>()
    };
    let one = order(1);
    assert_eq!(one, order(1));
    assert_ne!(one, order(2));
    assert_eq!(one.iter().copied().collect::<BTreeSet<_>>(), (0..100).collect());
    let early = one.iter().enumerate().map(|(place, number)| number.saturating_sub(place)).max();
    assert!((1..32).contains(&early.unwrap()), "{early:?}");
}

#[test]
fn messages_that_are_too_old_are_gone() {
    let bench = Bench::new();
    bench.set("jobs", "MessageRetentionPeriod", "60").unwrap();
    bench.send("old");
    bench.pass(30);
    bench.send("new");
    assert_eq!(bench.receive("jobs", 1000).len(), 2);
    bench.pass(30);
    assert_eq!(bench.bodies("jobs"), ["new"]);
    assert_eq!(bench.world.counts("jobs").unwrap().in_flight, 1);
    bench.set("jobs", "MessageRetentionPeriod", "3600").unwrap();
    bench.pass(60);
    assert_eq!(bench.bodies("jobs"), ["new"]);
    assert_eq!(bench.world.tally("jobs").unwrap().expired, 1);
}
