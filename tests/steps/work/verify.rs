//! Jobs that verify.

use domain::engine::{RunPlan, migrate_run, never};
use domain::migrate::Selection;
use domain::queue::EnqueuePlan;
use domain::{JobAction, Sight, limits};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::bucket::Condition;

use super::stage::{Stage, body, enqueue_plan};
use crate::common::BUCKET;

fn plan() -> EnqueuePlan {
    let run = Some("first".to_owned());
    EnqueuePlan { action: JobAction::Verify, run, ..enqueue_plan() }
}

#[test]
fn what_is_whole_leaves_a_record_and_what_is_not_is_named() {
    let stage = Stage::instant();
    let files = stage.files(12, None);
    let run = RunPlan {
        types: None,
        guard: None,
        buckets: enqueue_plan().buckets,
        route: stage.plan.route,
        selection: Selection::default(),
        concurrency: 4,
        max_failures: None,
        wait: limits::OUTAGE_WAIT,
        keep_going: false,
        moved_from: <_>::default(),
        single_request_bytes: stage.plan.single_request_bytes,
    };
    let observer = domain::engine::Quiet;
    stage.world.run(migrate_run(&stage.world.port.ports(), &run, never(), &observer));
    // One is missing, one has other content, one has no stored checksum.
    let key = |number: usize| files[number].dkey.sha1.to_string();
    stage.world.port.s3.delete(BUCKET, &key(0), &Condition::None).expect("it is there");
    stage.world.plant(&key(1), b"something else");
    stage.world.plant(&key(2), &crate::common::content(2, super::stage::LENGTH));

    assert_eq!(stage.enqueue_by(&plan()).sent.files, 12);
    stage.world.calls();
    let summary = stage.work();
    assert_eq!(summary.verified.files, 10, "{summary:?}");
    let failures = stage.failures();
    let reason = |number: usize| failures[&files[number].fid].reason.as_str();
    assert_eq!((reason(0), reason(1)), ("missing", "wrong-object"));
    assert_eq!(stage.dead(), 2);
    let calls = stage.world.calls();
    assert!(!calls.contains("put") && !calls.contains("delete "), "it never repairs: {calls}");

    let verified = stage.verified("first");
    assert_eq!(verified.len(), 10);
    assert_eq!(verified.iter().min(), Some(files[2].fid.0));
    assert_eq!(stage.verified("second").len(), 0);
    assert_eq!(stage.enqueue_by(&plan()).sent.files, 2, "only what is not verified yet");
    assert_eq!(Sight::Download.name(), "download");

    // What the verification doubts is looked at by the next migration, though its proof is in the
    // ledger, and nothing else is.
    stage.world.calls();
    let migrated =
        stage.world.run(migrate_run(&stage.world.port.ports(), &run, never(), &observer));
    assert_eq!((migrated.ends.by_mogile.files, migrated.intake.proven_before.files), (2, 10));
    assert!(migrated.is_clean(), "{migrated:?}");
    assert!(migrated.ends.findings.contains_key("replaced-object"), "{migrated:?}");
    let calls = stage.world.calls();
    assert!(calls.contains("head 2") && calls.contains("put 2"), "{calls}");
    stage.everything_is_there();
    assert!(stage.failures().is_empty(), "proven again: the doubt is gone");
    let again = stage.world.run(migrate_run(&stage.world.port.ports(), &run, never(), &observer));
    assert_eq!(again.intake.proven_before.files, 12, "{again:?}");
}

/// A later try that could not reach MogileFS must not make the proof in the ledger count again.
#[test]
fn a_doubt_outlives_other_failures_of_its_file() {
    let stage = Stage::instant();
    let files = stage.files(3, None);
    assert_eq!(stage.enqueue_by(&enqueue_plan()).sent.files, 3);
    assert_eq!(stage.work().ends.by_mogile.files, 3);
    let gone = files[0].dkey.sha1.to_string();
    stage.world.port.s3.delete(BUCKET, &gone, &Condition::None).expect("it is there");
    assert_eq!(stage.enqueue_by(&plan()).sent.files, 3);
    stage.work();
    assert!(stage.failures()[&files[0].fid].doubted);

    // Its replicas are away while it is migrated again.
    for device in [1, 2, 3, 4].map(stand_ins::world::mogile::DeviceId) {
        let fid = stand_ins::world::mogile::Fid(files[0].fid.0);
        stage.world.port.mogile.remove_replica(fid, device);
    }
    assert_eq!(stage.enqueue_by(&enqueue_plan()).sent.files, 1);
    stage.work();
    let failure = &stage.failures()[&files[0].fid];
    assert_eq!(failure.reason, "no-replica");
    assert!(failure.doubts_the_proof(), "{failure:?}");
    assert_eq!(stage.enqueue_by(&enqueue_plan()).sent.files, 1, "it is still to be done");
}

/// Only a proof ends a doubt: neither a worker by whose settings the bucket is ignored, nor one that
/// finds no row.
#[test]
fn a_job_that_ends_without_a_proof_clears_no_doubt() {
    let mut stage = Stage::instant();
    let files = stage.files(2, None);
    stage.enqueue();
    stage.work();
    for file in &files {
        let key = file.dkey.sha1.to_string();
        stage.world.port.s3.delete(BUCKET, &key, &Condition::None).expect("it is there");
    }
    assert_eq!(stage.enqueue_by(&plan()).sent.files, 2);
    stage.work();
    let doubted = |stage: &Stage| {
        let failures = stage.failures();
        files.iter().filter(|file| failures[&file.fid].doubts_the_proof()).count()
    };
    assert_eq!(doubted(&stage), 2);

    // Jobs of s3migrate do not name the bucket for which they were sent.
    for file in &files {
        stage.send_raw(&body(file), Some("migrate"));
    }
    stage.delete(&files[1]);
    let buckets = stage.plan.buckets.clone();
    let ignoring = domain::BucketMap::parse("other:other-bucket", "repo").expect("a map");
    stage.plan.buckets = ignoring;
    assert_eq!(stage.work().ignored, 2);
    assert_eq!(doubted(&stage), 2, "ignored is not proven");

    stage.plan.buckets = buckets;
    assert_eq!(stage.enqueue().sent.files, 1, "the other has no row");
    assert_eq!(stage.work().ends.by_mogile.files, 1);
    assert!(!stage.failures().contains_key(&files[0].fid), "proven again");
}

/// Nobody else knows of a doubt that is not in the table: the proof in the ledger counts again.
#[test]
fn doubts_that_the_table_did_not_take_are_told() {
    for (struck, kept) in [(u32::MAX, true), (6, false)] {
        let stage = Stage::instant();
        let files = stage.files(3, None);
        stage.enqueue();
        stage.work();
        let gone = files[0].dkey.sha1.to_string();
        stage.world.port.s3.delete(BUCKET, &gone, &Condition::None).expect("it is there");
        assert_eq!(stage.enqueue_by(&plan()).sent.files, 3);
        stage.world.port.faults.strike(Call::NoteFailures, "", PortFault::RequestLost, struck);
        let summary = stage.work();
        assert!(summary.unexplained > 0, "{summary:?}");
        // What a later delivery could note is no loss.
        let unnoted = summary.unnoted_doubts.contains(files[0].fid.0);
        assert_eq!((unnoted, stage.failures().is_empty()), (kept, kept), "{summary:?}");
        stage.world.port.faults.clear();
        assert_eq!(stage.enqueue_by(&plan()).sent.files, 1, "it is verified again");
        stage.work();
        assert_eq!(stage.enqueue().sent.files, 1, "and migrated");
        assert!(stage.work().is_clean());
        stage.everything_is_there();
    }
}

/// Else each file would be found missing, time after time.
#[test]
fn a_verification_by_another_map_is_not_begun() {
    let stage = Stage::instant();
    stage.files(3, None);
    stage.enqueue();
    stage.work();
    let buckets = domain::BucketMap::parse("repo:another-repo", "trash").expect("a map");
    // A list of what is proven hides nothing of it.
    let without: roaring::RoaringTreemap = stage.records().keys().map(|fid| fid.0).collect();
    for without in [roaring::RoaringTreemap::new(), without] {
        let selection = Selection { without, ..Selection::default() };
        let buckets = buckets.clone();
        let summary = stage.enqueue_by(&EnqueuePlan { buckets, selection, ..plan() });
        let stopped = summary.stopped.expect("it is refused").to_string();
        assert!(stopped.contains("new-repo") && stopped.contains("another-repo"), "{stopped}");
        assert_eq!((summary.sent.files, stage.in_queue()), (0, 0));
    }
}

#[test]
fn two_verifications_of_the_same_files_share_no_job() {
    let stage = Stage::instant();
    stage.files(12, None);
    assert_eq!(stage.enqueue_by(&enqueue_plan()).sent.files, 12);
    stage.work();
    for run in ["A", "B"] {
        let plan = EnqueuePlan { run: Some(run.to_owned()), ..plan() };
        assert_eq!(stage.enqueue_by(&plan).sent.files, 12);
    }
    let summary = stage.work();
    assert_eq!((summary.verified.files, summary.merged), (24, 0), "{summary:?}");
    assert_eq!((stage.verified("A").len(), stage.verified("B").len()), (12, 12));
}

impl Stage {
    fn verified(&self, run: &str) -> roaring::RoaringTreemap {
        let ports = self.world.port.work_ports();
        let mut fids = roaring::RoaringTreemap::new();
        let mut each = |file: domain::VerifiedFile| {
            fids.insert(file.fid.0);
        };
        self.world.run(ports.verifications.verified(run, &mut each)).expect("it answers");
        fids
    }
}
