//! Messages that come twice.

use super::*;

#[test]
fn a_copy_comes_while_the_first_delivery_is_in_flight() {
    let bench = Bench::new();
    let id = bench.send("a");
    bench.world.deliver_twice("jobs", &id).unwrap();
    let both = bench.receive("jobs", 30);
    assert_eq!(both.len(), 2);
    assert!(both.iter().all(|one| one.message.id == id));
    assert_ne!(both[0].receipt, both[1].receipt);
    assert!(bench.receive("jobs", 30).is_empty());
    // The older handle acknowledges nothing, so only the newer one ends it.
    bench.world.delete("jobs", &both[0].receipt).unwrap();
    assert_eq!(bench.bodies("jobs"), ["a"]);
    bench.world.delete("jobs", &both[1].receipt).unwrap();
    assert!(bench.bodies("jobs").is_empty());
}

#[test]
fn a_deleted_message_comes_back_once() {
    let bench = Bench::new();
    let id = bench.send("a");
    let pause = Duration::from_secs(50);
    bench.world.return_after_delete("jobs", &id, pause).unwrap();
    let first = bench.receive("jobs", 5).remove(0);
    bench.world.delete("jobs", &first.receipt).unwrap();
    // It is nowhere to be seen meanwhile, and its handle does nothing more.
    assert_eq!(bench.world.counts("jobs").unwrap(), Counts::default());
    bench.world.delete("jobs", &first.receipt).unwrap();
    assert_eq!(bench.change(&first.receipt, 0), Err(SqsError::MessageNotInflight));
    bench.pass(49);
    assert!(bench.receive("jobs", 5).is_empty());
    bench.pass(1);
    let second = bench.receive("jobs", 5).remove(0);
    assert_eq!((second.message.id, second.message.receive_count), (id, 2));
    bench.world.delete("jobs", &second.receipt).unwrap();
    bench.pass(500);
    assert!(bench.bodies("jobs").is_empty());
}

#[test]
fn the_options_have_every_message_come_twice() {
    let bench = Bench::new();
    bench.world.configure(|options| {
        options.deliver_twice = true;
        options.return_after_delete = Some(Duration::from_secs(10));
    });
    (0..5).for_each(|number| drop(bench.send(&number.to_string())));
    let mut deliveries: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..20 {
        for one in bench.receive("jobs", 5) {
            *deliveries.entry(one.message.body).or_default() += 1;
            bench.world.delete("jobs", &one.receipt).unwrap();
        }
        bench.pass(5);
    }
    assert!(bench.bodies("jobs").is_empty());
    assert!(deliveries.values().all(|times| *times >= 2), "{deliveries:?}");
    assert!(bench.bodies("dead").is_empty());
}
