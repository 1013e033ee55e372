//! A proof counts for one content in one bucket: what is proven elsewhere, or as something else, is
//! not migrated, and nothing says that it is.

use rehearsal::planting::Expected;
use stand_ins::embedded::{BUCKETS, LEDGER};
use stand_ins::world::dynamodb::text;
use stand_ins::world::mogile::{Content, Fid};

use super::session::Session;

const OLD: &str = BUCKETS[0].1;
const NEW: &str = "corpus-new";

/// A store that is migrated, and settings that name another bucket since, which is empty.
async fn moved() -> Session {
    let mut session = Session::migrated(21, 5).await;
    session.stage.world.s3.create_bucket(NEW).expect("a new one");
    let map = format!("{}:{NEW},{}:{}", BUCKETS[0].0, BUCKETS[1].0, BUCKETS[1].1);
    session.set("BUCKETS", map);
    session
}

fn of_old(session: &Session) -> Vec<&Expected> {
    session.files().iter().filter(|file| file.bucket == OLD).collect()
}

async fn is_refused(command: &[&str]) {
    let session = moved().await;
    let before = session.stage.world.faults.counts();
    let said = session.said(command, 2).await;
    let files = format!("{} files", of_old(&session).len());
    for words in [&*files, "`corpus-prod`", "`corpus-new`", "$0.", "nothing was done"] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    assert!(!said.contains("Clean"), "{said}");
    let told = session.told(command, 2).await;
    assert_eq!((&told["exit_code"], &told["incomplete"]), (&2.into(), &true.into()), "{told}");
    let stopped = told["stopped"].as_str().expect("words");
    assert!(stopped.contains(OLD) && stopped.contains(NEW), "{told}");
    session.nothing_was_written_since(&before);
    assert_eq!(session.stage.world.s3.objects(NEW).expect("a bucket").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_refuses_another_bucket_over_the_same_ledger() {
    is_refused(&["migrate"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enqueue_refuses_another_bucket_over_the_same_ledger() {
    is_refused(&["enqueue", "migrate"]).await;
}

/// A store that is migrated, and settings in which its two S3 buckets have changed places since.
async fn swapped() -> Session {
    let mut session = Session::migrated(24, 8).await;
    session.set("BUCKETS", swapped_map());
    session
}

fn swapped_map() -> String {
    format!("{}:{},{}:{}", BUCKETS[0].0, BUCKETS[1].1, BUCKETS[1].0, BUCKETS[0].1)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_begun_with_names_that_were_swapped() {
    let mut session = swapped().await;
    let (mogile, dmid) = (&session.stage.world.mogile, session.stage.world.dmid);
    let content = b"what came since";
    let key = format!("{}-{}", domain::Sha1::of(content), BUCKETS[0].0);
    let devices = &session.stage.world.devices[..1];
    let Fid(new) = mogile.store(dmid, &key, &Content::from(content.to_vec()), devices);
    let before = session.stage.world.faults.counts();
    for command in [
        &["migrate"][..],
        &["migrate", "--again"],
        &["sync"],
        &["enqueue", "migrate"],
        &["enqueue", "verify", "--run", "one"],
    ] {
        let said = session.said(command, 2).await;
        for (_, bucket) in BUCKETS {
            let words = format!("are recorded in bucket `{bucket}`, and BUCKETS takes ");
            assert!(said.contains(&words), "{command:?}: {said}");
        }
        let flags = "--moved-from corpus-prod";
        assert!(said.contains(flags) && said.contains("nothing was done"), "{command:?}: {said}");
    }
    session.nothing_was_written_since(&before);
    assert_eq!(session.jobs(), 0);

    session.reset("BUCKETS");
    let told = session.told(&["migrate"], 0).await;
    assert_eq!(told["by_mogile"]["files"], 1, "{told}");
    assert_eq!(session.recorded(new, "bucket"), OLD);
}

/// A ledger of s3migrate has claims, which say as well where files are.
#[tokio::test(flavor = "multi_thread")]
async fn claims_show_names_that_were_swapped() {
    let mut session = Session::migrated(24, 60).await;
    session.set("BUCKETS", swapped_map());
    for mut item in session.items(LEDGER) {
        item.remove("proof");
        session.put(LEDGER, item);
    }
    let before = session.stage.world.faults.counts();
    for command in [&["migrate"][..], &["migrate", "--fids", "1-5000"]] {
        let said = session.said(command, 2).await;
        assert!(said.contains("files are recorded in bucket `corpus-prod`, and BUCKETS"), "{said}");
    }
    session.nothing_was_written_since(&before);
    let said = session.said(&["doctor"], 1).await;
    let bad = "does not hold: its records are of the buckets that are mapped";
    assert!(said.contains(bad), "{said}");
}

/// It is one of one, and no sign of a wrong map.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_renamed_is_migrated_by_its_fid() {
    let session = Session::migrated(26, 30).await;
    let file = session.plain().find(|file| file.bucket == OLD).expect("one");
    let key = |bucket: &str| format!("{}-{bucket}", file.file.sha1);
    let mogile = &session.stage.world.mogile;
    mogile.rename("plos_repo", &key(BUCKETS[0].0), &key(BUCKETS[1].0)).expect("free");
    let fid = file.fid.to_string();
    let told = session.told(&["migrate", "--fids", &fid], 0).await;
    assert_eq!(told["proven_as_another"]["files"], 1, "{told}");
    assert_eq!(session.recorded(file.fid, "bucket"), BUCKETS[1].1);
}

/// Where the first map was the wrong one, and is corrected.
#[tokio::test(flavor = "multi_thread")]
async fn both_buckets_may_change_places_on_purpose() {
    let session = swapped().await;
    let flags = BUCKETS.map(|(_, bucket)| ["--moved-from", bucket]).concat();
    let told = session.told(&[&["migrate"], &flags[..]].concat(), 0).await;
    assert_eq!(told["proven_as_another"]["files"], session.files().len(), "{told}");
    let again = session.told(&["migrate"], 0).await;
    assert_eq!(again["proven_before"]["files"], session.files().len(), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_with_another_map_takes_no_job() {
    let mut session = Session::new(25, 5).await;
    session.said(&["enqueue", "migrate"], 0).await;
    let jobs = session.jobs();
    let objects = |session: &Session| {
        BUCKETS.map(|(_, bucket)| session.stage.world.s3.objects(bucket).expect("it is").len())
    };
    let objects_before = objects(&session);
    let others = [
        (swapped_map(), "this worker takes them to `"),
        ("no-such-repo:corpus-new".to_owned(), "this worker leaves `mogilefs-prod-"),
    ];
    for (map, words) in others {
        session.set("BUCKETS", map);
        session.set("IGNORE_BUCKETS", "");
        let said = session.said(&["work", "--until-empty"], 2).await;
        assert!(said.contains(words) && said.contains("correct BUCKETS or SQS_URL"), "{said}");
        assert_eq!(session.jobs(), jobs, "all of them are in the queue");
        session.reset("BUCKETS");
        session.reset("IGNORE_BUCKETS");
        let said = session.said(&["status"], 1).await;
        assert!(said.contains("other-settings: YOU MUST ACT."), "{said}");
    }
    assert_eq!(objects(&session), objects_before);
    session.said(&["work", "--until-empty"], 0).await;
    session.is_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_doctor_find_proofs_in_a_bucket_that_is_not_named() {
    let mut session = moved().await;
    let files = of_old(&session).len();
    let said = session.said(&["status"], 1).await;
    let words = format!("{files} files are proven in buckets that BUCKETS does not name");
    assert!(said.contains(&words), "{said}");
    assert!(said.contains(&format!("{files} more in bucket {OLD}, not in BUCKETS")), "{said}");
    let told = session.told(&["status"], 1).await;
    assert_eq!(told["ledger"]["elsewhere"][OLD], files, "{told}");
    assert_eq!(told["proven"], session.files().len() - files, "{told}");

    let said = session.said(&["doctor"], 1).await;
    let bad = "BAD  ledger: does not hold: its records are of the buckets that are mapped";
    assert!(said.contains(bad), "{said}");
    assert!(said.contains("is recorded in bucket `corpus-prod`"), "{said}");

    session.reset("BUCKETS");
    session.said(&["status"], 0).await;
    session.said(&["doctor"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_brings_every_file_that_may_move() {
    let session = moved().await;
    let told = session.told(&["migrate", "--moved-from", OLD], 0).await;
    let files = of_old(&session);
    assert_eq!(told["proven_as_another"]["files"], files.len(), "{told}");
    let others = session.files().len() - files.len();
    assert_eq!(told["proven_before"]["files"], others, "{told}");
    for file in &files {
        assert!(session.has(NEW, file), "fid {} is not whole in {NEW}", file.fid);
        assert_eq!(session.recorded(file.fid, "bucket"), NEW);
    }
    let again = session.told(&["migrate"], 0).await;
    assert_eq!(again["proven_before"]["files"], session.files().len(), "{again}");
    session.said(&["status"], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enqueue_sends_every_file_that_may_move() {
    let session = moved().await;
    let files = of_old(&session);
    let told = session.told(&["enqueue", "migrate", "--moved-from", OLD], 0).await;
    assert_eq!(told["sent"]["files"], files.len(), "{told}");
    assert_eq!(session.jobs(), files.len());
    session.said(&["work", "--until-empty"], 0).await;
    assert!(files.iter().all(|file| session.has(NEW, file)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_record_in_a_hundred_may_be_of_another_bucket() {
    let session = Session::migrated(22, 120).await;
    let file = session.plain().next().expect("one");
    let mut item = session.item(file.fid);
    item.extend([text("bucket", "corpus-of-long-ago")]);
    session.put(LEDGER, item);
    session.lose(file);

    let said = session.said(&["migrate"], 0).await;
    let class = "(1 of these files have a ledger record of another bucket or content: it does \
                 not count)";
    assert!(said.contains(class) && said.contains("Clean"), "{said}");
    assert!(!said.contains("corpus-of-long-ago"), "{said}");
    assert_eq!(session.recorded(file.fid, "bucket"), file.bucket);
    session.is_content();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fid_that_is_used_again_is_migrated_again() {
    let session = Session::migrated(23, 5).await;
    let file = session.plain().next().expect("one");
    let content = b"what has this fid since".to_vec();
    let sha1 = domain::Sha1::of(&content).to_string();
    let (mogile, dmid) = (&session.stage.world.mogile, session.stage.world.dmid);
    let (old, _) = BUCKETS.into_iter().find(|(_, new)| *new == file.bucket).expect("a bucket");
    let devices = session.holders(file);
    mogile.drop_row(Fid(file.fid));
    let (key, bytes) = (format!("{sha1}-{old}"), Content::from(content.clone()));
    mogile.store_as(Fid(file.fid), dmid, &key, &bytes, &devices);

    let told = session.told(&["migrate"], 0).await;
    assert_eq!(told["proven_as_another"]["files"], 1, "{told}");
    let found = session.stage.world.s3.get(file.bucket, &sha1, &<_>::default());
    assert_eq!(found.expect("it is there").content.bytes(), &content);
    assert_eq!(session.recorded(file.fid, "sha1"), sha1);
}
