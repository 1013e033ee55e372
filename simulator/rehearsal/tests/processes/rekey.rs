//! `rekey`: the real commands, on the runbook's own case and on all that must be refused.

mod meanwhile;

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::Value;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, JOURNAL};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Condition;
use stand_ins::world::databases::{Database, ObjectRow, Status};
use stand_ins::world::dynamodb;
use stand_ins::world::mogile::{Content, DeviceStatus, Fid, FileRow};
use stand_ins::world::queue::arn_of;

use crate::cli::{json, mogile2s3, text};

/// The SHA-1 in the key of the runbook's own case, which its content has not.
const OLD: &str = "acec11893a476ca42e95c8d546431202ea821210";
const BYTES: &[u8] = b"content of another SHA-1";

fn sha1(bytes: &[u8]) -> String {
    domain::Sha1::of(bytes).to_string()
}

fn key(sha1: &str) -> String {
    format!("{sha1}-{}", BUCKETS[0].0)
}

/// A world with the file, and another one that contentrepo refers to.
struct Case {
    world: EmbeddedWorld,
    environment: BTreeMap<&'static str, String>,
    fid: Fid,
    /// contentrepo's number of the bucket.
    bucket: i64,
}

impl Case {
    async fn new() -> Self {
        let world = EmbeddedWorld::start().await.expect("loopback ports");
        let environment = world.environment().clone();
        let devices = &world.devices[..2];
        let store = |key: &str, bytes: &[u8]| {
            world.mogile.store(world.dmid, key, &Content::from(bytes.to_vec()), devices)
        };
        store(&key(&sha1(b"one")), b"one");
        let fid = store(&key(OLD), BYTES);
        let planted = world.databases.plant(|rows| rows.bucket(BUCKETS[0].0).map(drop));
        planted.expect("planted");
        let case = Self { environment, fid, bucket: 1, world };
        case.refer(1, &sha1(b"one"), Status::InUse);
        case
    }

    fn store(&self, key: &str, bytes: &[u8]) -> Fid {
        let (content, devices) = (Content::from(bytes.to_vec()), &self.world.devices[..2]);
        self.world.mogile.store(self.world.dmid, key, &content, devices)
    }

    /// contentrepo has a row with this checksum.
    fn refer(&self, number: u32, sha1: &str, status: Status) {
        let planted = self.world.databases.plant(|rows| {
            let object = ObjectRow {
                bucket: self.bucket,
                key: &format!("10.1371/{number}"),
                version: 0,
                sha1,
                size: 1,
                name: None,
                content_type: None,
                status,
                uuid: &format!("b2d3a0c4-0000-4000-8000-{number:012}"),
            };
            rows.object(&object).map(drop)
        });
        planted.expect("planted");
    }

    fn forget(&self) {
        let connection = self.world.databases.open(Database::ContentRepo).expect("opened");
        connection.execute("DELETE FROM objects WHERE id > 1", []).expect("deleted");
    }

    async fn run(&self, arguments: &[&str], code: i32) -> (Output, String) {
        let output = mogile2s3(&self.environment, arguments).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        (output, said)
    }

    /// `rekey` of the file, with more arguments; returns what it says.
    async fn rekey(&self, more: &[&str], code: i32) -> String {
        let (fid, from) = (self.fid.to_string(), key(OLD));
        let first = ["rekey", "--operator", "ann", "--fid", &fid, "--from", &from];
        self.run(&[&first, more].concat(), code).await.1
    }

    /// The same must be refused in a dry run and in earnest, in these words, and change nothing.
    async fn refused(&self, more: &[&str], code: i32, words: &[&str]) {
        let before = self.row();
        for more in [more.to_vec(), [more, &["--execute"]].concat()] {
            let said = self.rekey(&more, code).await;
            for words in words {
                assert!(said.contains(words), "no `{words}` in: {said}");
            }
            assert_eq!(self.row(), before, "{said}");
        }
        assert_eq!(self.entries(), 0, "nothing was begun");
    }

    fn row(&self) -> Option<FileRow> {
        self.world.mogile.row(self.fid)
    }

    fn key_now(&self) -> Option<String> {
        self.row()?.dkey
    }

    /// Entries of the journal, without its head.
    fn entries(&self) -> usize {
        dynamodb::items(&self.world.database, JOURNAL).expect("a table").len().saturating_sub(1)
    }

    async fn journal(&self) -> Vec<Value> {
        let (_, said) = self.run(&["runbook", "export"], 0).await;
        said.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    fn strike(&self, service: Service, operation: &str, fault: Fault) {
        let operation = Some(operation.to_owned());
        self.world.faults.add(Rule { operation, ..Rule::always(service, fault) });
    }
}

/// The first files say nothing of whose contentrepo it is: four in five are older.
#[tokio::test(flavor = "multi_thread")]
async fn a_contentrepo_is_known_though_the_stores_oldest_files_are_older() {
    let case = Case::new().await;
    for number in 0..1_500_u32 {
        let bytes = number.to_string().into_bytes();
        case.store(&key(&sha1(&bytes)), &bytes);
        if number >= 1_200 {
            case.refer(number, &sha1(&bytes), Status::InUse);
        }
    }
    case.rekey(&[], 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_runbooks_own_case_is_found_healed_and_migrated() {
    let case = Case::new().await;
    // One delivery, so that the worker's failure is a dead letter soon.
    let policy = serde_json::json!({
        "deadLetterTargetArn": arn_of(stand_ins::embedded::DEAD_LETTERS),
        "maxReceiveCount": 1,
    });
    let attributes = BTreeMap::from([("RedrivePolicy".to_owned(), policy.to_string())]);
    let queue = stand_ins::embedded::QUEUE;
    case.world.sqs.set_attributes(queue, &attributes).expect("a queue");
    let (_, said) = case.run(&["rekey", "scan"], 0).await;
    assert!(said.contains("in all") && !said.contains("rekey --fid"), "{said}");
    case.run(&["enqueue", "migrate"], 0).await;
    case.run(&["work", "--until-empty"], 1).await;

    let (output, _) = case.run(&["rekey", "scan", "--json"], 1).await;
    let scan = json(&output);
    assert_eq!(
        (&scan["candidates"], &scan["wrong_keys"][0]["sha1"]),
        (&1.into(), &sha1(BYTES).into())
    );
    let (_, said) = case.run(&["rekey", "scan"], 1).await;
    let command = said.lines().find_map(|line| line.trim().strip_prefix("mogile2s3 "));
    let command: Vec<_> = command.expect("a command").split(' ').collect();
    let heal = [&command[..], &["--operator", "ann"]].concat();

    // A dry run writes nothing.
    let before = case.world.faults.counts();
    let (_, said) = case.run(&heal, 0).await;
    let undo = format!("UPDATE file SET dkey = '{}'", key(OLD));
    for words in ["CAN-BE-CHANGED", "add --execute", &undo, "printf '%s\\r\\n'"] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    let since = case.world.faults.counts_since(&before);
    let writes = ["TransactWriteItems", "UPDATE file", "rename"];
    assert!(!since.keys().any(|(_, name)| writes.contains(&name.as_str())), "{since:?}");

    let execute = [&heal[..], &["--execute"]].concat();
    let (_, said) = case.run(&execute, 0).await;
    assert!(said.contains("CHANGED: one row was changed") && said.contains(&undo), "{said}");
    assert_eq!(case.key_now(), Some(key(&sha1(BYTES))));
    // The first two are of `enqueue`: that it sends jobs, and its result.
    let entries = case.journal().await.split_off(2);
    assert_eq!(entries[0]["kind"], "rekey-begun", "{entries:?}");
    assert_eq!((&entries[0]["to"], &entries[0]["by"]), (&key(&sha1(BYTES)).into(), &"ann".into()));
    assert_eq!(
        (&entries[1]["kind"], &entries[1]["outcome"]),
        (&"rekey-ended".into(), &"changed".into())
    );

    // Once more, and for any SHA-1 by now: there is nothing to do.
    let (_, said) = case.run(&execute, 0).await;
    assert!(said.contains("ALREADY-SO"), "{said}");
    assert_eq!(case.entries(), 4);
    case.run(&["migrate"], 0).await;
    let object = case.world.s3.get(BUCKETS[0].1, &sha1(BYTES), &Condition::None).expect("migrated");
    assert_eq!(object.content.bytes(), BYTES);
    let (_, said) = case.run(&["rekey", "scan"], 0).await;
    assert!(said.contains("in all"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_renames_it_and_the_printed_way_back_is_one() {
    let mut case = Case::new().await;
    case.environment.insert("MOGILE_DATABASE_WRITE_URL", String::new());
    let said = case.rekey(&["--execute"], 2).await;
    assert!(said.contains("MOGILE_DATABASE_WRITE_URL is not set"), "{said}");
    // The trackers list the same index.
    case.environment.insert("MOGILE_DATABASE_URL", String::new());
    let said = case.rekey(&["--execute", "--via-tracker"], 0).await;
    assert!(said.contains("CHANGED: a tracker has renamed it"), "{said}");
    assert_eq!(case.key_now(), Some(key(&sha1(BYTES))));
    let line = said.lines().find(|line| line.contains("'rename ")).expect("a line for trackers");
    let request = line.split('\'').nth(3).expect("a request").to_owned();
    let tracker = case.environment["MOGILE_TRACKERS"].clone();
    let sent = tokio::task::spawn_blocking(move || crate::tmp::send(&tracker, &request));
    assert!(sent.await.expect("sent").starts_with("OK"), "{said}");
    assert_eq!(case.key_now(), Some(key(OLD)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proven_is_refused() {
    let case = Case::new().await;
    let devices = case.row().expect("a row").devids;
    let set = |bytes: &[u8]| {
        let content = Content::from(bytes.to_vec());
        case.world.mogile.set_replica(case.fid, devices[1], content);
    };
    // Content that hashes to neither.
    let other = sha1(b"other");
    case.refused(&["--to", &other], 4, &["OTHER-CONTENT", &sha1(BYTES), &other]).await;
    // Replicas that disagree, each with its SHA-1.
    let reversed: Vec<u8> = BYTES.iter().rev().copied().collect();
    set(&reversed);
    case.refused(&[], 4, &["REPLICAS-DIFFER", &sha1(BYTES), &sha1(&reversed)]).await;
    // One that is cut short: a tracker that looks at lengths leaves it out.
    set(&BYTES[1..]);
    case.refused(&[], 4, &["REPLICAS-DIFFER", &sha1(&BYTES[1..])]).await;
    case.world.mogile.remove_replica(case.fid, devices[1]);
    case.refused(&[], 4, &["REPLICA-UNREADABLE", "404", &format!("/dev{}/", devices[1])]).await;
    set(BYTES);
    // One on a device that the trackers leave out.
    case.world.mogile.set_device_status(devices[1], DeviceStatus::Down);
    let device = format!("device {}", devices[1]);
    case.refused(&[], 4, &["REPLICA-UNREADABLE", &device, "is down"]).await;
    case.world.mogile.set_device_status(devices[1], DeviceStatus::Alive);
    let row = case.row().expect("a row");
    case.world.mogile.plant(FileRow { length: Some(7), ..row.clone() });
    case.refused(&[], 4, &["OTHER-LENGTH", "its row says 7"]).await;
    case.world.mogile.plant(row);
    // A tracker's cache names a former file of the key: the database has the last word.
    let (dmid, one) = (case.world.dmid, case.row().expect("a row").fid);
    case.world.mogile.cache_paths(dmid, &key(OLD), Fid(one.0 - 1), &devices);
    assert!(case.rekey(&[], 0).await.contains("CAN-BE-CHANGED"));
    // All is as it should be: then it is changed.
    case.rekey(&["--to", &sha1(BYTES), "--execute"], 0).await;
    assert_eq!(case.key_now(), Some(key(&sha1(BYTES))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_refused_and_named() {
    let case = Case::new().await;
    let new = key(&sha1(BYTES));
    let other = case.store(&new, b"other");
    case.refused(&[], 4, &["KEY-TAKEN", &format!("fid {other}"), &sha1(b"other")]).await;
    case.world.mogile.drop_row(other);
    let twin = case.store(&new, BYTES);
    let words = ["DUPLICATE", &format!("fid {twin}"), "delete domain=plos_repo&key="];
    case.refused(&[], 1, &words).await;
    // Who still needs it comes first, as does who was meant.
    case.refer(2, OLD, Status::InUse);
    case.refused(&[], 4, &["STILL-REFERRED", "10.1371/2"]).await;
    case.forget();
    let of_twin = ["rekey", "--fid", &twin.to_string(), "--from", &key(OLD)];
    let (_, said) = case.run(&of_twin, 4).await;
    assert!(said.contains("OTHER-KEY") && said.contains(&format!("fid {}", case.fid)), "{said}");
    case.world.mogile.drop_row(twin);
    for (status, word) in [(Status::InUse, "in use"), (Status::Deleted, "deleted")] {
        case.refer(2, OLD, status);
        let correction = format!(
            "UPDATE objects SET checksum = '{}', size = {}, timestamp = timestamp WHERE id = ",
            sha1(BYTES),
            BYTES.len()
        );
        let words = ["STILL-REFERRED", "1 rows", "10.1371/2", word, "do not purge", &correction];
        case.refused(&[], 4, &words).await;
        case.forget();
    }
    // The way out that is printed: it changes these two columns alone.
    case.refer(2, OLD, Status::Deleted);
    let said = case.rekey(&[], 4).await;
    let statement = said.lines().find(|line| line.contains("UPDATE objects")).expect("a statement");
    let connection = case.world.databases.open(Database::ContentRepo).expect("opened");
    assert_eq!(connection.execute(statement.trim(), []), Ok(1), "{statement}");
    drop(connection);
    assert!(case.rekey(&[], 0).await.contains("CAN-BE-CHANGED"));
    case.forget();
    // What is purged refers to nothing.
    case.refer(2, OLD, Status::Purged);
    assert!(case.rekey(&[], 0).await.contains("CAN-BE-CHANGED"));

    // Another file, another key, another store.
    let fid = case.fid.to_string();
    let (_, said) = case.run(&["rekey", "--fid", "99", "--from", &key(OLD)], 4).await;
    assert!(said.contains("NO-ROW"), "{said}");
    let (_, said) =
        case.run(&["rekey", "--fid", &fid, "--from", &format!("{OLD}-nowhere")], 4).await;
    assert!(said.contains("OTHER-KEY"), "{said}");
    for (from, to, words) in [
        ("README", None, "is not a lower-case SHA-1"),
        (&*key(OLD), Some("abc"), "--to"),
        (&*key(OLD), Some(OLD), "--to is the SHA-1 that the key has already"),
    ] {
        let mut arguments = vec!["rekey", "--fid", &fid, "--from", from];
        arguments.extend(to.map(|to| ["--to", to]).into_iter().flatten());
        let (_, said) = case.run(&arguments, 2).await;
        assert!(said.contains(words), "{said}");
    }
    // A file whose content is what its key says.
    let right = case.store(&key(&sha1(b"right")), b"right").to_string();
    let (_, said) = case.run(&["rekey", "--fid", &right, "--from", &key(&sha1(b"right"))], 0).await;
    assert!(said.contains("CONTENT-IS-RIGHT"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_wrong_change_nothing() {
    let mut case = Case::new().await;
    for (name, wrong, code, words) in [
        ("CONTENTREPO_DATABASE_URL", "", 2, "only its database shows that"),
        ("CONTENTREPO_DATABASE_URL", "mysql://u:p@127.0.0.1:1/repo", 3, "CONTENTREPO-SILENT"),
        ("BUCKETS", "mogilefs-prod-editorial:editorial-prod", 4, "NOT-MIGRATED"),
        ("MOGILE_DOMAIN", "nobody", 2, "no domain"),
    ] {
        let right = case.environment.insert(name, wrong.to_owned()).expect("a setting");
        let said = case.rekey(&["--execute"], code).await;
        assert!(said.contains(words), "{name}: {said}");
        assert_eq!(case.key_now(), Some(key(OLD)), "{name}");
        case.environment.insert(name, right);
    }
    // A contentrepo of another store refers to nothing.
    let connection = case.world.databases.open(Database::ContentRepo).expect("opened");
    connection.execute("DELETE FROM objects", []).expect("deleted");
    let said = case.rekey(&["--execute"], 2).await;
    assert!(said.contains("refers to 0 of 1 files"), "{said}");
    assert_eq!((case.key_now(), case.entries()), (Some(key(OLD)), 0));
}

/// What the answers do not say is looked at, and said.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_settled_by_a_look() {
    let lost = |fault: Fault| (Service::Mysql, "COMMIT", fault, &["--execute"][..]);
    let tracker =
        |fault: Fault| (Service::Tracker, "rename", fault, &["--execute", "--via-tracker"][..]);
    for ((service, operation, fault, more), code, outcome, words) in [
        (lost(Fault::AnswerLost), 0, "changed", "a look showed that it is changed"),
        (lost(Fault::RequestLost), 3, "not-changed", "a look showed that the row has its old key"),
        (tracker(Fault::AnswerLost), 0, "changed", "a look showed that it is changed"),
        // A tracker may do it later, whoever has gone by then.
        (tracker(Fault::RequestLost), 3, "unsure-whether-changed", "may rename it yet"),
    ] {
        let case = Case::new().await;
        case.strike(service, operation, fault);
        let said = case.rekey(more, code).await;
        assert!(said.contains(words), "{said}");
        assert_eq!(case.key_now() == Some(key(&sha1(BYTES))), outcome == "changed", "{said}");
        assert_eq!(case.journal().await[1]["outcome"], outcome);
        case.world.faults.clear();
        case.rekey(more, 0).await;
        assert_eq!(case.key_now(), Some(key(&sha1(BYTES))));
    }
    // The server says no.
    let case = Case::new().await;
    let refuse = Fault::Refuse { status: 1142, code: "UPDATE command denied".to_owned() };
    case.strike(Service::Mysql, "UPDATE file", refuse);
    let said = case.rekey(&["--execute"], 3).await;
    assert!(said.contains("NOT-CHANGED") && said.contains("grant SELECT, UPDATE"), "{said}");
    assert_eq!(case.key_now(), Some(key(OLD)));
}
