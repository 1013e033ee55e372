//! Jobs that verify read the ledger, too: a file passes where its object and its record are right.

use std::sync::Mutex;
use std::time::Duration;

use domain::engine::{
    JobEnd, OutageObserver, Quiet, RunPlan, Unobserved, WorkObserver, migrate_run, never,
    work_queue,
};
use domain::migrate::Selection;
use domain::ports::{Clock, Ledger};
use domain::queue::EnqueuePlan;
use domain::{
    ByteCount, Delivery, Failure, FailureNote, FailureRecord, JobAction, LedgerRecord, Left, Noted,
    Reason, ReasonKind, S3Bucket, Sha1, SourceFile, Timestamp, limits,
};
use futures_util::StreamExt;
use futures_util::future::join;
use stand_ins::port::{Call, PortFault, PortLedger};
use stand_ins::world::dynamodb::{self, Item, Table, number, text};
use stand_ins::world::mogile;

use super::outage::after_half_an_hour;
use super::stage::{Stage, body, enqueue_plan};

fn plan() -> EnqueuePlan {
    EnqueuePlan { action: JobAction::Verify, run: Some("first".to_owned()), ..enqueue_plan() }
}

impl Stage {
    fn migrate(&self) -> domain::Summary {
        let run = RunPlan {
            types: None,
            guard: None,
            buckets: enqueue_plan().buckets,
            route: self.plan.route,
            selection: Selection::default(),
            concurrency: 4,
            max_failures: None,
            wait: limits::OUTAGE_WAIT,
            keep_going: false,
            moved_from: <_>::default(),
            single_request_bytes: self.plan.single_request_bytes,
        };
        self.world.run(migrate_run(&self.world.port.ports(), &run, never(), &Quiet))
    }

    /// Takes a file's record out of the ledger.
    fn forget(&self, file: &SourceFile) {
        let port = &self.world.port;
        let ledger = Table::new(port.database.clone(), port.table.clone());
        ledger.delete(&[Item::from([number("fid", file.fid.0)])]).expect("the table is there");
    }

    /// Changes a file's record in the ledger.
    fn rewrite(&self, file: &SourceFile, change: impl FnOnce(&mut LedgerRecord)) {
        let port = &self.world.port;
        let ledger = PortLedger::new(port.database.clone(), port.table.clone(), <_>::default());
        let mut record = self.records()[&file.fid].clone();
        change(&mut record);
        self.world.run(ledger.record(&[record])).expect("without faults it answers");
    }
}

#[test]
fn a_whole_object_without_its_record_fails_until_a_migration_writes_the_record() {
    let stage = Stage::instant();
    // Many, so that one record of another bucket is not taken for a wrong map.
    let files = stage.files(120, None);
    assert!(stage.migrate().is_clean());
    stage.forget(&files[0]);
    stage.rewrite(&files[1], |record| record.sha1 = Sha1::of(b"something else"));
    let elsewhere = S3Bucket::new("elsewhere").expect("a name");
    stage.rewrite(&files[2], |record| record.bucket = elsewhere);
    let unreadable = Item::from([number("fid", files[3].fid.0), text("sha1", "no hex")]);
    let port = &stage.world.port;
    dynamodb::put(&port.database, &port.table, unreadable).expect("the table is there");
    // s3migrate's record has no proof. The object is looked at now, so this file passes.
    stage.rewrite(&files[4], |record| record.proof = None);

    assert_eq!(stage.enqueue_by(&plan()).sent.files, 120);
    stage.world.calls();
    let summary = stage.work();
    assert_eq!(summary.verified.files, 116, "{summary:?}");
    let failures = stage.failures();
    let reason = |number: usize| failures[&files[number].fid].reason.as_str();
    assert_eq!(
        [0, 1, 2, 3].map(reason),
        ["no-record", "other-record", "other-record", "no-record"]
    );
    let words = &failures[&files[2].fid].detail;
    assert!(words.contains("`elsewhere`") && words.contains("`new-repo`"), "{words}");
    assert!(failures.values().all(|it| !it.doubts_the_proof()), "no object is in doubt");
    assert_eq!(stage.dead(), 4);
    let calls = stage.world.calls();
    assert!(!calls.contains("put ") && !calls.contains("record "), "it repairs nothing: {calls}");

    // The migration takes them without being asked, and writes no object.
    stage.world.calls();
    let migrated = stage.migrate();
    assert!(migrated.is_clean(), "{migrated:?}");
    assert_eq!((migrated.ends.already_there.files, migrated.intake.proven_before.files), (5, 115));
    // Their objects were found whole: nothing is read from MogileFS for them.
    let calls = stage.world.calls();
    for call in ["put ", "copy ", "replicas ", "open "] {
        assert!(!calls.contains(call), "{call}: {calls}");
    }
    assert!(calls.contains("head 5"), "{calls}");
    assert!(stage.failures().is_empty(), "{:?}", stage.failures());
    stage.everything_is_there();
    assert_eq!(stage.enqueue_by(&plan()).sent.files, 4, "those without a pass");
    let summary = stage.work();
    assert_eq!((summary.verified.files, summary.ends.failed.len()), (4, 0), "{summary:?}");
}

#[test]
fn records_are_read_for_all_jobs_of_a_request_at_once() {
    let stage = Stage::instant();
    stage.files(200, None);
    assert!(stage.migrate().is_clean());
    // Two runs of each file.
    for run in ["A", "B"] {
        let plan = EnqueuePlan { run: Some(run.to_owned()), ..plan() };
        assert_eq!(stage.enqueue_by(&plan).sent.files, 200);
    }
    stage.world.port.faults.take_counts();
    let summary = stage.work();
    assert_eq!(summary.verified.files, 400, "{summary:?}");
    let counts = stage.world.port.faults.take_counts();
    assert!(counts[&Call::Recall] <= 400 / 10, "a read for each ten jobs at most: {counts:?}");
    assert_eq!(counts[&Call::Head], 400);
}

#[test]
fn another_length_in_the_index_is_a_pass_with_a_finding() {
    let stage = Stage::instant();
    let files = stage.files(3, None);
    assert!(stage.migrate().is_clean());
    let fid = mogile::Fid(files[1].fid.0);
    let row = stage.world.port.mogile.row(fid).expect("its row");
    stage.world.port.mogile.plant(mogile::FileRow { length: Some(7), ..row });
    assert_eq!(stage.enqueue_by(&plan()).sent.files, 3);
    let summary = stage.work();
    assert_eq!(summary.verified.files, 3, "{summary:?}");
    let finding = &summary.ends.findings["index-length"];
    assert_eq!(finding.first_fids, [files[1].fid]);
    assert!(finding.example.contains("7 bytes"), "{finding:?}");
    assert_eq!(summary.verified.bytes, 300, "by what is there");
    assert_eq!(files[0].length, ByteCount(100));
}

/// The worker waits, and no job fails because of the ledger.
#[test]
fn a_ledger_that_is_away_for_an_hour_fails_no_verification() {
    for fails_from_the_start in [false, true] {
        let stage = Stage::paced(5);
        stage.files(3_000, None);
        assert!(stage.migrate().is_clean());
        assert_eq!(stage.enqueue_by(&plan()).sent.files, 3_000);
        let ports = stage.world.port.work_ports();
        let work = work_queue(&ports, &stage.plan, true, &Unobserved, never().boxed());
        let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
        let (before, outage) = if fails_from_the_start {
            (Duration::ZERO, Duration::from_mins(1))
        } else {
            (Duration::from_secs(5), Duration::from_hours(1))
        };
        let outage = async {
            clock.sleep(before).await;
            faults.take_counts();
            faults.strike(Call::Recall, "", PortFault::RequestLost, u32::MAX);
            clock.sleep(outage).await;
            let struck = faults.take_counts()[&Call::Recall];
            faults.clear();
            struck
        };
        let (summary, struck) = stage.world.run(join(work, outage));
        assert!(struck > 0);
        // Those under way, and then one job in about half a minute; five tries each time.
        assert!(struck < 5 * (10 + 140), "one job at a time: {struck}");
        assert_eq!((summary.verified.files, summary.ends.failed.len()), (3_000, 0), "{summary:?}");
        assert_eq!((stage.dead(), stage.in_queue()), (0, 0));
        assert!(stage.failures().is_empty());
    }
}

/// One request failed for all three: that is an outage, and none of the jobs' own failure.
#[test]
fn the_last_jobs_wait_for_a_ledger_that_is_away_like_many_others() {
    let stage = Stage::paced(6);
    let files = stage.files(6, None);
    assert!(stage.migrate().is_clean());
    let verify = |files: &[SourceFile]| {
        for file in files {
            stage.send_raw(&body(file), Some("verify"));
        }
    };
    verify(&files[..3]);
    let ports = stage.world.port.work_ports();
    let (observer, stop) = (Ends::default(), after_half_an_hour(&stage));
    let work = work_queue(&ports, &stage.plan, false, &observer, stop);
    let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
    let outage = async {
        clock.sleep(Duration::from_mins(5)).await;
        faults.strike(Call::Recall, "", PortFault::RequestLost, u32::MAX);
        verify(&files[3..]);
        clock.sleep(Duration::from_mins(10)).await;
        faults.clear();
    };
    let (summary, ()) = stage.world.run(join(work, outage));
    assert_eq!((summary.verified.files, summary.ends.failed.len()), (6, 0), "{summary:?}");
    let attempts = observer.0.into_inner().expect("one thread");
    assert_eq!(attempts, [1; 6], "no delivery is used");
    assert!(stage.failures().is_empty());
}

/// What a job read of the ledger before it waited counts no more.
#[test]
fn a_job_that_has_waited_reads_its_record_again() {
    for call in [Call::Head, Call::RecordVerifications] {
        let stage = Stage::paced(7);
        let files = stage.files(200, None);
        assert!(stage.migrate().is_clean());
        assert_eq!(stage.enqueue_by(&plan()).sent.files, 200);
        let ports = stage.world.port.work_ports();
        let work = work_queue(&ports, &stage.plan, true, &Unobserved, never().boxed());
        let (clock, faults) = (&stage.world.port.clock, &stage.world.port.faults);
        let records = stage.records();
        let outage = async {
            faults.strike(call, "", PortFault::RequestLost, u32::MAX);
            clock.sleep(Duration::from_mins(1)).await;
            let port = &stage.world.port;
            let ledger = PortLedger::new(port.database.clone(), port.table.clone(), <_>::default());
            for file in &files {
                let sha1 = Sha1::of(b"something else");
                let record = LedgerRecord { sha1, ..records[&file.fid].clone() };
                ledger.record(&[record]).await.expect("without faults it answers");
            }
            faults.clear();
        };
        let (summary, ()) = stage.world.run(join(work, outage));
        let failed = summary.ends.failed.get("other-record").map_or(0, |of| of.files);
        // Twice the concurrency may be done, and not recorded, before the outage is noticed.
        let most = if call == Call::Head { 0 } else { 16 };
        assert!(summary.verified.files <= most, "{call:?}: {summary:?}");
        assert!(failed >= 200 - most, "{call:?}: {summary:?}");
    }
}

/// It waits for all others, so that its record is read when its turn has come.
#[test]
fn a_job_that_is_worked_on_alone_reads_its_record_when_it_is_begun() {
    let stage = Stage::instant();
    stage.files(40, None);
    assert!(stage.migrate().is_clean());
    assert_eq!(stage.enqueue_by(&plan()).sent.files, 40);
    // Workers that ended before they could say what became of ten jobs.
    let ports = stage.world.port.work_ports();
    let wait = Duration::from_secs(1);
    let deliveries = stage.world.run(ports.queue.receive(10, wait, None)).expect("it answers");
    assert_eq!(deliveries.len(), 10);
    let ended = Reason::new(ReasonKind::Killed, "its worker ended");
    let failure = Failure { reason: ended, left: Left::Nothing };
    let note = |delivery: &Delivery| FailureNote {
        message: delivery.message.clone(),
        record: FailureRecord::of(delivery, &failure, Timestamp(1)).expect("it has a fid"),
        what: Noted::Begun,
    };
    let notes: Vec<_> = deliveries.iter().map(note).collect();
    stage.world.run(stage.world.port.ports().failures.note(&notes)).expect("it takes them");

    stage.world.port.faults.take_counts();
    let summary = stage.work();
    assert_eq!((summary.verified.files, summary.ends.failed.len()), (40, 0), "{summary:?}");
    let counts = stage.world.port.faults.take_counts();
    assert!(counts[&Call::Recall] > 10, "{counts:?}");
    assert!(stage.failures().is_empty());
}

/// The attempts of the deliveries whose jobs ended.
#[derive(Default)]
struct Ends(Mutex<Vec<u32>>);

impl WorkObserver for Ends {
    fn settled(&self, delivery: &Delivery, _end: &JobEnd) {
        self.0.lock().expect("one thread").push(delivery.attempt);
    }
}

impl OutageObserver for Ends {
    fn holding(&self, _why: &Reason) {}
    fn going_on(&self) {}
}
