//! The commands against a world that is up: real processes, real sockets.

mod lists;
mod signals;

use serde_json::Value;
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Action;

use crate::cli::{is_honest, json, mogile2s3, stage, text};

#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_fids_are_listed_ascending() {
    let stage = stage(42, 30).await;
    let environment = stage.world.environment();
    assert_eq!(mogile2s3(environment, &["migrate"]).await.status.code(), Some(0));
    let mut planted: Vec<_> = stage.planted.expected.iter().map(|expected| expected.fid).collect();
    planted.sort_unstable();
    let listed = mogile2s3(environment, &["fids"]).await;
    let lines: Vec<u64> =
        text(&listed.stdout).lines().map(|line| line.parse().expect("a fid")).collect();
    assert_eq!(lines, planted);
    assert_eq!(
        json(&mogile2s3(environment, &["fids", "--unproven", "--json"]).await)["fids"],
        Value::Array(vec![])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_through_faults_is_honest_and_the_next_one_completes_it() {
    let stage = stage(42, 60).await;
    let strike = |operation: &str, skip, fault| {
        let operation = Some(operation.to_owned());
        stage.world.faults.add(Rule {
            operation,
            skip,
            times: 8,
            ..Rule::always(Service::S3, fault)
        });
    };
    let slow_down = || Fault::Refuse { status: 503, code: "SlowDown".to_owned() };
    for operation in ["PUT", "COPY"] {
        strike(operation, 2, Fault::AnswerLost);
        strike(operation, 2, slow_down());
        strike(operation, 2, Fault::RequestLost);
    }
    strike("HEAD", 4, Fault::RequestLost);
    strike("LIST", 1, slow_down());
    // More than the engine tries again: some files fail.
    let nodes = Rule { times: 100, ..Rule::always(Service::StorageNode, Fault::TruncateBody(10)) };
    stage.world.faults.add(nodes);

    let first = mogile2s3(stage.world.environment(), &["migrate", "--json"]).await;
    let summary = json(&first);
    assert!(is_honest(&first), "{summary}");
    assert_ne!(first.status.code(), Some(0), "faults enough for some failure: {summary}");

    stage.world.faults.clear();
    let second = mogile2s3(stage.world.environment(), &["migrate", "--json"]).await;
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stdout));
    let judgement = stage.judge();
    assert!(judgement.is_content(), "{:?}", judgement.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_where_and_what_to_do_and_keep_secrets() {
    let stage = stage(42, 6).await;
    let check = async |changes: &[(&'static str, &str)], code: i32, words: &[&str]| {
        let mut environment = stage.world.environment().clone();
        for (name, value) in changes {
            environment.insert(name, (*value).to_owned());
        }
        let output = mogile2s3(&environment, &["migrate"]).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{changes:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{changes:?} says nothing of `{word}`: {said}");
        }
        assert!(!said.contains(&environment["AWS_SECRET_ACCESS_KEY"]), "a secret: {said}");
        assert!(!said.contains("s3cret"), "a secret: {said}");
    };
    check(&[("MOGILE_TRACKERS", "")], 2, &["MOGILE_TRACKERS"]).await;
    check(&[("MOGILE_TRACKERS", "tracker1")], 2, &["MOGILE_TRACKERS", "tracker1", "HOST:PORT"])
        .await;
    check(&[("BUCKETS", "a:Bad_Name")], 2, &["BUCKETS", "Bad_Name"]).await;
    check(&[("DYNAMODB_TABLE", "")], 2, &["DYNAMODB_TABLE"]).await;
    check(&[("DYNAMODB_TABLE", "nowhere")], 2, &["nowhere", "does not exist"]).await;
    check(&[("MOGILE_STORAGE_HOSTS", "storage1")], 2, &["MOGILE_STORAGE_HOSTS", "storage1"]).await;
    let words = ["SignatureDoesNotMatch", "the secret key is not", "correct AWS_ACCESS_KEY_ID"];
    check(&[("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-mine")], 2, &words).await;
    check(&[("BUCKETS", "mogilefs-prod-repo:not-there")], 2, &["not-there", "does not exist"])
        .await;
    check(
        &[("MOGILE_TRACKERS", "127.0.0.1:1"), ("MOGILE_DATABASE_URL", "")],
        3,
        &["127.0.0.1:1", "refused", "MOGILE_TRACKERS"],
    )
    .await;
    let database = |url: &'static str| [("MOGILE_DATABASE_URL", url)];
    let away = database("mysql://ann:s3cret@127.0.0.1:1/mogile");
    check(&away, 3, &["127.0.0.1:1/mogile", "refused", "MOGILE_DATABASE_URL", "doctor"]).await;
    for wrong in ["mysql://ann:s3cret@127.0.0.1", "s3cret", "mysql://ann:12/s3cret@db/mogile"] {
        check(&database(wrong), 2, &["MOGILE_DATABASE_URL", "mysql://user:password@host"]).await;
    }
    for (action, code) in [(Action::ListBucket, 3), (Action::PutObject, 3)] {
        stage.world.s3.configure(|options| options.deny(action));
        check(&[], code, &["s3-denied", "corpus-prod", "denied", "policy", "doctor"]).await;
        stage.world.s3.configure(|options| options.denials.clear());
    }
    check(
        &[("BUCKETS", "mogilefs-prod-repo:corpus-prod")],
        1,
        &["unmapped-bucket", "mogilefs-prod-editorial", "IGNORE_BUCKETS"],
    )
    .await;
}
