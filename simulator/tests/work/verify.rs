//! Jobs that verify.

use domain::steps::{EnqueuePlan, RunPlan, Selection, migrate_run, never};
use domain::{JobAction, Sight};
use simulator::world::bucket::Condition;

use crate::common::BUCKET;
use crate::stage::{Stage, enqueue_plan};

fn plan() -> EnqueuePlan {
    let run = Some("first".to_owned());
    EnqueuePlan { action: JobAction::Verify, run, ..enqueue_plan() }
}

#[test]
fn what_is_whole_leaves_a_record_and_what_is_not_is_named() {
    let stage = Stage::instant();
    let files = stage.files(12, None);
    let run = RunPlan {
        buckets: enqueue_plan().buckets,
        route: stage.plan.route,
        selection: Selection::default(),
        concurrency: 4,
        max_failures: None,
        single_request_bytes: stage.plan.single_request_bytes,
    };
    let observer = domain::steps::Quiet;
    stage.world.run(migrate_run(&stage.world.port.ports(), &run, never(), &observer));
    // One is missing, one has other content, one has no stored checksum.
    let key = |number: usize| files[number].dkey.sha1.to_string();
    stage.world.port.s3.delete(BUCKET, &key(0), &Condition::None).expect("it is there");
    stage.world.plant(&key(1), b"something else");
    stage.world.plant(&key(2), &crate::common::content(2, crate::stage::LENGTH));

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
}

impl Stage {
    fn verified(&self, run: &str) -> roaring::RoaringTreemap {
        let ports = self.world.port.work_ports();
        self.world.run(ports.verifications.verified(run)).expect("it answers")
    }
}
