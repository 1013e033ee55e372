//! Counts are for the eye: one that cannot be had stops nothing.

use domain::engine::{Quiet, RunPlan, migrate_run, never};
use domain::migrate::{RoutePolicy, Selection};
use domain::queue::look_around;
use domain::{BucketMap, Coverage, limits};
use stand_ins::port::{Call, PortFault};

use crate::common::{World, content};

fn plan() -> RunPlan {
    RunPlan {
        buckets: BucketMap::parse("repo:new-repo", "trash").expect("good settings"),
        route: RoutePolicy::Auto,
        selection: Selection::default(),
        concurrency: 4,
        max_failures: None,
        wait: limits::OUTAGE_WAIT,
        keep_going: false,
        moved_from: <_>::default(),
        single_request_bytes: limits::SINGLE_REQUEST_BYTES,
    }
}

/// The port face counts, as only the database does.
#[test]
fn a_count_that_fails_does_not_stop_a_run() {
    let world = World::instant();
    for salt in 0..5 {
        world.store(&content(salt, 100));
    }
    let faults = &world.port.faults;
    faults.strike(Call::Count, "", PortFault::RequestLost, u32::MAX);
    let summary = world.run(migrate_run(&world.port.ports(), &plan(), never(), &Quiet));
    assert!(summary.is_clean(), "{summary:?}");
    assert_eq!((summary.ends.by_mogile.files, summary.counted_before), (5, None));
    assert!(summary.uncounted.is_some(), "{summary:?}");
    assert_eq!(summary.coverage(), Coverage::NotTold);
}

#[test]
fn a_count_that_fails_does_not_stop_a_look() {
    let world = World::instant();
    world.store(&content(1, 100));
    world.run(migrate_run(&world.port.ports(), &plan(), never(), &Quiet));
    world.port.faults.strike(Call::Count, "", PortFault::Busy, u32::MAX);
    let (index, buckets) = (world.port.ports().index, plan().buckets);
    let counting = Some((index.as_ref(), &buckets));
    let progress = world.run(look_around(&world.port.watch_ports(), counting));
    let progress = progress.expect("all else answers");
    assert!(progress.uncounted.is_some(), "{progress:?}");
    assert_eq!(progress.sight.ledger.map(|ledger| ledger.proven), Some(1));
}
