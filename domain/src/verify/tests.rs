//! The comparison on an index in any order and on listings in pages of any size.

mod counted;
mod digest;
mod etags;
mod fakes;
mod interrupted;
mod lines;
mod resumed;

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::LazyLock;
use std::time::Duration;

use proptest::prelude::*;
use roaring::RoaringTreemap;

use self::digest::content_of;
use self::fakes::{Object, Order, World, run};
use self::lines::{Kept, Lines, Told};
use super::{Depth, Mark, VerifyPlan, VerifyPorts, VerifySummary, verify_store};
use crate::audit::AuditedRow;
use crate::{
    Acceptances, BucketMap, ByteCount, Coverage, Fid, IndexRow, Misconfigured, Sha1, Stopped,
};

fn map() -> BucketMap {
    BucketMap::parse("repo:corpus,other:second", "trash").expect("a map")
}

fn plan(depth: Depth, page_rows: usize) -> VerifyPlan {
    let (buckets, excluded) = (map(), RoaringTreemap::new());
    VerifyPlan {
        buckets,
        excluded,
        accepted: Acceptances::default(),
        depth,
        max_failures: None,
        page_rows,
        wait: Duration::ZERO,
        counted: None,
        resume: None,
    }
}

fn ports(world: &World) -> VerifyPorts<'_> {
    VerifyPorts { index: world, rows: world, objects: world, clock: world, keeper: None }
}

fn verified(world: &World, depth: Depth, page_rows: usize) -> (VerifySummary, Told) {
    let (summary, kept) = verified_by(world, &plan(depth, page_rows));
    (summary, kept.told)
}

fn verified_by(world: &World, plan: &VerifyPlan) -> (VerifySummary, Kept) {
    let lines = Lines::default();
    let ports = VerifyPorts { keeper: Some(&lines), ..ports(world) };
    let summary = run(verify_store(ports, plan, pending(), &lines));
    (summary, lines.finish())
}

const NO_SAMPLE: Depth = Depth::Sample { files: 0, seed: 0 };

fn row(fid: u64, dkey: Option<&str>, length: Option<u64>) -> IndexRow {
    let (dkey, length) = (dkey.map(str::to_owned), length.map(ByteCount));
    IndexRow { fid: Fid(fid), dkey, length, replicas: None, storage_class: None }
}

/// Contents whose digests begin in these ways: at the ends of ranges, and where a Danish index has
/// another order.
static CONTENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let prefixes = ["aa", "aab", "ab", "a9", "00", "0", "0a", "1aa", "f", "ff", "fa", "7"];
    let mut number = 0_u32;
    let mut next = |prefix: &str| loop {
        number += 1;
        let content = format!("content {number}").into_bytes();
        if Sha1::of(&content).to_string().starts_with(prefix) {
            return content;
        }
    };
    prefixes.iter().map(|prefix| next(prefix)).collect()
});

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Right,
    Wrong,
    /// Wrong, and HEAD says that it is right.
    Lying,
    Archived,
}

fn stored(content: &[u8], how: Stored) -> Object {
    let mut object = Object::of(content);
    match how {
        Stored::Right => {}
        Stored::Wrong => object = Object::of(b"something else"),
        Stored::Lying => object.bytes = b"something else".to_vec(),
        Stored::Archived => object.is_archived = true,
    }
    object
}

fn keys() -> impl Strategy<Value = Option<String>> {
    let content = (0..CONTENTS.len(), prop::sample::select(vec!["repo", "other", "trash", "none"]));
    prop_oneof![
        6 => content.clone().prop_map(|(at, of)| Some(format!("{}-{of}", Sha1::of(&CONTENTS[at])))),
        1 => content.prop_map(|(at, of)| {
            Some(format!("{}-{of}", Sha1::of(&CONTENTS[at])).to_uppercase())
        }),
        1 => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}\\.tmp".prop_map(Some),
        2 => "[aAeEé09/ -]{0,5}".prop_map(Some),
        1 => Just(None),
    ]
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::Binary),
        Just(Order::Blind),
        Just(Order::Danish),
        any::<u64>().prop_map(Order::Shuffled),
    ]
}

fn objects() -> impl Strategy<Value = BTreeMap<(String, String), (Option<usize>, Stored)>> {
    let how =
        prop::sample::select(vec![Stored::Right, Stored::Right, Stored::Wrong, Stored::Archived]);
    let bucket = prop::sample::select(vec!["corpus", "second"]);
    let key = prop_oneof![
        5 => (0..CONTENTS.len()).prop_map(|at| (Sha1::of(&CONTENTS[at]).to_string(), Some(at))),
        1 => (0..99_u64).prop_map(|fid| (Fid(fid).path(), None)),
        1 => "[a0f/~]{1,3}".prop_map(|key| (key, None)),
    ];
    let one = (bucket, key, how)
        .prop_map(|(bucket, (key, at), how)| ((bucket.to_owned(), key), (at, how)));
    prop::collection::vec(one, 0..40).prop_map(|all| all.into_iter().collect())
}

/// What must be told, from the two sets alone.
fn expected(rows: &[IndexRow], world: &World) -> Told {
    let (mut told, mut named) = (Vec::new(), BTreeSet::new());
    for row in rows {
        let AuditedRow::File(file) = AuditedRow::of(row, &map()) else { continue };
        let at = (file.bucket.to_string(), file.sha1.to_string());
        let (mark, name) = match world.objects.get(&at) {
            None => (Mark::Missing, "missing"),
            Some(object) if object.is_archived => (Mark::Differs, "archived"),
            Some(object) if Sha1::of(&object.bytes) == file.sha1 => (Mark::Whole, ""),
            Some(object) if object.bytes.len() as u64 == file.length.0 => (Mark::Whole, ""),
            Some(_) => (Mark::Differs, "wrong-length"),
        };
        named.insert(at.clone());
        told.push((mark, format!("{}/{}", at.0, at.1), Some(row.fid.0), name.to_owned()));
    }
    for at in world.objects.keys().filter(|at| !named.contains(*at)) {
        let key = crate::ObjectKey::new(at.1.clone());
        let name = match (key.as_content(), key.as_intermediary()) {
            (Some(_), _) => "extra",
            (None, Some(_)) => "intermediary",
            (None, None) => "other-key",
        };
        told.push((Mark::Extra, format!("{}/{}", at.0, at.1), None, name.to_owned()));
    }
    told.sort();
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_comparison_reports_exactly_the_differences(
        keys in prop::collection::vec((keys(), prop::option::weighted(0.9, 0..30_u64), 0..3_u8), 0..60),
        order in orders(),
        objects in objects(),
        page_rows in 1..9_usize,
        listed_at_a_time in 1..9_usize,
        seed: u64,
    ) {
        let mut rows: Vec<IndexRow> = Vec::new();
        for (fid, (key, length, right)) in (1..).zip(&keys) {
            // The key is unique in the index.
            let equal = |row: &IndexRow| match (&row.dkey, key) {
                (Some(one), Some(other)) => order.compare(one, other).is_eq(),
                _ => false,
            };
            if rows.iter().any(equal) {
                continue;
            }
            let content = key.as_deref().and_then(|key| {
                CONTENTS.iter().find(|content| key.starts_with(&Sha1::of(content).to_string()))
            });
            let right = content.filter(|_| *right > 0).map(|content| content.len() as u64);
            rows.push(row(fid, key.as_deref(), right.or(*length)));
        }
        let mut world = World::new(order, rows.clone());
        world.listed_at_a_time = listed_at_a_time;
        world.seed = seed.into();
        world.objects = objects.into_iter().map(|(at, (content, how))| {
            (at, stored(content.map_or(&b"x"[..], |content| &CONTENTS[content]), how))
        }).collect();
        let (summary, told) = verified(&world, NO_SAMPLE, page_rows);
        let expected = expected(&rows, &world);
        prop_assert_eq!(summary.rows, rows.len() as u64);
        prop_assert!(summary.adds_up(), "{:?}", summary);
        let misconfigured = matches!(summary.stopped, Some(Stopped::Misconfigured(_)));
        prop_assert!(summary.stopped.is_none() || misconfigured && summary.files.files == 0);
        prop_assert_eq!(told, expected, "{:?}", summary);
        let digest = summary.stopped.is_none().then(|| content_of(&rows));
        prop_assert_eq!(summary.digest, digest);
        prop_assert_eq!(summary.objects, world.objects.len() as u64);
        prop_assert_eq!((summary.ranges_done, summary.ranges), (17, 17));
        if matches!(order, Order::Binary | Order::Blind) {
            prop_assert_eq!(summary.out_of_place, 0);
        }
    }
}

/// Legend: what is at the final key of a file of 9 bytes, the length in the index → the line of the
/// comparison, and the one of a comparison that reads everything.
#[test]
fn findings() {
    let content = b"123456789";
    for (object, length, listed, deep) in [
        (None, 9, "Missing missing", "Missing missing"),
        (Some(Object::of(content)), 9, "Whole ", "Whole "),
        (Some(Object::of(content)), 8, "Whole  index-length", "Whole  index-length"),
        (Some(stored(content, Stored::Archived)), 9, "Differs archived", "Differs archived"),
        (Some(Object::of(b"12345678")), 9, "Differs wrong-length", "Differs wrong-length"),
        (Some(Object::of(b"987654321")), 9, "Whole ", "Differs wrong-content"),
        // The length is right, and the stored SHA-1 lies: only the bytes tell.
        (
            Some(Object { stored: Some(Sha1::of(content)), ..Object::of(b"987654321") }),
            9,
            "Whole ",
            "Differs wrong-content",
        ),
        // The length is wrong, and the stored SHA-1 says that the content is right.
        (Some(stored(content, Stored::Lying)), 9, "Whole  index-length", "Differs wrong-length"),
        // As a multipart upload leaves it: no SHA-1 of the whole content.
        (Some(Object { stored: None, ..Object::of(content) }), 9, "Whole ", "Whole "),
        (
            Some(Object { stored: None, ..Object::of(content) }),
            7,
            "Whole  index-length",
            "Whole  index-length",
        ),
        (
            Some(Object { stored: None, ..Object::of(b"1234567") }),
            9,
            "Differs wrong-length",
            "Differs wrong-length",
        ),
    ] {
        let sha1 = Sha1::of(content);
        let rows = vec![row(7, Some(&format!("{sha1}-repo")), Some(length))];
        let mut world = World::new(Order::Binary, rows);
        let at = ("corpus".to_owned(), sha1.to_string());
        world.objects.extend(object.clone().map(|object| (at, object)));
        for (depth, expected) in [(NO_SAMPLE, listed), (Depth::All, deep)] {
            let (summary, told) = verified(&world, depth, 10);
            let findings: Vec<_> =
                [""].into_iter().chain(summary.findings.keys().copied()).collect();
            let words = format!("{:?} {}{}", told[0].0, told[0].3, findings.join(" "));
            assert_eq!(
                (words.as_str(), told.len()),
                (expected, 1),
                "{object:?} {length} {depth:?}"
            );
            assert!(summary.adds_up() && !summary.is_incomplete(), "{summary:?}");
        }
    }
}

/// So many files, all of them whole.
fn whole(files: u64) -> World {
    let content = |fid: u64| fid.to_string().into_bytes();
    let key = |fid| Sha1::of(&content(fid)).to_string();
    let rows = (1..=files)
        .map(|fid| row(fid, Some(&format!("{}-repo", key(fid))), Some(content(fid).len() as u64)));
    let mut world = World::new(Order::Binary, rows.collect());
    let objects =
        (1..=files).map(|fid| (("corpus".to_owned(), key(fid)), Object::of(&content(fid))));
    world.objects = objects.collect();
    world.listed_at_a_time = 1_000;
    world
}

#[test]
fn a_sample_reads_content_and_corrects_what_was_said_before() {
    let mut world = whole(200);
    let sample = |files| Depth::Sample { files, seed: 3 };
    let (summary, told) = verified(&world, sample(20), 50);
    assert_eq!((summary.content.drawn, summary.content.read.files), (20, 20));
    assert_eq!((summary.whole.files, told.len(), summary.differs()), (200, 200, false));
    for object in world.objects.values_mut() {
        object.bytes = object.bytes.iter().map(|byte| byte ^ 1).collect();
    }
    let (summary, told) = verified(&world, NO_SAMPLE, 50);
    assert_eq!((summary.whole.files, summary.differs()), (200, false), "lengths are right");
    assert_eq!(told.len(), 200);
    let (summary, told) = verified(&world, sample(20), 50);
    assert_eq!(summary.different["wrong-content"].files, 20);
    assert_eq!((summary.whole.files, summary.adds_up()), (180, true));
    let corrected = told.iter().filter(|line| line.3 == "corrected wrong-content").count();
    assert_eq!((told.len(), corrected), (220, 20));
    let (summary, _) = verified(&world, Depth::All, 50);
    assert_eq!((summary.whole.files, summary.content.read.files), (0, 200));
}

#[test]
fn an_object_that_goes_after_it_was_listed_is_missing() {
    for (depth, length) in [(NO_SAMPLE, 30), (Depth::All, 3)] {
        let mut world = whole(150);
        world.rows[119].length = Some(ByteCount(length));
        world.gone.push(Sha1::of(b"120").to_string());
        let (summary, told) = verified(&world, depth, 50);
        assert_eq!(summary.different["missing"].first_fids, [Fid(120)], "{told:?}");
        assert_eq!((summary.whole.files, summary.failures()), (149, 1));
    }
}

#[test]
fn settings_of_another_store_are_no_success() {
    let world = World::new(Order::Binary, Vec::new());
    let (summary, _) = verified(&world, NO_SAMPLE, 10);
    let empty = |stopped| {
        matches!(stopped, Some(Stopped::Misconfigured(Misconfigured::EmptyDomain { .. })))
    };
    assert!(empty(summary.stopped), "no row");
    let rows = vec![row(1, Some(&format!("{}-foreign", Sha1::of(b"x"))), Some(1))];
    let (summary, _) = verified(&World::new(Order::Binary, rows), NO_SAMPLE, 10);
    let misconfigured = Misconfigured::NothingMapped {
        rows: 1,
        mapped: vec!["other".to_owned(), "repo".to_owned()],
    };
    assert_eq!(summary.stopped, Some(Stopped::Misconfigured(misconfigured)));
}

#[test]
fn rows_that_the_index_counts_and_does_not_give_make_the_comparison_incomplete() {
    let mut world = whole(20);
    world.count = Some(22);
    let (summary, _) = verified(&world, NO_SAMPLE, 10);
    assert_eq!(summary.coverage(), Coverage::Missing(2));
    assert!(summary.is_incomplete() && !summary.differs());
}

#[test]
fn a_comparison_ends_at_the_failures_that_are_allowed_and_where_it_is_told_to() {
    let mut world = whole(100);
    world.objects.clear();
    let plan = VerifyPlan { max_failures: Some(10), ..plan(NO_SAMPLE, 50) };
    let summary = run(verify_store(ports(&world), &plan, pending(), &Lines::default()));
    assert!(matches!(summary.stopped, Some(Stopped::Failures(10..100))), "{summary:?}");
    assert!(summary.adds_up() && summary.is_incomplete());
    let summary = run(verify_store(ports(&world), &plan, async {}, &Lines::default()));
    assert_eq!(summary.stopped, Some(Stopped::Interrupted));
}

#[test]
fn excluded_rows_are_counted_and_not_compared() {
    let mut world = whole(10);
    world.objects.clear();
    let plan = VerifyPlan { excluded: (1..=9).collect(), ..plan(NO_SAMPLE, 50) };
    let summary = run(verify_store(ports(&world), &plan, pending(), &Lines::default()));
    assert_eq!((summary.excluded, summary.files.files, summary.rows), (9, 1, 10));
    assert_eq!(summary.different["missing"].first_fids, [Fid(10)]);
    assert!(summary.adds_up());
}

/// The row of an upload that ends while the comparison runs is counted before, and must not be lost.
#[test]
fn a_row_that_becomes_a_file_meanwhile_is_not_called_whole() {
    let content = CONTENTS.iter().find(|it| Sha1::of(it).to_string().starts_with("ff"));
    let key = format!("{}-repo", Sha1::of(content.expect("such a content")));
    let upload = "00000000-7dec-11d0-a765-00a0c91e6bf6.tmp";
    let (whole, stored) = (&CONTENTS[0], |content: &[u8]| Object::of(content));
    let whole_key = format!("{}-repo", Sha1::of(whole));
    let rows = [(7, upload), (7, &*key), (8, &*whole_key)];
    let rows = rows.map(|(fid, key)| row(fid, Some(key), Some(whole.len() as u64)));
    let mut world = World::new(Order::Binary, rows.into());
    world.count = Some(2);
    world.objects.insert(("corpus".to_owned(), Sha1::of(whole).to_string()), stored(whole));
    let (summary, _) = verified(&world, NO_SAMPLE, 10);
    assert_eq!((summary.rows, summary.temporary, summary.whole.files), (2, 1, 1), "{summary:?}");
    assert_eq!((summary.changed.files, &*summary.changed.first_fids), (1, &[Fid(7)][..]));
    assert!(summary.is_incomplete() && summary.adds_up());
}
