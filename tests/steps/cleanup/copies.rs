//! Where the content of an upload must be, too, before the upload goes.

use domain::BucketMap;
use domain::Sha1;
use domain::cleanup::{Deletion, delete_temporary};
use domain::ports::RepoStatus;
use stand_ins::world::mogile::{Fid, FileRow};

use super::{A_DAY, Stage, plan, really, tmp};

const BYTES: &[u8] = b"content of an upload that is somewhere else, too";

/// Two buckets are mapped.
const BUCKETS: &str = "repo:new-repo,trash:new-repo-2";

fn key(bucket: &str) -> String {
    format!("{}-{bucket}", Sha1::of(BYTES))
}

/// A stage with one upload. Files have its content in these buckets, and contentrepo refers to it from
/// those, or is not asked.
fn stage(files: &[&str], refer: Option<&[Option<&str>]>) -> (Stage, Fid) {
    let mut stage = Stage::new();
    let fid = stage.store_content(&tmp(1), BYTES);
    for bucket in files {
        stage.store_content(&key(bucket), BYTES);
    }
    match refer {
        None => stage.contentrepo = None,
        Some(buckets) => {
            let contentrepo = stage.contentrepo.as_ref().expect("it is there");
            for bucket in buckets {
                contentrepo.refer(&Sha1::of(BYTES).to_string(), *bucket, RepoStatus::Used);
            }
        }
    }
    stage.world.port.s3.create_bucket("new-repo-2").expect("a new one");
    stage.list();
    stage.pass(A_DAY);
    (stage, fid)
}

fn delete(stage: &Stage, also_unique: &[Fid]) -> Deletion {
    let buckets = BucketMap::parse(BUCKETS, "").expect("good settings");
    let order = plan(&buckets, also_unique, really());
    let deletion = stage.world.run(delete_temporary(&stage.ports(), &order)).expect("not refused");
    assert_eq!(super::classes(&deletion), 1, "{deletion:?}");
    deletion
}

/// `D` it is deleted, `K` kept as an only copy, `?` undecided.
fn end(deletion: &Deletion) -> char {
    match (deletion.deleted.files, deletion.only_copies.len(), deletion.undecided.files) {
        (1, 0, 0) => 'D',
        (0, 1, 0) => 'K',
        (0, 0, 1) => '?',
        _ => panic!("{deletion:?}"),
    }
}

/// The content of `{sha1}-repo` is lost, and another bucket has it: the upload is what heals the bucket.
#[test]
fn a_copy_in_a_bucket_that_does_not_refer_is_not_enough() {
    let (repo, trash) = (Some("repo"), Some("trash"));
    for (files, refer, expected) in [
        (&["repo"][..], Some(&[repo][..]), 'D'),
        (&["trash"], Some(&[repo]), 'K'),
        (&["trash"], Some(&[repo, trash]), 'K'),
        (&["repo", "trash"], Some(&[repo, trash]), 'D'),
        (&["repo"], Some(&[Some("new-repo")]), 'D'),
        (&["trash"], Some(&[Some("new-repo")]), 'K'),
        // A row without a bucket may be of any.
        (&["trash"], Some(&[None]), 'K'),
        (&["repo", "trash"], Some(&[None]), 'D'),
        // A bucket that is not mapped does not migrate: one copy that does is enough.
        (&["trash"], Some(&[Some("unnamed")]), 'D'),
        (&[], Some(&[Some("unnamed")]), 'K'),
        (&[], Some(&[]), 'D'),
        // Nobody says who refers to it.
        (&["trash"], None, '?'),
        (&["repo", "trash"], None, 'D'),
        (&[], None, '?'),
    ] {
        let (stage, fid) = stage(files, refer);
        let deletion = delete(&stage, &[]);
        assert_eq!(end(&deletion), expected, "{files:?} {refer:?}: {deletion:?}");
        assert_eq!(stage.has(fid), expected != 'D', "{files:?} {refer:?}");
        if expected != 'D' {
            assert_eq!(end(&delete(&stage, &[fid])), 'D', "named by itself: {files:?} {refer:?}");
        }
    }
}

#[test]
fn an_only_copy_is_listed_with_the_keys_that_lack_it() {
    let (stage, _) = stage(&["trash"], Some(&[Some("repo"), Some("trash")]));
    assert_eq!(delete(&stage, &[]).only_copies[0].belongs_at, [key("repo")]);
    stage.world.plant(&Sha1::of(BYTES), BYTES);
    assert_eq!(end(&delete(&stage, &[])), 'D', "the bucket's own object is as good");
}

/// The trackers find it by the key; it does not migrate, and contentrepo asks for another one.
#[test]
fn a_file_whose_key_is_alike_but_for_case_is_no_copy() {
    let (stage, fid) = stage(&["repo"], Some(&[Some("repo")]));
    let mogile = &stage.world.port.mogile;
    let row = mogile.row_by_key(stage.world.dmid, &key("repo")).expect("stored");
    mogile.plant(FileRow { dkey: Some(key("repo").to_uppercase()), ..row });
    let deletion = delete(&stage, &[]);
    assert_eq!((end(&deletion), stage.has(fid)), ('K', true), "{deletion:?}");
    assert_eq!(deletion.only_copies[0].taken, [key("repo")], "a rename there would be refused");
}
