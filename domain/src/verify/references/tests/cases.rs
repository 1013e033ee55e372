//! Single cases: what is wrong outside, what comes and goes meanwhile, and what ends a comparison.

use super::*;
use crate::verify::references::look::{Doubt, Looks, Seen, patience};
use crate::verify::references::tables::Mapped;
use crate::{ETag, ListedObject, ObjectKey, limits};

#[test]
fn a_broken_reference_is_named_with_the_fid_that_migrate_brings() {
    let mut world = sound();
    world.objects.extend([object(2, 0, 2), object(3, 0, 3), object(4, 0, 3)]);
    world.files.extend([file(2, "repo", "a", "u2"), file(3, "repo", "a", "u9")]);
    world.index.insert(format!("{}-repo", sha1(2)), Fid(22));
    let (summary, told) = world.with_extents().verified(false);
    assert_eq!(
        told,
        [
            ("objects", 2, "broken-by-migration", Some(22)),
            ("objects", 3, "broken-before", None),
            ("objects", 4, "broken-before", None),
            ("articleFile", 2, "no-object", None),
            ("articleFile", 3, "no-row", None),
        ]
    );
    assert_eq!((summary.broken_since(), summary.broken_before()), (1, 3), "{summary:?}");
    let sample = &summary.objects.broken["broken-by-migration"];
    assert_eq!((&sample.first_ids[..], &sample.first_fids[..]), (&[2][..], &[22][..]));
    assert!(sample.example.contains("uuid `u2`"), "{}", sample.example);
    assert!(summary.differs() && !summary.is_incomplete());
}

#[test]
fn a_key_in_capitals_is_a_file_of_mogilefs_too() {
    let mut world = sound();
    world.objects.push(object(2, 0, 2));
    world.index.insert(format!("{}-repo", sha1(2)), Fid(22));
    world.index = world.index.into_iter().map(|(key, fid)| (key.to_uppercase(), fid)).collect();
    let (_, told) = world.with_extents().verified(false);
    assert_eq!(told, [("objects", 2, "broken-by-migration", Some(22))]);
}

#[test]
fn what_is_written_after_the_listing_is_found_by_a_look() {
    let mut world = sound();
    world.objects.push(object(2, 0, 2));
    world.late.insert(at("corpus", 2), stored(2));
    let (summary, told) = world.with_extents().verified(false);
    assert_eq!((told.len(), summary.objects.sound, summary.looked_at), (0, 2, 1), "{summary:?}");
}

#[test]
fn what_s3_does_not_give_leaves_it_incomplete() {
    let mut world = sound();
    world.objects.push(object(2, 0, 2));
    world.silent.push(sha1(2).to_string());
    let (summary, told) = world.with_extents().verified(false);
    assert_eq!(told, [("objects", 2, "unseen", None)]);
    assert!(summary.is_incomplete(), "{summary:?}");
    assert!(summary.unseen_because.is_some_and(|why| why.contains("s3-denied")));
}

#[test]
fn without_mogilefs_nothing_was_broken_before() {
    let mut world = sound();
    world.objects.push(object(2, 0, 2));
    let world = world.with_extents();
    let sorts = Sorts::default();
    let ports = ReferencesPorts { mogile: None, ..world.ports(&sorts) };
    let (summary, told) = verified_by(ports, false);
    assert_eq!(told, [("objects", 2, "missing", None)]);
    assert_eq!((summary.broken_before(), summary.mogile_asked), (0, false));
    assert!(summary.differs());
}

/// With the index of another store every missing file would be one that was broken before.
#[test]
fn an_index_that_knows_no_whole_file_is_another_stores() {
    let mut world = sound();
    world.objects.push(object(2, 0, 2));
    world.index = BTreeMap::from([(format!("{}-repo", sha1(5)), Fid(5))]);
    let (summary, told) = world.with_extents().verified(false);
    let expected = Misconfigured::OtherContentRepo { looked_for: 1, found: 0 };
    assert_eq!(summary.stopped, Some(Stopped::Misconfigured(expected)));
    assert_eq!(told, []);
}

#[test]
fn a_comparison_of_nothing_is_an_error() {
    let (mut empty, mut ignored, mut no_rhino) = (world(), sound(), sound());
    empty.last = [None, None];
    ignored.objects[0].bucket = Some(RowId(3));
    no_rhino.files.clear();
    for (world, client, rows) in
        [(empty, "contentrepo", 0), (ignored, "contentrepo", 1), (no_rhino, "rhino", 0)]
    {
        let (summary, _) = world.with_extents().verified(false);
        let Some(Stopped::Misconfigured(Misconfigured::NoReferences {
            client: of,
            rows: read,
            ..
        })) = &summary.stopped
        else {
            panic!("{summary:?}")
        };
        assert_eq!((*of, *read), (client, rows));
        assert!(summary.is_incomplete());
    }
}

#[test]
fn rows_that_come_meanwhile_are_counted_and_known() {
    let mut world = sound();
    world.objects.push(object(2, 0, 2));
    world.files.extend([file(2, "repo", "a", "u2"), file(3, "repo", "a", "none")]);
    // rhino's second row names one of contentrepo that came since.
    world.last = [Some(RowId(1)), Some(RowId(2))];
    let (summary, told) = world.verified(true);
    assert_eq!(
        told.iter().map(|(_, id, said, _)| (*id, *said)).collect::<Vec<_>>(),
        [(1, ""), (1, ""), (2, "")]
    );
    let files = summary.article_files.as_ref().expect("compared");
    assert_eq!((summary.objects.since, files.since, files.rows), (1, 1, 2));
    assert!(!summary.differs() && !summary.is_incomplete(), "{summary:?}");
}

#[test]
fn a_row_that_changes_before_it_is_named_is_no_finding_and_leaves_it_incomplete() {
    for change in [
        |rows: &mut Vec<RepoObject>| rows[1].status = RepoStatus::Purged,
        |rows: &mut Vec<RepoObject>| rows[1].checksum = sha1(4).to_string(),
        |rows: &mut Vec<RepoObject>| drop(rows.remove(1)),
    ] {
        let mut world = sound();
        world.objects.extend([object(2, 0, 2), object(3, 0, 1)]);
        let mut later = world.objects.clone();
        change(&mut later);
        world.objects_later = Some(later);
        let (summary, told) = world.with_extents().verified(false);
        assert_eq!(told, []);
        assert_eq!((summary.objects.changed, summary.objects.all_broken()), (1, 0));
        assert!(summary.is_incomplete() && summary.adds_up(), "{summary:?}");
    }
}

#[test]
fn rows_that_the_databases_count_and_do_not_give_leave_it_incomplete() {
    let world = World { hidden: 1, ..sound() }.with_extents();
    let (summary, _) = world.verified(false);
    assert!(summary.objects.lacks_rows() && summary.is_incomplete() && !summary.differs());
}

#[test]
fn a_name_that_contentrepo_does_not_have_is_half_a_cut_over() {
    let mut world = sound();
    // contentrepo has the new name alone, rhino the old one.
    world.buckets[0].name = "corpus".to_owned();
    world.buckets.remove(1);
    let (summary, told) = world.with_extents().verified(false);
    assert_eq!((told.len(), summary.half_cut_over), (0, 1), "{summary:?}");
    let files = summary.article_files.as_ref().expect("compared");
    assert_eq!((files.sound, files.by_name["repo"]), (1, 1));
    assert_eq!(summary.objects.by_name["corpus"], 1);
    assert!(summary.differs());
    // A bucket that contentrepo has under neither name is none of a cut-over.
    let mut world = sound();
    world.buckets.remove(2);
    world.files.push(file(2, "second", "a", "u1"));
    let (summary, told) = world.with_extents().verified(false);
    assert_eq!(told, [("articleFile", 2, "no-row", None)]);
    assert_eq!(summary.half_cut_over, 0, "{summary:?}");
}

#[test]
fn what_cannot_be_read_ends_it_and_is_never_nothing() {
    let spoilt = |spoil: fn(&mut World)| {
        let mut world = sound();
        world.objects.push(object(2, 0, 2));
        spoil(&mut world);
        world.with_extents()
    };
    for (spoil, kind) in [
        (
            (|world: &mut World| world.pages_left = Some(AtomicU64::new(1))) as fn(&mut World),
            ReasonKind::References,
        ),
        (|world| world.lists_left = Some(AtomicU64::new(0)), ReasonKind::StoreUnreachable),
        (|world| world.lookups_left = Some(AtomicU64::new(0)), ReasonKind::IndexUnreadable),
    ] {
        let (summary, _) = spoilt(spoil).verified(false);
        let Some(Stopped::Trouble(reason)) = &summary.stopped else { panic!("{summary:?}") };
        assert_eq!(reason.kind, kind);
        assert!(summary.is_incomplete() && summary.adds_up(), "{summary:?}");
    }
    let world = sound().with_extents();
    let full = Sorts { is_full: true, ..Sorts::default() };
    let (summary, _) = verified_by(world.ports(&full), false);
    let Some(Stopped::Trouble(reason)) = &summary.stopped else { panic!("{summary:?}") };
    assert!(reason.kind == ReasonKind::References && reason.detail.contains("disk full"));
}

#[test]
fn a_comparison_that_is_stopped_says_how_far_it_came() {
    let world = World { hangs: true, ..sound() }.with_extents();
    let (plan, names) = (plan(), Names::default());
    let sorts = Sorts::default();
    let stop = std::future::ready(());
    let summary = run(verify_references(world.ports(&sorts), &plan, stop, &names));
    assert_eq!((&summary.stopped, summary.objects.rows), (&Some(Stopped::Interrupted), 1));
    assert!(summary.is_incomplete() && summary.adds_up(), "{summary:?}");
}

#[test]
fn a_sound_object_is_not_looked_at() {
    let world = sound().with_extents();
    let (summary, _) = world.verified(false);
    assert_eq!((summary.looked_at, world.heads.load(Ordering::Relaxed)), (0, 0));
    assert!(Broken::ALL.iter().all(|kind| summary.objects.of(*kind) == 0));
}

#[test]
fn a_checksum_that_is_not_the_key_as_it_stands_is_a_finding() {
    for spell in
        [|hex: String| hex.to_uppercase(), |hex| format!("{hex} "), |hex| format!("\t{hex}")]
    {
        let mut world = sound();
        let checksum = spell(sha1(1).to_string());
        world.objects.push(RepoObject { checksum, ..object(2, 0, 1) });
        world.files.push(file(2, "repo", "a", "u2"));
        let (summary, told) = world.with_extents().verified(false);
        assert_eq!(
            told,
            [("objects", 2, "other-key", None), ("articleFile", 2, "no-object", None)]
        );
        assert_eq!((summary.broken_since(), summary.broken_before()), (1, 0), "{summary:?}");
        assert!(summary.differs() && summary.objects.sound == 1, "{summary:?}");
    }
}

#[test]
fn a_listed_object_is_looked_at_however_many_are_missing() {
    let mut world = sound();
    world.late.insert(at("corpus", 3), stored(3));
    let (map, clock) = (map(), &world);
    let mapped = Mapped::new(&map);
    let bucket = mapped.pairs.iter().position(|(old, _)| old.as_str() == "repo").expect("mapped");
    let looks = Looks {
        objects: &world,
        index: Some(&world),
        clock,
        patience: patience(clock, limits::COUNT_TRIES_WITHIN),
        pairs: &mapped.pairs,
        heads: AtomicU64::new(0),
        unlisted: AtomicU64::new(limits::REFERENCES_LOOKED_AT),
        asked: AtomicU64::new(0),
        known: AtomicU64::new(0),
    };
    let object = ListedObject {
        key: ObjectKey::of_content(&sha1(1)),
        length: ByteCount(content(1).len() as u64),
        etag: ETag(String::new()),
        has_sha1: true,
        is_archived: false,
        last_modified: None,
    };
    let looked = |number: usize, listed: Option<ListedObject>| {
        let doubt = Doubt { bucket, sha1: sha1(number), listed };
        run(looks.look(&doubt)).expect("the index answers")
    };
    let length = object.length;
    assert_eq!(looked(1, Some(object)), Seen::There(length));
    // The bound is for contents that no listing has.
    assert_eq!(looked(3, None), Seen::Nowhere);
    assert_eq!(world.heads.load(Ordering::Relaxed), 1);
}

#[test]
fn an_object_whose_size_no_row_says_is_looked_at() {
    let mut world = sound();
    for number in [2, 3] {
        world.objects.push(RepoObject { size: None, ..object(number as i128, 0, number) });
        world.stored.insert(at("corpus", number), stored(number));
    }
    let cut = Object { bytes: b"cut".to_vec(), ..stored(3) };
    world.stored.insert(at("corpus", 3), cut);
    let (summary, told) = world.with_extents().verified(false);
    assert_eq!(told, [("objects", 3, "wrong-object", None)]);
    let objects = &summary.objects;
    assert_eq!((objects.sound, objects.unknown_size, summary.looked_at), (2, 1, 2), "{summary:?}");
    let words = &objects.broken["wrong-object"].example;
    assert!(words.contains("has 3 bytes, the row says no size that can be believed"), "{words}");
}

#[test]
fn a_row_without_a_key_or_a_uuid_is_named_by_no_row_of_rhino() {
    for (key, uuid) in [("", "u2"), ("a", "")] {
        let mut world = sound();
        let (key, uuid) = (key.to_owned(), uuid.to_owned());
        world.files.push(file(2, "repo", &key, &uuid));
        world.objects.push(RepoObject { key, uuid, ..object(2, 0, 1) });
        let (summary, told) = world.with_extents().verified(false);
        assert_eq!(told, [("articleFile", 2, "no-row", None)]);
        assert_eq!(summary.objects.sound, 2, "{summary:?}");
    }
}
