//! What the function answers to what it is sent.

use std::time::Duration;

use serde_json::{Value, json};
use stand_ins::embedded::BUCKETS;
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::wire::lambda::Ended;
use stand_ins::world::bucket::Condition;

use super::stage::{PATIENCE, Stage, answer};

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_record_of_ten_is_returned_and_nine_are_acknowledged() {
    let body =
        |length: &str, bucket: &str| format!(r#"{{"fid": 4, "dkey": "{EMPTY}-{bucket}"{length}}}"#);
    for (body, action) in [
        ("no JSON".to_owned(), "migrate"),
        (body("", "mogilefs-prod-repo"), "migrate"),
        (body(r#", "length": 0"#, "mogilefs-prod-repo"), "delete"),
        (body(r#", "length": 0"#, "unmapped"), "migrate"),
    ] {
        let stage = Stage::with(9).await;
        stage.set_queue(Duration::from_secs(30), 1);
        stage.enqueue_all();
        stage.send(&body, &[("action", action.to_owned())]);
        let service = stage.start(stage.function());
        service.done(PATIENCE).await.expect("done");
        stage.assert_whole();
        let mapping = service.mapping_counts();
        let seen = (mapping.batches, mapping.acknowledged, mapping.returned);
        assert_eq!(seen, (1, 9, 1), "{body} {action}");
        assert_eq!(stage.dead_letters(), [body]);
        let put = stage.world.s3.get("corpus-prod", EMPTY, &Condition::None);
        assert!(put.is_err(), "nothing is migrated for it");
    }
}

/// The SHA-1 of nothing.
const EMPTY: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_all_bad_is_returned_whole_and_soon_dead() {
    let stage = Stage::with(0).await;
    stage.set_queue(Duration::from_secs(30), 2);
    for number in 0..10 {
        stage.send(&format!("bad {number}"), &[]);
    }
    let service = stage.start(stage.function());
    service.done(PATIENCE).await.expect("done");
    let mapping = service.mapping_counts();
    assert_eq!((mapping.acknowledged, mapping.malformed_answers), (0, 0));
    assert_eq!(stage.dead_letters().len(), 10);
    let told = service.fleet().logs().json();
    let of_bad = told.iter().filter(|line| line["reason"] == "bad-message");
    let attempts: Vec<_> = of_bad.filter_map(|line| line["attempt"].as_u64()).collect();
    assert_eq!((attempts.len(), attempts.iter().max()), (20, Some(&2)), "two deliveries each");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_in_a_batch_is_moved_once_and_acknowledged_twice() {
    let stage = Stage::with(3).await;
    stage.enqueue_all();
    stage.enqueue(&stage.files[1]);
    let service = stage.start(stage.function());
    service.done(PATIENCE).await.expect("done");
    stage.assert_whole();
    assert_eq!(service.mapping_counts().acknowledged, 4);
    assert_eq!(service.fleet().logs().metric("ByMogile"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_event_fails_nothing_and_a_strange_one_moves_nothing() {
    let stage = Stage::with(1).await;
    let service = stage.start(stage.function());
    for event in [json!({}), json!({"Records": []})] {
        let ended = service.invoke(&event).await.expect("a process");
        assert_eq!(answer(ended), json!({"batchItemFailures": []}));
    }
    let check = async |event: Value, named: &str| {
        let ended = service.invoke(&event).await.expect("a process");
        let Ended::Error(error) = ended else { panic!("{event}: {ended:?}") };
        assert!(error.message.contains(named), "{}", error.message);
        let logged = async {
            let says = |line: &Value| line["level"] == "ERROR" && line.to_string().contains(named);
            while !service.fleet().logs().json().iter().any(says) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, logged).await.expect("it is in the log too");
    };
    let file = &stage.files[0];
    let body = json!({"fid": file.fid.0, "dkey": file.dkey, "length": file.content.len()});
    let of_sns = json!({
        "EventSource": "aws:sns",
        "messageId": "1",
        "body": body.to_string(),
        "messageAttributes": {"action": {"stringValue": "migrate"}}
    });
    check(json!({"Records": [of_sns]}), "aws:sns").await;
    check(json!({"Records": [{"eventSource": "aws:sqs", "body": body.to_string()}]}), "messageId")
        .await;
    check(body, "dkey").await;
    check(json!([1, 2]), "a list").await;
    assert!(!stage.is_whole(file));
    assert_eq!(service.counts().cold_starts, 1, "the process goes on after each");
}

/// What is written there could not be deleted again.
#[tokio::test(flavor = "multi_thread")]
async fn its_doctor_writes_no_canaries_where_object_lock_keeps_them() {
    let stage = Stage::with(2).await;
    stage.world.s3.configure(|options| options.versioned = true);
    let (event, canaries) = (json!({"doctor": true}), "the answers to a PUT and a HEAD");
    let denied = Fault::Refuse { status: 403, code: "AccessDenied".to_owned() };
    let denied = Rule::always(Service::S3, denied);
    let denied = Rule { operation: Some("GET_OBJECT_LOCK".to_owned()), ..denied };
    for (days, denied, words) in [
        (Some(30), None, "COMPLIANCE, 30 days"),
        (None, Some(denied), "s3:GetBucketObjectLockConfiguration"),
    ] {
        for (_, bucket) in BUCKETS {
            stage.world.s3.set_up(bucket, |it| it.locked_for_days = days).expect("a bucket");
        }
        if let Some(rule) = denied {
            stage.world.faults.add(rule);
        }
        let service = stage.start(stage.function());
        let health = answer(service.invoke(&event).await.expect("a process"));
        assert_eq!(health["healthy"], false, "{health}");
        let said = health.to_string();
        assert!(said.contains(words) && !said.contains(canaries), "{said}");
    }
    for (_, bucket) in BUCKETS {
        let versions = stage.world.s3.versions(bucket).expect("a bucket");
        assert!(versions.is_empty(), "{bucket}: {:?}", versions.keys());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_doctor_examines_from_where_the_function_runs() {
    let stage = Stage::with(2).await;
    let service = stage.start(stage.function());
    let event = json!({"doctor": true});
    let health = answer(service.invoke(&event).await.expect("a process"));
    assert_eq!(health["healthy"], true, "{health}");
    let checks = health["checks"].as_array().expect("checks");
    assert!(checks.len() > 10, "canaries too: {health}");
    let canaries = "the answers to a PUT and a HEAD";
    assert!(health.to_string().contains(canaries), "{health}");
    let report = answer(service.invoke(&json!({"report": true})).await.expect("a process"));
    for field in ["version", "formats", "buckets"] {
        assert!(!report[field].is_null(), "{report}");
        assert_eq!(health[field], report[field], "{field}");
    }

    let mut function = stage.function();
    function.environment.insert("BUCKETS".to_owned(), "mogilefs-prod-repo:not-there".to_owned());
    let service = stage.start(function);
    let health = answer(service.invoke(&event).await.expect("a process"));
    assert_eq!(health["healthy"], false);
    assert!(health.to_string().contains("not-there"), "{health}");

    for (setting, value, subject) in [
        ("DYNAMODB_FAILURES_TABLE", "no-failures", "failures"),
        ("DYNAMODB_VERIFICATIONS_TABLE", "no-verifications", "verifications"),
    ] {
        let mut function = stage.function();
        function.environment.insert(setting.to_owned(), value.to_owned());
        let service = stage.start(function);
        let health = answer(service.invoke(&event).await.expect("a process"));
        assert_eq!(health["healthy"], false, "{setting}");
        let checks = health["checks"].as_array().expect("checks");
        let sick: Vec<_> = checks.iter().filter(|check| check["health"] != "good").collect();
        assert_eq!(sick.len(), 1, "{sick:?}");
        assert_eq!(sick[0]["subject"], subject);
    }
}
