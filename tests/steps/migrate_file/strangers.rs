//! Others at the same key, and ends that answer otherwise than Amazon S3.

use std::time::Duration;

use domain::migrate::{FileEnd, Writing, migrate_file};
use domain::ports::Clock;
use futures_util::future::join;
use stand_ins::world::bucket::{Action, Condition};

use super::case::{Case, KEYS, Key, RAWS, Raw, Source, end_of};
use crate::common::{BUCKET, World};

/// A stranger at the final key, at some moment of our work.
async fn stranger(case: &Case, seed: u64) {
    let moment = Duration::from_millis(seed * 7 % 150);
    case.world.port.clock.sleep(moment).await;
    match seed % 3 {
        0 => {
            let deleted = case.world.port.s3.delete(BUCKET, case.key().as_str(), &Condition::None);
            deleted.expect("a DELETE without a condition");
        }
        1 => case.lay_key(Key::Foreign),
        _ => case.lay_key(Key::Plain),
    }
}

#[test]
fn a_stranger_at_the_key_costs_a_second_look_and_no_content() {
    let mut contended = 0;
    for seed in 0..300_u64 {
        let pick = |count: usize, of: u64| usize::try_from(seed / of).expect("small") % count;
        let (key, raw) = (KEYS[pick(KEYS.len(), 3)], RAWS[pick(RAWS.len(), 18)]);
        let case = Case::within(World::paced(seed), key, raw, Source::Good);
        let ports = case.world.port.ports();
        let writing = Writing::default();
        let ours = migrate_file(&ports, &case.file, &case.plan, &writing);
        let (outcome, ()) = case.world.run(join(ours, stranger(&case, seed)));
        let told = format!("seed {seed}, {key:?}, {raw:?}: {}", end_of(&outcome));
        contended += usize::from(case.lies_there() != "right");

        // Good content that the stranger wrote was not replaced, whatever we saw of it.
        assert!(seed % 3 != 2 || case.lies_there() == "right", "{told}");
        // Whatever the stranger left, the next run ends with the right content, proven.
        let next = case.run();
        assert!(matches!(next.end, FileEnd::Proven(_)), "{told}, then {}", end_of(&next));
        assert_eq!(case.lies_there(), "right", "{told}");
    }
    assert!(contended > 20, "they did meet: {contended}");
}

/// What comes of a file where the caller may not do this.
fn denied(key: Key, raw: Raw, action: Action) -> String {
    let case = Case::new(key, raw, Source::Good);
    case.world.port.s3.configure(|options| options.deny(action));
    let told = format!("{} | {}", end_of(&case.run()), case.world.calls());
    // We look with other eyes than the caller's.
    case.world.port.s3.configure(|options| options.denials.clear());
    format!("{told} | {}", case.lies_there())
}

#[test]
fn what_is_denied_is_told_and_nothing_is_left() {
    let put = denied(Key::Free, Raw::Unplanned, Action::PutObject);
    assert_eq!(put, "s3-denied, Nothing | replicas 1, open 1, put 1 | nothing");
    // A COPY that is denied says nothing of a PUT: its source may be what must not be read.
    let copy = denied(Key::Free, Raw::Good, Action::GetObject);
    assert_eq!(copy, "put, mogile | replicas 1, open 1, put 1, copy 1 | right");
    let both = denied(Key::Free, Raw::Good, Action::PutObject);
    assert_eq!(both, "s3-denied, Nothing | replicas 1, open 1, put 1, copy 1 | nothing");
    let look = denied(Key::Foreign, Raw::Unplanned, Action::GetObject);
    assert_eq!(look, "s3-denied, Nothing | replicas 1, open 1, put 1, head 1 | foreign");
}

#[test]
fn an_end_that_tells_no_sha1_is_proven_by_downloads_alone() {
    let told = |raw| {
        let case = Case::new(Key::Free, raw, Source::Good);
        case.world.port.s3.configure(|options| options.answers_no_sha1 = true);
        case.told()
    };
    assert_eq!(told(Raw::Good), "download, copy | copy 1, head 1, read 1 | right");
    let put = "download, mogile | replicas 1, open 1, put 1, head 1, read 1 | right";
    assert_eq!(told(Raw::Unplanned), put);
    let replaced = "download, mogile | replicas 1, open 1, put 1, copy 1, head 2, read 2 | right";
    assert_eq!(told(Raw::Corrupt), replaced);
}

#[test]
fn a_bucket_with_versions_keeps_the_same_promises() {
    let told = |key, raw, source| {
        let world = World::instant();
        world.port.s3.configure(|options| options.versioned = true);
        Case::within(world, key, raw, source).told()
    };
    let replaced = "put, mogile | replicas 1, open 1, put 1, copy 1 | right | bad-intermediary";
    assert_eq!(told(Key::Free, Raw::Corrupt, Source::Good), replaced);
    let away = "wrong-object, Nothing | copy 1, delete 1 | nothing | bad-intermediary";
    assert_eq!(told(Key::Free, Raw::Corrupt, Source::LeftOut), away);
    let there = "head, there | copy 1, head 1 | right";
    assert_eq!(told(Key::Right, Raw::Good, Source::Good), there);
}
