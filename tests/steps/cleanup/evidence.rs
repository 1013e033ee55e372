//! What the content of an upload is, where else it is, and who needs it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use domain::cleanup::{Deletion, Mode, delete_temporary};
use domain::ports::RepoStatus;
use domain::{BucketMap, Misconfigured, Sha1, Stopped};
use stand_ins::port::{Call, PortFault};
use stand_ins::world::mogile::{Content, DeviceStatus, Fid, FileRow};

use super::{A_DAY, ContentRepo, Stage, plan, really, tmp};

const BYTES: &[u8] = b"content of an upload that never ended";

fn sha1() -> String {
    Sha1::of(BYTES).to_string()
}

/// A stage with one upload, which contentrepo refers to from its bucket `repo`.
fn needed() -> (Stage, Fid) {
    let stage = Stage::new();
    let fid = stage.store_content(&tmp(1), BYTES);
    let contentrepo = stage.contentrepo.as_ref().expect("it is there");
    contentrepo.refer(&sha1(), Some("repo"), RepoStatus::Used);
    (stage, fid)
}

/// The class of the only upload.
fn class(deletion: &Deletion) -> &'static str {
    let classes = [
        ("deleted", deletion.deleted.files),
        ("deletable", deletion.deletable.files),
        ("only copy", deletion.only_copies.len() as u64),
        ("undecided", deletion.undecided.files),
        ("unreadable", deletion.unreadable.files),
        ("unsure", deletion.unsure.files),
        ("changed", deletion.changed),
        ("unseen", deletion.unseen),
        ("not looked at", deletion.not_looked_at),
    ];
    let one: Vec<_> = classes.into_iter().filter(|(_, files)| *files == 1).collect();
    assert_eq!(one.len(), 1, "{deletion:?}");
    one[0].0
}

/// The class of the only upload a day after it was listed; when it is deleted it must be gone.
fn ends_as(stage: &Stage, fid: Fid, expected: &str) -> Deletion {
    let deletion = stage.clean_up();
    assert_eq!(class(&deletion), expected, "{deletion:?}");
    assert_eq!(stage.has(fid), expected != "deleted", "{expected}");
    deletion
}

#[test]
fn an_object_with_the_same_content_makes_an_upload_superfluous() {
    let (stage, fid) = needed();
    stage.world.plant(&sha1(), BYTES);
    ends_as(&stage, fid, "deleted");
    // Of other content, and one without bytes.
    for other in [&b"other"[..], b""] {
        let (stage, fid) = needed();
        stage.world.plant(&sha1(), other);
        ends_as(&stage, fid, "only copy");
    }
}

#[test]
fn a_file_with_the_same_content_makes_an_upload_superfluous_when_it_can_be_read() {
    // What is in an ignored bucket does not migrate.
    for (bucket, end) in [("repo", "deleted"), ("trash", "only copy")] {
        let (stage, fid) = needed();
        stage.store_content(&format!("{}-{bucket}", sha1()), BYTES);
        ends_as(&stage, fid, end);
    }
    // Its name alone is no copy: the content is lost, or another one.
    for replica in [None, Some(&b"other"[..])] {
        let (stage, fid) = needed();
        let key = format!("{}-repo", sha1());
        let file = stage.store_content(&key, BYTES);
        for device in stage.world.devices {
            stage.world.port.mogile.remove_replica(file, device);
            if let Some(bytes) = replica {
                let bytes = Content::from(bytes.to_vec());
                stage.world.port.mogile.set_replica(file, device, bytes);
            }
        }
        let deletion = ends_as(&stage, fid, "only copy");
        assert_eq!(deletion.only_copies[0].taken, [key]);
    }
}

#[test]
fn an_only_copy_is_listed_with_the_key_at_which_it_belongs() {
    let (stage, fid) = needed();
    let contentrepo = stage.contentrepo.as_ref().expect("it is there");
    contentrepo.refer(&sha1(), Some("unnamed"), RepoStatus::Deleted);
    let deletion = ends_as(&stage, fid, "only copy");
    let copy = &deletion.only_copies[0];
    assert_eq!((copy.fid.0, &copy.key, copy.sha1.to_string()), (fid.0, &tmp(1), sha1()));
    let keys = ["repo", "unnamed"].map(|bucket| format!("{}-{bucket}", sha1()));
    assert_eq!((&copy.belongs_at[..], &copy.taken[..]), (&keys[..], &[][..]));
    // As it says: the rename heals it, and it is no unfinished upload any more.
    let mogile = &stage.world.port.mogile;
    mogile.rename("plos_repo", &copy.key, &copy.belongs_at[0]).expect("free");
    assert_eq!(stage.delete().temporary.files, 0);
}

/// contentrepo has the new name then, and MogileFS never has it.
#[test]
fn after_a_cut_over_an_only_copy_still_belongs_under_the_old_name() {
    let stage = Stage::new();
    let fid = stage.store_content(&tmp(1), BYTES);
    let contentrepo = stage.contentrepo.as_ref().expect("it is there");
    contentrepo.refer(&sha1(), Some("new-repo"), RepoStatus::Used);
    let deletion = ends_as(&stage, fid, "only copy");
    assert_eq!(deletion.only_copies[0].belongs_at, [format!("{}-repo", sha1())]);
}

#[test]
fn what_contentrepo_says_decides_about_what_exists_nowhere_else() {
    let upper = sha1().to_uppercase();
    for (checksum, bucket, status, expected) in [
        (&*sha1(), Some("repo"), RepoStatus::Used, "only copy"),
        (&*sha1(), Some("repo"), RepoStatus::Deleted, "only copy"),
        (&*sha1(), Some("repo"), RepoStatus::Unknown, "only copy"),
        (&*sha1(), None, RepoStatus::Used, "only copy"),
        (&*upper, Some("repo"), RepoStatus::Used, "only copy"),
        (&*sha1(), Some("repo"), RepoStatus::Purged, "deleted"),
        (&*Sha1::of(b"other").to_string(), Some("repo"), RepoStatus::Used, "deleted"),
        ("no checksum", Some("repo"), RepoStatus::Used, "deleted"),
    ] {
        let stage = Stage::new();
        let fid = stage.store_content(&tmp(1), BYTES);
        let contentrepo = stage.contentrepo.as_ref().expect("it is there");
        contentrepo.refer("something", Some("repo"), RepoStatus::Used);
        contentrepo.refer(checksum, bucket, status);
        contentrepo.refer("something", None, RepoStatus::Unknown);
        ends_as(&stage, fid, expected);
    }
}

#[test]
fn without_contentrepo_only_what_is_elsewhere_is_deleted() {
    for is_away in [false, true] {
        let mut stage = Stage::new();
        let fid = stage.store_content(&tmp(1), BYTES);
        if is_away {
            let contentrepo = Arc::<ContentRepo>::default();
            contentrepo.away.store(true, Ordering::Relaxed);
            stage.contentrepo = Some(contentrepo);
        } else {
            stage.contentrepo = None;
        }
        let deletion = ends_as(&stage, fid, "undecided");
        assert_eq!(deletion.contentrepo_failed.is_some(), is_away);
        stage.world.plant(&sha1(), BYTES);
        assert_eq!(class(&stage.delete()), "deleted");
    }
}

/// One of a test, or one that is empty, refers to nothing: to it every upload is needless.
#[test]
fn another_stores_contentrepo_decides_about_nothing() {
    for refers_to in [None, Some("another store's file")] {
        for is_named in [false, true] {
            let mut stage = Stage::new();
            let fid = stage.store_content(&tmp(1), BYTES);
            let contentrepo = ContentRepo::default();
            if let Some(content) = refers_to {
                let sha1 = Sha1::of(content.as_bytes()).to_string();
                contentrepo.refer(&sha1, Some("repo"), RepoStatus::Used);
            }
            stage.contentrepo = Some(Arc::new(contentrepo));
            stage.list();
            stage.pass(A_DAY);
            let ports = stage.ports();
            let named = if is_named { vec![fid] } else { Vec::new() };
            let deletion = stage.try_delete(&ports, &really(), &named).expect("not refused");
            assert_eq!(class(&deletion), "not looked at", "{refers_to:?}");
            let Some(Stopped::Misconfigured(why)) = deletion.stopped else { panic!("no reason") };
            assert!(why.to_string().contains("refers to 0 of 1 files"), "{why}");
            assert!(stage.has(fid));
        }
    }
}

/// A replica that lags behind, or an old copy, calls what is newer needless.
#[test]
fn a_contentrepo_without_the_newest_files_decides_about_nothing() {
    for (known, is_believed) in [(40, true), (36, true), (35, false)] {
        let stage = Stage::new();
        let contentrepo = stage.contentrepo.as_ref().expect("it is there");
        for number in 0..40 {
            let bytes = format!("file {number}").into_bytes();
            let sha1 = Sha1::of(&bytes).to_string();
            stage.store_content(&format!("{sha1}-repo"), &bytes);
            if number < known {
                // A purged row refers to nothing, and shows that it is known.
                let purged = number == known - 1;
                let status = if purged { RepoStatus::Purged } else { RepoStatus::Used };
                contentrepo.refer(&sha1, Some("repo"), status);
            }
        }
        let fid = stage.store_content(&tmp(1), BYTES);
        let deletion = stage.clean_up();
        let end = if is_believed { "deleted" } else { "not looked at" };
        assert_eq!((class(&deletion), stage.has(fid)), (end, !is_believed), "{deletion:?}");
        let is_old = matches!(
            deletion.stopped,
            Some(Stopped::Misconfigured(Misconfigured::OldContentRepo { .. }))
        );
        assert_eq!(is_old, !is_believed, "{deletion:?}");
    }
}

/// Another client of the same trackers may use such keys for reasons of its own.
#[test]
fn the_uploads_of_a_domain_without_a_mapped_file_stay() {
    let stage = Stage::empty();
    let fid = stage.store_content(&tmp(1), BYTES);
    stage.store("another client's key");
    let deletion = ends_as(&stage, fid, "not looked at");
    let Some(Stopped::Misconfigured(why)) = deletion.stopped else { panic!("no reason") };
    assert!(why.to_string().contains("none of the 2 rows is in a bucket that is mapped"), "{why}");
}

/// It would have said which of them it needs.
#[test]
fn also_unique_does_not_decide_for_a_contentrepo_that_is_away() {
    let (stage, fid) = needed();
    stage.contentrepo.as_ref().expect("it is there").away.store(true, Ordering::Relaxed);
    stage.list();
    stage.pass(A_DAY);
    let deletion = stage.try_delete(&stage.ports(), &really(), &[fid]).expect("not refused");
    assert_eq!((class(&deletion), stage.has(fid)), ("undecided", true));
}

#[test]
fn also_unique_deletes_what_exists_nowhere_else() {
    for contentrepo in [true, false] {
        let (mut stage, fid) = needed();
        if !contentrepo {
            stage.contentrepo = None;
        }
        stage.list();
        let early = stage.try_delete(&stage.ports(), &really(), &[fid]).expect("not refused");
        assert_eq!(early.too_young, 1, "it is no way around the day");
        stage.pass(A_DAY);
        // It is for the files that are named alone.
        let others = [Fid(fid.0 - 1), Fid(fid.0 + 1)];
        let deletion = stage.try_delete(&stage.ports(), &really(), &others).expect("not refused");
        let kept = if contentrepo { "only copy" } else { "undecided" };
        assert_eq!((class(&deletion), stage.has(fid)), (kept, true));
        let deletion = stage.try_delete(&stage.ports(), &really(), &[fid]).expect("not refused");
        assert_eq!(class(&deletion), "deleted");
        assert!(!stage.has(fid));
    }
}

/// What is done to the replicas of an upload.
type Change<'a> = &'a dyn Fn(&Stage, Fid);

/// Nobody knows what its content should be. So all replicas are read, also those on devices that are
/// down, and what cannot be said stays, also with `--also-unique`.
#[test]
fn an_upload_whose_content_cannot_be_said_stays() {
    let lose = |stage: &Stage, fid: Fid, replicas: usize| {
        for device in &stage.world.devices[..replicas] {
            stage.world.port.mogile.remove_replica(fid, *device);
        }
    };
    let spoil = |stage: &Stage, fid: Fid, replicas: usize, bytes: &[u8]| {
        for device in &stage.world.devices[..replicas] {
            stage.world.port.mogile.set_replica(fid, *device, Content::from(bytes.to_vec()));
        }
    };
    let down = |stage: &Stage, device: usize| {
        let device = stage.world.devices[device];
        stage.world.port.mogile.set_device_status(device, DeviceStatus::Down);
    };
    let kinds: [(&str, Change, &str); 7] = [
        ("nothing is wrong", &|_, _| {}, "deleted"),
        ("one replica is lost", &|stage, fid| lose(stage, fid, 1), "unreadable"),
        (
            "the good one is on a device that is down",
            &|stage, fid| {
                let other: Vec<_> = BYTES.iter().rev().copied().collect();
                spoil(stage, fid, 1, &other);
                down(stage, 1);
            },
            "unreadable",
        ),
        ("all are lost", &|stage, fid| lose(stage, fid, 2), "unreadable"),
        (
            "the index names none",
            &|stage, fid| {
                let row = stage.world.port.mogile.row(fid).expect("stored");
                stage.world.port.mogile.plant(FileRow { devids: Vec::new(), ..row });
            },
            "unreadable",
        ),
        (
            "they differ",
            &|stage, fid| {
                let other: Vec<_> = BYTES.iter().rev().copied().collect();
                spoil(stage, fid, 1, &other);
            },
            "unreadable",
        ),
        ("they are cut short", &|stage, fid| spoil(stage, fid, 2, &BYTES[1..]), "unreadable"),
    ];
    for (name, change, expected) in kinds {
        let stage = Stage::new();
        let fid = stage.store_content(&tmp(1), BYTES);
        change(&stage, fid);
        stage.list();
        stage.pass(A_DAY);
        let deletion = stage.try_delete(&stage.ports(), &really(), &[fid]).expect("not refused");
        assert_eq!(class(&deletion), expected, "{name}: {deletion:?}");
    }
}

#[test]
fn a_look_that_fails_ends_the_run_and_deletes_nothing() {
    for (call, expected) in [
        (Call::FileInfo, "not looked at"),
        (Call::Head, "not looked at"),
        (Call::Row, "not looked at"),
    ] {
        let (stage, fid) = needed();
        stage.world.plant(&sha1(), BYTES);
        stage.list();
        stage.pass(A_DAY);
        stage.world.port.faults.strike(call, "", PortFault::RequestLost, 99);
        let deletion = stage.delete();
        assert!(matches!(deletion.stopped, Some(Stopped::Trouble(_))), "{call:?}");
        assert_eq!(class(&deletion), expected, "{call:?}");
        assert!(stage.has(fid));
        stage.world.port.faults.clear();
        assert_eq!(class(&stage.delete()), "deleted");
    }
}

/// As when the database is the one of another store.
#[test]
fn an_upload_that_only_the_index_knows_stays_and_is_told() {
    let (stage, fid) = needed();
    stage.world.plant(&sha1(), BYTES);
    stage.world.port.mogile.hide_from_lookups(fid);
    let deletion = ends_as(&stage, fid, "unreadable");
    assert!(deletion.unreadable.example.contains("MOGILE_DATABASE_URL"), "{deletion:?}");
}

#[test]
fn a_bucket_that_does_not_exist_ends_the_run() {
    let (stage, fid) = needed();
    stage.list();
    stage.pass(A_DAY);
    let buckets = BucketMap::parse("repo:nobody-made-it", "").expect("good settings");
    let (ports, plan) = (stage.ports(), plan(&buckets, &[], really()));
    let stopped = stage.world.run(delete_temporary(&ports, &plan)).expect("not refused").stopped;
    let Some(Stopped::Trouble(reason)) = stopped else { panic!("{stopped:?}") };
    assert!(reason.is_of_wrong_settings() && stage.has(fid), "{reason:?}");
}

#[test]
fn a_dry_run_says_the_same_and_changes_nothing() {
    let (stage, fid) = needed();
    stage.world.plant(&sha1(), BYTES);
    stage.list();
    stage.pass(A_DAY);
    stage.world.calls();
    let deletion = stage.try_delete(&stage.ports(), &Mode::DryRun, &[]).expect("not refused");
    assert_eq!(class(&deletion), "deletable");
    let calls = stage.world.calls();
    assert!(!calls.contains("deletefile") && !calls.contains("append"), "{calls}");
    assert!(stage.has(fid) && stage.said().len() == 1);
}
