//! What the doctor sees of MogileFS: files from all over the index, on each storage node.

use std::ops::Range;

use domain::doctor::{BUCKETS_OF_FIRST_ROWS, FIRST_ROWS, NamedPorts, examine};
use domain::{BucketMap, Check, Health};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{Content, DeviceId, Dmid};

use crate::common::{World, content};

fn checks(world: &World, buckets: &str, ignored: &str) -> Vec<Check> {
    let buckets = BucketMap::parse(buckets, ignored).expect("good settings");
    world.run(examine(&NamedPorts::from(&world.port.ports()), Some(&buckets)))
}

fn of<'a>(checks: &'a [Check], subject: &str) -> Vec<&'a Check> {
    checks.iter().filter(|check| check.subject.starts_with(subject)).collect()
}

#[test]
fn a_node_that_holds_only_the_newest_files_is_looked_at() {
    let world = World::instant();
    for salt in 0..1_200 {
        world.store(&content(salt, 10));
    }
    let newest = content(9_999, 10);
    let key = format!("{}-repo", domain::ContentHasher::of(&newest).sha1);
    let newest = Content::from(newest);
    world.port.mogile.store(world.dmid, &key, &newest, &world.devices[2..]);
    let looked = checks(&world, "repo:new-repo", "");
    let nodes = of(&looked, "storage node");
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    assert!(nodes.iter().all(|node| node.health == Health::Good), "{nodes:?}");

    // Away at once, whichever replica is tried.
    world.port.faults.strike(Call::Open, "/dev3/", PortFault::RequestLost, u32::MAX);
    let looked = checks(&world, "repo:new-repo", "");
    let away = of(&looked, "storage node 127.0.0.3:7500");
    assert_eq!((away.len(), away[0].health), (1, Health::Unreachable), "{away:?}");
}

#[test]
fn where_no_file_can_be_tried_that_is_said() {
    let world = World::instant();
    world.store(&content(1, 10));
    let looked = checks(&world, "other:new-repo", "repo");
    let files = of(&looked, "files");
    assert_eq!((files.len(), files[0].health), (1, Health::Bad), "{files:?}");
}

/// A bucket that nobody named is a setting's trouble; a row without a key is its own.
#[test]
fn rows_that_are_rejected_for_their_bucket_have_a_check_of_their_own() {
    let world = World::instant();
    world.store(&content(1, 10));
    let health = |buckets: &str, fact: &str| {
        let looked = checks(&world, buckets, "");
        let check = looked.iter().find(|check| check.fact == fact).expect("it is made").clone();
        (check.health, check.detail)
    };
    let (unmapped, detail) = health("other:new-repo", BUCKETS_OF_FIRST_ROWS);
    assert_eq!(unmapped, Health::Bad);
    assert!(detail.contains("bucket `repo` is neither mapped nor ignored"), "{detail}");
    assert_eq!(health("other:new-repo", FIRST_ROWS).0, Health::Good);
    assert_eq!(health("repo:new-repo", BUCKETS_OF_FIRST_ROWS).0, Health::Good);
    let content = Content::from(content(2, 10));
    world.port.mogile.store(world.dmid, "test", &content, &world.devices[..1]);
    assert_eq!(health("repo:new-repo", BUCKETS_OF_FIRST_ROWS).0, Health::Good);
    // One stray key is in many a store, and no setting mends it.
    assert_eq!(health("repo:new-repo", FIRST_ROWS).0, Health::Caution);
    for number in 0..3 {
        world.port.mogile.store(
            world.dmid,
            &format!("test-{number}"),
            &content,
            &world.devices[..1],
        );
    }
    assert_eq!(health("repo:new-repo", FIRST_ROWS).0, Health::Bad, "four of five");
}

fn store_for_nobody(world: &World, dmid: Dmid, salts: Range<u64>) {
    for salt in salts {
        let content = content(salt, 10);
        let key = format!("{}-trash", domain::ContentHasher::of(&content).sha1);
        world.port.mogile.store(dmid, &key, &Content::from(content), &world.devices[..1]);
    }
}

#[test]
fn files_behind_a_long_beginning_of_others_are_found() {
    // Of a bucket to be ignored, or of another domain.
    for is_ignored in [true, false] {
        let world = World::instant();
        let dmid = if is_ignored { world.dmid } else { world.port.mogile.add_domain("other") };
        store_for_nobody(&world, dmid, 0..1_500);
        world.store(&content(2_000, 10));
        store_for_nobody(&world, dmid, 3_000..4_500);
        let looked = checks(&world, "repo:new-repo", "trash");
        let sick: Vec<_> = looked.iter().filter(|check| check.health != Health::Good).collect();
        assert!(sick.is_empty(), "{sick:?}");
        assert_eq!(of(&looked, "storage node").len(), 2, "{looked:?}");
    }
}

/// The search has an end: what it did not find may be behind it.
#[test]
fn a_search_that_found_no_file_is_a_caution() {
    let world = World::instant();
    let other = world.port.mogile.add_domain("other");
    store_for_nobody(&world, other, 0..50_100);
    let looked = checks(&world, "repo:new-repo", "trash");
    let rows = looked.iter().find(|check| check.fact == "its rows can be read").expect("made");
    assert_eq!(rows.health, Health::Caution, "{rows:?}");
    assert_eq!(of(&looked, "files")[0].health, Health::Caution, "{looked:?}");
}

/// A node that gives neither of two replicas may give none, and a sample that lacks some is no good one.
#[test]
fn what_some_files_of_the_sample_lack_is_a_caution() {
    let world = World::instant();
    (0..8).for_each(|salt| drop(world.store(&content(salt, 10))));
    let store = |salt, devices: &[DeviceId]| {
        let content = content(salt, 10);
        let key = format!("{}-repo", domain::ContentHasher::of(&content).sha1);
        world.port.mogile.store(world.dmid, &key, &Content::from(content), devices)
    };
    let gone = store(98, &world.devices[2..]);
    world.port.mogile.remove_replica(gone, world.devices[2]).expect("it was there");
    let nowhere = store(99, &[]);
    let looked = checks(&world, "repo:new-repo", "");
    let node = of(&looked, "storage node 127.0.0.3:7500");
    assert_eq!((node.len(), node[0].health), (1, Health::Caution), "{node:?}");
    let files = of(&looked, "files");
    assert_eq!((files.len(), files[0].health), (1, Health::Caution), "{files:?}");
    let words = format!("of 1 they know none, such as fid {nowhere}");
    assert!(files[0].detail.contains(&words), "{files:?}");
}
