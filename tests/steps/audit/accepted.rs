//! Files and rows that an operator accepts: what counts as accepted, and what ends that.

use domain::journal::AcceptedFile;
use domain::{BucketMap, Since};

use super::stage::{RUN, Stage, sha1};
use super::{adds_up, count_named, counts, two_files};

type Plant = fn(&mut Stage);

fn lost(it: &mut Stage) {
    it.file(7);
    it.accept_file(7);
}

fn stray(it: &mut Stage) {
    it.store(7, "test");
    it.accept(7, "test", "not-content-addressed");
}

fn back() -> Since {
    Since::Reappeared("http://10.0.0.7:7500/dev1/x".to_owned())
}

/// What is planted beside two whole files, the counts that are one higher for it, whether these are
/// findings, and whether the audit is incomplete.
const CASES: &[(&str, Plant, &str, bool, bool)] = &[
    ("no record", lost, "accepted accepted-unrecorded files rows", false, false),
    (
        "a claim of s3migrate",
        |it| (lost(it), it.record(7, "new-repo", sha1(7), None)).0,
        "accepted files records rows",
        false,
        false,
    ),
    (
        "a record of another content",
        |it| (lost(it), it.record(7, "new-repo", sha1(8), Some(domain::Proof::Put))).0,
        "accepted files records rows",
        false,
        false,
    ),
    (
        "found missing since it was proven, and accepted then",
        |it| (it.proven(7), it.doubt(7), lost(it)).0,
        "accepted files records rows",
        false,
        false,
    ),
    (
        "proven since it was accepted, and found missing later",
        |it| (lost(it), it.proven(7), it.doubt(7)).0,
        "doubted ended files records rows",
        true,
        false,
    ),
    (
        "accepted as missing, proven anew, and found missing later",
        |it| {
            it.proven(7);
            it.doubt(7);
            lost(it);
            it.proven_at(7, 9);
        },
        "doubted ended files records rows",
        true,
        false,
    ),
    (
        "proven in another bucket since",
        |it| (lost(it), it.record(7, "new-corpus", sha1(7), Some(domain::Proof::Put))).0,
        "ended files of-another records rows",
        true,
        false,
    ),
    (
        "proven since, and not verified: a proof ends the acceptance",
        |it| (lost(it), it.proven(7)).0,
        "files proven-since records rows without-pass",
        true,
        false,
    ),
    (
        "proven and verified since",
        |it| (lost(it), it.proven(7), it.passed(7), it.since(7, back())).0,
        "files passes proven-since records rows whole",
        false,
        false,
    ),
    (
        "proven before, and a verification found another object",
        |it| (it.proven(7), it.doubt_by(7, "wrong-object"), lost(it)).0,
        "doubted files records rows",
        true,
        false,
    ),
    (
        "a replica gives the content again",
        |it| (lost(it), it.since(7, back())).0,
        "ended files rows without-record",
        true,
        false,
    ),
    (
        "a new replica cannot be asked",
        |it| (lost(it), it.since(7, Since::Unknown("away".to_owned()))).0,
        "accepted accepted-unrecorded files rows unsure",
        false,
        true,
    ),
    (
        "the row has another key",
        |it| (it.file(7), it.accept(7, &format!("{}-repo", sha1(8)), AcceptedFile::MISSING)).0,
        "ended files rows without-record",
        true,
        false,
    ),
    (
        "the row has another key, and its file is proven",
        |it| {
            it.file(7);
            it.accept(7, &format!("{}-repo", sha1(8)), AcceptedFile::MISSING);
            it.proven(7);
            it.passed(7);
        },
        "files passes proven-since records rows whole",
        false,
        false,
    ),
    ("a key that names no content", stray, "accepted-rows rows", false, false),
    (
        "a key that names no content, renamed",
        |it| (it.store(7, "Test"), it.accept(7, "test", "not-content-addressed")).0,
        "ended rejected rows",
        true,
        false,
    ),
    (
        "another fid has the key",
        |it| (it.store(7, "test"), it.accept(8, "test", "not-content-addressed")).0,
        "rejected rows",
        true,
        false,
    ),
    (
        "a file that was accepted as a row without a length",
        |it| (it.file(7), it.accept(7, &format!("{}-repo", sha1(7)), "no-length")).0,
        "ended files rows without-record",
        true,
        false,
    ),
    (
        "an unfinished upload by now",
        |it| {
            it.store(7, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp");
            it.accept_file(7);
        },
        "rows temporary",
        false,
        false,
    ),
    ("excluded as well", |it| (lost(it), it.excluded.push(7)).0, "excluded rows", false, false),
    ("no row any more", |it| it.accept_file(7), "", false, false),
];

#[test]
fn an_accepted_file_is_counted_and_is_no_finding() {
    let base = counts(&two_files().audit(Some(RUN)));
    for (name, plant, more, differs, incomplete) in CASES {
        let mut stage = two_files();
        plant(&mut stage);
        let summary = stage.audit(Some(RUN));
        assert_eq!(summary.stopped, None, "{name}");
        let mut expected = base.clone();
        more.split_whitespace()
            .for_each(|count| *expected.entry(count_named(count)).or_default() += 1);
        assert_eq!(counts(&summary), expected, "{name}");
        assert_eq!((summary.differs(), summary.is_incomplete()), (*differs, *incomplete), "{name}");
        adds_up(&summary, name);
    }
}

#[test]
fn an_acceptance_does_not_hold_for_another_s3_bucket() {
    let mut stage = Stage::new();
    lost(&mut stage);
    assert_eq!(stage.audit(None).accepted.files.files, 1);
    stage.buckets = BucketMap::parse("repo:other-repo", "").expect("valid");
    let summary = stage.audit(None);
    assert_eq!((summary.accepted.files.files, summary.without_record.files), (0, 1));
    assert!(summary.acceptance_ended.example.contains("`new-repo`"), "{summary:?}");
}

#[test]
fn a_list_shows_what_is_accepted() {
    let mut stage = two_files();
    lost(&mut stage);
    stage.store(8, "test");
    stage.accept(8, "test", "not-content-addressed");
    stage.store(9, "stray");
    let list = stage.list(None);
    assert_eq!(list[&7], "Accepted");
    assert_eq!(list[&8], "Accepted not-content-addressed");
    assert_eq!(list[&9], "not-content-addressed");
    stage.since(7, back());
    assert_eq!(stage.list(None)[&7], "WithoutRecord");
}

#[test]
fn a_failure_record_that_cannot_be_read_leaves_the_audit_incomplete() {
    let stage = two_files();
    assert!(!stage.audit(Some(RUN)).is_incomplete());
    stage.unreadable_failure(2);
    stage.unreadable_failure(99);
    let summary = stage.audit(Some(RUN));
    assert_eq!((summary.whole, summary.unreadable_failures.files), (2, 2));
    assert!(summary.is_incomplete() && !summary.differs());
    assert!(summary.unreadable_failures.example.contains("attempt"), "{summary:?}");
}
