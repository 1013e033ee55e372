//! The commands around the queue, in processes of their own, against a world that is up.

use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;

use rehearsal::planting::Expected;
use rehearsal::stage::Stage;
use serde_json::Value;
use stand_ins::embedded::{DEAD_LETTERS, FAILURES, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Condition;
use stand_ins::world::dynamodb;
use stand_ins::world::mogile::{Content, Fid};
use stand_ins::world::queue::arn_of;

use crate::cli::{json, mogile2s3, stage, text};

async fn run(stage: &Stage, arguments: &[&str]) -> Output {
    mogile2s3(stage.world.environment(), arguments).await
}

/// With this exit code; gives what it says as JSON.
async fn said(stage: &Stage, arguments: &[&str], code: i32) -> Value {
    let output = run(stage, arguments).await;
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    json(&output)
}

async fn printed(stage: &Stage, arguments: &[&str], code: i32) -> String {
    let output = run(stage, arguments).await;
    let told = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
    told
}

fn in_queue(stage: &Stage, queue: &str) -> usize {
    stage.world.sqs.counts(queue).expect("it is there").all()
}

/// After so many deliveries a message is dead.
fn set_deliveries(stage: &Stage, deliveries: u32) {
    let policy = serde_json::json!({
        "deadLetterTargetArn": arn_of(DEAD_LETTERS),
        "maxReceiveCount": deliveries,
    });
    let attributes = BTreeMap::from([("RedrivePolicy".to_owned(), policy.to_string())]);
    stage.world.sqs.set_attributes(QUEUE, &attributes).expect("the queue is there");
}

fn plain(stage: &Stage) -> &Expected {
    let plain =
        |file: &&Expected| file.hazard.is_none() && !file.synced && file.file.content.length() > 0;
    stage.planted.expected.iter().find(plain).expect("most files are")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_enqueued_arrives_and_status_says_so() {
    let stage = stage(3, 80).await;
    let all = stage.planted.expected.len() as u64;
    let sent = said(&stage, &["enqueue", "migrate", "--json"], 0).await;
    assert_eq!(sent["sent"]["files"].as_u64(), Some(all));
    let rows = sent["rows"].as_u64().expect("a count");
    let others = ["temporary", "ignored"].map(|class| sent[class].as_u64().expect("a count"));
    assert_eq!(all + others.iter().sum::<u64>(), rows, "{sent}");
    let again = printed(&stage, &["enqueue", "migrate"], 0).await;
    assert!(again.contains("WARNING: the queue had"), "{again}");

    let moved = said(&stage, &["work", "--until-empty", "--json"], 0).await;
    assert_eq!(moved["deliveries"].as_u64(), Some(2 * all), "{moved}");
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{:?}", judgement.problems);
    let none = said(&stage, &["enqueue", "migrate", "--json"], 0).await;
    assert_eq!(
        (&none["sent"]["files"], none["proven_before"]["files"].as_u64()),
        (&0.into(), Some(all))
    );
    let status = said(&stage, &["status", "--json"], 0).await;
    assert_eq!((status["proven"].as_u64(), &status["visible"]), (Some(all), &0.into()));
    assert_eq!(status["safe_to_wait"], true);

    // Jobs that look whether it is all there, before and after one object is lost.
    said(&stage, &["enqueue", "verify", "--run", "first", "--json"], 0).await;
    let verified = said(&stage, &["work", "--until-empty", "--json"], 0).await;
    assert_eq!(verified["verified"]["files"].as_u64(), Some(all));
    let lost = plain(&stage);
    stage.world.s3.delete(lost.bucket, &lost.file.sha1, &Condition::None).expect("it is there");
    set_deliveries(&stage, 1);
    said(&stage, &["enqueue", "verify", "--run", "second", "--json"], 0).await;
    let verified = said(&stage, &["work", "--until-empty", "--json"], 1).await;
    assert_eq!(verified["failed"]["missing"]["first_fids"], serde_json::json!([lost.fid]));
    assert_eq!(verified["verified"]["files"].as_u64(), Some(all - 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_named_and_finished_when_it_is_mended() {
    let stage = stage(5, 40).await;
    let poison = plain(&stage);
    let fid = Fid(poison.fid);
    let good = Content::from(poison.file.content.read().expect("readable").to_vec());
    let holders: Vec<_> = stage
        .world
        .devices
        .iter()
        .copied()
        .filter(|device| stage.world.mogile.replica(fid, *device).is_some())
        .collect();
    for device in &holders {
        stage.world.mogile.set_replica(fid, *device, Content::from(b"spoiled".to_vec()));
    }
    let planted = stage.world.s3.plant_plain(poison.bucket, &poison.file.sha1, b"other".to_vec());
    planted.expect("the bucket is there");
    set_deliveries(&stage, 1);

    said(&stage, &["enqueue", "migrate", "--json"], 0).await;
    let moved = said(&stage, &["work", "--until-empty", "--json"], 1).await;
    assert_eq!(moved["failed"]["wrong-object"]["files"], 1, "{moved}");
    assert_eq!(in_queue(&stage, DEAD_LETTERS), 1);
    let listed = printed(&stage, &["dlq", "list"], 1).await;
    let named = [format!("wrong-object: fids {fid}"), "dlq redrive --reason".to_owned()];
    assert!(named.iter().all(|named| listed.contains(named)), "{listed}");
    let status = printed(&stage, &["status"], 1).await;
    assert!(status.contains("1 dead letters") && status.contains("wrong-object"), "{status}");

    for device in holders {
        stage.world.mogile.set_replica(fid, device, good.clone());
    }
    stage.world.s3.delete(poison.bucket, &poison.file.sha1, &Condition::None).expect("there");
    let redriven = said(&stage, &["dlq", "redrive", "--reason", "wrong-object", "--json"], 0).await;
    assert_eq!(redriven["sent"], 1);
    said(&stage, &["work", "--until-empty", "--json"], 0).await;
    assert!(printed(&stage, &["dlq", "list"], 0).await.contains("No dead letters"));
    let failures = dynamodb::items(&stage.world.database, FAILURES).expect("a table");
    assert_eq!(failures, Vec::new());
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{:?}", judgement.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_are_withheld_with_the_line_that_moves_them() {
    let stage = stage(1, 40).await;
    let sent = printed(&stage, &["enqueue", "migrate", "--lambda-max-bytes", "60000"], 1).await;
    let line = sent.lines().find(|line| line.contains("mogile2s3 migrate --fids")).expect("a line");
    let arguments: Vec<_> = line.split_whitespace().skip(1).collect();
    printed(&stage, &arguments, 0).await;
    printed(&stage, &["work", "--until-empty"], 0).await;
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{:?}", judgement.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_queue_does_not_take_at_first_is_sent_again() {
    let refused = |status: u16, code: &str| Fault::Refuse { status, code: code.to_owned() };
    for (fault, sent_twice) in [
        (Fault::Unprocessed { processed: 5 }, 0),
        (refused(400, "ThrottlingException"), 0),
        (refused(500, "InternalFailure"), 0),
        // A batch of ten, two more times.
        (Fault::AnswerLost, 20),
    ] {
        let stage = stage(2, 40).await;
        let all = stage.planted.expected.len() as u64;
        let operation = Some("SendMessageBatch".to_owned());
        let rule = Rule { operation, times: 2, ..Rule::always(Service::Sqs, fault.clone()) };
        stage.world.faults.add(rule);
        // One batch after the other, so that it is known which of them are struck.
        let sent = &["enqueue", "migrate", "--concurrency", "1", "--json"];
        let sent = said(&stage, sent, 0).await;
        assert_eq!(sent["sent"]["files"].as_u64(), Some(all), "{fault:?} {sent}");
        assert_eq!(in_queue(&stage, QUEUE) as u64, all + sent_twice, "{fault:?}");
        said(&stage, &["work", "--until-empty", "--json"], 0).await;
        let judgement = stage.judge();
        assert!(judgement.is_content(), "{fault:?} {:?}", judgement.problems);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_gives_back_what_it_has_not_done() {
    let stage = stage(4, 60).await;
    said(&stage, &["enqueue", "migrate", "--json"], 0).await;
    let slow = Fault::Delay(Duration::from_millis(700));
    stage.world.faults.add(Rule::always(Service::StorageNode, slow));
    let mut command = crate::cli::rehearse();
    command.args(["mogile2s3", "work", "--concurrency", "2", "--json"]);
    command.envs(stage.world.environment()).stdout(std::process::Stdio::piped());
    let worker = tokio::process::Command::from(command).spawn().expect("started");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let id = worker.id().expect("it is at work").to_string();
    let kill = tokio::process::Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(kill.expect("kill is there").success());
    let output = worker.wait_with_output().await.expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let summary = json(&output);
    assert_eq!(summary["stopped"], "interrupted", "{summary}");
    assert!(in_queue(&stage, QUEUE) > 0);

    stage.world.faults.clear();
    let moved = said(&stage, &["work", "--until-empty", "--json"], 0).await;
    assert!(moved["deliveries"].as_u64() > Some(0));
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{:?}", judgement.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_setting_and_what_to_do() {
    let stage = stage(1, 5).await;
    let check = async |changes: &[(&'static str, &str)], command: &[&str], code, words: &[&str]| {
        let mut environment = stage.world.environment().clone();
        for (name, value) in changes {
            environment.insert(name, (*value).to_owned());
        }
        let output = mogile2s3(&environment, command).await;
        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{command:?} {changes:?}: {told}");
        for word in words {
            assert!(told.contains(word), "{command:?} says nothing of `{word}`: {told}");
        }
        assert!(!told.contains(&environment["AWS_SECRET_ACCESS_KEY"]), "a secret: {told}");
    };
    let url = stage.world.environment()["SQS_URL"].clone();
    let nowhere = format!("{url}-nowhere");
    check(&[("SQS_URL", "")], &["work"], 2, &["SQS_URL is not set"]).await;
    check(&[("SQS_DLQ_URL", "")], &["work"], 2, &["SQS_DLQ_URL is not set"]).await;
    check(&[("SQS_URL", "jobs")], &["work"], 2, &["SQS_URL", "not a URL"]).await;
    for command in [&["work"][..], &["enqueue", "migrate"]] {
        let words = ["nowhere", "does not exist", "SQS_URL"];
        check(&[("SQS_URL", &nowhere)], command, 2, &words).await;
    }
    check(&[("SQS_DLQ_URL", &url)], &["dlq", "list"], 2, &["SQS_DLQ_URL", "same queue"]).await;
    for command in [&["dlq", "list"][..], &["dlq", "redrive", "--all"], &["status"]] {
        let words = ["nowhere", "the dead-letter queue", "does not exist", "correct SQS_DLQ_URL"];
        check(&[("SQS_DLQ_URL", &nowhere)], command, 2, &words).await;
    }
    for command in [
        &["fids"][..],
        &["status"],
        &["migrate"],
        &["enqueue", "migrate"],
        &["dlq", "redrive", "--all"],
    ] {
        let words = ["nowhere", "does not exist", "correct DYNAMODB_TABLE"];
        let code = if command[0] == "dlq" { 0 } else { 2 };
        let words = if command[0] == "dlq" { &[][..] } else { &words };
        check(&[("DYNAMODB_TABLE", "nowhere")], command, code, words).await;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    for (variable, service) in
        [("AWS_ENDPOINT_URL_DYNAMODB", "DynamoDB"), ("AWS_ENDPOINT_URL_SQS", "SQS")]
    {
        let at = format!("{service} at `{closed}`");
        check(&[(variable, &closed)], &["status"], 3, &[&at, &format!("the way to {service}")])
            .await;
    }
    check(&[], &["dlq", "redrive", "--reason", "no-replica"], 1, &["Nothing was sent"]).await;
    check(&[], &["dlq", "redrive", "--reason", "no-such"], 2, &["`no-such`", "dlq list"]).await;
    check(&[], &["work", "--wait", "5"], 2, &["30s, 10m or 2h"]).await;
    check(&[], &["enqueue", "verify"], 2, &["--run"]).await;
    check(&[], &["enqueue", "migrate", "--run", "x"], 2, &["--run", "verify"]).await;
    check(&[], &["dlq", "redrive"], 2, &["--all"]).await;
}
