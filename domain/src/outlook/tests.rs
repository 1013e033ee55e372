use super::*;

const NOW: u64 = 1_700_000_000_000;

fn failing(reason: &str, attempt: u32, seconds_ago: u64) -> BTreeMap<String, Failing> {
    let mut failing = Failing::default();
    failing.add(&FailureRecord {
        fid: Fid(7),
        action: None,
        dkey: String::new(),
        reason: reason.to_owned(),
        detail: "words".to_owned(),
        attempt,
        failed_at: Timestamp(NOW - seconds_ago * 1000),
        doubted: false,
        messages: BTreeMap::new(),
    });
    BTreeMap::from([(reason.to_owned(), failing)])
}

fn sight(visible: u64, dead_letters: u64, failing: BTreeMap<String, Failing>) -> QueueSnapshot {
    // Where jobs wait, a worker has one of them.
    let in_flight = visible.min(1);
    let queue = QueueDepth { visible, in_flight, deliveries: Some(5), ..<_>::default() };
    let at = Timestamp(NOW);
    let ledger = LedgerCounts { proven: 10, ..LedgerCounts::default() };
    QueueSnapshot {
        queue,
        dead_letters,
        failing,
        ledger: Some(ledger),
        rows: Some(10),
        uncounted: None,
        at,
    }
}

#[test]
fn what_is_seen_has_a_meaning() {
    let none = BTreeMap::new;
    let away = "source-unreachable";
    let reason = ReasonKind::SourceUnreachable;
    let waiting = Outlook::Waiting { reason };
    let running_out = Outlook::RunningOut { reason, attempts: 4, deliveries: 5 };
    let dead = Outlook::DeadLetters(3);
    let rows_left = Outlook::EmptyWithRowsLeft;
    let proven = |proven, other: u64| {
        let elsewhere = [("old".to_owned(), other)].into_iter().filter(|(_, n)| *n > 0);
        Some(LedgerCounts { proven, elsewhere: elsewhere.collect(), ..<_>::default() })
    };
    for (sight, expected) in [
        (sight(0, 0, none()), vec![Outlook::Done]),
        (sight(9, 0, none()), vec![Outlook::Working]),
        (sight(9, 0, failing(away, 2, 60)), vec![waiting.clone()]),
        (sight(9, 3, failing(away, 2, 60)), vec![waiting, dead.clone()]),
        (sight(9, 0, failing(away, 4, 60)), vec![running_out.clone()]),
        (sight(9, 0, failing(away, 4, 1200)), vec![running_out.clone()]),
        (sight(9, 0, failing(away, 4, 3600)), vec![Outlook::Working]),
        (sight(9, 0, failing("no-replica", 4, 60)), vec![Outlook::Working]),
        (sight(0, 3, none()), vec![dead.clone()]),
        (sight(0, 3, failing("missing", 5, 60)), vec![dead]),
        (
            sight(0, 0, failing("missing", 5, 60)),
            vec![Outlook::Forgotten { files: 1, first_fids: vec![Fid(7)] }],
        ),
        (QueueSnapshot { ledger: proven(7, 0), ..sight(0, 0, none()) }, vec![rows_left(3)]),
        (
            QueueSnapshot { ledger: proven(0, 10), ..sight(0, 0, none()) },
            vec![Outlook::ProvenElsewhere(10), rows_left(10)],
        ),
        (
            QueueSnapshot { ledger: None, rows: None, ..sight(0, 0, none()) },
            vec![Outlook::Empty(Uncounted::NotAsked)],
        ),
        (
            QueueSnapshot { rows: None, ..sight(0, 0, none()) },
            vec![Outlook::Empty(Uncounted::IndexHasNoCount)],
        ),
        (
            QueueSnapshot {
                rows: None,
                uncounted: Some("it is away".to_owned()),
                ..sight(0, 0, none())
            },
            vec![Outlook::Empty(Uncounted::IndexUnreadable)],
        ),
    ] {
        assert_eq!(outlook(&sight), expected, "{sight:?}");
    }
    assert!(!running_out.is_safe_to_wait());
}

#[test]
fn who_must_act_is_said_of_each_reason() {
    for (reason, expected, safe) in [
        ("source-unreachable", Outlook::Waiting { reason: ReasonKind::SourceUnreachable }, true),
        ("not-started", Outlook::Waiting { reason: ReasonKind::NotStarted }, true),
        ("s3-no-bucket", Outlook::NeedsPerson { reason: ReasonKind::NoBucket }, false),
        ("s3-denied", Outlook::NeedsPerson { reason: ReasonKind::StoreDenied }, false),
        ("source-refused", Outlook::NeedsPerson { reason: ReasonKind::SourceRefused }, false),
        (
            "ledger-unavailable",
            Outlook::LookAtWords { reason: ReasonKind::LedgerUnavailable },
            false,
        ),
    ] {
        let sight = sight(9, 0, failing(reason, 1, 60));
        assert_eq!(outlook(&sight), std::slice::from_ref(&expected), "{reason}");
        assert_eq!(expected.is_safe_to_wait(), safe, "{reason}");
    }
    let mut two = failing("source-unreachable", 1, 60);
    two.extend(failing("s3-denied", 1, 60));
    let first = &outlook(&sight(9, 0, two))[0];
    assert_eq!(*first, Outlook::NeedsPerson { reason: ReasonKind::StoreDenied });
}

#[test]
fn jobs_that_nobody_has_taken_are_not_being_worked_on() {
    let mut sight = sight(9, 0, BTreeMap::new());
    assert_eq!(outlook(&sight), [Outlook::Working]);
    sight.queue.in_flight = 0;
    assert_eq!(outlook(&sight), [Outlook::NotTaken { waiting: 9 }]);
    // A worker has all that there are.
    (sight.queue.visible, sight.queue.in_flight) = (0, 9);
    assert_eq!(outlook(&sight), [Outlook::Working]);
}

#[test]
fn a_rate_is_of_files_that_were_done_lately() {
    let recorded = |ages: &[u64]| {
        let mut lately = None;
        for seconds in ages {
            RecordedLately::add(&mut lately, Timestamp(NOW - seconds * 1000));
        }
        lately.expect("some")
    };
    let time = |ages: &[u64]| recorded(ages).time(Timestamp(NOW));
    assert_eq!(recorded(&[60, 250, 1]).files, 3);
    assert_eq!(time(&[60, 250, 1]), Some(Duration::from_secs(250)));
    assert_eq!(time(&[1]), Some(RATE_LEAST), "one file is no rate of a thousand");
    assert_eq!(time(&[290, 121]), None, "the worker that did these has stopped");
}
