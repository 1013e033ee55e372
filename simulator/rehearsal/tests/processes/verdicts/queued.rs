//! What the commands around the queue print to be done next.

use std::collections::BTreeSet;

use stand_ins::embedded::{BUCKETS, DEAD_LETTERS, FAILURES, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::dynamodb::{Item, number, text};
use stand_ins::world::mogile::Content;
use stand_ins::world::queue::Outgoing;

use super::printed::{command, flag};
use super::session::Session;

/// Rows that make more than one page.
const ROWS: usize = 1_020;

impl Session {
    fn fid_of_the_empty_file(&self) -> u64 {
        let empty = self.files().iter().find(|file| file.file.content.length() == 0);
        empty.expect("the first one is").fid
    }

    fn fids_in_queue(&self) -> BTreeSet<u64> {
        let messages = self.stage.world.sqs.messages(QUEUE).expect("it is there").into_iter();
        let fid =
            |body: &str| serde_json::from_str::<serde_json::Value>(body).ok()?["fid"].as_u64();
        messages.map(|message| fid(&message.body).expect("a fid")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_enqueue_goes_on_at_the_printed_fid() {
    let mut session = Session::new(91, 4).await;
    // It refers to none of the files that are stored here.
    session.set("CONTENTREPO_DATABASE_URL", "");
    let world = &session.stage.world;
    for number in 0..ROWS {
        let content = number.to_string().into_bytes();
        let key = format!("{}-{}", domain::Sha1::of(&content), BUCKETS[0].0);
        world.mogile.store(world.dmid, &key, &Content::from(content), &world.devices[..1]);
    }
    let denied = Fault::Refuse { status: 403, code: "AccessDenied".to_owned() };
    // The first page is sent whole.
    let operation = Some("SendMessageBatch".to_owned());
    let skip = 101;
    world.faults.add(Rule { operation, skip, ..Rule::always(Service::Sqs, denied) });
    let enqueue = ["enqueue", "migrate", "--concurrency", "1"];
    let said = session.said(&enqueue, 3).await;
    session.mend();
    let [from, fid] = flag(&said, "--from-fid");
    assert!(fid.parse::<u64>().expect("a fid") > 900, "{said}");
    let sent = session.told(&[&enqueue[..], &[&from, &fid]].concat(), 0).await;
    assert!(sent["sent"]["files"].as_u64() < Some(100), "{sent}");
    assert_eq!(session.fids_in_queue().len(), ROWS + session.files().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_queue_did_not_take_is_sent_from_the_beginning() {
    let session = Session::new(92, 5).await;
    session.strike(Service::Sqs, Fault::Unprocessed { processed: 0 });
    let said = session.said(&["enqueue", "migrate"], 1).await;
    assert!(said.contains("has no job: run this again from the beginning"), "{said}");
    session.mend();
    session.said(&["enqueue", "migrate"], 0).await;
    assert_eq!(session.fids_in_queue().len(), session.files().len());
}

#[tokio::test(flavor = "multi_thread")]
async fn status_of_an_empty_queue_names_the_command_that_fills_it() {
    let session = Session::new(93, 5).await;
    let said = session.said(&["status"], 0).await;
    session.follow(&said, "enqueue migrate", 0).await;
    assert_eq!(session.fids_in_queue().len(), session.files().len());
}

/// A failure of a file that was proven by another way: no run that passes over it would clear it.
#[tokio::test(flavor = "multi_thread")]
async fn status_names_the_commands_for_failures_that_nothing_tries_again() {
    let session = Session::migrated(96, 5).await;
    let proven = session.plain().next().expect("one");
    let lost = session.plain().nth(1).expect("another");
    session.lose(lost);
    for (file, action, reason) in
        [(proven, "migrate", "source-unreachable"), (lost, "verify", "missing")]
    {
        session.plant_failure(file, action, reason);
    }
    let said = session.said(&["status"], 1).await;
    assert!(said.contains("2 files have failed: nothing tries them again"), "{said}");
    session.follow(&said, "enqueue migrate", 0).await;
    assert_eq!(session.fids_in_queue().into_iter().collect::<Vec<_>>(), [lost.fid]);
    session.said(&["work", "--until-empty"], 0).await;
    assert_eq!(session.failures().len(), 1, "that of the proven file");

    let said = session.said(&["status"], 1).await;
    session.follow(&said, "migrate --again --fids", 0).await;
    assert_eq!(session.failures(), Vec::new());
    session.said(&["status"], 0).await;
    assert!(session.has(lost.bucket, lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_names_the_help_that_explains_proofs_elsewhere() {
    let mut session = Session::migrated(94, 5).await;
    let map = format!("{}:another,{}:{}", BUCKETS[0].0, BUCKETS[1].0, BUCKETS[1].1);
    session.set("BUCKETS", map);
    let said = session.said(&["status"], 1).await;
    let [moved_from, _] = flag(&said, "--moved-from");
    let help = session.follow(&said, "enqueue --help", 0).await;
    assert!(help.contains(&moved_from), "{help}");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_is_wrong_names_what_is_missing() {
    let session = Session::migrated(95, 5).await;
    let said = session.said(&["enqueue", "verify"], 2).await;
    let [run, name] = flag(&said, "--run");
    session.said(&["enqueue", "verify", &run, &name], 0).await;
    assert_eq!(session.jobs(), session.files().len());
    let said = session.said(&["dlq", "redrive"], 2).await;
    let [all, _] = flag(&said, "--all");
    session.said(&["dlq", "redrive", &all], 0).await;
}

/// As a function leaves a job that its time did not suffice for.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_were_not_started_are_sent_again_by_the_printed_command() {
    let session = Session::new(96, 4).await;
    session.said(&["enqueue", "migrate", "--lambda-max-bytes", "0"], 1).await;
    let sqs = &session.stage.world.sqs;
    let [message] = &sqs.messages(QUEUE).expect("it is there")[..] else {
        panic!("one file is empty")
    };
    let (body, attributes) = (message.body.clone(), message.attributes.clone());
    sqs.send(DEAD_LETTERS, Outgoing { body, attributes, delay: None }).expect("it is taken");
    sqs.purge(QUEUE).expect("it is there");
    let fid = session.fid_of_the_empty_file();
    let failure = Item::from([
        number("fid", fid),
        text("action", "migrate"),
        text("reason", "not-started"),
        number("attempt", 5),
        number("failed_at", 1_700_000_000_000),
    ]);
    session.put(FAILURES, failure);

    let listed = session.said(&["dlq", "list"], 1).await;
    let (advice, _) = listed.split_once("Mend what is wrong").expect("a line for all reasons");
    assert!(advice.contains("1 not-started: fids"), "{listed}");
    session.follow_with(&command(advice, "dlq redrive"), &[], 0).await;
    assert_eq!(session.messages(DEAD_LETTERS), 0);
    assert_eq!(session.fids_in_queue(), [fid].into());
    session.said(&["work", "--until-empty"], 0).await;
    assert_eq!(session.failures(), Vec::new());
}
