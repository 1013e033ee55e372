//! What a verification finds, and the commands that it prints for that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rehearsal::planting::Expected;
use stand_ins::embedded::{DEAD_LETTERS, LEDGER, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb::{Item, Table, number};
use stand_ins::world::queue::arn_of;

use super::printed::{command, commands};
use super::session::Session;

impl Session {
    /// After so many deliveries a message is dead.
    pub fn set_deliveries(&self, deliveries: u32) {
        let policy = serde_json::json!({
            "deadLetterTargetArn": arn_of(DEAD_LETTERS),
            "maxReceiveCount": deliveries,
        });
        let attributes = BTreeMap::from([("RedrivePolicy".to_owned(), policy.to_string())]);
        self.stage.world.sqs.set_attributes(QUEUE, &attributes).expect("the queue is there");
    }

    /// Verifies all files; one is found to be not as it must be. Gives what the worker says.
    async fn finds(&self, reason: &str) -> String {
        self.set_deliveries(1);
        self.said(&["enqueue", "verify", "--run", "first"], 0).await;
        let said = {
            let work = self.said(&["work", "--until-empty"], 1);
            tokio::select! { said = work => said, () = self.hasten() => unreachable!("no end") }
        };
        assert!(said.contains(&format!("1 {reason}: fids ")), "{said}");
        assert_eq!((self.failures().len(), self.messages(DEAD_LETTERS)), (1, 1));
        said
    }

    /// What is given back as the last one comes back at once.
    async fn hasten(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(250)).await;
            if self.jobs() == 1 {
                self.stage.world.sqs.skip(Duration::from_secs(5));
            }
        }
    }

    /// It is in S3 again, and nothing doubts it.
    fn is_whole_again(&self, file: &Expected) {
        assert!(self.has(file.bucket, file));
        assert_eq!(self.failures(), Vec::new());
    }

    /// Lists the dead letters, and runs the line that sends them again, with the one reason there.
    pub async fn redrive_as_printed(&self) {
        let listed = self.said(&["dlq", "list"], 1).await;
        let reasons =
            listed.lines().filter_map(|line| line.strip_prefix("  1 ")?.split(':').next());
        let reasons: Vec<_> = reasons.collect();
        let [reason] = reasons[..] else { panic!("more than one reason: {listed}") };
        let line = command(&listed, "dlq redrive").replace("REASON", reason);
        let said = self.follow_with(&line, &[], 0).await;
        assert!(said.contains("1 sent again"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_as_printed_brings_back_what_is_missing() {
    let session = Session::migrated(61, 5).await;
    let file = session.plain().next().expect("one");
    session.lose(file);
    let said = session.finds("missing").await;
    let migrated = session.follow(&said, "migrate", 0).await;
    assert!(migrated.contains("Clean"), "{migrated}");
    session.is_whole_again(file);
}

/// Nobody knows of the doubt: migrate would pass over the file.
#[tokio::test(flavor = "multi_thread")]
async fn enqueue_as_printed_finds_again_what_the_failures_table_did_not_take() {
    let session = Session::migrated(68, 5).await;
    let file = session.plain().next().expect("one");
    session.lose(file);
    session.set_deliveries(1);
    session.said(&["enqueue", "verify", "--run", "first"], 0).await;
    let refuse = Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned() };
    let operation = Some("UpdateItem".to_owned());
    session.stage.world.faults.add(Rule { operation, ..Rule::always(Service::DynamoDb, refuse) });
    let said = {
        let work = session.said(&["work", "--until-empty"], 3);
        tokio::select! { said = work => said, () = session.hasten() => unreachable!("no end") }
    };
    let words = format!("did not record it: fids {}", file.fid);
    assert!(said.contains("INCOMPLETE: 1 files") && said.contains(&words), "{said}");
    let doctor = session.said(&[&command(&said, "doctor")], 1).await;
    assert!(doctor.contains("BAD  failures"), "{doctor}");

    session.mend();
    session.follow_with(&command(&said, "enqueue verify"), &["--run", "first"], 0).await;
    assert_eq!(session.jobs(), 1);
    let said = {
        let work = session.said(&["work", "--until-empty"], 1);
        tokio::select! { said = work => said, () = session.hasten() => unreachable!("no end") }
    };
    session.follow(&said, "migrate", 0).await;
    session.is_whole_again(file);
}

#[tokio::test(flavor = "multi_thread")]
async fn redrive_as_printed_verifies_again_what_is_mended() {
    let session = Session::migrated(66, 5).await;
    let file = session.plain().next().expect("one");
    session.lose(file);
    session.finds("missing").await;
    session.said(&["migrate"], 0).await;
    session.redrive_as_printed().await;
    let told = session.told(&["work", "--until-empty"], 0).await;
    assert_eq!(told["verified"]["files"], 1, "{told}");
    let left = session.said(&["dlq", "list"], 0).await;
    assert!(left.contains("No dead letters"), "{left}");
    let rest = session.told(&["enqueue", "verify", "--run", "first"], 0).await;
    assert_eq!(rest["sent"]["files"], 0, "all is verified: {rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn enqueue_as_printed_brings_back_what_is_missing() {
    let session = Session::migrated(62, 5).await;
    let file = session.plain().next().expect("one");
    session.lose(file);
    let said = session.finds("missing").await;
    session.follow(&said, "enqueue migrate", 0).await;
    assert_eq!(session.jobs(), 1, "one job, and no more");
    session.said(&["work", "--until-empty"], 0).await;
    session.is_whole_again(file);
}

/// The object is whole all the time.
#[tokio::test(flavor = "multi_thread")]
async fn migrate_as_printed_writes_the_record_that_the_ledger_lacks() {
    let session = Session::migrated(69, 5).await;
    let file = session.plain().next().expect("one");
    let world = &session.stage.world;
    let ledger = Table::new(world.database.clone(), LEDGER.to_owned());
    ledger.delete(&[Item::from([number("fid", file.fid)])]).expect("deleted");
    let said = session.finds("no-record").await;
    let migrated = session.follow(&said, "migrate", 0).await;
    assert!(migrated.contains("Clean"), "{migrated}");
    session.is_whole_again(file);
    assert_eq!(session.recorded(file.fid, "sha1"), file.file.sha1);
    session.redrive_as_printed().await;
    let told = session.told(&["work", "--until-empty"], 0).await;
    assert_eq!(told["verified"]["files"], 1, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_as_printed_replaces_a_wrong_object() {
    let session = Session::migrated(63, 5).await;
    let file = session.plain().next().expect("one");
    let wrong = session.stage.world.s3.plant_plain(file.bucket, &file.file.sha1, "other");
    wrong.expect("the bucket is there");
    let said = session.finds("wrong-object").await;
    let migrated = session.follow(&said, "migrate", 0).await;
    assert!(migrated.contains("replaced-object"), "{migrated}");
    session.is_whole_again(file);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_lines_verify_what_is_withheld_as_large() {
    let session = Session::migrated(64, 5).await;
    let verify = ["enqueue", "verify", "--run", "it's first", "--lambda-max-bytes", "60000"];
    let said = session.said(&verify, 1).await;
    let lines = commands(&said);
    let [verify, work] = &lines[..] else { panic!("{lines:?} in: {said}") };
    session.follow_with(verify, &[], 0).await;
    session.follow_with(work, &[], 0).await;
    let again = ["enqueue", "verify", "--run", "it's first", "--lambda-max-bytes", "60000"];
    let again = session.told(&again, 0).await;
    assert_eq!(again["sent"]["files"], 0, "all is verified: {again}");
    assert_eq!(again["proven_before"]["files"], session.files().len(), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_and_status_name_the_command_that_lists_dead_letters() {
    let session = Session::migrated(65, 5).await;
    let file = session.plain().next().expect("one");
    session.lose(file);
    let said = session.finds("missing").await;
    let status = session.said(&["status"], 1).await;
    let none = session.said(&["dlq", "redrive", "--reason", "wrong-object"], 1).await;
    let lines: BTreeSet<_> =
        [&said, &status, &none].into_iter().map(|text| command(text, "dlq list")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let listed = session.follow_with(lines.first().expect("one"), &[], 1).await;
    assert!(listed.contains(&format!("1 missing: fids {}", file.fid)), "{listed}");
    // What it lists is left as it was.
    let found = session.stage.world.s3.get(file.bucket, &file.file.sha1, &Condition::None);
    assert!(found.is_err());
}
