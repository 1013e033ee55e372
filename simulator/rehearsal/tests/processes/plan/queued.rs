//! What `plan` counts of the queue and of a verification by it, against what both ask for.

use serde_json::{Value, json};

use super::{clean, is_what_was_asked_for, told};
use crate::cli::{json as printed, mogile2s3, text};

/// The requests of two commands together, as one command's.
fn together(first: &Value, second: &Value) -> Value {
    let mut requests = first["requests"].clone();
    for (kind, counts) in second["requests"].as_object().expect("requests") {
        let sum = |end: &str| {
            let of = |all: &Value| all[kind][end].as_u64().unwrap_or_default();
            of(&requests) + counts[end].as_u64().unwrap_or_default()
        };
        let sums = json!({ "ok": sum("ok"), "failed": sum("failed") });
        requests[kind] = sums;
    }
    json!({ "requests": requests })
}

fn ok(run: &Value, kind: &str) -> u64 {
    run["requests"][kind]["ok"].as_u64().unwrap_or_default()
}

/// The count of the line of this stage that begins so.
fn line(plan: &Value, stage: &str, what: &str) -> u64 {
    let lines = plan["costs"].as_array().expect("lines");
    let is_it = |line: &&Value| {
        line["stage"] == stage && line["what"].as_str().is_some_and(|it| it.starts_with(what))
    };
    lines.iter().find(is_it).map_or(0, |line| line["count"].as_u64().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_of_the_queue_is_what_is_asked_for() {
    let stage = clean(250).await;
    let plan = told(&stage, &[], &["plan"]).await;
    let (needed, files) = (&plan["requests_needed"], stage.planted.expected.len() as u64);
    let sent = told(&stage, &[], &["enqueue", "migrate"]).await;
    let moved = told(&stage, &[], &["work", "--until-empty"]).await;
    is_what_was_asked_for(needed, &together(&sent, &moved));
    let batches = needed["job_batches"].as_u64().expect("a number");
    assert_eq!(ok(&sent, "SQS SendMessageBatch"), batches, "{sent}");
    // Sent, received and deleted. A worker that waits for the next asks a little more often.
    assert_eq!(line(&plan, "queue", "SQS"), 3 * batches, "{plan}");
    assert!(ok(&moved, "SQS ReceiveMessage") >= batches, "{moved}");
    // A record of each file, 25 at most in a request.
    assert_eq!(line(&plan, "migration", "ledger records"), files, "{plan}");
    assert_eq!(told(&stage, &[], &["status"]).await["proven"].as_u64(), Some(files));
    assert!(ok(&moved, "DynamoDB BatchWriteItem") >= files.div_ceil(25), "{moved}");

    let run = ["--run", "first"];
    let sent = told(&stage, &[], &[&["enqueue", "verify"][..], &run].concat()).await;
    let verified = told(&stage, &[], &["work", "--until-empty"]).await;
    assert_eq!(ok(&sent, "SQS SendMessageBatch"), batches, "{sent}");
    let (heads, gets) = (line(&plan, "verification", "HEAD"), line(&plan, "verification", "GET"));
    assert!(gets > 0, "some are in parts: {plan}");
    assert_eq!((ok(&verified, "S3 HEAD"), ok(&verified, "S3 GET")), (heads, gets), "{verified}");
    // Each job's record, and all of an answer in one request.
    assert_eq!(line(&plan, "verification", "records of the ledger"), heads, "{plan}");
    let (reads, answers) =
        (ok(&verified, "DynamoDB BatchGetItem"), ok(&verified, "SQS ReceiveMessage"));
    assert!((1..=answers).contains(&reads), "{verified}");
    let written = line(&plan, "verification", "verifications written");
    assert_eq!(verified["verified"]["files"].as_u64(), Some(written), "{verified}");

    // What is too large for the function is no job.
    let most = [("LAMBDA_MAX_BYTES", "100000".to_owned())];
    let plan = told(&stage, &most, &["plan"]).await;
    let needed = &plan["requests_needed"];
    let mut environment = stage.world.environment().clone();
    environment.extend(most);
    let arguments = ["enqueue", "verify", "--run", "second", "--json"];
    let output = mogile2s3(&environment, &arguments).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let sent = printed(&output);
    assert!(needed["without_job"]["files"].as_u64() > Some(0), "{needed}");
    assert_eq!(sent["large"], needed["without_job"], "{sent}");
    let batches = needed["job_batches"].as_u64();
    assert_eq!(Some(ok(&sent, "SQS SendMessageBatch")), batches, "{sent}");
}
