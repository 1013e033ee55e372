//! What is counted of the index. Counts are for the eye: one that cannot be had stops nothing.

use domain::doctor::{WriteSizes, census};
use domain::engine::{Quiet, migrate_run, never};
use domain::queue::look_around;
use domain::{BucketMap, Coverage};
use stand_ins::port::{Call, PortFault};

use crate::common::{World, content, plan};

const SIZES: WriteSizes =
    WriteSizes { single_request_bytes: 1 << 30, part_bytes: 1 << 20, most_job_bytes: 1 << 30 };

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
    assert!(progress.sight.uncounted.is_some(), "{progress:?}");
    assert_eq!(progress.sight.ledger.map(|ledger| ledger.proven), Some(1));
}

#[test]
fn a_bucket_of_the_map_that_no_row_is_in_is_named() {
    let world = World::instant();
    world.store(&content(1, 100));
    let index = world.port.ports().index;
    for (buckets, empty) in
        [("repo:new-repo", &[][..]), ("repo:new-repo,other:new-other", &["other"])]
    {
        let buckets = BucketMap::parse(buckets, "").expect("good settings");
        let clock = &world.port.clock;
        let counted = world.run(census(index.as_ref(), clock.as_ref(), &buckets, SIZES, None));
        let empty = empty.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!((counted.rows, counted.stopped, counted.without_rows), (1, None, empty));
    }
}
