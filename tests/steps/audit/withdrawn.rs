//! The objects whose content is withdrawn: nothing refers to it any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::Proof;
use domain::ports::RepoStatus;
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{Content, Fid, FileRow};

use super::stage::{Stage, sha1};
use super::two_files;
use crate::cleanup::contentrepo::ContentRepo;
use crate::common::content;

/// The fid and the address of each withdrawn object, and why the list is not complete.
fn withdrawn(stage: &Stage) -> (Vec<(u64, String)>, Option<String>) {
    stage.with(None, async |ports, plan| {
        let comparison = domain::audit::Comparison::make(ports, plan, &|_| ()).await;
        let objects = comparison.withdrawn();
        let line = objects.iter().map(|(at, object)| {
            assert_eq!(at.key.as_content(), Some(object.sha1));
            (object.fid.0, at.bucket.to_string())
        });
        (line.collect(), comparison.summary().why_withdrawn_is_incomplete())
    })
}

fn with_repo(repo: ContentRepo) -> Stage {
    let mut stage = two_files();
    stage.repo = Some(Arc::new(repo));
    stage
}

#[test]
fn only_what_nothing_refers_to_is_withdrawn() {
    let repo = ContentRepo::default();
    for (fid, status) in
        [(10, RepoStatus::Used), (11, RepoStatus::Deleted), (12, RepoStatus::Purged)]
    {
        repo.refer(&sha1(fid).to_string(), Some("repo"), status);
    }
    let mut stage = with_repo(repo);
    (10..=13).for_each(|fid| stage.proven(fid));
    // The same content under another fid, recorded twice; and the same content in another bucket.
    stage.record(20, "new-repo", sha1(13), Some(Proof::Put));
    stage.record(21, "new-corpus", sha1(13), Some(Proof::Put));
    // Rows that are no files, or that the operator left out, name their content all the same.
    stage.proven(30);
    stage.store(31, &format!("{}-repo", sha1(30)));
    stage.excluded.push(31);
    let (objects, incomplete) = withdrawn(&stage);
    let expected = [(12, "new-repo"), (13, "new-repo"), (21, "new-corpus")];
    let mut objects = objects;
    objects.sort_unstable();
    assert_eq!(objects, expected.map(|(fid, bucket)| (fid, bucket.to_owned())));
    assert_eq!(incomplete, None);
}

#[test]
fn a_row_without_a_length_still_names_its_content() {
    let stage = with_repo(ContentRepo::default());
    stage.proven(30);
    let mogile = &stage.world.port.mogile;
    stage.store(31, &format!("{}-repo", sha1(30)));
    let row = mogile.row(Fid(31)).expect("a row");
    mogile.plant(FileRow { length: None, ..row });
    assert_eq!(withdrawn(&stage), (Vec::new(), None));
}

#[test]
fn a_list_of_what_was_not_asked_is_incomplete() {
    let repo = ContentRepo::default();
    repo.away.store(true, Ordering::Relaxed);
    let stage = with_repo(repo);
    stage.proven(7);
    let (objects, incomplete) = withdrawn(&stage);
    assert!(incomplete.is_some_and(|why| why.contains("contentrepo")), "not asked");
    assert_eq!(objects, []);
    let stage = with_repo(ContentRepo::default());
    stage.proven(7);
    stage.world.port.faults.strike(Call::Page, "", PortFault::RequestLost, 1_000);
    let (objects, incomplete) = withdrawn(&stage);
    assert!(objects.is_empty() && incomplete.is_some_and(|why| why.contains("before its end")));
}

/// What happens, how, and words of the reason for which the list is not complete then.
type Doubt = (&'static str, fn(&mut Stage), &'static str);

/// What else may name the object of a withdrawn record.
const DOUBTS: &[Doubt] = &[
    (
        "a record of an older setting of BUCKETS",
        |it| it.record(8, "older-repo", sha1(8), Some(Proof::Put)),
        "1 records name a bucket that is not in BUCKETS",
    ),
    (
        "a file whose record is of another bucket",
        |it| (it.file(8), it.record(8, "new-corpus", sha1(8), Some(Proof::Put))).0,
        "BUCKETS may have changed",
    ),
    (
        "the content is stored again while the audit runs",
        |it| {
            let (mogile, devices) = (Arc::clone(&it.world.port.mogile), it.world.devices);
            let dmid = it.world.dmid;
            let repo = ContentRepo::default();
            repo.when_read(move || {
                let (key, bytes) = (format!("{}-repo", sha1(7)), Content::from(content(7, 10)));
                mogile.store_as(Fid(40), dmid, &key, &bytes, &devices[..2]);
            });
            it.repo = Some(Arc::new(repo));
        },
        "stored while the audit ran",
    ),
];

/// Another domain may be migrated with the same ledger, or into the same buckets under other settings.
#[test]
fn what_another_domain_names_is_not_withdrawn() {
    let stage = lost_row();
    let (mogile, devices) = (&stage.world.port.mogile, &stage.world.devices[..2]);
    let other = mogile.add_domain("another");
    let store = |fid, key: &str| {
        mogile.store_as(Fid(fid), other, key, &Content::from(content(fid, 10)), devices);
    };
    // Its rows are behind all of ours, and name other contents.
    store(50, "test");
    store(51, &format!("{}-repo", sha1(51)));
    assert_eq!(withdrawn(&stage), (vec![(7, "new-repo".to_owned())], None));
    // It has migrated a file by the same ledger, into a bucket of its own.
    stage.record(51, "its-repo", sha1(51), Some(Proof::Put));
    assert_eq!(withdrawn(&stage), (vec![(7, "new-repo".to_owned())], None));
    let summary = stage.audit(None);
    assert_eq!((summary.records_of_other_domains, summary.without_row.records), (1, 1));
    super::adds_up(&summary, "a record of another domain");
    // It has the content of the withdrawn record, in a bucket that it may map to the same one.
    store(52, &format!("{}-its-bucket", sha1(7)));
    assert_eq!(withdrawn(&stage), (vec![], None));
    let summary = stage.audit(None);
    assert_eq!(summary.without_row.content_of_another_domain, 1);
    super::adds_up(&summary, "the content of a row of another domain");
    assert!(!summary.differs() && !summary.is_incomplete(), "{summary:?}");
}

#[test]
fn a_list_whose_objects_something_else_may_name_is_incomplete() {
    let (objects, incomplete) = withdrawn(&lost_row());
    assert_eq!((objects, incomplete), (vec![(7, "new-repo".to_owned())], None));
    for (name, plant, words) in DOUBTS {
        let mut stage = lost_row();
        plant(&mut stage);
        let (objects, incomplete) = withdrawn(&stage);
        assert!(
            incomplete.as_ref().is_some_and(|why| why.contains(words)),
            "{name}: {incomplete:?}"
        );
        assert!(objects.iter().all(|(fid, _)| *fid == 7), "{name}: {objects:?}");
    }
}

/// A record without a row, and a contentrepo that does not refer to it.
fn lost_row() -> Stage {
    let stage = with_repo(ContentRepo::default());
    stage.proven(7);
    stage
}
