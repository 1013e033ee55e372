use domain::outlook::RecordedLately;
use domain::{FailureRecord, Fid, QueueDepth, Timestamp};

use super::*;
use crate::exit::Exit;

const NOW: u64 = 1_700_000_000_000;

fn progress(visible: u64, in_flight: u64, failing: Option<&str>) -> Progress {
    let mut reasons = BTreeMap::<String, Failing>::new();
    if let Some(reason) = failing {
        reasons.entry(reason.to_owned()).or_default().add(&FailureRecord {
            fid: Fid(7),
            action: None,
            dkey: String::new(),
            reason: reason.to_owned(),
            detail: "bucket `b` does not exist".to_owned(),
            attempt: 1,
            failed_at: Timestamp(NOW - 1_000),
            doubted: false,
            messages: BTreeMap::new(),
        });
    }
    let queue = QueueDepth { visible, in_flight, ..QueueDepth::default() };
    let sight = QueueSnapshot {
        queue,
        dead_letters: 0,
        failing: reasons,
        ledger: Some(LedgerCounts::default()),
        rows: None,
        uncounted: None,
        at: Timestamp(NOW),
    };
    Progress { sight, recorded_lately: None }
}

fn said(progress: &Progress) -> String {
    let mut text = String::new();
    StatusReport::new(progress).write(&mut text).expect("a string takes it");
    text
}

#[test]
fn a_person_is_told_to_act_and_what_to_do() {
    let progress = progress(9, 1, Some("s3-no-bucket"));
    let report = StatusReport::new(&progress);
    assert_eq!((&*report.must_act, report.safe_to_wait), (&["s3-no-bucket"][..], false));
    assert_eq!(report.verdict().exit, Exit::Findings);
    let said = said(&progress);
    assert!(said.contains("s3-no-bucket: YOU MUST ACT.") && said.contains("BUCKETS"), "{said}");
}

#[test]
fn a_queue_that_nobody_works_on_says_so() {
    let said = said(&progress(9, 0, None));
    assert!(said.contains("9 jobs wait, and none is in flight: no worker takes jobs"), "{said}");
    assert!(said.contains("`mogile2s3 work`") && said.contains("event source mapping"), "{said}");
    assert!(!said.contains("nothing blocks them"), "{said}");
}

#[test]
fn a_rate_is_of_what_is_done_now() {
    let mut progress = progress(600, 9, None);
    assert!(said(&progress).contains("no file was migrated in the last 5 minutes"));
    for age in [1, 60] {
        RecordedLately::add(&mut progress.recorded_lately, Timestamp(NOW - age * 1_000));
    }
    let moving = said(&progress);
    assert!(moving.contains("2 files migrated in the last 60 seconds"), "{moving}");
    assert!(moving.contains("5 hours left at this rate"), "{moving}");
    assert!(moving.contains("verifications are not counted"), "{moving}");
    progress.recorded_lately = None;
    RecordedLately::add(&mut progress.recorded_lately, Timestamp(NOW - 200_000));
    let stale = said(&progress);
    assert!(stale.contains("no file was migrated in the last 2 minutes"), "{stale}");
    assert!(!stale.contains("left at this rate"), "{stale}");
    assert_eq!(StatusReport::new(&progress).files_per_second, Some(0.0));
}

#[test]
fn rows_that_never_have_a_proof_are_named_where_rows_are_left() {
    let mut progress = progress(0, 0, None);
    progress.sight.rows = Some(3);
    let said = said(&progress);
    assert!(said.contains("the index has 3 rows more than there are proven files"), "{said}");
    assert!(said.contains("temporary, ignored and rejected rows are among them"), "{said}");
    assert!(said.contains("`mogile2s3 migrate` could not bring"), "{said}");
    assert!(said.contains("where it sends none, nothing is left to migrate"), "{said}");
}

#[test]
fn an_index_that_could_not_be_counted_is_incomplete_and_says_which() {
    let mut progress = progress(0, 0, None);
    let check = |progress: &Progress, exit, incomplete, words: &str| {
        let verdict = StatusReport::new(progress).verdict();
        assert_eq!((verdict.exit, verdict.incomplete), (exit, incomplete));
        let said = said(progress);
        assert!(said.contains(&format!("The files were not counted: {words}")), "{said}");
    };
    check(&progress, Exit::Clean, false, "trackers cannot count");
    progress.sight.uncounted = Some("the index at `db/mogile` cannot be read now".to_owned());
    check(&progress, Exit::Unreachable, true, "the line `index` says why");
    (progress.sight.uncounted, progress.sight.ledger) = (None, None);
    check(&progress, Exit::Clean, false, "--queue-only leaves them out");
}

/// A key that trackers do not know: five tries, then a dead letter.
#[test]
fn what_to_do_about_a_failure_follows_its_job() {
    let mut progress = progress(9, 1, Some("key-unknown"));
    let in_queue = said(&progress);
    let until_then = "A job that has failed 5 times is a dead letter";
    assert!(in_queue.contains("YOU MUST ACT.") && in_queue.contains(until_then), "{in_queue}");
    assert!(!in_queue.contains("fourteen days"), "{in_queue}");
    (progress.sight.queue, progress.sight.dead_letters) = (QueueDepth::default(), 1);
    let dead = said(&progress);
    assert!(dead.contains("dlq redrive --reason key-unknown` sends their jobs again"), "{dead}");
    progress.sight.dead_letters = 0;
    let without = said(&progress);
    assert!(without.contains("Then `mogile2s3 enqueue migrate` sends a job"), "{without}");
    for said in [&dead, &without] {
        assert!(!said.contains("delivers") && !said.contains("run this again"), "{said}");
    }
}
