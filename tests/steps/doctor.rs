//! What the doctor sees of MogileFS: files from all over the index, on each storage node.

use domain::doctor::examine;
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
