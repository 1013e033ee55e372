//! One file's way to S3, on the port face: what lies at its final key, what its intermediary is
//! and what MogileFS has, against what comes of it.

mod case;
mod strangers;

use std::collections::BTreeSet;

use crate::common::World;
use case::{Case, KEYS, Key, LENGTH, RAWS, Raw, SOURCES, Source, end_of};
use domain::migrate::{FileEnd, Writing, migrate_file};
use domain::{ByteCount, Fid, Left, ReasonKind, S3Bucket, SourceFile};
use futures_util::future::join;
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile;

/// How it ends | the requests it takes | what is at the final key then | the findings.
#[track_caller]
fn check(key: Key, raw: Raw, source: Source, expected: &str) {
    assert_eq!(Case::new(key, raw, source).told(), expected, "{key:?}, {raw:?}, {source:?}");
}

#[test]
fn a_free_key_takes_one_copy_or_one_get_and_one_put() {
    use Source::{Gone, Good, LeftOut};
    let copied = "copy, copy | copy 1 | right";
    check(Key::Free, Raw::Good, Good, copied);
    check(Key::Free, Raw::Good, Gone, copied);
    let brought = "put, mogile | replicas 1, open 1, put 1 | right";
    check(Key::Free, Raw::Unplanned, Good, brought);
    let brought = "put, mogile | replicas 1, open 1, put 1, copy 1 | right";
    check(Key::Free, Raw::Away, Good, brought);
    let neither = "no-intermediary, Nothing | copy 1, head 1 | nothing";
    check(Key::Free, Raw::Away, LeftOut, neither);
}

#[test]
fn a_corrupt_intermediary_is_replaced_or_taken_away() {
    let check = |source, expected: &str| {
        check(Key::Free, Raw::Corrupt, source, &format!("{expected} | bad-intermediary"));
    };
    let replaced = "put, mogile | replicas 1, open 1, put 1, copy 1 | right";
    check(Source::Good, replaced);
    let away = "wrong-content, Nothing | replicas 2, open 2, put 2, copy 1, delete 1 | nothing";
    check(Source::AllBad, away);
    check(Source::LeftOut, "wrong-object, Nothing | copy 1, delete 1 | nothing");
    check(Source::Gone, "gone | row 1, replicas 2, copy 1, delete 1 | nothing");
    check(
        Source::KeyUnknown,
        "key-unknown, Nothing | row 1, replicas 2, copy 1, delete 1 | nothing",
    );
}

#[test]
fn after_a_bad_replica_the_next_one_is_asked() {
    let check = |source, expected| check(Key::Free, Raw::Unplanned, source, expected);
    let second = "put, mogile | replicas 1, open 2, put 2 | right | bad-replica";
    check(Source::FirstCorrupt, second);
    check(Source::FirstShort, second);
    let second = "put, mogile | replicas 1, open 2, put 1 | right | bad-replica";
    check(Source::FirstMissing, second);
    check(Source::AllBad, "wrong-content, Nothing | replicas 2, open 2, put 2, head 1 | nothing");
}

#[test]
fn a_key_that_the_trackers_do_not_know_is_gone_if_its_row_is_or_has_another_key() {
    let check = |source, expected| check(Key::Free, Raw::Unplanned, source, expected);
    check(Source::Gone, "gone | row 1, replicas 2 | nothing");
    check(Source::Renamed, "gone | row 1, replicas 2 | nothing");
    let known = "key-unknown, Nothing | row 1, replicas 2, head 1 | nothing";
    check(Source::KeyUnknown, known);
}

#[test]
fn a_trackers_stale_cache_is_no_reason_to_give_a_file_up() {
    let check = |devices: &[u32], other_fid: u64, expected| {
        let case = Case::new(Key::Free, Raw::Unplanned, Source::Good);
        let fid = mogile::Fid(case.file.fid.0 + other_fid);
        let devices: Vec<_> = devices.iter().map(|device| mogile::DeviceId(*device)).collect();
        let holders = case.world.holders(&case.file);
        assert!(devices.iter().all(|device| !holders.contains(device)), "{holders:?}");
        let (key, port) = (case.file.dkey.to_string(), &case.world.port);
        port.mogile.cache_paths(mogile::Dmid(1), &key, fid, &devices);
        assert_eq!(case.told(), expected, "{devices:?}, fid + {other_fid}");
    };
    // It was moved to other devices; the key had another fid; the cache knows no device.
    check(&[3], 0, "put, mogile | replicas 2, open 2, put 1 | right | bad-replica");
    check(&[3], 1, "put, mogile | replicas 2, open 1, put 1 | right");
    check(&[], 0, "put, mogile | replicas 2, open 1, put 1 | right");
}

#[test]
fn right_content_that_is_there_is_proven_and_not_written() {
    use Source::{AllBad, Good, KeyUnknown};
    check(Key::Right, Raw::Good, Good, "head, there | copy 1, head 1 | right");
    let download = "download, there | copy 1, head 1, read 1 | right";
    check(Key::Plain, Raw::Good, Good, download);
    check(Key::Multipart, Raw::Good, Good, download);
    let head = "head, there | replicas 1, open 1, put 1, head 1 | right";
    check(Key::Right, Raw::Unplanned, Good, head);
    let head = "head, there | replicas 2, open 2, put 2, head 1 | right";
    check(Key::Right, Raw::Unplanned, AllBad, head);
    let download = "download, there | row 1, replicas 2, head 1, read 1 | right";
    check(Key::Plain, Raw::Unplanned, KeyUnknown, download);
}

#[test]
fn a_foreign_object_is_replaced_by_what_mogilefs_has_and_by_nothing_else() {
    use Source::{AllBad, FirstMissing, Gone, Good, LeftOut};
    let replaced = "put, mogile | replicas 1, open 1, put 1, copy 1, head 1, read 1 | right \
                    | replaced-object";
    check(Key::Foreign, Raw::Good, Good, replaced);
    let replaced = "put, mogile | replicas 1, open 1, put 1, copy 1, head 1 | right \
                    | replaced-object";
    check(Key::ForeignSha1, Raw::Good, Good, replaced);
    let replaced = "put, mogile | replicas 2, open 4, put 2, head 1, read 1 | right \
                    | bad-replica | replaced-object";
    check(Key::Foreign, Raw::Unplanned, FirstMissing, replaced);
    let left = "wrong-object, WrongObject | copy 1, head 1, read 1 | foreign";
    check(Key::Foreign, Raw::Good, LeftOut, left);
    let left = "wrong-content, WrongObject | replicas 2, open 2, put 2, copy 1, head 1 | foreign";
    check(Key::ForeignSha1, Raw::Good, AllBad, left);
    let left = "wrong-object, WrongObject | replicas 2, open 2, put 2, head 1, read 1 | foreign";
    check(Key::Foreign, Raw::Unplanned, AllBad, left);
    check(Key::Foreign, Raw::Unplanned, Gone, "gone | row 1, replicas 2 | foreign");
}

#[test]
fn whatever_comes_together_the_promises_hold() {
    for key in KEYS {
        for raw in RAWS {
            for source in SOURCES {
                let case = Case::new(key, raw, source);
                check_promises(&case, key, raw, source);
            }
        }
    }
}

fn check_promises(case: &Case, key: Key, raw: Raw, source: Source) {
    use Source::{FirstCorrupt, FirstMissing, FirstShort, Gone, Good, Renamed};
    let told = format!("{key:?}, {raw:?}, {source:?}");
    let was = case.lies_there();
    let outcome = case.run();
    let is = case.lies_there();

    let mogile_gives = matches!(source, Good | FirstCorrupt | FirstShort | FirstMissing);
    let can_be_proven = was == "right" || mogile_gives || (was == "nothing" && raw == Raw::Good);
    match &outcome.end {
        FileEnd::Proven(record) => {
            assert!(can_be_proven && is == "right", "{told}: {is}");
            assert_eq!(record.route.is_none(), was == "right", "{told}");
            assert_eq!(record.length, Some(ByteCount(LENGTH as u64)), "{told}");
        }
        FileEnd::Gone => assert!(matches!(source, Gone | Renamed), "{told}"),
        FileEnd::Failed(failure) => {
            assert!(!can_be_proven, "{told}: {failure}");
            assert_eq!(failure.left == Left::Nothing, is == "nothing", "{told}: {failure}");
        }
    }
    // Nothing good goes, nothing bad comes; what is foreign goes only for proven content.
    assert!(is == "right" || is == was, "{told}: {was} became {is}");
    let ours = case.world.at(&case.key()).is_some() && was != is;
    assert!(!ours || matches!(outcome.end, FileEnd::Proven(_)), "{told}: unproven");
}

/// What comes of one fault that strikes once.
#[track_caller]
fn check_fault(
    (raw, source): (Raw, Source),
    (call, fault, times): (Call, PortFault, u32),
    expected: &str,
) {
    let case = Case::new(Key::Free, raw, source);
    case.world.port.faults.strike(call, "", fault, times);
    assert_eq!(case.told(), expected, "{raw:?}, {source:?}: {call:?} {fault:?} × {times}");
    assert!(case.world.port.faults.are_spent());
}

#[test]
fn a_lost_write_is_looked_for_and_not_repeated_blindly() {
    use PortFault::{AnswerLost, Busy, RequestLost};
    let put = (Raw::Unplanned, Source::Good);
    let looked = "head, mogile | replicas 1, open 1, put 1, head 1 | right";
    check_fault(put, (Call::Put, AnswerLost, 1), looked);
    let again = "put, mogile | replicas 2, open 2, put 2, head 1 | right";
    check_fault(put, (Call::Put, RequestLost, 1), again);
    let opened_anew = "put, mogile | replicas 1, open 3, put 3 | right";
    check_fault(put, (Call::Put, Busy, 2), opened_anew);

    let copy = (Raw::Good, Source::Good);
    check_fault(copy, (Call::Copy, AnswerLost, 1), "head, copy | copy 1, head 1 | right");
    check_fault(copy, (Call::Copy, RequestLost, 1), "copy, copy | copy 2, head 1 | right");
    check_fault(copy, (Call::Copy, Busy, 3), "copy, copy | copy 4 | right");
}

#[test]
fn a_corrupt_copy_whose_answer_is_lost_does_not_stay() {
    // It may be somebody's as well as ours: what is overwritten is told.
    let replaced = "put, mogile | replicas 1, open 1, put 1, copy 1, head 1 | right \
                    | replaced-object";
    let corrupt = (Raw::Corrupt, Source::Good);
    check_fault(corrupt, (Call::Copy, PortFault::AnswerLost, 1), replaced);
    // With nothing to replace it: whether it is ours cannot be known, so it is told and not deleted.
    let told = "wrong-object, PerhapsOurs | copy 1, head 1 | corrupt";
    check_fault((Raw::Corrupt, Source::LeftOut), (Call::Copy, PortFault::AnswerLost, 1), told);
}

#[test]
fn a_lost_undo_is_made_sure_of() {
    let corrupt = (Raw::Corrupt, Source::LeftOut);
    let gone = "wrong-object, Nothing | copy 1, head 1, delete 1 | nothing | bad-intermediary";
    check_fault(corrupt, (Call::Delete, PortFault::AnswerLost, 1), gone);
    let again = "wrong-object, Nothing | copy 1, head 1, delete 2 | nothing | bad-intermediary";
    check_fault(corrupt, (Call::Delete, PortFault::RequestLost, 1), again);
}

#[test]
fn a_replica_that_breaks_off_costs_the_next_one_and_no_more() {
    let good = (Raw::Unplanned, Source::Good);
    let second = "put, mogile | replicas 1, open 2, put 2 | right | bad-replica";
    check_fault(good, (Call::Open, PortFault::AnswerLost, 1), second);
    let second = "put, mogile | replicas 1, open 2, put 1 | right | bad-replica";
    check_fault(good, (Call::Open, PortFault::Busy, 1), second);
    // All of them out for the moment: they are gone through once more.
    let second_round = "put, mogile | replicas 2, open 3, put 3 | right";
    check_fault(good, (Call::Open, PortFault::AnswerLost, 2), second_round);
    // A storage node that begins to give it is not out of reach.
    let broken = "no-replica, Nothing | replicas 3, open 4, put 4, head 1 | nothing";
    check_fault(good, (Call::Open, PortFault::AnswerLost, 4), broken);
    let down = "replicas-unreachable, Nothing | replicas 2, open 4, head 1 | nothing";
    check_fault(good, (Call::Open, PortFault::RequestLost, 4), down);
}

#[test]
fn questions_are_asked_again() {
    let good = (Raw::Unplanned, Source::Good);
    let trackers = "put, mogile | replicas 5, open 1, put 1 | right";
    check_fault(good, (Call::Replicas, PortFault::RequestLost, 4), trackers);
    let down = "source-unreachable, Nothing | replicas 5, head 1 | nothing";
    check_fault(good, (Call::Replicas, PortFault::RequestLost, 5), down);
    let row = "gone | row 3, replicas 2 | nothing";
    check_fault((Raw::Unplanned, Source::Gone), (Call::Row, PortFault::Busy, 2), row);
}

#[test]
fn a_download_that_breaks_off_proves_nothing_and_is_begun_anew() {
    let case = Case::new(Key::Plain, Raw::Good, Source::Good);
    case.world.port.faults.strike(Call::Read, "", PortFault::AnswerLost, 2);
    assert_eq!(case.told(), "download, there | copy 1, head 1, read 3 | right");
}

#[test]
fn two_workers_on_one_file_end_with_one_proven_object() {
    let mut ends = BTreeSet::new();
    for seed in 0..60 {
        let raw = RAWS[usize::try_from(seed % 4).expect("below four")];
        let key = if seed % 3 == 0 { Key::Foreign } else { Key::Free };
        let case = Case::within(World::paced(seed), key, raw, Source::Good);
        let ports = case.world.port.ports();
        let writing = Writing::default();
        let one = || migrate_file(&ports, &case.file, &case.plan, &writing);
        let (a, b) = case.world.run(join(one(), one()));
        for outcome in [&a, &b] {
            assert!(matches!(outcome.end, FileEnd::Proven(_)), "seed {seed}: {outcome:?}");
            ends.insert(end_of(outcome));
        }
        assert_eq!(case.lies_there(), "right", "seed {seed}");
    }
    // They did meet: some found the other's object.
    assert!(ends.contains("head, there"), "{ends:?}");
}

/// The length in the record and the findings of a free key, where the index tells seven bytes.
fn where_the_index_tells_seven(raw: Raw, copy_length: Option<u64>) -> (u64, Vec<&'static str>) {
    let mut case = Case::new(Key::Free, raw, Source::Good);
    case.file.length = ByteCount(7);
    case.plan.copy_length = copy_length.map(ByteCount);
    let outcome = case.run();
    let FileEnd::Proven(record) = &outcome.end else { panic!("{outcome:?}") };
    let kinds = outcome.findings.iter().map(|finding| finding.kind.name()).collect();
    (record.length.expect("every record of ours has one").0, kinds)
}

#[test]
fn the_sha1_decides_where_the_index_tells_another_length() {
    let right = LENGTH as u64;
    let streamed = where_the_index_tells_seven(Raw::Unplanned, None);
    assert_eq!(streamed, (right, vec!["index-length"]));
    let copied = where_the_index_tells_seven(Raw::Good, Some(right));
    assert_eq!(copied, (right, vec!["index-length"]));
}

#[test]
fn a_copy_of_which_no_listing_told_has_the_length_of_the_index() {
    assert_eq!(where_the_index_tells_seven(Raw::Good, None), (7, vec![]));
}

#[test]
fn an_intermediary_that_was_not_kept_tells_no_length() {
    let replaced = where_the_index_tells_seven(Raw::Corrupt, Some(5));
    assert_eq!(replaced, (LENGTH as u64, vec!["bad-intermediary", "index-length"]));
    let away = where_the_index_tells_seven(Raw::Away, Some(5));
    assert_eq!(away, (LENGTH as u64, vec!["index-length"]));
}

#[test]
fn a_bucket_that_is_not_there_is_named() {
    let mut case = Case::new(Key::Free, Raw::Unplanned, Source::Good);
    case.file.bucket = S3Bucket::new("nowhere").expect("a name");
    let outcome = case.run();
    let FileEnd::Failed(failure) = &outcome.end else { panic!("{outcome:?}") };
    assert_eq!(failure.reason.kind, ReasonKind::NoBucket);
    assert!(failure.reason.detail.contains("`nowhere`"), "{failure}");
}

#[test]
fn a_key_that_has_another_fid_by_now_is_not_read() {
    let case = Case::new(Key::Free, Raw::Unplanned, Source::Good);
    let older = SourceFile { fid: Fid(case.file.fid.0 + 1000), ..case.file.clone() };
    let (ports, writing) = (case.world.port.ports(), Writing::default());
    let outcome = case.world.run(migrate_file(&ports, &older, &case.plan, &writing));
    assert_eq!(outcome.end, FileEnd::Gone, "its row is away, the key is another file's");
    assert_eq!(case.lies_there(), "nothing");
}
