use std::collections::BTreeMap;

use bytes::Bytes;
use sha1::{Digest, Sha1};

use super::*;
use crate::state::{Bucket, Headers, Item, Object, Replica, Row, Value};

const BUCKET: &str = "corpus";
/// The key of an object that a client has written behind the cut-over.
const WRITTEN: &str = "0123456789012345678901234567890123456789";
const INTERMEDIARY: &str = "0/000/000/0000000001.fid";

fn object(content: &'static str) -> Object {
    Object {
        content: content.into(),
        etag: format!("etag of {content}"),
        headers: Headers::default(),
        details: String::new(),
    }
}

fn record(fid: u64, file: &ExpectedFile, content: &str) -> Item {
    let text = |name: &str, text: &str| (name.to_owned(), Value::Text(text.to_owned()));
    Item::from([
        ("fid".to_owned(), Value::Number(fid.to_string())),
        ("length".to_owned(), Value::Number(file.length.to_string())),
        text("sha1", &file.sha1),
        text("md5", &format!("etag of {content}")),
        text("bucket", BUCKET),
        text("proof", "copy"),
        text("route", "copy"),
    ])
}

fn file(fid: u64, content: &str, outcome: Outcome) -> ExpectedFile {
    let sha1 = data_encoding::HEXLOWER.encode(&Sha1::digest(content));
    let (bucket, length) = (BUCKET.to_owned(), content.len() as u64);
    ExpectedFile { fid, bucket, sha1, length, headers: Headers::default(), outcome }
}

/// Three files: the first is copied, the second lay at its key before, the third fails. All ended as
/// expected.
fn migrated() -> (Expectation, EndState) {
    let failed = Outcome::Failed { reason: "no-replica", left: Left::Nothing };
    let files = vec![
        file(1, "one", Outcome::ByCopy),
        file(2, "two", Outcome::AlreadyThere),
        file(3, "three", failed),
    ];
    let row = |fid: u64| {
        let key = Some(format!("key of {fid}"));
        (fid, Row { domain: 1, key, length: Some(3), class: 0, devices: vec![1] })
    };
    let replica = |fid: u64| ((fid, 1), Replica::Bytes(Bytes::from(fid.to_string())));
    let mogile = state::MogileState {
        rows: (1..=3).map(row).collect(),
        replicas: (1..=3).map(replica).collect(),
    };
    let records = vec![record(1, &files[0], "one"), record(2, &files[1], "two")];
    let objects = BTreeMap::from([
        (files[0].sha1.clone(), object("one")),
        (files[1].sha1.clone(), object("two")),
        (INTERMEDIARY.to_owned(), object("one")),
        (WRITTEN.to_owned(), object("later")),
    ]);
    let place = |key: &str| (BUCKET.to_owned(), key.to_owned());
    let expectation = Expectation {
        synced: false,
        intermediaries: [(place(INTERMEDIARY), Bytes::from("one"))].into(),
        objects: [(place(&files[1].sha1), object("two")), (place(WRITTEN), object("later"))].into(),
        records: BTreeMap::new(),
        renamed: BTreeMap::new(),
        mogile: mogile.clone(),
        files,
    };
    let bucket = Bucket { objects, uploads: 0 };
    let buckets = [(BUCKET.to_owned(), Ok(bucket))].into();
    (expectation, EndState { buckets, ledger: Ok(records), mogile })
}

/// After this change there is one problem, in which these words are said.
fn check(words: &str, change: impl FnOnce(&Expectation, &mut EndState)) {
    let (expectation, mut found) = migrated();
    change(&expectation, &mut found);
    let problems = judge(&expectation, &found).problems;
    let [problem] = &problems[..] else { panic!("{words}: {problems:?}") };
    assert!(problem.contains(words), "nothing of `{words}`: {problem}");
}

fn objects(found: &mut EndState) -> &mut BTreeMap<String, Object> {
    &mut found.buckets.get_mut(BUCKET).unwrap().as_mut().unwrap().objects
}

#[test]
fn a_migration_that_ended_as_expected_has_no_problem() {
    let (expectation, found) = migrated();
    let judgement = judge(&expectation, &found);
    assert!(judgement.is_content(), "{:?}", judgement.problems);
    assert_eq!((judgement.expected, judgement.whole, judgement.bytes), (2, 2, 6));
}

#[test]
fn whatever_is_wrong_in_a_bucket_is_one_problem() {
    let sha1 = |expectation: &Expectation, at: usize| expectation.files[at].sha1.clone();
    check("fid 1: it is not in S3", |expected, found| {
        objects(found).remove(&sha1(expected, 0));
    });
    check("fid 1: wrong content", |expected, found| {
        objects(found).insert(sha1(expected, 0), object("other"));
    });
    check("fid 1: its content type is text/html, and not none", |expected, found| {
        let object = objects(found).get_mut(&sha1(expected, 0)).unwrap();
        object.headers.content_type = Some("text/html".to_owned());
    });
    check("fid 1: its disposition is inline, and not none", |expected, found| {
        let object = objects(found).get_mut(&sha1(expected, 0)).unwrap();
        object.headers.disposition = Some("inline".to_owned());
    });
    check("fid 2: what lay at its key was replaced", |expected, found| {
        let again = Object { details: "later".to_owned(), ..object("two") };
        objects(found).insert(sha1(expected, 1), again);
    });
    check("fid 3: something is at its key", |expected, found| {
        objects(found).insert(sha1(expected, 2), object("three"));
    });
    check("was taken away", |_, found| {
        objects(found).remove(INTERMEDIARY);
    });
    check("what lay at its key was replaced", |_, found| {
        objects(found).insert(WRITTEN.to_owned(), object("other"));
    });
    check("what lay at its key was taken away", |_, found| {
        objects(found).remove(WRITTEN);
    });
    check("`corpus/stranger` should not be there", |_, found| {
        objects(found).insert("stranger".to_owned(), object("hello"));
    });
    check("1 uploads left half done", |_, found| {
        found.buckets.get_mut(BUCKET).unwrap().as_mut().unwrap().uploads = 1;
    });
}

#[test]
fn whatever_is_wrong_in_the_ledger_is_one_problem() {
    let ledger = |found: &mut EndState, change: &dyn Fn(&mut Vec<Item>)| {
        change(found.ledger.as_mut().unwrap());
    };
    check("fid 1 has no record", |_, found| ledger(found, &|items| drop(items.remove(0))));
    for name in ["sha1", "md5", "bucket", "length", "proof"] {
        check("fid 1 has a wrong record", |_, found| {
            ledger(found, &|items| drop(items[0].insert(name.to_owned(), Value::Text("0".into()))));
        });
    }
    check("fid 3 should have no record", |expected, found| {
        ledger(found, &|items| items.push(record(3, &expected.files[2], "three")));
    });
    check("ledger: unreadable", |_, found| found.ledger = Err("unreadable".to_owned()));
}

#[test]
fn whatever_is_wrong_in_mogilefs_is_one_problem() {
    check("the row of fid 2 is away", |_, found| drop(found.mogile.rows.remove(&2)));
    check("the row of fid 2 was changed", |_, found| {
        found.mogile.rows.get_mut(&2).unwrap().length = None;
    });
    check("fid 9 is new", |_, found| {
        let row = found.mogile.rows[&2].clone();
        found.mogile.rows.insert(9, row);
    });
    check("fid 2 has other bytes on device 1", |_, found| {
        found.mogile.replicas.insert((2, 1), Replica::Bytes("other".into()));
    });
}

#[test]
fn a_row_that_others_renamed_has_its_new_key_and_no_other() {
    let (mut expectation, mut found) = migrated();
    expectation.renamed.insert(3, "new".to_owned());
    let row = found.mogile.rows[&3].clone();
    for (key, problems) in [("key of 3", 1), ("new", 0), ("another", 1)] {
        let row = Row { key: Some(key.to_owned()), ..row.clone() };
        found.mogile.rows.insert(3, row);
        assert_eq!(judge(&expectation, &found).problems.len(), problems, "{key}");
    }
    found.mogile.rows.remove(&3);
    assert_eq!(judge(&expectation, &found).problems, ["MogileFS: the row of fid 3 is away"]);
}

#[test]
fn a_route_that_was_not_planted_is_told() {
    let (expectation, found) = migrated();
    // The second lay at its key before: no route brought it.
    let told = misrouted(&expectation, &found.ledger.unwrap());
    assert_eq!(told, ["ledger: fid 2 has route `copy`, planted was ``"]);
}

/// `sync` writes them, and replaces those that are wrong: only where it may have been run.
#[test]
fn intermediaries_may_be_written_where_that_is_expected_and_only_with_their_files_content() {
    let check = |synced, key: &str, content: &'static str, wrong: &[&str]| {
        let (mut expectation, mut found) = migrated();
        expectation.synced = synced;
        let bucket = found.buckets.get_mut(BUCKET).expect("a bucket").as_mut().expect("read");
        bucket.objects.insert(key.to_owned(), object(content));
        let problems = judge(&expectation, &found).problems;
        assert_eq!(problems.len(), wrong.len(), "{key}: {problems:?}");
        for (problem, words) in problems.iter().zip(wrong) {
            assert!(problem.contains(words), "{key}: {problem}");
        }
    };
    let (second, third) = ("0/000/000/0000000002.fid", "/0/000/000/0000000003.fid");
    for (key, content) in [(second, "two"), (third, "three")] {
        check(true, key, content, &[]);
        check(false, key, content, &["should not be there"]);
        check(true, key, "another", &["should not be there"]);
    }
    for key in ["0/000/000/0000000009.fid", "0/000/001/0000000002.fid", "0000000002.fid"] {
        check(true, key, "two", &["should not be there"]);
    }
    // One that had other content before.
    let (mut expectation, found) = migrated();
    let planted = expectation.intermediaries.get_mut(&(BUCKET.to_owned(), INTERMEDIARY.to_owned()));
    *planted.expect("planted") = Bytes::from("cut");
    assert!(judge(&expectation, &found).problems[0].contains("was changed"));
    expectation.synced = true;
    assert!(judge(&expectation, &found).is_content());
}

#[test]
fn an_intermediarys_key_is_of_one_fid() {
    for (key, fid) in [
        ("0/564/879/0564879786.fid", Some(564_879_786)),
        ("/0/564/879/0564879786.fid", Some(564_879_786)),
        ("1/234/567/12345678902.fid", Some(12_345_678_902)),
        ("0/564/879/564879786.fid", None),
        ("0/564/878/0564879786.fid", None),
        ("0/123/456/012345678902.fid", None),
        ("//0/564/879/0564879786.fid", None),
        ("é/564/879/0564879786.fid", None),
        (".fid", None),
    ] {
        assert_eq!(expected::fid_of_intermediary(key), fid, "{key}");
    }
}
