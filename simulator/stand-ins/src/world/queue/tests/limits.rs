//! Limits, by tables; those that only the wire face can meet are tested there.

use super::*;

#[test]
fn a_delivery_stays_invisible_for_twelve_hours_at_most() {
    let bench = Bench::new();
    bench.send("a");
    let receipt = bench.receive("jobs", 1000).remove(0).receipt;
    bench.pass(500);
    let half_a_day = 12 * 3600;
    for (seconds, is_taken) in [
        (half_a_day + 1, false),
        (half_a_day, false),
        (half_a_day - 499, false),
        (half_a_day - 500, true),
    ] {
        assert_eq!(bench.change(&receipt, seconds).is_ok(), is_taken, "{seconds}");
    }
}

#[test]
fn so_many_in_flight_and_no_more() {
    let bench = Bench::new();
    bench.world.configure(|options| options.most_in_flight = 3);
    (0..5).for_each(|number| drop(bench.send(&number.to_string())));
    let held = bench.receive("jobs", 100);
    assert_eq!(held.len(), 3);
    let ask = |wait| {
        let wait = Some(Duration::from_secs(wait));
        bench.world.receive("jobs", &ReceiveRequest { most: 10, visibility: None, wait })
    };
    assert_eq!(ask(0), Err(SqsError::OverLimit));
    assert_eq!(ask(1), Ok(Vec::new()));
    bench.world.delete("jobs", &held[0].receipt).unwrap();
    assert_eq!(ask(0).map(|received| received.len()), Ok(1));
}

#[test]
fn a_purge_takes_everything_and_not_again_within_a_minute() {
    let bench = Bench::new();
    for expected in [Ok(()), Err(SqsError::PurgeQueueInProgress), Ok(())] {
        bench.send("waiting");
        bench.receive("jobs", 100);
        bench.send("delayed");
        assert_eq!(bench.world.purge("jobs"), expected);
        assert_eq!(bench.world.counts("jobs").unwrap().all() == 0, expected.is_ok());
        bench.pass(30);
    }
}

#[test]
fn identifiers_and_sizes_of_batches() {
    let ids = |ids: &[&str]| check_batch(ids.iter().copied());
    assert_eq!(ids(&["a", "B-1_z"]), Ok(()));
    assert_eq!(ids(&[]), Err(SqsError::EmptyBatchRequest));
    assert_eq!(ids(&["x"; 11]), Err(SqsError::TooManyEntriesInBatchRequest(11)));
    assert_eq!(ids(&["a", "b", "a"]), Err(SqsError::BatchEntryIdsNotDistinct("a".into())));
    for wrong in ["", "a b", "é", "a.b", &"x".repeat(81)] {
        assert_eq!(ids(&[wrong]), Err(SqsError::InvalidBatchEntryId), "{wrong}");
    }
    assert_eq!(check_batch_bytes([MESSAGE_BYTES - 1, 1]), Ok(()));
    let long = Err(SqsError::BatchRequestTooLong(MESSAGE_BYTES + 1));
    assert_eq!(check_batch_bytes([MESSAGE_BYTES, 1]), long);
}

#[test]
fn a_queues_own_limit_counts_attributes_too() {
    let bench = Bench::new();
    bench.set("jobs", "MaximumMessageSize", "1024").unwrap();
    let with = |bytes: usize| {
        let attribute = ("name".to_owned(), MessageAttribute::text("value"));
        let attributes = MessageAttributes::from([attribute]);
        Outgoing { attributes, ..message(&"x".repeat(bytes)) }
    };
    let beside = "name".len() + "String".len() + "value".len();
    assert!(bench.world.send("jobs", with(1024 - beside)).is_ok());
    assert!(bench.world.send("jobs", with(1025 - beside)).is_err());
}

#[test]
fn fewer_than_asked_is_still_everything_in_the_end() {
    let bench = Bench::new();
    bench.world.configure(|options| options.fewer_than_asked = true);
    (0..100).for_each(|number| drop(bench.send(&number.to_string())));
    let (mut sizes, mut bodies) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..200 {
        let received = bench.receive("jobs", 3600);
        sizes.insert(received.len());
        bodies.extend(received.into_iter().map(|one| one.message.body));
    }
    assert_eq!(bodies.len(), 100);
    assert!(sizes.contains(&0) && sizes.len() > 5, "{sizes:?}");
}

#[test]
fn how_long_the_next_message_takes_is_told_wherever_it_stands() {
    let bench = Bench::new();
    let next = || bench.world.next_in("jobs").expect("it is there").map(|next| next.as_secs());
    assert_eq!(next(), None);
    bench.send("a");
    assert_eq!(next(), Some(0));
    let receipt = bench.receive("jobs", 100).remove(0).receipt;
    bench.pass(40);
    assert_eq!(next(), Some(60));
    bench.change(&receipt, 300).expect("it is in flight");
    assert_eq!(next(), Some(300));
    bench.pass(300);
    assert_eq!(next(), Some(0));
}
