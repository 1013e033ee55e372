//! What the function sees from where it runs, as the operator's doctor shows it.

use serde_json::Value;

use super::{Account, NAME, Scripted, mogile2s3, nobody};
use crate::lambda::stage::Stage;

/// The checks of `doctor` with this exit code.
async fn checks(
    stage: &Stage,
    lambda: std::net::SocketAddr,
    more: &[&str],
    code: i32,
) -> Vec<Value> {
    let arguments = [&["doctor", "--json"], more].concat();
    let output = mogile2s3(stage, lambda, NAME, &arguments).await;
    let told = String::from_utf8_lossy(&output.stderr);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(output.status.code(), Some(code), "{told} {report:#}");
    report["checks"].as_array().expect("checks").clone()
}

fn of<'a>(checks: &'a [Value], subject: &str) -> Vec<&'a Value> {
    checks.iter().filter(|check| check["subject"] == *subject).collect()
}

fn health<'a>(checks: &'a [Value], subject: &str, fact: &str) -> (&'a str, &'a str) {
    let checks = of(checks, subject);
    let check = checks.iter().find(|check| check["fact"] == *fact).expect("a check");
    (check["health"].as_str().expect("a word"), check["detail"].as_str().expect("words"))
}

const LOOKS: &str = "it looks at everything that it uses, from where it runs";
const SAME: &str = "its tables, queues and region are these";

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_shows_what_the_function_sees() {
    let stage = Stage::with(2).await;
    let subject = format!("function {NAME}");
    let account = Account::with_real(&stage, stage.function()).await;
    let seen = checks(&stage, account.address, &[], 0).await;
    assert_eq!(health(&seen, &subject, LOOKS).0, "good");
    let (same, names) = health(&seen, &subject, SAME);
    assert_eq!(same, "good", "{names}");
    for name in ["AWS_S3_REGION_NAME", "DYNAMODB_TABLE", "SQS_URL", "SQS_DLQ_URL"] {
        assert!(names.contains(name), "{names}");
    }
    for of_there in ["ledger", "failures", "verifications", "queue", "index", "files"] {
        assert!(!of(&seen, &format!("{subject}: {of_there}")).is_empty(), "{of_there}: {seen:#?}");
    }
    // Where nothing may be written it is only asked what it is.
    let seen = checks(&stage, account.address, &["--read-only"], 0).await;
    assert!(seen.iter().all(|check| check["fact"] != LOOKS), "{seen:#?}");

    // It sees another ledger, and no tracker.
    let mut function = stage.function();
    function.environment.insert("DYNAMODB_TABLE".to_owned(), "not-there".to_owned());
    let account = Account::with_real(&stage, function).await;
    let seen = checks(&stage, account.address, &[], 1).await;
    let (same, detail) = health(&seen, &subject, SAME);
    assert_eq!(same, "bad", "{detail}");
    assert!(detail.contains("its DYNAMODB_TABLE is `not-there`"), "{detail}");
    let ledger = of(&seen, &format!("{subject}: ledger"));
    assert!(ledger.iter().any(|check| check["health"] == "bad"), "{ledger:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_cannot_look_is_not_good() {
    let stage = Stage::with(1).await;
    let subject = format!("function {NAME}");
    // It answers the same to every question, so that it has no checks.
    let account = Account::with(&stage, Scripted::with(domain::Formats::OURS)).await;
    let seen = checks(&stage, account.address, &[], 1).await;
    let (health, detail) = health(&seen, &subject, LOOKS);
    assert_eq!(health, "bad", "{detail}");
    assert!(detail.contains("build-lambda-zip.sh"), "{detail}");
    let seen = checks(&stage, nobody().await, &[], 3).await;
    assert_eq!(of(&seen, &subject).len(), 1, "{seen:#?}");
}
