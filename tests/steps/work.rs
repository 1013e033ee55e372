//! Jobs from the index to the queue and on to S3, on the port face: what is sent, what is done
//! once or twice, what is held, given back, dead, and sent again.

mod batch;
mod dead;
mod deliveries;
mod feeds;
mod many_dead;
mod outage;
mod sending;
mod settings;
mod stage;
mod twice;
mod verify;
mod verify_ledger;

use domain::IntermediaryForm;
use domain::migrate::RoutePolicy;
use stage::{LENGTH, Stage, body, tally};

#[test]
fn what_is_enqueued_is_worked_off_with_no_more_requests_than_needed() {
    let stage = Stage::instant();
    stage.files(30, Some(IntermediaryForm::Plain));
    stage.files(20, None);
    let sent = stage.enqueue();
    assert_eq!((sent.sent, sent.intake.rows), (tally(50), 50));
    // Three listings: are there keys with a leading slash, and the one folder of all.
    assert_eq!(
        stage.world.calls(),
        "page 2, count 1, domains 1, list 2, scan 4, send 5, depth 1, scanfailures 1"
    );

    let summary = stage.work();
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!((summary.ends.by_copy, summary.ends.by_mogile), (tally(30), tally(20)));
    assert_eq!(summary.deliveries, 50);
    // Nothing is listed again: the jobs told where to look. Five acknowledgements for fifty jobs.
    let calls = stage.world.calls();
    for asked in ["replicas 20", "open 20", "put 20", "copy 30", "record 7", "acknowledge 5"] {
        assert!(calls.contains(asked), "{asked}: {calls}");
    }
    for not_asked in ["list", "head", "note", "clear", "setvisibility"] {
        assert!(!calls.contains(not_asked), "{not_asked}: {calls}");
    }
    stage.everything_is_there();
    assert_eq!(stage.in_queue(), 0);
}

/// MogileFS has no such file there, and it would be taken for deleted.
#[test]
fn jobs_of_another_domain_are_left_to_the_workers_of_that_domain() {
    let mut stage = Stage::instant();
    stage.files(30, None);
    assert_eq!(stage.enqueue().sent.files, 30);
    let domain = std::mem::replace(&mut stage.plan.domain, "other_domain".to_owned());
    stage.world.calls();
    let summary = stage.work();
    let stopped = summary.stopped.as_ref().expect("it stops").to_string();
    assert!(stopped.contains("`plos_repo`") && stopped.contains("`other_domain`"), "{stopped}");
    assert!(matches!(summary.stopped, Some(domain::Stopped::Misconfigured(_))), "{summary:?}");
    assert_eq!((summary.ends.gone, stage.in_queue(), stage.dead()), (0, 30, 0), "{summary:?}");
    assert!(!stage.world.calls().contains("replicas"), "nothing is asked of MogileFS");

    stage.plan.domain = domain;
    let summary = stage.work();
    assert_eq!(summary.ends.by_mogile.files, 30, "{summary:?}");
    assert!(stage.failures().is_empty(), "a success clears what was said");
    stage.everything_is_there();
}

#[test]
fn jobs_without_hints_are_done_as_well() {
    let stage = Stage::instant();
    let copied = stage.files(15, Some(IntermediaryForm::LeadingSlash));
    let streamed = stage.files(5, None);
    for file in copied.iter().chain(&streamed) {
        stage.send_raw(&body(file), Some("migrate"));
    }
    let summary = stage.work();
    assert_eq!(
        (summary.ends.by_copy, summary.ends.by_mogile),
        (tally(15), tally(5)),
        "{summary:?}"
    );
    stage.everything_is_there();
}

#[test]
fn a_hint_that_is_out_of_date_does_no_harm() {
    let stage = Stage::instant();
    let files = stage.files(4, Some(IntermediaryForm::Plain));
    stage.enqueue();
    for file in &files[..2] {
        stage.remove_intermediary(file);
    }
    let summary = stage.work();
    assert_eq!((summary.ends.by_copy, summary.ends.by_mogile), (tally(2), tally(2)), "{summary:?}");
    stage.everything_is_there();
}

#[test]
fn the_route_is_the_workers_own() {
    for (route, by_copy, by_mogile, failed) in [
        (RoutePolicy::Auto, 3, 2, 0),
        (RoutePolicy::Copy, 3, 0, 10),
        (RoutePolicy::Mogile, 0, 5, 0),
    ] {
        let mut stage = Stage::instant();
        stage.files(3, Some(IntermediaryForm::Plain));
        stage.files(2, None);
        stage.enqueue();
        stage.plan.route = route;
        let summary = stage.work();
        assert_eq!(
            (summary.ends.by_copy, summary.ends.by_mogile),
            (tally(by_copy), tally(by_mogile))
        );
        assert_eq!(summary.ends.failures(), failed, "{route:?} {summary:?}");
    }
}

#[test]
fn a_second_pass_sends_and_moves_only_what_is_new() {
    let stage = Stage::instant();
    stage.files(12, Some(IntermediaryForm::Plain));
    let renamed = stage.store_as("f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp", 77);
    let purged = stage.files(1, None).remove(0);
    let first = stage.enqueue();
    assert_eq!((first.sent, first.intake.temporary), (tally(13), 1));
    assert!(stage.work().is_clean());

    // A temporary key was renamed behind the pager's back, a key was purged and ingested again
    // under a new fid, and some are new.
    stage.rename(&renamed, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp");
    stage.ingest_again(&purged);
    stage.files(3, None);
    let second = stage.enqueue();
    assert_eq!((second.sent.files, second.intake.proven_before), (5, tally(12)), "{second:?}");
    stage.world.calls();
    let summary = stage.work();
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!((summary.ends.by_mogile.files, summary.ends.already_there), (4, tally(1)));
    assert_eq!(stage.enqueue().sent.files, 0);
    assert_eq!(stage.records().len(), 18, "one of them of a fid that is gone");
}

#[test]
fn a_file_that_is_gone_is_acknowledged_and_has_no_record() {
    let stage = Stage::instant();
    let file = stage.files(1, None).remove(0);
    stage.enqueue();
    stage.delete(&file);
    let summary = stage.work();
    assert_eq!((summary.ends.gone, summary.deliveries), (1, 1), "{summary:?}");
    assert!(stage.records().is_empty() && stage.failures().is_empty());
    assert_eq!(LENGTH as u64, file.length.0);
}
