//! The event source mapping and the Runtime API, with a scripted function: whatever it answers,
//! no message is lost and none is deleted that was not done.

mod fake;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{Ended, Function, LambdaService, Mapping};
use crate::world::queue::{Outgoing, SqsWorld, arn_of};

const QUEUE: &str = "jobs";
const DLQ: &str = "dead";
const DELIVERIES: u32 = 3;

fn queues() -> Arc<SqsWorld> {
    queues_of(Duration::from_secs(1))
}

fn queues_of(visibility: Duration) -> Arc<SqsWorld> {
    let queues = Arc::new(SqsWorld::default());
    queues.create_queue(DLQ, &BTreeMap::new(), BTreeMap::new()).expect("a queue");
    let policy = json!({"deadLetterTargetArn": arn_of(DLQ), "maxReceiveCount": DELIVERIES});
    let attributes = BTreeMap::from([
        ("VisibilityTimeout".to_owned(), visibility.as_secs().to_string()),
        ("RedrivePolicy".to_owned(), policy.to_string()),
    ]);
    queues.create_queue(QUEUE, &attributes, BTreeMap::new()).expect("a queue");
    queues
}

fn send(queues: &SqsWorld, messages: usize) -> Vec<String> {
    let send = |number: usize| {
        let message = Outgoing { body: format!("message {number}"), ..Outgoing::default() };
        queues.send(QUEUE, message).expect("sent").id
    };
    (0..messages).map(send).collect()
}

fn function(script: &str) -> Function {
    Function {
        name: "fake".to_owned(),
        program: std::env::current_exe().expect("this binary"),
        arguments: ["--exact", "wire::lambda::tests::fake::function", "--nocapture"]
            .map(Into::into)
            .to_vec(),
        environment: BTreeMap::from([(fake::SCRIPT.to_owned(), script.to_owned())]),
        memory_mb: 256,
        time_limit: Duration::from_millis(400),
        deadline_told_later_by: Duration::ZERO,
        concurrency: 4,
        idle_limit: Duration::from_mins(1),
    }
}

fn mapping() -> Mapping {
    let (batch, window) = (10, Duration::ZERO);
    Mapping { queue: QUEUE.to_owned(), batch, window, concurrency: 2 }
}

fn start(queues: &Arc<SqsWorld>, function: Function) -> LambdaService {
    LambdaService::start(Arc::clone(queues), Arc::default(), function, mapping())
}

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_does_not_name_is_deleted_and_the_rest_comes_again() {
    let queues = queues();
    let ids = send(&queues, 5);
    let failed = json!({"batchItemFailures": [{"itemIdentifier": ids[3]}]});
    let service = start(&queues, function(&format!("answer {failed};answer {{}}")));
    service.done(PATIENCE).await.expect("done");
    let counts = service.mapping_counts();
    assert_eq!((counts.batches, counts.records), (2, 6));
    assert_eq!((counts.acknowledged, counts.returned), (5, 1));
    assert_eq!((service.counts().cold_starts, service.counts().answers), (1, 2), "kept warm");
    assert_eq!(queues.counts(DLQ).expect("a queue").all(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_and_an_answer_that_makes_no_sense_return_the_whole_batch() {
    let check = async |step: &str, errors: u64, malformed_answers: u64| {
        let queues = queues();
        send(&queues, 3);
        let service = start(&queues, function(&format!("{step};answer null")));
        let done = service.done(PATIENCE).await;
        done.unwrap_or_else(|error| panic!("{step}: {error}"));
        let (counts, mapping) = (service.counts(), service.mapping_counts());
        let seen = (mapping.batches, mapping.returned, mapping.acknowledged);
        assert_eq!(seen, (2, 3, 3), "{step}");
        assert_eq!(
            (counts.errors, mapping.malformed_answers),
            (errors, malformed_answers),
            "{step}"
        );
        assert_eq!(counts.cold_starts, 1, "{step}: the process goes on");
    };
    for answer in [
        "answer",
        "answer done",
        "answer []",
        r#"answer {"batchItemFailures":[{"itemIdentifier":null}]}"#,
        r#"answer {"batchItemFailures":[{"itemIdentifier":"who"}]}"#,
        r#"answer {"batchItemFailures":[{"id":"who"}]}"#,
    ] {
        check(answer, 0, 1).await;
    }
    check("error", 1, 0).await;
    check("large", 1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_ends_or_hangs_takes_its_batch_with_it_for_one_delivery() {
    for (step, time_out) in [("exit", false), ("hang", true)] {
        let queues = queues();
        send(&queues, 3);
        // A new process begins the script anew: the second event would end it again.
        let service = start(&queues, function(step));
        let returned = async {
            while service.mapping_counts().returned < 3 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let returned = tokio::time::timeout(PATIENCE, returned).await;
        returned.unwrap_or_else(|_| panic!("{step}: {:?}", service.mapping_counts()));
        let counts = service.counts();
        assert_eq!((counts.crashes, counts.time_outs), (u64::from(!time_out), u64::from(time_out)));
        let here = queues.messages(QUEUE).expect("a queue");
        assert_eq!(here.len(), 3, "{step}: nothing is deleted");
        // Left alone it burns its messages, delivery by delivery.
        service.done(PATIENCE).await.expect("done");
        assert_eq!(queues.counts(DLQ).expect("a queue").all(), 3, "{step}");
        assert_eq!(service.mapping_counts().records, u64::from(DELIVERIES) * 3, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_does_not_start_is_told_and_costs_deliveries() {
    for step in ["init-exit", "init-error"] {
        let queues = queues();
        send(&queues, 1);
        let service = start(&queues, function(step));
        service.done(PATIENCE).await.expect("done");
        let counts = service.counts();
        assert_eq!((counts.invocations, counts.cold_starts), (0, u64::from(DELIVERIES)), "{step}");
        assert_eq!(counts.crashes + counts.errors, u64::from(DELIVERIES), "{step}: {counts:?}");
        assert_eq!(queues.counts(DLQ).expect("a queue").all(), 1, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_answer_is_refused() {
    let queues = queues();
    let service = start(&queues, function("twice {}"));
    let ended = service.invoke(&json!({})).await.expect("a process");
    assert_eq!(ended, Ended::Answer("{}".into()));
    let refused =
        || service.fleet().logs().lines().iter().any(|line| line.contains("again HTTP/1.1 400"));
    let waited = async {
        while !refused() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_batch_comes_back_by_its_visibility() {
    let queues = queues();
    let service = start(&queues, function("answer {}"));
    service.fleet().throttle(1);
    send(&queues, 2);
    service.done(PATIENCE).await.expect("done");
    let (counts, mapping) = (service.counts(), service.mapping_counts());
    assert_eq!(counts.throttles, 1);
    assert_eq!((mapping.acknowledged, mapping.returned >= 1), (2, true), "{mapping:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn large_batches_wait_for_their_window_and_small_ones_do_not() {
    for (batch, window, batches) in [(100, Duration::from_secs(1), 1), (10, Duration::ZERO, 6)] {
        // Long enough for a batch to be gathered, and handed over by a machine that is busy.
        let queues = queues_of(Duration::from_secs(30));
        send(&queues, 60);
        let mapping = Mapping { queue: QUEUE.to_owned(), batch, window, concurrency: 2 };
        let function = function("answer {}");
        let service = LambdaService::start(Arc::clone(&queues), Arc::default(), function, mapping);
        service.done(PATIENCE).await.expect("done");
        assert_eq!(service.mapping_counts().batches, batches, "of {batch}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_mapping_takes_nothing_and_goes_on_when_enabled() {
    let queues = queues();
    let service = start(&queues, function("answer {}"));
    service.set_enabled(false);
    tokio::time::sleep(Duration::from_millis(100)).await;
    send(&queues, 3);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(queues.counts(QUEUE).expect("a queue").waiting, 3);
    service.set_enabled(true);
    service.done(PATIENCE).await.expect("done");
    assert_eq!(service.mapping_counts().acknowledged, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_beyond_the_concurrency_limit_are_throttled() {
    let queues = queues();
    let service = start(&queues, Function { concurrency: 1, ..function("hang") });
    let event = json!({});
    let (first, second) = tokio::join!(service.invoke(&event), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        service.invoke(&event).await
    });
    assert_eq!(first.expect("a process"), Ended::TimedOut);
    assert_eq!(second.expect("no process"), Ended::Throttled);
}
