//! What the doctor sees of MogileFS: files from all over the index, on each storage node.

use domain::doctor::{BUCKETS_OF_FIRST_ROWS, FIRST_ROWS, examine};
use domain::{BucketMap, Check, Health};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::Content;

use crate::common::{World, content};

fn checks(world: &World, buckets: &str, ignored: &str) -> Vec<Check> {
    let buckets = BucketMap::parse(buckets, ignored).expect("good settings");
    world.run(examine(&world.port.ports(), &buckets))
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
    assert_eq!(health("repo:new-repo", FIRST_ROWS).0, Health::Bad);
}
