//! The oracle notices whatever is not as it was to be: a world is migrated, then tampered with.

use std::time::Duration;

use oracle::{Left, Outcome};
use rehearsal::hazard::{Hazard, Hazards};
use rehearsal::passes::{Account, Budget, CommandResult, Index, Pass, Round, Runner};
use rehearsal::planting::Expected;
use rehearsal::stage::{Options, Stage};
use stand_ins::embedded::{BUCKETS, LEDGER};
use stand_ins::fault::Service;
use stand_ins::world::bucket::{Condition, Content, PartRequest, StoredChecksum, UploadRequest};
use stand_ins::world::dynamodb::{self, Fields, Item, number};
use stand_ins::world::mogile::{self, Fid};

use crate::cli::{mogile2s3, text};

async fn migrated() -> Stage {
    let options = Options { seed: 5, files: 200, folder: None, hazards: Hazards::All };
    let stage = Stage::set(&options).await.expect("a world");
    assert!(!stage.judge().is_content(), "before the migration nothing is as it must be");
    let environment = stage.environment().expect("an environment");
    let output = mogile2s3(&environment, &["migrate"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{:#?}", judgement.problems);
    stage
}

/// Does nothing, says that all went well, and asks for what nobody planned.
struct Liar;

#[async_trait::async_trait]
impl Runner for Liar {
    fn command(&self) -> &'static str {
        "true"
    }

    async fn run(&self, stage: &Stage) -> anyhow::Result<CommandResult> {
        stage.world.faults.strike(Service::S3, "OTHER", "/");
        let account = Account::due(&stage.planted, Round::First);
        Ok(CommandResult { account, peak_rss_bytes: None })
    }

    fn budget(&self, stage: &Stage, round: Round, took: Duration) -> Budget {
        Budget::of_migrate(stage, round, Index::Mysql, took)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_only_says_that_all_went_well_is_found_out() {
    let options = Options { seed: 5, files: 60, folder: None, hazards: Hazards::Mild };
    let stage = Stage::set(&options).await.expect("a world");
    let pass = Pass { name: "first run", round: Round::First, runner: Box::new(Liar) };
    let passed = pass.run(&stage).await.expect("it ran");
    let problems = passed.problems();
    for words in ["S3 OTHER 1, over its budget of 0", "not in S3", "no record", "to be struck 1"] {
        let said = problems.iter().any(|problem| problem.contains(words));
        assert!(said, "nothing of `{words}`: {problems:#?}");
    }
}

/// The first file of which this must come, or must have.
fn file(stage: &Stage, pick: impl Fn(&Expected) -> bool) -> Expected {
    stage.planted.expected.iter().find(|file| pick(file)).expect("one was planted").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_tampered_with_is_noticed() {
    let stage = migrated().await;
    objects_are_watched(&stage);
    failed_files_are_watched(&stage);
    intermediaries_and_strangers_are_watched(&stage);
    the_ledger_is_watched(&stage);
    mogilefs_is_watched(&stage);
    assert!(stage.judge().is_content(), "all was put back");
}

/// The oracle must have just one problem, in which this is said.
#[track_caller]
fn check(stage: &Stage, words: &[&str]) {
    let problems = stage.judge().problems;
    assert_eq!(problems.len(), 1, "{words:?}: {problems:#?}");
    for word in words {
        assert!(problems[0].contains(word), "nothing of {word:?}: {}", problems[0]);
    }
}

fn objects_are_watched(stage: &Stage) {
    let s3 = &stage.world.s3;
    for outcome in [Outcome::ByCopy, Outcome::FromMogile, Outcome::AlreadyThere] {
        let file = file(stage, |file| file.outcome() == outcome && file.file.content.length() > 0);
        let (bucket, key, fid) = (file.bucket, &file.file.sha1, format!("fid {}", file.fid));
        let whole = s3.get(bucket, key, &Condition::None).expect("it is there");
        let mut bytes = whole.content.bytes().to_vec();
        bytes[0] ^= 1;
        s3.plant_plain(bucket, key, bytes).expect("planted");
        check(stage, &[&fid, "wrong content"]);
        s3.delete(bucket, key, &Condition::None).expect("deleted");
        check(stage, &[&fid, "not in S3"]);
        s3.plant(bucket, key, whole).expect("put back");
    }
    // What lay there and was right must not be written again, not even with the same bytes.
    let file = file(stage, |file| file.hazard == Some(Hazard::OccupiedByRight));
    let (bucket, key) = (file.bucket, &file.file.sha1);
    let whole = s3.get(bucket, key, &Condition::None).expect("it is there");
    s3.plant_plain(bucket, key, whole.content.bytes().clone()).expect("planted");
    check(stage, &[&format!("fid {}", file.fid), "replaced"]);
    s3.plant(bucket, key, whole).expect("put back");
}

fn failed_files_are_watched(stage: &Stage) {
    let s3 = &stage.world.s3;
    let nothing_left = |outcome| match outcome {
        Outcome::Failed { left, .. } => left == Left::Nothing,
        Outcome::Rejected(_) | Outcome::Gone => true,
        Outcome::ByCopy | Outcome::FromMogile | Outcome::AlreadyThere | Outcome::ProvenBefore => {
            false
        }
    };
    let failed = file(stage, |file| nothing_left(file.outcome()));
    let (bucket, key) = (failed.bucket, &failed.file.sha1);
    s3.plant_plain(bucket, key, "left behind").expect("planted");
    check(stage, &[&format!("fid {}", failed.fid), "something is at its key"]);
    s3.delete(bucket, key, &Condition::None).expect("deleted");

    let theirs = file(stage, |file| file.hazard == Some(Hazard::OccupiedWithoutReplica));
    let (bucket, key) = (theirs.bucket, &theirs.file.sha1);
    let object = s3.get(bucket, key, &Condition::None).expect("it is there");
    s3.delete(bucket, key, &Condition::None).expect("deleted");
    check(stage, &[&format!("fid {}", theirs.fid), "taken away"]);
    s3.plant(bucket, key, object).expect("put back");
}

fn intermediaries_and_strangers_are_watched(stage: &Stage) {
    let s3 = &stage.world.s3;
    let ((bucket, key), _) = stage.planted.intermediaries.iter().next().expect("one");
    let object = s3.get(bucket, key, &Condition::None).expect("it is there");
    s3.delete(bucket, key, &Condition::None).expect("deleted");
    check(stage, &["intermediary", key, "taken away"]);
    s3.plant_plain(bucket, key, "other").expect("planted");
    check(stage, &["intermediary", key, "changed"]);
    s3.plant(bucket, key, object).expect("put back");

    let (_, bucket) = BUCKETS[1];
    s3.plant_plain(bucket, "stranger", "hello").expect("planted");
    check(stage, &["stranger", "should not be there"]);
    s3.delete(bucket, "stranger", &Condition::None).expect("deleted");

    let request = UploadRequest { with_sha1: true, ..UploadRequest::default() };
    let id = s3.create_upload(bucket, "half", request).expect("begun");
    assert!(stage.judge().is_content(), "an upload without parts is nothing");
    let content = Content::of("part");
    let checksum = Some(StoredChecksum::sha1_of(&content));
    let part = PartRequest { number: 1, content, expected_md5: None, checksum };
    s3.upload_part(bucket, "half", &id, part).expect("sent");
    check(stage, &[bucket, "1 uploads left half done"]);
    s3.abort_upload(bucket, "half", &id).expect("aborted");
}

fn the_ledger_is_watched(stage: &Stage) {
    let database = &stage.world.database;
    let items = || dynamodb::items(database, LEDGER).expect("readable");
    let item_of = |fid: u64| -> Item {
        let is_its = |item: &Item| Fields(item).number("fid") == Ok(Some(fid));
        items().into_iter().find(is_its).expect("it has a record")
    };
    let put = |item: &Item| dynamodb::put(database, LEDGER, item.clone()).expect("put");
    let ledger = dynamodb::Table::new(database.clone(), LEDGER.to_owned());
    let delete = |fid: u64| ledger.delete(&[Item::from([number("fid", fid)])]).expect("deleted");

    let proven = file(stage, |file| file.outcome() == Outcome::ByCopy);
    let (fid, item) = (proven.fid, item_of(proven.fid));
    delete(fid);
    check(stage, &[&format!("fid {fid} has no record")]);
    for (name, value) in [("sha1", "0"), ("proof", "hope"), ("bucket", "elsewhere"), ("md5", "0")] {
        let mut wrong = item.clone();
        wrong.extend([dynamodb::text(name, value)]);
        put(&wrong);
        check(stage, &[&format!("fid {fid} has a wrong record"), value]);
    }
    let mut misrouted = item.clone();
    misrouted.extend([dynamodb::text("route", "mogile")]);
    put(&misrouted);
    assert_eq!(stage.misrouted().len(), 1);
    put(&item);
    assert_eq!(stage.misrouted(), [""; 0]);

    let failed = file(stage, |file| matches!(file.outcome(), Outcome::Failed { .. })).fid;
    for stranger in [failed, 77_777_777] {
        let mut record = item.clone();
        record.extend([number("fid", stranger)]);
        put(&record);
        check(stage, &[&format!("fid {stranger} should have no record")]);
        delete(stranger);
    }

    let before = file(stage, |file| file.outcome() == Outcome::ProvenBefore).fid;
    let item = item_of(before);
    let mut again = item.clone();
    again.extend([number("migrated_at", 1)]);
    put(&again);
    check(stage, &[&format!("the proof of fid {before} was written again")]);
    put(&item);
}

fn mogilefs_is_watched(stage: &Stage) {
    let mogile = &stage.world.mogile;
    let file = file(stage, |file| file.hazard.is_none() && !file.synced);
    let (fid, words) = (Fid(file.fid), format!("fid {}", file.fid));
    let row = mogile.row(fid).expect("it is there");
    mogile.plant(mogile::FileRow { length: Some(7), ..row.clone() });
    check(stage, &[&words, "changed"]);
    mogile.drop_row(fid);
    check(stage, &[&words, "away"]);
    mogile.plant(row.clone());

    let device = row.devids[0];
    let content = mogile.remove_replica(fid, device).expect("it is there");
    check(stage, &[&words, "other bytes on device"]);
    mogile.set_replica(fid, device, content);

    let new = Fid(99_999_999_999);
    mogile.plant(mogile::FileRow { fid: new, dkey: Some("new".to_owned()), ..row });
    check(stage, &[&format!("fid {new} is new")]);
    mogile.drop_row(new);
}
