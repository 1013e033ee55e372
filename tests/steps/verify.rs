//! The comparison of buckets and index on the port face, through faults: nothing that could not be
//! read counts as whole.

use std::future::pending;
use std::time::Duration;

use domain::verify::{All, Depth, VerifyPlan, VerifyPorts, VerifySummary, verify_store};
use domain::{BucketMap, Fid, ReasonKind, Stopped};
use roaring::RoaringTreemap;
use stand_ins::port::{Call, PortFault, PortIndex};
use stand_ins::world::bucket::Condition;

use crate::common::{BUCKET, World, content};

/// A world with so many files, whose objects are in the bucket with their SHA-1.
fn migrated(files: u64) -> (World, Vec<domain::SourceFile>) {
    let world = World::paced(7);
    let stored: Vec<_> = (0..files)
        .map(|salt| {
            let bytes = content(salt, 40);
            let file = world.store(&bytes);
            world.plant(&file.address().key, &bytes);
            file
        })
        .collect();
    (world, stored)
}

fn verified(world: &World, buckets: &str, depth: Depth) -> VerifySummary {
    let ports = world.port.ports();
    let (mogile, faults) = (world.port.mogile.clone(), world.port.faults.clone());
    let rows = PortIndex::new(mogile, world.port.domain.clone(), faults);
    let objects = ports.objects.as_ref();
    let ports = VerifyPorts {
        index: ports.index.as_ref(),
        rows: &rows,
        objects,
        clock: ports.clock.as_ref(),
        keeper: None,
    };
    let plan = VerifyPlan {
        buckets: BucketMap::parse(buckets, "trash").expect("good settings"),
        excluded: RoaringTreemap::new(),
        accepted: domain::Acceptances::default(),
        depth,
        max_failures: None,
        page_rows: 20,
        wait: Duration::ZERO,
        counted: None,
        resume: None,
    };
    world.run(verify_store(ports, &plan, pending(), &All(Vec::new())))
}

const MAP: &str = "repo:new-repo";
const SAMPLE: Depth = Depth::Sample { files: 20, seed: 5 };

#[test]
fn an_honest_store_is_whole() {
    let (world, files) = migrated(120);
    let summary = verified(&world, MAP, SAMPLE);
    assert_eq!((summary.rows, summary.whole.files, summary.objects), (120, 120, 120));
    assert_eq!(summary.content.read.files, 20);
    assert!(!summary.differs() && !summary.is_incomplete() && summary.adds_up(), "{summary:?}");
    let [gone, shorter, other, archived] = [3, 30, 60, 90].map(|at| &files[at]);
    world.port.s3.delete(BUCKET, &gone.dkey.sha1.to_string(), &Condition::None).expect("deleted");
    world.plant(&shorter.address().key, b"short");
    world.plant(&other.address().key, &content(999, 40));
    assert!(world.port.s3.archive(BUCKET, &archived.dkey.sha1.to_string()));
    for (depth, with_content) in [(SAMPLE, false), (Depth::All, true)] {
        let summary = verified(&world, MAP, depth);
        let of = |name| summary.different.get(name).map(|sample| sample.first_fids.clone());
        assert_eq!(of("missing"), Some(vec![gone.fid]), "{summary:?}");
        assert_eq!(of("wrong-length"), Some(vec![shorter.fid]));
        assert_eq!(of("archived"), Some(vec![archived.fid]));
        if with_content {
            assert_eq!(of("wrong-content"), Some(vec![other.fid]));
        }
        assert!(summary.differs() && !summary.is_incomplete() && summary.adds_up());
    }
}

#[test]
fn a_page_that_fails_once_changes_nothing() {
    let (world, _) = migrated(60);
    for fault in [PortFault::RequestLost, PortFault::AnswerLost, PortFault::Busy] {
        for call in [Call::List, Call::RowsBetween, Call::Read, Call::Domains] {
            world.port.faults.strike(call, "", fault, 2);
        }
        let summary = verified(&world, MAP, SAMPLE);
        assert_eq!((summary.whole.files, summary.objects), (60, 60), "{fault:?}: {summary:?}");
        assert!(!summary.is_incomplete() && !summary.differs(), "{fault:?}: {summary:?}");
    }
}

#[test]
fn a_page_that_always_fails_is_never_an_empty_one() {
    for (call, kind) in [
        (Call::List, ReasonKind::StoreUnreachable),
        (Call::RowsBetween, ReasonKind::IndexUnreadable),
        (Call::Domains, ReasonKind::IndexUnreadable),
    ] {
        let (world, _) = migrated(60);
        world.port.faults.strike(call, "", PortFault::Busy, u32::MAX);
        let summary = verified(&world, MAP, SAMPLE);
        let Some(Stopped::Trouble(reason)) = &summary.stopped else { panic!("{summary:?}") };
        assert_eq!(reason.kind, kind);
        assert!(summary.is_incomplete(), "{summary:?}");
        assert!(!summary.different.contains_key("missing"), "nothing was seen: {summary:?}");
    }
}

#[test]
fn what_cannot_be_looked_at_is_counted_so() {
    let (world, files) = migrated(30);
    let key = files[11].dkey.sha1.to_string();
    // Longer than the index says, so that it is looked at.
    world.plant(&files[11].address().key, &content(11, 41));
    world.port.faults.strike(Call::Head, &key, PortFault::RequestLost, u32::MAX);
    let summary = verified(&world, MAP, Depth::Sample { files: 0, seed: 0 });
    assert_eq!(summary.unseen["s3-unreachable"].first_fids, [files[11].fid]);
    assert_eq!((summary.whole.files, summary.stopped.is_none()), (29, true));
    assert!(summary.is_incomplete() && summary.adds_up());
}

#[test]
fn wrong_settings_are_no_success() {
    let (world, _) = migrated(5);
    let missing = verified(&world, "repo:not-there", SAMPLE);
    let Some(Stopped::Trouble(reason)) = missing.stopped else { panic!("{missing:?}") };
    assert_eq!((reason.kind, reason.is_of_wrong_settings()), (ReasonKind::NoBucket, true));
    let unmapped = verified(&world, "elsewhere:new-repo", SAMPLE);
    assert!(matches!(unmapped.stopped, Some(Stopped::Misconfigured(_))), "{unmapped:?}");
}

/// A row is renamed while the comparison runs, and others come and go: no false alarm but for those.
#[test]
fn rows_that_change_meanwhile_do_not_spoil_the_others() {
    let (world, files) = migrated(60);
    let row = world.port.mogile.row(stand_ins::world::mogile::Fid(files[7].fid.0)).expect("a row");
    world.port.mogile.drop_row(row.fid);
    let summary = verified(&world, MAP, SAMPLE);
    assert_eq!((summary.whole.files, summary.extra.tally.files), (59, 1), "a note: {summary:?}");
    assert!(!summary.differs());
    world.port.mogile.plant(row);
    let summary = verified(&world, MAP, SAMPLE);
    assert_eq!((summary.whole.files, summary.extra.tally.files), (60, 0));
    assert_ne!(files[7].fid, Fid(0));
}
