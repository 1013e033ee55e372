//! Comparisons that end before their end and go on later, systems that go away, and objects that come
//! while the comparison runs.

use std::sync::atomic::Ordering as Atomic;

use super::*;
use crate::verify::VerifyState;
use crate::{Reason, ReasonKind, limits};

/// Objects and rows at random: each content is in the index, or in a bucket, or in both.
fn world(
    order: Order,
    contents: &[(usize, bool, Option<Stored>)],
    intermediaries: u64,
    seed: u64,
) -> World {
    let mut rows = Vec::new();
    let mut objects = BTreeMap::new();
    for ((at, is_row, how), fid) in contents.iter().zip(1..) {
        let content = &CONTENTS[*at];
        let sha1 = Sha1::of(content).to_string();
        if *is_row
            && !rows
                .iter()
                .any(|row: &IndexRow| row.dkey.as_deref().is_some_and(|key| key.starts_with(&sha1)))
        {
            rows.push(row(fid, Some(&format!("{sha1}-repo")), Some(content.len() as u64)));
        }
        if let Some(how) = how {
            objects.insert(("corpus".to_owned(), sha1), stored(content, *how));
        }
    }
    rows.push(row(90, None, None));
    rows.push(row(91, Some("00000000-7dec-11d0-a765-00a0c91e6bf6.tmp"), Some(1)));
    for fid in 0..intermediaries {
        objects.insert(("second".to_owned(), Fid(fid).path()), Object::of(b"raw"));
    }
    let mut world = World::new(order, rows);
    (world.objects, world.seed) = (objects, seed.into());
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whichever range was the last one that was kept, the comparison that goes on there says what one
    /// says that nothing interrupted.
    #[test]
    fn a_comparison_that_goes_on_says_what_a_whole_one_says(
        order in orders(),
        contents in prop::collection::vec(
            (0..CONTENTS.len(), any::<bool>(), prop::option::of(prop::sample::select(
                vec![Stored::Right, Stored::Right, Stored::Wrong, Stored::Archived, Stored::Lying]
            ))),
            1..40,
        ),
        intermediaries in 0..5_u64,
        (deep, files, seed) in any::<(bool, u8, u64)>(),
        at in 0..1_000_usize,
    ) {
        let is_plain = matches!(order, Order::Binary | Order::Blind);
        let depth = match deep {
            true => Depth::All,
            // In an odd order a file may be listed in a range that is not its own: it is not drawn.
            false if !is_plain => NO_SAMPLE,
            false => Depth::Sample { files: usize::from(files % 9), seed },
        };
        let world = world(order, &contents, intermediaries, seed);
        let (mut whole, kept) = verified_by(&world, &plan(depth, 3));
        prop_assert!(kept.states.len() > 17, "{}", kept.states.len());
        let (state, told) = &kept.states[at % kept.states.len()];
        let resume = Some(VerifyState::read(state, &map()).expect("what was written"));
        let (mut summary, later) = verified_by(&world, &VerifyPlan { resume, ..plan(depth, 3) });
        if !is_plain {
            // By which of its ranges a row comes first is a matter of time.
            (whole.out_of_place, summary.out_of_place) = (0, 0);
        }
        prop_assert_eq!(&summary, &whole);
        let mut all = [told.clone(), later.told].concat();
        all.sort();
        prop_assert_eq!(all, kept.told);
    }
}

#[test]
fn what_is_no_state_of_these_buckets_is_refused() {
    let (_, kept) = verified_by(&whole(30), &plan(NO_SAMPLE, 50));
    let (state, _) = kept.states.last().expect("one");
    let text = String::from_utf8(state.clone()).expect("JSON");
    assert!(VerifyState::read(state, &map()).is_ok());
    for (from, to) in [
        ("\"digits\":1", "\"digits\":9"),
        ("\"digits\":1", "\"digits\":2"),
        ("\"done\":[1,", "\"done\":[2,"),
        ("\"rows\":30", "\"rows\":-1"),
        ("\"place\"", "\"places\""),
        ("\"seen\":\"", "\"seen\":\"!"),
        (
            "\"different\":{}",
            "\"different\":{\"odd\":{\"files\":1,\"first_fids\":[],\"example\":\"\"}}",
        ),
        (
            "\"aside\":[]",
            "\"aside\":[[7,{\"sha1\":\"0123456789012345678901234567890123456789\",\"fid\":1,\"length\":1}]]",
        ),
    ] {
        let spoilt = text.replacen(from, to, 1);
        assert_ne!(spoilt, text, "{from}");
        assert!(VerifyState::read(spoilt.as_bytes(), &map()).is_err(), "{to}");
    }
}

/// A comparison that is stopped keeps what is done, and no half range.
#[test]
fn an_interrupted_comparison_keeps_whole_ranges() {
    let mut world = whole(200);
    world.listed_at_a_time = 5;
    world.lists_left = 40.into();
    let (summary, kept) = verified_by(&world, &plan(NO_SAMPLE, 5));
    assert!(matches!(summary.stopped, Some(Stopped::Trouble(_))), "{summary:?}");
    let (state, _) = kept.states.last().expect("a state");
    let state = VerifyState::read(state, &map()).expect("what was written");
    assert_eq!(state.ranges_done(), summary.ranges_done);
    assert!((1..17).contains(&state.ranges_done()), "{}", state.ranges_done());
    world.lists_left = u64::MAX.into();
    let plan = VerifyPlan { resume: Some(state), ..plan(NO_SAMPLE, 5) };
    let (summary, _) = verified_by(&world, &plan);
    assert_eq!((summary.whole.files, summary.stopped, summary.objects), (200, None, 200));
}

/// The first pages come, and then no more: what was not read counts neither as missing nor as whole.
#[test]
fn pages_that_stop_coming_stop_the_comparison() {
    let (mut stopped, mut world) = (0, whole(100));
    world.listed_at_a_time = 5;
    for left in 0..60 {
        for of_rows in [false, true] {
            let (rows, lists) = if of_rows { (left, u64::MAX) } else { (u64::MAX, left) };
            (world.rows_left, world.lists_left) = (rows.into(), lists.into());
            let (summary, told) = verified(&world, NO_SAMPLE, 5);
            assert!(told.iter().all(|line| line.0 == Mark::Whole), "{left}: {told:?}");
            assert!(summary.adds_up() && !summary.differs(), "{left}: {summary:?}");
            match &summary.stopped {
                Some(Stopped::Trouble(_)) => stopped += 1,
                None => assert_eq!(summary.whole.files, 100, "{left}: {summary:?}"),
                other => panic!("{left}: {other:?}"),
            }
            assert_eq!(summary.is_incomplete(), summary.stopped.is_some());
        }
    }
    assert!((40..120).contains(&stopped), "{stopped}");
}

/// Legend: what the object of file 7 is, which no listing has → what the comparison says, and how many
/// a HEAD has found.
#[test]
fn a_missing_object_is_looked_for_before_it_is_called_missing() {
    let content = |fid: u64| fid.to_string().into_bytes();
    for (object, expected, found) in [
        (Some(Object::of(&content(7))), "", 1),
        (Some(Object { stored: None, ..Object::of(&content(7)) }), "", 1),
        (Some(Object::of(b"something else")), "wrong-length", 1),
        (Some(Object::of(b"8")), "wrong-content", 1),
        (None, "missing", 0),
    ] {
        let mut world = whole(20);
        let at = ("corpus".to_owned(), Sha1::of(&content(7)).to_string());
        world.late.push(at.1.clone());
        world.objects.remove(&at);
        world.objects.extend(object.clone().map(|object| (at, object)));
        for depth in [NO_SAMPLE, Depth::All] {
            let (summary, told) = verified(&world, depth, 5);
            let line = told.iter().find(|line| line.2 == Some(7)).expect("a line");
            assert_eq!(
                (&*line.3, summary.found_by_head),
                (expected, found),
                "{object:?} {depth:?}"
            );
            assert!(summary.adds_up() && !summary.is_incomplete(), "{summary:?}");
            assert_eq!(summary.whole.files, 19 + u64::from(expected.is_empty()));
        }
    }
}

#[test]
fn a_bucket_that_was_never_filled_costs_a_bounded_number_of_heads() {
    let mut world = whole(3_000);
    world.objects.clear();
    let (summary, told) = verified(&world, NO_SAMPLE, 500);
    let heads = world.heads.load(Atomic::Relaxed);
    let at_once = (limits::RANGES_AT_ONCE * limits::LOOKS_AT_ONCE) as u64;
    assert!((limits::MISSING_LOOKED_FOR..limits::MISSING_LOOKED_FOR + at_once).contains(&heads));
    assert_eq!(summary.different["missing"].files, 3_000);
    assert_eq!(summary.missing_by_listing, 3_000 - heads);
    assert!(told.iter().all(|line| line.0 == Mark::Missing) && summary.adds_up());
}

#[test]
fn content_that_is_refused_file_after_file_ends_the_comparison() {
    for depth in [Depth::All, Depth::Sample { files: 500, seed: 1 }] {
        let mut world = whole(2_000);
        (world.failing_reads, world.is_denied) = (u64::MAX.into(), true);
        let (summary, _) = verified(&world, depth, 50);
        let Some(Stopped::Trouble(Reason { kind, detail, .. })) = &summary.stopped else {
            panic!("{summary:?}")
        };
        assert_eq!(*kind, ReasonKind::StoreDenied);
        assert!(detail.contains("100 files in a row were refused"), "{detail}");
        assert!(summary.unseen["s3-denied"].files < 150, "{summary:?}");
        assert!(summary.adds_up() && summary.is_incomplete() && !summary.differs());
    }
    // Fewer than that, and then one that comes: these are the trouble of single files.
    let mut world = whole(300);
    (world.failing_reads, world.is_denied) = (90.into(), true);
    let (summary, _) = verified(&world, Depth::All, 50);
    assert_eq!((summary.unseen["s3-denied"].files, summary.stopped), (90, None));
}

#[test]
fn an_outage_is_waited_for_and_then_ends_the_comparison() {
    for depth in [Depth::All, Depth::Sample { files: 200, seed: 1 }] {
        let mut world = whole(300);
        // Pauses of many requests at once follow each other here.
        let wait = Duration::from_hours(1);
        world.failing_reads = 200.into();
        let (summary, kept) = verified_by(&world, &VerifyPlan { wait, ..plan(depth, 50) });
        assert_eq!((summary.whole.files, summary.stopped), (300, None), "{depth:?}");
        assert!(kept.outages.0 > 0 && kept.outages.0 == kept.outages.1, "{:?}", kept.outages);

        world.failing_reads = u64::MAX.into();
        let before = world.passed.load(Atomic::Relaxed);
        let (summary, kept) = verified_by(&world, &VerifyPlan { wait, ..plan(depth, 50) });
        assert!(
            matches!(&summary.stopped, Some(Stopped::Trouble(why)) if why.kind == ReasonKind::StoreUnreachable)
        );
        let took = Duration::from_millis(world.passed.load(Atomic::Relaxed) - before);
        assert!(took >= wait, "{took:?}");
        assert!(kept.outages.0 > 0 && summary.unseen.is_empty(), "no file is blamed: {summary:?}");
        assert!(summary.adds_up() && summary.is_incomplete() && !summary.differs());
    }
}

/// When S3 goes away, requests are under way while others are still answered. Their files are looked at
/// when S3 answers again, as if it had never been away.
#[test]
fn an_outage_in_the_middle_ends_in_the_same_report_as_none() {
    for (depth, length) in [(Depth::All, None), (NO_SAMPLE, Some(ByteCount(77)))] {
        let world = || {
            let mut world = whole(400);
            // Another length in the index: each object is looked at by HEAD.
            world.rows.iter_mut().for_each(|row| row.length = length.or(row.length));
            world
        };
        let plan = VerifyPlan { wait: Duration::from_hours(100), ..plan(depth, 50) };
        let (expected, _) = verified_by(&world(), &plan);
        assert_eq!(expected.whole.files, 400);
        for from in [1, 100, 250] {
            let mut world = world();
            world.away = from..from + 900;
            let (summary, kept) = verified_by(&world, &plan);
            assert_eq!(summary, expected, "{depth:?} {from}");
            assert_eq!(kept.outages.0, kept.outages.1, "{:?}", kept.outages);
            assert!(kept.outages.0 > 0);
        }
    }
}

/// One object's own trouble does not hold the comparison up, and its file is not whole.
#[test]
fn an_object_that_never_comes_is_not_looked_at_and_the_others_are() {
    for depth in [Depth::All, Depth::Sample { files: 200, seed: 1 }] {
        let mut world = whole(200);
        world.broken = Some(Sha1::of(b"120").to_string());
        let wait = Duration::from_hours(100);
        let (summary, _) = verified_by(&world, &VerifyPlan { wait, ..plan(depth, 50) });
        assert_eq!(summary.unseen["s3-unreachable"].first_fids, [Fid(120)], "{depth:?}");
        assert_eq!((summary.whole.files, &summary.stopped), (199, &None), "{depth:?}");
        assert!(summary.is_incomplete() && !summary.differs());
    }
}
