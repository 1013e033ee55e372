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
        at: Timestamp(NOW),
    };
    Progress { sight, recorded_lately: None, uncounted: None }
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
