//! What decides whether a reference was broken before the migration: trackers, ledger, journal, and what an
//! operator has decided.

use super::*;
use crate::journal::{AcceptedFile, Content, Entry, LedgerThen};
use crate::verify::references::{AllowedBuilder, Lacking, NamedReference};
use crate::{Destination, Dkey, Timestamp, UnreadableItem};

/// A row whose content neither S3 nor MogileFS has, beside a sound one.
fn nowhere() -> World {
    let mut world = sound();
    world.objects.push(object(2, 0, 2));
    world.with_extents()
}

/// What is said of the second row.
fn said(world: &World, plan: &ReferencesPlan) -> (&'static str, ReferencesSummary) {
    let (summary, told) = world.verified_as(plan);
    assert!(summary.adds_up() && summary.stopped.is_none(), "{summary:?}");
    assert_eq!(told.len(), 1, "{told:?}");
    (told[0].2, summary)
}

#[test]
fn a_database_behind_its_trackers_decides_nothing() {
    let behind = || {
        let (highest, listed_fids) = (Some(Fid(11)), vec![Fid(11), Fid(12)]);
        World { highest, listed_fids, ..nowhere() }
    };
    let (kind, summary) = said(&behind(), &plan());
    let ahead = Lacking::TrackersAhead { database: Some(Fid(11)), trackers: Fid(12) };
    assert_eq!((kind, &summary.lacking[..]), ("undecided", &[ahead][..]));
    assert!(summary.is_incomplete() && summary.differs() && summary.broken_before() == 0);
    // What the index has is true all the same.
    let mut known = behind();
    known.index.insert(format!("{}-repo", sha1(2)), Fid(12));
    let (kind, summary) = said(&known, &plan());
    assert!(kind == "broken-by-migration" && !summary.is_incomplete(), "{summary:?}");
    assert_eq!(known.tracker_asked.load(Ordering::Relaxed), 0, "nothing was to be decided");
}

#[test]
fn a_replica_that_catches_up_decides_by_what_it_says_then() {
    let mut world = World {
        highest: Some(Fid(11)),
        listed_fids: vec![Fid(12)],
        catches_up: Some(3),
        ..nowhere()
    };
    assert_eq!(said(&world, &plan()).0, "broken-before");
    world.highest_asked.store(0, Ordering::Relaxed);
    world.tracker_asked.store(0, Ordering::Relaxed);
    world.index_later.insert(format!("{}-repo", sha1(2)), Fid(12));
    let (_, told) = world.verified(false);
    assert_eq!(told, [("objects", 2, "broken-by-migration", Some(12))]);
}

#[test]
fn without_its_evidence_nothing_was_broken_before() {
    let world = nowhere();
    let sorts = Sorts::default();
    let mogile = MogileSide { trackers: None, ..world.ports(&sorts).mogile.expect("set") };
    let no_table = World { ledger: None, ..nowhere() };
    let unread = |why: Lacking| ReferencesPlan { journalled: Journalled::Unread(why), ..plan() };
    let ports = world.ports(&sorts);
    for (ports, plan, words) in [
        (ReferencesPorts { mogile: Some(mogile), ..ports }, plan(), "MOGILE_TRACKERS is not set"),
        (ReferencesPorts { ledger: None, ..ports }, plan(), "DYNAMODB_TABLE is not set"),
        (no_table.ports(&sorts), plan(), "the table `ledger` does not exist"),
        (ports, unread(Lacking::NoJournal), "the journal's table does not exist"),
        (ports, unread(Lacking::JournalUnread("away".to_owned())), "was not read: away"),
        (
            ports,
            ReferencesPlan { journalled: Journalled::CutOver(7), ..plan() },
            "entry 7 of the journal completes a step of the cut-over, and no freeze is before it",
        ),
    ] {
        let (summary, told) = verified_with(ports, &plan);
        assert_eq!(told, [("objects", 2, "undecided", None)], "{words}");
        let lacking: Vec<_> = summary.lacking.iter().map(ToString::to_string).collect();
        assert!(lacking.len() == 1 && lacking[0].contains(words), "{words}: {lacking:?}");
        assert!(summary.is_incomplete() && summary.differs(), "{summary:?}");
    }
}

#[test]
fn what_the_ledger_names_was_in_s3_and_is_lost() {
    let unreadable = || Err(UnreadableItem { fid: None, why: "no".to_owned() });
    for (records, expected) in [
        (vec![recorded(5, "corpus", 2)], "lost"),
        (vec![recorded(5, "second", 2)], "broken-before"),
        (vec![recorded(5, "corpus", 3)], "broken-before"),
        (vec![recorded(5, "elsewhere", 2)], "broken-before"),
    ] {
        let mut ledger: Vec<_> = records.into_iter().map(Ok).collect();
        ledger.push(unreadable());
        let world = World { ledger: Some(ledger), ..nowhere() };
        let (kind, summary) = said(&world, &plan());
        assert_eq!((kind, summary.unreadable_records), (expected, 1));
        assert_eq!(
            (summary.broken_before() == 0, summary.is_incomplete()),
            (kind == "lost", false)
        );
        let sample = &summary.objects.broken[kind];
        assert_eq!(sample.example.contains("S3 had it as fid 5"), kind == "lost", "{sample:?}");
        assert_eq!(sample.first_fids, [0; 0], "migrate brings nothing");
    }
}

#[test]
fn a_row_behind_the_freeze_is_never_one_of_before() {
    let mut world = nowhere();
    world.objects.push(object(3, 0, 2));
    let world = world.with_extents();
    let frozen = |last| ReferencesPlan { journalled: Journalled::Frozen(RowId(last)), ..plan() };
    for (last, expected) in [
        (3, ["broken-before", "broken-before"]),
        (2, ["broken-before", "lost"]),
        (1, ["lost", "lost"]),
    ] {
        let (_, told) = world.verified_as(&frozen(last));
        assert_eq!([told[0].2, told[1].2], expected, "rows 2 and 3 of one content");
    }
    // What is newer is lost also where the ledger cannot be read.
    let unread = World { ledger: None, ..world };
    let (summary, told) = unread.verified_as(&frozen(2));
    assert_eq!([told[0].2, told[1].2], ["undecided", "lost"], "{summary:?}");
}

#[test]
fn the_ledger_is_read_once_for_many_and_never_for_none() {
    let mut world = nowhere();
    world.objects.extend((3..=5_usize).map(|number| object(number as i128, 0, number)));
    world.ledger = Some(vec![Ok(recorded(5, "corpus", 4))]);
    let world = world.with_extents();
    let (_, told) = world.verified_as(&ReferencesPlan { sought_at_once: 3, ..plan() });
    let kinds: Vec<_> = told.iter().map(|(_, id, kind, _)| (*id, *kind)).collect();
    let before = "broken-before";
    assert_eq!(kinds, [(2, before), (3, before), (4, "lost"), (5, before)]);
    assert_eq!(world.scans.load(Ordering::Relaxed), 2, "four contents, three at once");
    let world = sound().with_extents();
    world.verified(false);
    assert_eq!(world.scans.load(Ordering::Relaxed), 0);
}

/// The acceptances of these files, by their keys.
fn accepted(files: &[(u64, String)]) -> Acceptances {
    let file = |(fid, key): &(u64, String)| {
        let (fid, key) = (Fid(*fid), Some(key.clone()));
        let class = AcceptedFile::MISSING.to_owned();
        // As an operator accepts it today: in the S3 bucket of its key, without a record.
        let dkey = key.as_deref().and_then(Dkey::parse);
        let bucket = dkey.and_then(|dkey| match map().destination(&dkey.bucket) {
            Destination::Bucket(bucket) => Some(bucket.to_string()),
            Destination::Ignored | Destination::Unmapped => None,
        });
        let ledger = bucket.is_some().then_some(LedgerThen::NoRecord);
        AcceptedFile { fid, key, class, bucket, ledger, replicas: Vec::new() }
    };
    let (domain, reason) = ("ours".to_owned(), "gone".to_owned());
    let files = files.iter().map(file).collect();
    let content = Content::FilesAccepted { domain, reason, files };
    let (migration, by) = ("ledger".to_owned(), "one".to_owned());
    let (sequence, at, previous, writer) = (1, Timestamp(0), None, 1);
    let mut accepted = Acceptances::default();
    accepted.take("ours", Entry { migration, sequence, previous, at, by, writer, content });
    accepted
}

#[test]
fn an_accepted_file_is_counted_and_stands_in_no_ones_way() {
    let key = |number| format!("{}-repo", sha1(number));
    let by_name = |fid, key: String| ReferencesPlan { accepted: accepted(&[(fid, key)]), ..plan() };
    let in_mogile = |fid| {
        let mut world = nowhere();
        world.index.insert(key(2), Fid(fid));
        world
    };
    for (world, plan, expected) in [
        (nowhere(), by_name(22, key(2)), "accepted"),
        (in_mogile(22), by_name(22, key(2)), "accepted"),
        (in_mogile(22), by_name(22, key(2).to_uppercase().replace("REPO", "repo")), "accepted"),
        // It was stored again: `migrate` brings it.
        (in_mogile(23), by_name(22, key(2)), "broken-by-migration"),
        (nowhere(), by_name(22, key(3)), "broken-before"),
        (nowhere(), by_name(22, format!("{}-other", sha1(2))), "broken-before"),
    ] {
        let (kind, summary) = said(&world, &plan);
        assert_eq!(kind, expected);
        let is_accepted = expected == "accepted";
        assert_eq!(
            (summary.objects.accepted(), summary.differs()),
            (is_accepted.into(), !is_accepted)
        );
        assert!(!summary.is_incomplete(), "{summary:?}");
    }
    // A wrong object is there, and no acceptance is of that.
    let mut wrong = nowhere();
    wrong.stored.insert(at("corpus", 2), Object { bytes: b"cut".to_vec(), ..stored(2) });
    assert_eq!(said(&wrong, &by_name(22, key(2))).0, "wrong-object");
}

#[test]
fn references_are_allowed_by_their_names_alone() {
    let mut world = nowhere();
    world.objects.push(object(3, 0, 3));
    world.files.push(file(2, "repo", "a", "u9"));
    let world = world.with_extents();
    let checksums = [sha1(2), sha1(3), sha1(4)].map(|sha1| sha1.to_string());
    let of_object = |id: i128, checksum| NamedReference {
        table: "objects",
        id: RowId(id),
        bucket: Some("repo"),
        key: Some("a"),
        uuid: Some(if id == 2 { "u2" } else { "u3" }),
        checksum: Some(checksum),
        broken: Some(Broken::Before),
        detail: "",
        fid: None,
    };
    let [two, three] = [of_object(2, &checksums[0]), of_object(3, &checksums[1])];
    let (table, uuid, broken) = ("articleFile", Some("u9"), Some(Broken::NoRow));
    let rhino = NamedReference { table, uuid, broken, checksum: None, ..two };
    let allowed = |names: &[NamedReference<'_>]| {
        let map = map();
        let mut builder = AllowedBuilder::new(&map);
        for name in names {
            assert!(builder.add(name));
        }
        let allowed = builder.build();
        world.verified_as(&ReferencesPlan { allowed, ..plan() }).0
    };
    let summary = allowed(&[two, three, rhino]);
    assert_eq!((summary.allowed.rows, summary.allowed.stale, summary.not_allowed()), (3, 0, 0));
    assert!(!summary.differs(), "{summary:?}");
    // As many names, and one of another content: a number would take it.
    let summary = allowed(&[two, NamedReference { checksum: Some(&checksums[2]), ..three }, rhino]);
    assert_eq!((summary.allowed.rows, summary.allowed.stale, summary.not_allowed()), (2, 1, 1));
    assert!(summary.differs() && summary.broken_before() == 3, "{summary:?}");
    assert!(allowed(&[]).differs());
}
