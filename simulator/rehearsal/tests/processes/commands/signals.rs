//! The real process, told to stop by signals in the middle of slow work.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rehearsal::stage::Stage;
use serde_json::Value;
use stand_ins::fault::{Fault, Rule, Service};

use crate::cli::{json, mogile2s3, rehearse, stage, text};

/// Sends these signals, with a pause between, to a run whose storage nodes have answered `begun`
/// times.
async fn interrupted(stage: &Stage, begun: u64, signals: &[&str]) -> Output {
    let mut command = rehearse();
    let arguments = ["mogile2s3", "migrate", "--json", "--route", "mogile", "--concurrency", "8"];
    command.args(arguments).envs(stage.world.environment());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("started");
    let process = run.id().expect("it runs");
    let answered = || {
        let counts = stage.world.faults.counts().into_iter();
        counts
            .filter(|((service, _), _)| *service == Service::StorageNode)
            .map(|(_, n)| n)
            .sum::<u64>()
    };
    while answered() < begun {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for signal in signals {
        let kill = format!("kill -{signal} {process}");
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    run.wait_with_output().await.expect("it ends")
}

fn files(summary: &Value, class: &str) -> u64 {
    summary[class]["files"].as_u64().expect("a count")
}

/// The next run finishes the work and proves nothing twice but what was abandoned.
async fn completes(stage: &Stage, first: &Value) {
    stage.world.faults.clear();
    let next = mogile2s3(stage.world.environment(), &["migrate", "--json"]).await;
    let summary = json(&next);
    assert_eq!(next.status.code(), Some(0), "{summary}");
    assert_eq!(files(&summary, "proven_before"), files(first, "by_mogile"), "{summary}");
    let abandoned = first["abandoned"].as_u64().expect("a count");
    assert!(files(&summary, "already_there") <= abandoned, "{summary}");
    let judgement = stage.judge();
    // An upload in parts that was abandoned stays until the bucket's own rule takes it away.
    let half_done = |problem: &&String| abandoned > 0 && problem.contains("left half done");
    let problems: Vec<_> = judgement.problems.iter().filter(|it| !half_done(it)).collect();
    assert!(problems.is_empty(), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_signal_lets_what_is_under_way_finish() {
    for signal in ["INT", "TERM"] {
        let stage = stage(42, 120).await;
        let slow = Fault::Delay(Duration::from_millis(200));
        stage.world.faults.add(Rule::always(Service::StorageNode, slow));
        let first = interrupted(&stage, 20, &[signal]).await;
        let summary = json(&first);
        assert_eq!(first.status.code(), Some(1), "{summary}");
        assert_eq!(summary["stopped"], "interrupted", "{summary}");
        assert!(text(&first.stderr).contains("stopping: "), "{}", text(&first.stderr));
        let done = files(&summary, "by_mogile");
        assert!((1..100).contains(&done), "{summary}");
        assert_eq!(summary["abandoned"], 0, "{summary}");
        let recorded = mogile2s3(stage.world.environment(), &["fids", "--proven"]).await;
        assert_eq!(text(&recorded.stdout).lines().count() as u64, done);
        completes(&stage, &summary).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_abandons_what_hangs() {
    let stage = stage(42, 120).await;
    let hang = Rule { skip: 20, ..Rule::always(Service::StorageNode, Fault::Hang) };
    stage.world.faults.add(hang);
    let first = interrupted(&stage, 25, &["INT", "TERM"]).await;
    let summary = json(&first);
    assert_eq!(first.status.code(), Some(1), "{summary}");
    assert_eq!(summary["stopped"], "interrupted", "{summary}");
    assert!(summary["abandoned"].as_u64() > Some(0), "{summary}");
    completes(&stage, &summary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_signal_ends_it_at_once() {
    let stage = stage(42, 60).await;
    stage.world.faults.add(Rule::always(Service::StorageNode, Fault::Hang));
    // The ledger does not answer either: what is proven cannot be recorded.
    stage.world.faults.add(Rule {
        operation: Some("BatchWriteItem".to_owned()),
        ..Rule::always(Service::DynamoDb, Fault::Hang)
    });
    let first = interrupted(&stage, 5, &["INT", "INT", "INT"]).await;
    // Nothing was proven, so two may have been enough.
    assert!(matches!(first.status.code(), Some(1 | 130)), "{:?}", first.status);
}
