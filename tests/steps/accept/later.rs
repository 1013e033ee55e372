//! What is known of accepted files later, and of the journal that has them.

use std::future::pending;
use std::time::Duration;

use domain::engine::{Quiet, RunPlan, migrate_run, never};
use domain::journal::Content;
use domain::migrate::Selection;
use domain::runbook::{Decisions, JournalTrouble};
use domain::verify::{All, Depth, VerifyPlan, VerifyPorts, VerifySummary, verify_store};
use domain::{Fid, Sha1, Since, Summary};
use roaring::RoaringTreemap;
use stand_ins::port::{Call, PortFault, PortIndex};
use stand_ins::world::dynamodb::{number, put, text};

use super::stage::{FID, Stage};
use crate::common::{content, plan};

#[test]
fn a_replica_that_comes_back_ends_the_acceptance() {
    let stage = Stage::lost();
    let [first, second, third] = stage.world.devices;
    stage.accept(&[FID]);
    assert_eq!(stage.again(), Since::StillLost);
    stage.put_replica(first, content(9, 10));
    assert_eq!(stage.again(), Since::StillLost, "other content");
    // One that was tried and cannot be asked now changes nothing; a new one may be anything.
    stage.silence(second);
    assert_eq!(stage.again(), Since::StillLost);
    stage.change_row(|row| row.devids.push(third));
    assert_eq!(stage.again(), Since::StillLost, "a 404 of the new one");
    stage.silence(third);
    assert!(matches!(stage.again(), Since::Unknown(why) if why.contains("cannot be reached")));
    stage.put_replica(first, content(FID, 10));
    assert!(matches!(stage.again(), Since::Reappeared(at) if at.contains("/dev1/")));
}

#[test]
fn without_an_answer_of_the_trackers_nothing_is_known() {
    let stage = Stage::lost();
    stage.accept(&[FID]);
    stage.world.port.faults.strike(Call::Replicas, "", PortFault::RequestLost, 1_000);
    assert!(matches!(stage.again(), Since::Unknown(_)));
}

#[test]
fn a_journal_without_a_table_has_decided_nothing() {
    assert_eq!(Stage::new().decisions_in("none").expect("no table"), Decisions::default());
}

#[test]
fn a_journal_that_was_changed_decides_nothing() {
    let stage = Stage::lost();
    stage.accept(&[FID]);
    let mut entry = stage.world.run(stage.journal().last()).expect("an answer").expect("an entry");
    entry.line = entry.line.replace("disks died", "disks lied");
    let hash = entry.hash.expect("a hash").to_string();
    let item = [
        text("migration", "ledger"),
        number("sequence", entry.sequence),
        text("line", &entry.line),
        text("hash", &hash),
    ];
    let database = &stage.world.port.database;
    put(database, "journal", item.into()).expect("put");
    let read = stage.decisions_in("journal");
    assert!(matches!(read, Err(JournalTrouble::Changed(_))), "{read:?}");
    assert!(matches!(stage.try_to_accept(&[FID], false), Err(JournalTrouble::Changed(_))));
}

#[test]
fn a_step_of_the_cut_over_is_known_by_its_name() {
    let stage = Stage::lost();
    let step = |name: &str| Content::StepDone { step: name.to_owned() };
    stage.write(step("migrate"));
    stage.write(Content::Note { text: "cutover-contentrepo".to_owned() });
    assert_eq!(stage.decisions().cut_over, None);
    stage.write(step("cutover-contentrepo"));
    stage.write(step("cutover-rhino"));
    assert_eq!(stage.decisions().cut_over, Some(3));
}

/// The lost file and a stray row are accepted; a third file is as it should be.
pub fn three() -> Stage {
    let stage = Stage::lost();
    stage.store(1, &format!("{}-repo", Sha1::of(&content(1, 10))));
    stage.store(8, "test");
    stage.accept(&[FID, 8]);
    stage
}

pub fn migrate(stage: &Stage) -> Summary {
    let selection = Selection { accepted: stage.accepted(), ..Selection::default() };
    let plan = RunPlan { selection, ..plan() };
    let ports = stage.world.port.work_ports().files;
    stage.world.run(migrate_run(&ports, &plan, never(), &Quiet))
}

#[test]
fn a_run_tries_accepted_files_and_does_not_fail_for_them() {
    let stage = three();
    let summary = migrate(&stage);
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!((summary.ends.by_mogile.files, summary.intake.accepted_rows), (1, 1));
    assert_eq!(summary.ends.accepted.first_fids, [Fid(FID)]);
    stage.put_replica(stage.devices()[0], content(FID, 10));
    let summary = migrate(&stage);
    assert_eq!((summary.ends.by_mogile.files, summary.ends.accepted.files), (1, 0));
    // Another key, another file: its trouble counts again.
    stage.lose(&stage.world.devices);
    stage.change_row(|row| row.dkey = Some(format!("{}-repo", Sha1::of(b"other"))));
    let summary = migrate(&stage);
    assert_eq!((summary.ends.failures(), summary.ends.accepted.files), (1, 0), "{summary:?}");
    assert!(summary.adds_up() && !summary.is_clean());
}

#[test]
fn another_trouble_of_an_accepted_file_fails_a_run() {
    let stage = three();
    stage.world.plant(&super::sha1(), &content(9, 10));
    let summary = migrate(&stage);
    assert_eq!((summary.ends.failures(), summary.ends.accepted.files), (1, 0), "{summary:?}");
    // Its content is back and the ledger is away: it is in S3 without a record.
    let stage = three();
    stage.put_replica(stage.devices()[0], content(FID, 10));
    stage.world.port.faults.strike(Call::Record, "", PortFault::RequestLost, 1_000);
    let summary = migrate(&stage);
    assert_eq!(summary.ends.accepted.files, 0, "{summary:?}");
    assert!(!summary.is_clean());
}

pub fn verify(stage: &Stage, depth: Depth) -> VerifySummary {
    let ports = stage.world.port.work_ports().files;
    let (mogile, faults) = (stage.world.port.mogile.clone(), stage.world.port.faults.clone());
    let rows = PortIndex::new(mogile, stage.world.port.domain.clone(), faults);
    let ports = VerifyPorts {
        index: &*ports.index,
        rows: &rows,
        objects: &*ports.objects,
        clock: &*ports.clock,
        keeper: None,
    };
    let plan = VerifyPlan {
        buckets: stage.buckets.clone(),
        excluded: RoaringTreemap::new(),
        accepted: stage.accepted(),
        depth,
        max_failures: None,
        page_rows: 20,
        wait: Duration::ZERO,
        counted: None,
        resume: None,
    };
    stage.world.run(verify_store(ports, &plan, pending(), &All(Vec::new())))
}

#[test]
fn a_missing_object_of_an_accepted_file_is_no_difference() {
    for depth in [Depth::All, Depth::Sample { files: 9, seed: 1 }] {
        let stage = three();
        migrate(&stage);
        let summary = verify(&stage, depth);
        assert!(!summary.differs() && !summary.is_incomplete(), "{summary:?}");
        assert_eq!((summary.whole.files, summary.accepted_rows), (1, 1));
        assert_eq!(summary.accepted.first_fids, [Fid(FID)]);
        // A wrong object is one, and so is a missing one of another key.
        stage.world.plant(&super::sha1(), &content(9, 10));
        let summary = verify(&stage, Depth::All);
        assert_eq!((summary.failures(), summary.accepted.files), (1, 0), "{summary:?}");
        stage.change_row(|row| row.dkey = Some(format!("{}-repo", Sha1::of(b"other"))));
        let summary = verify(&stage, depth);
        assert_eq!(summary.different["missing"].files, 1, "{summary:?}");
        assert!(summary.adds_up() && summary.differs());
    }
}
