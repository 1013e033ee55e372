//! Ledgers that do not take records, for a while or for good.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::engine::{Quiet, RunPlan, migrate_run, never};
use domain::ports::Clock;
use domain::{IntermediaryForm, Tally};
use futures_util::future::join;
use stand_ins::port::{Call, PortFault};

use super::{failed, files, plan, records, run, stopped, tally};
use crate::common::World;

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
