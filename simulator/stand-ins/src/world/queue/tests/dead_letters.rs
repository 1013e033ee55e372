//! Dead letters, and the moves that bring them back.

use super::*;

impl Bench {
    /// Sends a message and delivers it in vain until it is a dead letter.
    fn kill(&self, body: &str) {
        self.send(body);
        for _ in 0..4 {
            self.receive("jobs", 0);
        }
    }

    fn moves(&self) -> Vec<(MoveStatus, u64)> {
        let moves = self.world.moves("dead").unwrap();
        moves.into_iter().map(|task| (task.status, task.moved)).collect()
    }
}

#[test]
fn the_receive_after_the_last_one_allowed_makes_a_dead_letter() {
    let bench = Bench::new();
    let id = bench.send("a");
    for count in 1..=3 {
        assert_eq!(bench.receive("jobs", 0)[0].message.receive_count, count);
    }
    // Not before somebody asks.
    bench.pass(1000);
    assert_eq!((bench.bodies("jobs").len(), bench.bodies("dead").len()), (1, 0));
    assert!(bench.receive("jobs", 0).is_empty());
    assert_eq!((bench.bodies("jobs").len(), bench.bodies("dead").len()), (0, 1));
    let dead = bench.receive("dead", 0).remove(0).message;
    assert_eq!((dead.id, dead.receive_count), (id, 4));
    assert_eq!(dead.dead_letter_of.as_deref(), Some("jobs"));
    assert_eq!(bench.world.tally("jobs").unwrap().dead, 1);
}

#[test]
fn a_dead_letter_is_as_old_as_the_message() {
    let bench = Bench::new();
    bench.set("dead", "MessageRetentionPeriod", "600").unwrap();
    bench.send("a");
    for _ in 0..4 {
        bench.receive("jobs", 100);
        bench.pass(100);
    }
    assert_eq!(bench.bodies("dead"), ["a"]);
    bench.pass(199);
    assert_eq!(bench.bodies("dead"), ["a"]);
    bench.pass(1);
    assert!(bench.bodies("dead").is_empty());
}

#[test]
fn redrive_policies_that_cannot_be() {
    let bench = Bench::new();
    bench.world.create_queue("other", &BTreeMap::new(), BTreeMap::new()).unwrap();
    let policy = |queue: &str, count: &str| {
        format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{count}}}"#, arn_of(queue))
    };
    let allow = |text: &str| bench.set("other", "RedriveAllowPolicy", text);
    let by_queue = |queue: &str| {
        format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}"]}}"#, arn_of(queue))
    };
    for (text, is_taken) in [
        (policy("other", "1"), true),
        (policy("other", "\"1000\""), true),
        (policy("other", "0"), false),
        (policy("other", "1001"), false),
        (policy("none", "5"), false),
        (policy("jobs", "5"), false),
        (r#"{"maxReceiveCount":5}"#.to_owned(), false),
        ("[]".to_owned(), false),
        (String::new(), true),
    ] {
        assert_eq!(bench.set("jobs", "RedrivePolicy", &text).is_ok(), is_taken, "{text}");
    }
    for (text, is_allowed) in [
        (r#"{"redrivePermission":"allowAll"}"#.to_owned(), true),
        (r#"{"redrivePermission":"denyAll"}"#.to_owned(), false),
        (by_queue("jobs"), true),
        (by_queue("dead"), false),
    ] {
        allow(&text).unwrap();
        let taken = bench.set("jobs", "RedrivePolicy", &policy("other", "5"));
        assert_eq!(taken.is_ok(), is_allowed, "{text}");
    }
    assert!(allow(r#"{"redrivePermission":"byQueue"}"#).is_err());
    assert!(allow(r#"{"redrivePermission":"some"}"#).is_err());
}

#[test]
fn a_move_takes_its_time_and_makes_new_messages() {
    let bench = Bench::new();
    (0..10).for_each(|number| bench.kill(&number.to_string()));
    let before: BTreeSet<_> =
        bench.world.messages("dead").unwrap().into_iter().map(|message| message.id).collect();
    bench.pass(1000);
    let task = bench.world.start_move("dead", None, Some(2)).unwrap();
    assert_eq!(task.to_move, 10);
    for (passes, moved) in [(0, 0), (1, 2), (2, 6)] {
        bench.pass(passes);
        assert_eq!(bench.moves(), [(MoveStatus::Running, moved)]);
        assert_eq!(bench.bodies("jobs").len() as u64, moved);
    }
    assert_eq!(bench.world.cancel_move(&task.handle), Ok(6));
    bench.pass(100);
    assert_eq!(bench.moves(), [(MoveStatus::Cancelled, 6)]);

    bench.world.start_move("dead", None, None).unwrap();
    bench.pass(1);
    assert_eq!(bench.moves(), [(MoveStatus::Completed, 4), (MoveStatus::Cancelled, 6)]);
    let messages = bench.world.messages("jobs").unwrap();
    assert_eq!(messages.len(), 10);
    assert!(messages.iter().all(|message| {
        !before.contains(&message.id)
            && message.receive_count == 0
            && message.dead_letter_of.is_none()
    }));
    assert_eq!(bench.receive("jobs", 0).len(), 10);
    assert_eq!(bench.world.tally("jobs").unwrap().moved_in, 10);
}

#[test]
fn moves_that_cannot_be_begun_or_ended() {
    let bench = Bench::new();
    let none = bench.world.start_move("none", None, None);
    assert!(matches!(none, Err(SqsError::ResourceNotFoundException(_))), "{none:?}");
    for (source, rate) in [("jobs", None), ("dead", Some(0)), ("dead", Some(501))] {
        let refused = bench.world.start_move(source, None, rate);
        assert!(matches!(refused, Err(SqsError::InvalidParameterValue { .. })), "{refused:?}");
    }
    // It came by no queue, so nobody knows where it belongs.
    bench.world.send("dead", message("stray")).unwrap();
    bench.world.start_move("dead", None, None).unwrap();
    let twice = bench.world.start_move("dead", None, None);
    assert!(matches!(twice, Err(SqsError::UnsupportedOperation(_))), "{twice:?}");
    bench.pass(1);
    assert_eq!(bench.moves(), [(MoveStatus::Failed, 0)]);
    bench.world.start_move("dead", Some("jobs"), None).unwrap();
    bench.pass(1);
    assert_eq!(bench.bodies("jobs"), ["stray"]);
    let nothing = bench.world.start_move("dead", None, None).unwrap();
    bench.pass(1);
    assert_eq!(bench.moves()[0], (MoveStatus::Completed, 0));
    assert!(bench.world.cancel_move(&nothing.handle).is_err());
}
