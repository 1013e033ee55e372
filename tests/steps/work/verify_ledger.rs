//! Jobs that verify read the ledger, too: a file passes where its object and its record are right.

use std::time::Duration;

use domain::engine::{Quiet, RunPlan, Unobserved, migrate_run, never, work_queue};
use domain::migrate::Selection;
use domain::ports::{Clock, Ledger};
use domain::queue::EnqueuePlan;
use domain::{ByteCount, JobAction, LedgerRecord, S3Bucket, Sha1, SourceFile, limits};
use futures_util::StreamExt;
use futures_util::future::join;
use stand_ins::port::{Call, PortFault, PortLedger};
use stand_ins::world::dynamodb::{self, Item, Table, number, text};
use stand_ins::world::mogile;

use super::stage::{Stage, enqueue_plan};

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
    // Two runs of each file: the ledger refuses a fid that is named twice in a request.
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
            faults.strike(Call::Recall, "", PortFault::RequestLost, u32::MAX);
            clock.sleep(outage).await;
            let struck = faults.take_counts()[&Call::Recall];
            faults.clear();
            struck
        };
        let (summary, struck) = stage.world.run(join(work, outage));
        assert!(struck > 0);
        assert_eq!((summary.verified.files, summary.ends.failed.len()), (3_000, 0), "{summary:?}");
        assert_eq!((stage.dead(), stage.in_queue()), (0, 0));
        assert!(stage.failures().is_empty());
    }
}
