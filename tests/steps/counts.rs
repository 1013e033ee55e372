//! What is counted of the index. Counts are for the eye: one that cannot be had stops nothing.

use domain::doctor::{Census, WriteSizes, census};
use domain::engine::{Quiet, migrate_run, never};
use domain::migrate::RoutePolicy;
use domain::queue::look_around;
use domain::{BucketMap, Coverage};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{ClassId, Fid, FileRow};

use crate::common::{World, content, plan};

const SIZES: WriteSizes = WriteSizes {
    single_request_bytes: 1 << 30,
    part_bytes: 1 << 20,
    most_job_bytes: 1 << 30,
    route: RoutePolicy::Auto,
};

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
    for (buckets, empty) in
        [("repo:new-repo", &[][..]), ("repo:new-repo,other:new-other", &["other"])]
    {
        let counted = counted(&world, buckets);
        let empty = empty.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!((counted.rows, counted.stopped, counted.without_rows), (1, None, empty));
    }
}

/// Five files with two replicas each: in a class that wants three, with one replica, with none, of a
/// class that is not registered, and with nothing wrong.
#[test]
fn files_with_fewer_replicas_than_their_class_asks_for_are_named() {
    let world = World::instant();
    let files: Vec<_> = (0..5).map(|salt| world.store(&content(salt, 100))).collect();
    let mogile = &world.port.mogile;
    let change = |at: usize, class: ClassId, replicas: usize| {
        let row = mogile.row(Fid(files[at].fid.0)).expect("it is stored");
        let devids = row.devids[..replicas].to_vec();
        mogile.plant(FileRow { classid: class, devids, ..row });
    };
    let rare = mogile.add_class(world.dmid, "rare");
    mogile.set_mindevcount(world.dmid, rare, 3);
    change(0, rare, 2);
    change(1, ClassId(0), 1);
    change(2, ClassId(0), 0);
    change(3, ClassId(9), 2);
    let now = counted(&world, "repo:new-repo");
    let below = now.below_mindevcount.expect("the classes can be read");
    assert_eq!((below.files, &below.first_fids[..]), (2, &[files[0].fid, files[1].fid][..]));
    let words = format!("{} (class 1: 2 of 3 replicas)", files[0].dkey);
    assert_eq!((below.example, now.one_replica.files), (words, 1));
    assert_eq!(now.without_replica.first_fids, [files[2].fid]);
    assert_eq!(now.unknown_class.first_fids, [files[3].fid]);
    assert_eq!(now.classes_unread, None);

    // The default class of this domain is content with one.
    mogile.set_mindevcount(world.dmid, ClassId(0), 1);
    let below = counted(&world, "repo:new-repo").below_mindevcount.expect("they can be read");
    assert_eq!(below.first_fids, [files[0].fid]);
}

#[test]
fn classes_that_cannot_be_read_stop_no_count() {
    let world = World::instant();
    world.store(&content(1, 100));
    world.port.faults.strike(Call::StorageClasses, "", PortFault::RequestLost, u32::MAX);
    let counted = counted(&world, "repo:new-repo");
    assert_eq!((counted.rows, counted.stopped, counted.below_mindevcount), (1, None, None));
    let why = counted.classes_unread.expect("it is said why");
    assert!(why.contains("cannot be read now"), "{why}");
}

#[test]
fn only_a_count_asks_for_the_classes() {
    let world = World::instant();
    world.store(&content(1, 100));
    world.run(migrate_run(&world.port.ports(), &plan(), never(), &Quiet));
    assert!(!world.calls().contains("storageclasses"));
    counted(&world, "repo:new-repo");
    assert!(world.calls().contains("storageclasses 1"));
}

fn counted(world: &World, buckets: &str) -> Census {
    let buckets = BucketMap::parse(buckets, "").expect("good settings");
    let (index, clock) = (world.port.ports().index, &world.port.clock);
    world.run(census(index.as_ref(), clock.as_ref(), &buckets, SIZES, None))
}
