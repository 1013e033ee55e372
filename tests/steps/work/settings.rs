//! A setting that is wrong fails every file: that is noticed before it has failed them all.

use domain::engine::{BatchReport, Quiet, RunPlan, Unobserved, migrate_run, never, work_batch};
use domain::migrate::RoutePolicy;
use domain::queue::EnqueuePlan;
use domain::{
    BucketMap, Delivery, FailureNote, FailureRecord, JobAction, Noted, Stopped, Timestamp, limits,
};
use stand_ins::world::dynamodb::{Item, Table, number};

use super::feeds::run_plan;
use super::stage::{Stage, body, enqueue_plan};

/// A bucket that does not exist.
fn nowhere() -> BucketMap {
    BucketMap::parse("repo:nowhere", "trash").expect("good settings")
}

impl Stage {
    fn next_batch(&self) -> BatchReport {
        let ports = self.world.port.work_ports();
        let wait = std::time::Duration::from_secs(1);
        let deliveries: Vec<Delivery> =
            self.world.run(ports.queue.receive(10, wait, None)).expect("it answers");
        assert_eq!(deliveries.len(), 10);
        let clock = &self.world.port.clock;
        let finish_by = Timestamp(domain::ports::Clock::now(&**clock).0 + 120_000);
        let receipts: Vec<_> =
            deliveries.iter().map(|one| (one.message.clone(), one.receipt.clone())).collect();
        let report =
            self.world.run(work_batch(&ports, &self.plan, deliveries, finish_by, &Unobserved));
        let done = receipts.into_iter().filter(|(message, _)| !report.again.contains(message));
        let done: Vec<_> = done.map(|(_, receipt)| receipt).collect();
        self.world.run(ports.queue.delete(&done)).expect("it answers");
        report
    }
}

#[test]
fn a_process_of_the_function_begins_one_file_of_a_batch_after_a_thousand_failed_alike() {
    let mut stage = Stage::instant();
    (stage.plan.buckets, stage.plan.route) = (nowhere(), RoutePolicy::Mogile);
    for file in stage.files(1_060, None) {
        stage.send_raw(&body(&file), Some("migrate"));
    }
    for _ in 0..limits::SETTINGS_FAILURES / 10 {
        let report = stage.next_batch();
        assert_eq!(report.summary.ends.failed["s3-no-bucket"].files, 10);
    }
    stage.world.calls();
    for _ in 0..3 {
        let report = stage.next_batch();
        let (failed, why) = (&report.summary.ends.failed, &report.summary.stopped);
        assert_eq!((report.again.len(), failed["s3-no-bucket"].files), (10, 1), "{report:?}");
        assert!(failed["not-started"].example.contains("`nowhere`"), "{report:?}");
        let Some(Stopped::Trouble(why)) = why else { panic!("{report:?}") };
        assert!(why.detail.contains("points to a wrong setting"), "{why}");
    }
    assert!(stage.world.calls().contains("put 3"), "one request a batch");
    assert_eq!(stage.dead(), 0);

    // The setting is mended, in place: one success and all are begun again.
    stage.world.port.s3.create_bucket("nowhere").expect("a new bucket");
    for _ in 0..2 {
        let report = stage.next_batch();
        assert_eq!(
            (report.again.len(), report.summary.ends.by_mogile.files),
            (0, 10),
            "{report:?}"
        );
    }
}

#[test]
fn who_asks_for_it_goes_on_all_the_same() {
    let mut stage = Stage::instant();
    (stage.plan.buckets, stage.plan.alike) = (nowhere(), None);
    for file in stage.files(1_020, None) {
        stage.send_raw(&body(&file), Some("migrate"));
    }
    for _ in 0..102 {
        assert_eq!(stage.next_batch().summary.ends.failed["s3-no-bucket"].files, 10);
    }
}

#[test]
fn a_run_ends_after_a_thousand_failures_alike_unless_those_files_failed_before_or_it_may_not() {
    let end = |keep_going: bool, failed_before: u64| {
        let stage = Stage::instant();
        let files = stage.files(1_500, None);
        let ports = stage.world.port.ports();
        let note = |file: &domain::SourceFile| FailureNote {
            message: "m".to_owned(),
            what: Noted::PutOff,
            record: FailureRecord {
                fid: file.fid,
                action: None,
                dkey: file.dkey.to_string(),
                reason: "s3-no-bucket".to_owned(),
                detail: "it is not there".to_owned(),
                attempt: 1,
                failed_at: Timestamp(1),
                doubted: false,
                messages: <_>::default(),
            },
        };
        let before = usize::try_from(failed_before).expect("small");
        let notes: Vec<_> = files[..before].iter().map(note).collect();
        stage.world.run(ports.failures.note(&notes)).expect("it takes them");
        let plan = RunPlan {
            buckets: nowhere(),
            route: RoutePolicy::Mogile,
            keep_going,
            ..run_plan(&stage)
        };
        let summary = stage.world.run(migrate_run(&ports, &plan, never(), &Quiet));
        (summary.ends.failures(), summary.stopped.is_some())
    };
    let most = limits::SETTINGS_FAILURES;
    let (failures, stopped) = end(false, 0);
    assert!((most..most + 100).contains(&failures) && stopped, "{failures}");
    assert_eq!(end(false, 600).0, 1_500, "900 of them say something new");
    assert_eq!(end(true, 0).0, 1_500);
}

/// Its worker has a `DYNAMODB_TABLE` that exists and has none of the records.
#[test]
fn a_worker_with_the_wrong_ledger_stops_before_its_verifications_are_dead_letters() {
    let stage = Stage::instant();
    stage.files(3_000, None);
    stage.enqueue();
    assert!(stage.work().is_clean());
    let verify =
        EnqueuePlan { action: JobAction::Verify, run: Some("first".to_owned()), ..enqueue_plan() };
    assert_eq!(stage.enqueue_by(&verify).sent.files, 3_000);
    let port = &stage.world.port;
    let ledger = Table::new(port.database.clone(), port.table.clone());
    let fids = stage.records();
    let keys: Vec<_> = fids.keys().map(|fid| Item::from([number("fid", fid.0)])).collect();
    ledger.delete(&keys).expect("the table is there");

    let summary = stage.work();
    let failed = summary.ends.failed["no-record"].files;
    let most = limits::SETTINGS_FAILURES;
    assert!((most..most + 50).contains(&failed), "{summary:?}");
    let Some(Stopped::Trouble(why)) = &summary.stopped else { panic!("{summary:?}") };
    assert!(why.detail.contains("points to a wrong setting"), "{why}");
    assert_eq!((stage.dead(), stage.in_queue()), (0, 3_000));
}
