//! The audit: what it says of every difference between the index, the ledger and a run's verifications.

mod accepted;
mod content;
mod meanwhile;
mod sets;
mod stage;
mod withdrawn;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::audit::AuditSummary;
use domain::ports::RepoStatus;
use domain::{BucketMap, Misconfigured, Proof, Stopped};
use stand_ins::port::{Call, PortFault};

use self::stage::{RUN, Stage, sha1};
use crate::cleanup::contentrepo::ContentRepo;

/// Each count that is not zero.
fn counts(summary: &AuditSummary) -> BTreeMap<&'static str, u64> {
    let without_row = &summary.without_row;
    let counts = [
        ("rows", summary.rows),
        ("files", summary.files.files),
        ("temporary", summary.temporary),
        ("ignored", summary.ignored),
        ("excluded", summary.excluded),
        ("rejected", summary.rejections()),
        ("whole", summary.whole),
        ("without-record", summary.without_record.files),
        ("claimed", summary.claimed.files),
        ("of-another", summary.of_another.files),
        ("doubted", summary.doubted.files),
        ("without-pass", summary.without_pass.files),
        ("passes", summary.passes.unwrap_or_default()),
        ("passes-of-others", summary.passes_of_others),
        ("records", summary.records),
        ("of-other-rows", summary.records_of_other_rows),
        ("of-other-domains", summary.records_of_other_domains),
        ("without-row", without_row.records),
        ("since", without_row.ingested_since),
        ("of-another-row", without_row.content_of_another_row),
        ("of-another-domain", without_row.content_of_another_domain),
        ("unmapped", without_row.unmapped.files),
        ("referenced", without_row.referenced.files),
        ("withdrawn", without_row.withdrawn.files),
        ("unreadable-items", summary.unreadable_items.files),
        ("unreadable-failures", summary.unreadable_failures.files),
        ("accepted", summary.accepted.files.files),
        ("accepted-unrecorded", summary.accepted.without_record),
        ("accepted-rows", summary.accepted.rejected.files),
        ("ended", summary.acceptance_ended.files),
        ("proven-since", summary.acceptance_proven.files),
        ("unsure", summary.acceptance_unsure.files),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Two whole files, which every audit below has.
fn two_files() -> Stage {
    let stage = Stage::new();
    for fid in [1, 2] {
        stage.file(fid);
        stage.proven(fid);
        stage.passed(fid);
    }
    stage
}

type Plant = fn(&mut Stage);

/// What is planted beside two whole files, the counts that are one higher for it, and whether these are
/// findings.
const CASES: &[(&str, Plant, &str, bool)] = &[
    ("nothing", |_| (), "", false),
    ("no record", |it| it.file(7), "files rows without-record", true),
    (
        "no record, though the run found it whole",
        |it| (it.file(7), it.passed(7)).0,
        "files passes rows without-record",
        true,
    ),
    (
        "a claim of s3migrate",
        |it| (it.file(7), it.passed(7), it.record(7, "new-repo", sha1(7), None)).0,
        "claimed files passes records rows",
        true,
    ),
    (
        "a record of another content",
        |it| (it.file(7), it.record(7, "new-repo", sha1(8), Some(Proof::Put))).0,
        "files of-another records rows",
        true,
    ),
    (
        "a record of another bucket",
        |it| (it.file(7), it.record(7, "new-corpus", sha1(7), Some(Proof::Put))).0,
        "files of-another records rows",
        true,
    ),
    ("not verified", |it| (it.file(7), it.proven(7)).0, "files records rows without-pass", true),
    (
        "verified with another content",
        |it| (it.file(7), it.proven(7), it.pass(7, "new-repo", sha1(8))).0,
        "files passes-of-others records rows without-pass",
        true,
    ),
    (
        "verified in another bucket",
        |it| (it.file(7), it.proven(7), it.pass(7, "new-corpus", sha1(7))).0,
        "files passes-of-others records rows without-pass",
        true,
    ),
    (
        "found missing since",
        |it| (it.file(7), it.proven(7), it.doubt(7)).0,
        "doubted files records rows",
        true,
    ),
    (
        "found missing, though this run has a pass of it: the pass may be older",
        |it| (it.file(7), it.proven(7), it.doubt(7), it.passed(7)).0,
        "doubted files passes records rows",
        true,
    ),
    (
        "an item that cannot be read",
        |it| (it.file(7), it.unreadable(7)).0,
        "files rows unreadable-items without-record",
        true,
    ),
    ("an item that cannot be read, of no row", |it| it.unreadable(7), "unreadable-items", false),
    (
        "an unfinished upload",
        |it| it.store(7, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp"),
        "rows temporary",
        false,
    ),
    (
        "an unfinished upload with a record",
        |it| (it.store(7, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6.tmp"), it.proven(7)).0,
        "of-other-rows records rows temporary",
        false,
    ),
    (
        "a file that the operator has decided about",
        |it| (it.file(7), it.excluded.push(7)).0,
        "excluded rows",
        false,
    ),
    ("an ignored bucket", |it| it.store(7, &format!("{}-trash", sha1(7))), "ignored rows", false),
    ("a key of another shape", |it| it.store(7, "test"), "rejected rows", true),
    (
        "a bucket that is not mapped",
        |it| it.store(7, &format!("{}-stray", sha1(7))),
        "rejected rows",
        true,
    ),
    ("a record without a row", |it| it.proven(7), "records withdrawn without-row", false),
    (
        "content that was ingested again under another fid",
        |it| it.record(7, "new-repo", sha1(2), Some(Proof::Put)),
        "of-another-row records without-row",
        false,
    ),
    (
        "the same content, withdrawn from another bucket",
        |it| it.record(7, "new-corpus", sha1(2), Some(Proof::Put)),
        "records withdrawn without-row",
        false,
    ),
    (
        "a record of a bucket that no setting names",
        |it| it.record(7, "older-repo", sha1(7), Some(Proof::Put)),
        "records unmapped without-row",
        false,
    ),
    (
        "content that contentrepo refers to",
        |it| {
            it.proven(7);
            let repo = ContentRepo::default();
            repo.refer(&sha1(7).to_string(), Some("repo"), RepoStatus::Used);
            it.repo = Some(Arc::new(repo));
        },
        "records referenced without-row",
        false,
    ),
    (
        "content that contentrepo refers to from its renamed bucket",
        |it| {
            it.proven(7);
            let repo = ContentRepo::default();
            repo.refer(&sha1(7).to_string(), Some("new-repo"), RepoStatus::Deleted);
            it.repo = Some(Arc::new(repo));
        },
        "records referenced without-row",
        false,
    ),
    (
        "content that contentrepo purged, or has elsewhere",
        |it| {
            it.proven(7);
            let repo = ContentRepo::default();
            repo.refer(&sha1(7).to_string(), Some("repo"), RepoStatus::Purged);
            repo.refer(&sha1(7).to_string(), Some("trash"), RepoStatus::Used);
            repo.refer(&sha1(7).to_string(), None, RepoStatus::Used);
            it.repo = Some(Arc::new(repo));
        },
        "records withdrawn without-row",
        false,
    ),
];

#[test]
fn every_difference_has_a_class_and_each_row_one() {
    let base = counts(&two_files().audit(Some(RUN)));
    for (name, plant, more, differs) in CASES {
        let mut stage = two_files();
        plant(&mut stage);
        let summary = stage.audit(Some(RUN));
        assert_eq!(summary.stopped, None, "{name}");
        let mut expected = base.clone();
        more.split_whitespace()
            .for_each(|count| *expected.entry(count_named(count)).or_default() += 1);
        assert_eq!(counts(&summary), expected, "{name}");
        assert_eq!(summary.differs(), *differs, "{name}");
        adds_up(&summary, name);
    }
}

/// The name as `counts` has it.
fn count_named(name: &str) -> &'static str {
    const NAMES: [&str; 32] = [
        "rows",
        "files",
        "temporary",
        "ignored",
        "excluded",
        "rejected",
        "whole",
        "without-record",
        "claimed",
        "of-another",
        "doubted",
        "without-pass",
        "passes",
        "passes-of-others",
        "records",
        "of-other-rows",
        "without-row",
        "since",
        "of-another-row",
        "of-another-domain",
        "of-other-domains",
        "proven-since",
        "unmapped",
        "referenced",
        "withdrawn",
        "unreadable-items",
        "unreadable-failures",
        "accepted",
        "accepted-unrecorded",
        "accepted-rows",
        "ended",
        "unsure",
    ];
    NAMES.into_iter().find(|other| *other == name).expect("a count")
}

/// Every row, every file and every record is counted once.
fn adds_up(summary: &AuditSummary, name: &str) {
    let AuditSummary { rows, files, temporary, ignored, whole, records, without_row, .. } = summary;
    let others = temporary + ignored + summary.excluded + summary.rejections();
    let others = others + summary.accepted.rejected.files;
    assert_eq!(*rows, files.files + others, "{name}");
    let classes = [
        &summary.without_record,
        &summary.claimed,
        &summary.of_another,
        &summary.doubted,
        &summary.without_pass,
        &summary.accepted.files,
    ];
    let classes: u64 = classes.map(|sample| sample.files).into_iter().sum();
    assert_eq!(files.files, whole + classes, "{name}");
    let unrecorded = summary.without_record.files + summary.accepted.without_record;
    let recorded = files.files - unrecorded;
    let of_others = summary.records_of_other_rows + summary.records_of_other_domains;
    assert_eq!(*records, recorded + of_others + without_row.records, "{name}");
    let judged = without_row.ingested_since
        + without_row.content_of_another_row
        + without_row.content_of_another_domain
        + without_row.unmapped.files
        + without_row.referenced.files
        + without_row.withdrawn.files
        + without_row.not_judged;
    assert_eq!(without_row.records, judged, "{name}");
}

#[test]
fn without_a_run_the_doubts_of_verifications_count() {
    let stage = two_files();
    stage.doubt(2);
    let summary = stage.audit(None);
    assert_eq!((summary.whole, summary.doubted.files, summary.passes), (1, 1, None));
    assert_eq!(summary.doubted.example, format!("key `{}-repo`", sha1(2)));
    assert!(summary.differs());
}

#[test]
fn very_many_records_without_a_row_show_another_store() {
    let stage = two_files();
    (10..=110).for_each(|fid| stage.proven(fid));
    assert!(stage.audit(None).is_likely_of_another_store());
    let stage = two_files();
    (10..110).for_each(|fid| stage.proven(fid));
    assert!(!stage.audit(None).is_likely_of_another_store(), "a hundred may be deleted");
}

#[test]
fn a_run_that_nobody_made_has_no_pass() {
    let summary = two_files().audit(Some("mistyped"));
    assert_eq!((summary.passes, summary.without_pass.files, summary.whole), (Some(0), 2, 0));
}

#[test]
fn what_cannot_be_read_ends_the_audit_without_a_class() {
    for call in [Call::Domains, Call::Page, Call::Scan, Call::ScanFailures, Call::Verified] {
        let stage = two_files();
        stage.world.port.faults.strike(call, "", PortFault::RequestLost, 1_000);
        let summary = stage.audit(Some(RUN));
        assert!(matches!(summary.stopped, Some(Stopped::Trouble(_))), "{call:?}: {summary:?}");
        assert_eq!(
            (summary.whole, summary.differs()),
            (0, false),
            "{call:?}: nothing is called whole"
        );
    }
}

#[test]
fn settings_of_another_store_are_refused() {
    let mut stage = two_files();
    stage.buckets = BucketMap::parse("other:new-repo", "").expect("valid");
    let stopped = stage.audit(None).stopped;
    let nothing = matches!(
        stopped,
        Some(Stopped::Misconfigured(Misconfigured::NothingMapped { rows: 2, .. }))
    );
    assert!(nothing, "{stopped:?}");
    let stopped = Stage::new().audit(None).stopped;
    let empty = matches!(stopped, Some(Stopped::Misconfigured(Misconfigured::EmptyDomain { .. })));
    assert!(empty, "{stopped:?}");
}

#[test]
fn a_contentrepo_that_is_away_is_said() {
    let mut stage = two_files();
    stage.proven(7);
    let repo = ContentRepo::default();
    repo.away.store(true, std::sync::atomic::Ordering::Relaxed);
    stage.repo = Some(Arc::new(repo));
    let without_row = stage.audit(None).without_row;
    assert!(without_row.content_repo_unread.is_some_and(|why| why.contains("away")));
    assert!(!without_row.content_repo_asked);
}
