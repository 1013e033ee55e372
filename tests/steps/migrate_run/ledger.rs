//! Ledgers that do not take records, for a while or for good, and failure records that nothing can read.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::engine::{Quiet, RunPlan, migrate_run, never};
use domain::migrate::Selection;
use domain::ports::Clock;
use domain::{IntermediaryForm, Tally};
use futures_util::future::join;
use stand_ins::port::{Call, PortFault};
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb::{number, put, text};

use super::{failed, files, plan, records, run, stopped, tally};
use crate::common::{BUCKET, World};

#[test]
fn a_batch_that_the_ledger_half_took_is_written_again() {
    for fault in [PortFault::RequestLost, PortFault::AnswerLost, PortFault::Busy] {
        let world = World::instant();
        files(&world, 30, Some(IntermediaryForm::Plain));
        world.port.faults.strike(Call::Record, "", fault, 3);
        let summary = run(&world, &plan());
        assert!(summary.is_clean(), "{fault:?}: {summary:?}");
        assert_eq!((summary.ends.by_copy, records(&world).len()), (tally(30), 30), "{fault:?}");
    }
}

#[test]
fn without_a_ledger_no_file_is_called_migrated() {
    let world = World::instant();
    files(&world, 30, Some(IntermediaryForm::Plain));
    world.port.faults.strike(Call::Record, "", PortFault::RequestLost, u32::MAX);
    let summary = run(&world, &RunPlan { concurrency: 8, ..plan() });
    // No more were begun than twice those that may be under way.
    assert_eq!(failed(&summary), BTreeMap::from([("ledger-unavailable", 16)]));
    assert_eq!((summary.ends.by_copy, summary.not_begun), (Tally::default(), 14));
    assert!(stopped(&summary).is_some_and(|why| why.starts_with("ledger-unavailable")));

    world.port.faults.clear();
    let summary = run(&world, &plan());
    assert_eq!((summary.ends.already_there, summary.ends.by_copy), (tally(16), tally(14)));
}

#[test]
fn a_record_that_the_ledger_did_not_take_is_written_when_it_does() {
    let world = World::instant();
    files(&world, 30, Some(IntermediaryForm::Plain));
    let run_plan = RunPlan { concurrency: 8, ..plan() };
    let ports = world.port.ports();
    let (clock, faults) = (&world.port.clock, &world.port.faults);
    faults.strike(Call::Record, "", PortFault::RequestLost, u32::MAX);
    let mended = async {
        clock.sleep(Duration::from_secs(10)).await;
        faults.clear();
    };
    let run = migrate_run(&ports, &run_plan, never(), &Quiet);
    let (summary, ()) = world.run(join(run, mended));
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!((summary.ends.by_copy, records(&world).len()), (tally(30), 30));
    assert!(!world.calls().contains("head"), "nothing is proven twice");
}

#[test]
fn a_ledger_that_stays_away_stops_the_run() {
    let world = World::paced(1);
    files(&world, 600, Some(IntermediaryForm::Plain));
    world.port.faults.strike(Call::Record, "", PortFault::RequestLost, u32::MAX);
    let summary = run(&world, &plan());
    assert!(stopped(&summary).is_some_and(|why| why.starts_with("ledger-unavailable")));
}

/// A failure record that nothing can read may say that a verification found the file missing.
#[test]
fn a_file_whose_failure_record_cannot_be_read_is_looked_at_however_it_is_named() {
    for only in [None, Some([1, 2].into_iter().collect())] {
        let world = World::instant();
        let all = files(&world, 2, Some(IntermediaryForm::Plain));
        run(&world, &plan());
        // Its object is away by now, and the doubt is written in a way that no version writes.
        let lost = &all[0];
        let key = lost.address().key;
        world.port.s3.delete(BUCKET, key.as_str(), &Condition::None).expect("it is there");
        let item = [number("fid", lost.fid.0), text("attempt", "first")];
        put(&world.port.database, &world.port.work.failures, item.into()).expect("put");
        let selection = Selection { only, ..Selection::default() };
        let plan = RunPlan { selection, ..plan() };
        let summary = run(&world, &plan);
        assert_eq!(summary.intake.unreadable_failures.files, 1, "{summary:?}");
        assert_eq!((summary.intake.proven_before, summary.ends.by_copy), (tally(1), tally(1)));
        // The proof has cleared the record.
        let summary = run(&world, &plan);
        assert_eq!(
            (summary.intake.proven_before, summary.intake.unreadable_failures.files),
            (tally(2), 0)
        );
    }
}
