//! Processes that are killed at their time limit, and those that end in time.

use std::time::Duration;

use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::wire::lambda::Function;

use super::stage::{PATIENCE, Stage};

/// Takes itself to have a minute more than it has, so that the kill comes without warning.
fn killed_without_warning(function: Function) -> Function {
    Function {
        time_limit: Duration::from_secs(2),
        deadline_told_later_by: Duration::from_mins(1),
        ..function
    }
}

/// A batch of ten, of which one meets this fault once.
async fn check(what: &str, synced: bool, rule: impl FnOnce(&Stage) -> Rule) {
    let stage = Stage::with(10).await;
    if synced {
        stage.sync();
    }
    stage.enqueue_all();
    stage.world.faults.add(rule(&stage));
    let service = stage.start(killed_without_warning(stage.function()));
    service.done(PATIENCE).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    stage.assert_whole();
    let (counts, mapping) = (service.counts(), service.mapping_counts());
    assert_eq!(counts.time_outs, 1, "{what}: {counts:?}");
    assert_eq!((counts.crashes, counts.errors), (0, 0), "{what}: {counts:?}");
    assert_eq!((mapping.returned, mapping.acknowledged), (10, 10), "{what}: {mapping:?}");
    assert!(stage.dead_letters().is_empty(), "{what}");
    assert_eq!(counts.cold_starts, 2, "{what}: a killed process is not used again");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_put_the_next_delivery_completes_it() {
    check("half of the bytes on their way", false, |stage| {
        let path = format!("{:010}.fid", stage.files[3].fid.0);
        Rule::once(Service::StorageNode, "GET", &path, Fault::HangInBody(5_000))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_s3_and_ledger_the_next_delivery_completes_it() {
    check("written, and no answer yet", false, |stage| {
        Rule::once(Service::S3, "PUT", &stage.files[3].key, Fault::Hang)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_copy_the_next_delivery_completes_it() {
    check("copied, and no answer yet", true, |stage| {
        Rule::once(Service::S3, "COPY", &stage.files[3].key, Fault::Hang)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_ledger_and_answer_the_next_delivery_finds_it_done() {
    check("recorded, and no answer yet", false, |_| {
        Rule::once(Service::DynamoDb, "BatchWriteItem", "", Fault::Hang)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_hangs_is_given_back_alone_and_before_the_time_is_over() {
    let stage = Stage::with(10).await;
    stage.set_queue(Duration::from_mins(1), 5);
    stage.enqueue_all();
    let path = format!("{:010}.fid", stage.files[3].fid.0);
    let hang = Rule::once(Service::StorageNode, "GET", &path, Fault::HangInBody(5_000));
    stage.world.faults.add(Rule { times: Rule::ALWAYS, ..hang });
    // Long enough for the function to begin anything, not for the node's own time-out.
    let function = Function { time_limit: Duration::from_secs(10), ..stage.function() };
    let service = stage.start(function);
    let answered = async {
        while service.counts().answers == 0 {
            assert_eq!(service.counts().time_outs, 0);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answered = tokio::time::timeout(PATIENCE, answered).await;
    answered.unwrap_or_else(|_| panic!("no answer: {:?}", service.counts()));
    let (others, hanging): (Vec<_>, Vec<_>) =
        stage.files.iter().partition(|file| file.fid != stage.files[3].fid);
    assert!(others.into_iter().all(|file| stage.is_whole(file)));
    assert!(!stage.is_whole(hanging[0]));
    let left = stage.left_over(1).await;
    assert_eq!(left.len(), 1, "nine are acknowledged: {left:?}");
    assert!(left[0].body.contains(&hanging[0].dkey), "{left:?}");
    assert_eq!(left[0].receive_count, 1);
    assert_eq!(service.fleet().logs().metric("NotStarted"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_more_memory_than_there_is_is_killed() {
    let stage = Stage::with(1).await;
    let function = Function { memory_mb: 2, ..stage.function() };
    let service = stage.start(function);
    // A doctor is at work long enough to be looked at.
    let event = serde_json::json!({"doctor": true});
    let ended = service.invoke(&event).await.expect("a process");
    assert_eq!(ended, stand_ins::wire::lambda::Ended::OutOfMemory);
    assert_eq!(service.counts().out_of_memory, 1);
}
