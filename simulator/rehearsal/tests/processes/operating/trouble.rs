//! A store in which things go wrong, and the way back.

use std::collections::BTreeSet;

use rehearsal::hazard::Hazards;
use rehearsal::planting::Expected;
use rehearsal::stage::{Options, Stage};
use stand_ins::embedded::{BUCKETS, DEAD_LETTERS, JOURNAL, QUEUE};
use stand_ins::world::bucket::Condition;
use stand_ins::world::databases::{Database, ObjectRow, Status};
use stand_ins::world::dynamodb::{self, Fields, Item, text as value};
use stand_ins::world::mogile::{Content, Fid};
use stand_ins::world::queue::Outgoing;

use super::operator::Operator;

/// What the page's example of a wrong key has as its content.
const CONTENT: &[u8] = b"content of another SHA-1";
const KEY: &str = "acec11893a476ca42e95c8d546431202ea821210-mogilefs-prod-repo";
const SHA1: &str = "117859d86da1b514f975b397e1b4c704d2593e31";

pub async fn typed() -> BTreeSet<String> {
    let options = Options { seed: 132, files: 6, folder: None, hazards: Hazards::None };
    let stage = Stage::set(&options).await.expect("a world");
    let more = [("FREEZE_WINDOW", "1s"), ("QUEUE_WINDOW", "1s")];
    let mut operator = Operator::new(stage, &more);
    a_wrong_key(&mut operator).await;
    dead_letters(&mut operator).await;
    a_lost_file(&mut operator).await;
    a_damaged_journal(&mut operator).await;
    // Its content was lost long ago.
    refer(&operator.stage, 8, "0123456789012345678901234567890123456789");
    frozen(&operator).await;
    lost_objects(&mut operator).await;
    verified(&operator).await;
    back_again(&mut operator).await;
    operator.typed
}

/// A file of the store that can be lost without harm to another.
fn plain(stage: &Stage, number: usize) -> Expected {
    let plain = |file: &&Expected| !file.synced && file.file.content.length() > 0;
    stage.planted.expected.iter().filter(plain).nth(number).expect("a file").clone()
}

/// contentrepo refers to a content.
fn refer(stage: &Stage, number: u32, sha1: &str) {
    let planted = stage.world.databases.plant(|rows| {
        let object = ObjectRow {
            bucket: 1,
            key: &format!("10.1371/by.hand.{number}"),
            version: 0,
            sha1,
            size: CONTENT.len() as u64,
            name: None,
            content_type: None,
            status: Status::InUse,
            uuid: &format!("b2d3a0c4-0000-4000-8000-{number:012}"),
        };
        rows.object(&object).map(drop)
    });
    planted.expect("planted");
}

async fn a_wrong_key(operator: &mut Operator) {
    let world = &operator.stage.world;
    assert!(world.mogile.row(Fid(7)).is_none(), "fid 7 is taken");
    let content = Content::from(CONTENT.to_vec());
    world.mogile.store_as(Fid(7), world.dmid, KEY, &content, &world.devices[..2]);
    refer(&operator.stage, 7, SHA1);
    operator.types("mogile2s3 migrate --failures FAILED", 1).await;
    let scanned = operator.page("mogile2s3 rekey scan --fids @FAILED", 1).await;
    let rekey = format!("mogile2s3 rekey --fid 7 --from {KEY} --to {SHA1}");
    assert!(scanned.contains(&rekey), "no `{rekey}` in: {scanned}");
    operator.page(&rekey, 0).await;
    operator.page(&format!("{rekey} --execute"), 0).await;
    operator.page("mogile2s3 migrate", 0).await;
}

/// A job whose worker had no time is a dead letter. It is sent again and done.
async fn dead_letters(operator: &mut Operator) {
    operator.page("mogile2s3 dlq list", 0).await;
    operator.types("mogile2s3 enqueue verify --run first", 0).await;
    let sqs = operator.stage.world.sqs.clone();
    let message = sqs.messages(QUEUE).expect("a queue").pop().expect("a job");
    let (body, attributes) = (message.body, message.attributes);
    sqs.send(DEAD_LETTERS, Outgoing { body, attributes, delay: None }).expect("it is taken");
    operator.page("mogile2s3 dlq redrive --reason wrong-content", 1).await;
    operator.page("mogile2s3 dlq redrive --all", 0).await;
    assert!(sqs.messages(DEAD_LETTERS).expect("a queue").is_empty());
    operator.types("mogile2s3 work --until-empty", 0).await;
}

async fn a_lost_file(operator: &mut Operator) {
    let world = &operator.stage.world;
    let content = Content::from(b"lost".to_vec());
    let key = format!("{}-{}", domain::Sha1::of(b"lost"), BUCKETS[0].0);
    let lost = world.mogile.store(world.dmid, &key, &content, &world.devices[..2]);
    world.devices.iter().for_each(|device| drop(world.mogile.remove_replica(lost, *device)));
    operator.page("mogile2s3 migrate --failures failed.tsv", 1).await;
    let accept =
        "mogile2s3 audit accept --fids @failed.tsv --reason 'disks lost in 2014, see ticket 7'";
    operator.page(accept, 0).await;
    operator.page(&format!("{accept} --execute"), 0).await;
    let listed = operator.page("mogile2s3 audit accept --list", 0).await;
    assert!(listed.contains(&key), "{listed}");
    operator.writes("LIST", &format!("{}\n", lost.0));
    let end = "mogile2s3 audit accept --end --fids @LIST --reason TEXT --execute";
    operator.page(end, 0).await;
    // Another day it is accepted for good.
    operator.types(&format!("{accept} --execute"), 0).await;
}

async fn a_damaged_journal(operator: &mut Operator) {
    operator.goes_to("journal");
    operator.page("mogile2s3 runbook export > journal.jsonl", 0).await;
    let database = operator.stage.world.database.clone();
    let items = dynamodb::items(&database, JOURNAL).expect("a table");
    let is_second = |item: &&Item| Fields(item).number("sequence") == Ok(Some(2));
    let second = items.iter().find(is_second).expect("an entry").clone();
    let broken = second.into_iter().chain([value("line", "{}")]).collect();
    dynamodb::put(&database, JOURNAL, broken).expect("put");
    operator.page("mogile2s3 runbook check", 1).await;
    operator.page("mogile2s3 runbook check --file journal.jsonl", 0).await;

    // DynamoDB's copy of the table as it was before.
    let copy = "mogile2s3-ledger-journal-copy";
    dynamodb::create_journal_table(&database, copy).expect("created");
    for item in items {
        dynamodb::put(&database, copy, item).expect("put");
    }
    let export = "mogile2s3 runbook export > journal-copy.jsonl";
    operator.page(&format!("DYNAMODB_JOURNAL_TABLE={copy} {export}"), 0).await;
    operator.page("mogile2s3 runbook restore --from journal-copy.jsonl --dry-run", 0).await;
    operator.page("mogile2s3 runbook restore --from journal.jsonl --dry-run", 0).await;
    operator.page("mogile2s3 runbook restore --from journal.jsonl", 0).await;
    operator.page("mogile2s3 runbook check --against journal.jsonl", 0).await;
    operator.page("mogile2s3 runbook export > journal-repaired.jsonl", 0).await;
    operator.types("mogile2s3 runbook check", 0).await;
}

async fn frozen(operator: &Operator) {
    operator.types("mogile2s3 freeze --means 'ingest is off'", 0).await;
    operator.types("mogile2s3 migrate", 0).await;
}

/// Both comparisons find objects that are deleted, and the lines of the page bring them again.
async fn lost_objects(operator: &mut Operator) {
    let lose = |stage: &Stage, file: &Expected| {
        let deleted = stage.world.s3.delete(file.bucket, &file.file.sha1, &Condition::None);
        deleted.expect("it was there");
    };
    lose(&operator.stage, &plain(&operator.stage, 0));
    let verify = "mogile2s3 verify --state verify.state --list verified.tsv --failures differs.tsv";
    operator.page(verify, 1).await;
    let again = "mogile2s3 migrate --again --fids @differs.tsv";
    operator.page(again, 0).await;
    lose(&operator.stage, &plain(&operator.stage, 1));
    operator.page("mogile2s3 verify --references --failures broken.tsv", 1).await;
    let again = "mogile2s3 migrate --again --fids @broken.tsv";
    operator.page(again, 0).await;
    operator.goes_to("references");
    operator.types("mogile2s3 verify --references --failures broken.tsv", 1).await;
    let allowed = "mogile2s3 verify --references --allow-broken-before broken.tsv";
    operator.page(allowed, 0).await;
}

async fn verified(operator: &Operator) {
    operator.types("mogile2s3 enqueue verify --run second", 0).await;
    operator.types("mogile2s3 work --until-empty", 0).await;
    operator.types("mogile2s3 audit --run second", 0).await;
    operator.types("mogile2s3 verify", 0).await;
}

async fn back_again(operator: &mut Operator) {
    let names = |stage: &Stage| {
        let rows = "SELECT * FROM articleFile ORDER BY fileId";
        stage.world.databases.texts(Database::Rhino, rows).expect("rows")
    };
    let before = names(&operator.stage);
    for database in ["contentrepo", "rhino"] {
        let cutover =
            format!("mogile2s3 cutover {database} --execute --backup {database}-names.gz");
        operator.types(&cutover, 0).await;
    }
    assert_ne!(names(&operator.stage), before);
    operator.page("mogile2s3 cutover rhino --revert", 0).await;
    operator.page("mogile2s3 cutover rhino --revert --execute", 0).await;
    operator.page("mogile2s3 cutover contentrepo --revert --execute", 0).await;
    assert_eq!(names(&operator.stage), before);
}
