//! The objects whose content is withdrawn: nothing refers to it any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::Proof;
use domain::ports::RepoStatus;
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{Fid, FileRow};

use super::stage::{Stage, sha1};
use super::two_files;
use crate::cleanup::contentrepo::ContentRepo;

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
    let (_, incomplete) = withdrawn(&stage);
    assert!(incomplete.is_some_and(|why| why.contains("contentrepo")), "not asked");
    let stage = with_repo(ContentRepo::default());
    stage.proven(7);
    stage.world.port.faults.strike(Call::Page, "", PortFault::RequestLost, 1_000);
    let (objects, incomplete) = withdrawn(&stage);
    assert!(objects.is_empty() && incomplete.is_some_and(|why| why.contains("before its end")));
}
