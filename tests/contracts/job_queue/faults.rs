use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters::aws::Timeouts;
use adapters::calls::{Calls, System};
use adapters::sqs::SqsJobQueue;
use domain::Job;
use domain::ports::{JobQueue, QueueError, QueueRole};
use domain::retry::{Classed, ErrorClass};
use stand_ins::embedded::{EmbeddedWorld, QUEUE};
use stand_ins::fault::{Fault, Rule, Service};
use tests::contract::ends::sqs_of;
use tests::contract::job_queue::{job, received};

const SECOND: Duration = Duration::from_secs(1);

struct Stage {
    world: EmbeddedWorld,
    queue: SqsJobQueue,
    calls: Arc<Calls>,
}

impl Stage {
    async fn set() -> Self {
        let world = EmbeddedWorld::start().await.expect("loopback ports");
        let (config, calls) = (sqs_of(&world).await, Arc::new(Calls::default()));
        let url = world.environment()["SQS_URL"].parse().expect("a URL");
        let queue = SqsJobQueue::new(&config, url, QueueRole::Jobs, calls.clone());
        // Long enough for any answer, short enough to wait for one that never comes.
        let queue = queue.with_timeouts(Timeouts { request: Duration::from_secs(2) });
        Self { world, queue, calls }
    }

    /// Strikes so many requests of an operation.
    fn strike(&self, operation: &str, times: u32, fault: Fault) {
        self.world.faults.clear();
        let rule = Rule::once(Service::Sqs, operation, "", fault);
        self.world.faults.add(Rule { times, ..rule });
    }

    /// Which fids have how many messages in the queue.
    fn messages(&self) -> BTreeMap<u64, usize> {
        let mut fids = BTreeMap::new();
        for message in self.world.sqs.messages(QUEUE).expect("the world's queue") {
            let body = message.body.as_str();
            let (_, fid) = body.split_once("\"fid\": ").expect("a fid");
            let fid = fid.split(',').next().and_then(|fid| fid.parse().ok()).expect("a number");
            *fids.entry(fid).or_default() += 1;
        }
        fids
    }
}

/// What an honest queue says of a trouble that may pass.
fn told_honestly<T: std::fmt::Debug>(fault: &Fault, answer: Result<T, QueueError>) {
    let error = answer.expect_err("an honest error");
    assert!(matches!(error, QueueError::Unavailable { .. }), "{fault:?}: {error:?}");
    assert_eq!(error.class(), ErrorClass::Retry, "{fault:?}: {error}");
}

fn refuse(status: u16, code: &str) -> Fault {
    Fault::Refuse { status, code: code.to_owned() }
}

/// Faults of a whole request of which nothing was carried out.
fn not_begun() -> [Fault; 6] {
    [
        refuse(403, "RequestThrottled"),
        refuse(400, "ThrottlingException"),
        refuse(400, "KmsThrottled"),
        refuse(500, "InternalFailure"),
        refuse(503, "ServiceUnavailable"),
        Fault::RequestLost,
    ]
}

/// Faults of a whole request that was carried out all the same.
fn carried_out() -> [Fault; 3] {
    [Fault::AnswerLost, Fault::Hang, Fault::TruncateBody(1)]
}

fn jobs() -> Vec<Job> {
    (1..=10).map(job).collect()
}

#[tokio::test]
async fn entries_that_failed_are_told_and_only_those_are_missing() {
    for processed in [5, 9, 1, 0] {
        let stage = Stage::set().await;
        stage.strike("SendMessageBatch", 1, Fault::Unprocessed { processed });
        let report = stage.queue.send(&jobs()).await.expect("an answer for each");
        assert_eq!(report.sent, jobs()[..processed].iter().map(|job| job.fid).collect::<Vec<_>>());
        let failed: Vec<_> = report.failed.iter().map(|failed| failed.fid).collect();
        assert_eq!(failed, jobs()[processed..].iter().map(|job| job.fid).collect::<Vec<_>>());
        assert!(report.failed.iter().all(|failed| !failed.lasting), "{report:?}");
        assert_eq!(stage.messages().len(), processed);

        // Those that failed go another time, and every job is there once.
        let again: Vec<_> = jobs().into_iter().filter(|job| failed.contains(&job.fid)).collect();
        assert_eq!(stage.queue.send(&again).await.expect("an answer").sent, failed);
        assert_eq!(stage.messages(), (1..=10).map(|fid| (fid, 1)).collect());
    }
}

#[tokio::test]
async fn no_fault_of_a_send_is_taken_for_success() {
    let stage = Stage::set().await;
    for fault in not_begun() {
        stage.strike("SendMessageBatch", 1, fault.clone());
        told_honestly(&fault, stage.queue.send(&jobs()).await);
        assert_eq!(stage.messages(), BTreeMap::new(), "{fault:?}");
    }
    for (sent, fault) in (1..).zip(carried_out()) {
        stage.strike("SendMessageBatch", 1, fault.clone());
        told_honestly(&fault, stage.queue.send(&jobs()).await);
        assert_eq!(stage.messages(), (1..=10).map(|fid| (fid, sent)).collect(), "{fault:?}");
    }
    assert_eq!(stage.calls.all()[&(System::Sqs, "SendMessageBatch")].failed, 9);
}

#[tokio::test]
async fn nothing_is_sent_again_by_itself() {
    let stage = Stage::set().await;
    stage.strike("SendMessageBatch", 1, refuse(500, "InternalFailure"));
    stage.queue.send(&jobs()).await.expect_err("refused");
    let counts = stage.world.faults.counts();
    assert_eq!(counts[&(Service::Sqs, "SendMessageBatch".to_owned())], 1, "{counts:?}");
}

#[tokio::test]
async fn lasting_refusals_are_told_as_such() {
    let stage = Stage::set().await;
    for (status, code, of_keys) in
        [(403, "AccessDeniedException", false), (403, "InvalidClientTokenId", true)]
    {
        stage.strike("SendMessageBatch", 1, refuse(status, code));
        let error = stage.queue.send(&jobs()).await.expect_err("refused");
        let is_of_keys = matches!(error, QueueError::Keys { .. });
        assert!(is_of_keys == of_keys && error.class() == ErrorClass::GiveUp, "{error:?}");
        assert!(error.to_string().contains(code), "{error}");
    }
}

#[tokio::test]
async fn a_receive_that_fails_says_so_and_loses_nothing() {
    let stage = Stage::set().await;
    stage.queue.send(&jobs()).await.expect("sent");
    for fault in not_begun() {
        stage.strike("ReceiveMessage", 1, fault.clone());
        told_honestly(&fault, stage.queue.receive(10, SECOND, None).await);
    }
    stage.world.faults.clear();
    assert_eq!(received(&stage.queue, 10).await.len(), 10);
}

#[tokio::test]
async fn deliveries_whose_answer_was_lost_come_again() {
    for fault in carried_out() {
        let stage = Stage::set().await;
        stage.queue.send(&jobs()).await.expect("sent");
        stage.strike("ReceiveMessage", 1, fault.clone());
        told_honestly(&fault, stage.queue.receive(10, Duration::ZERO, Some(SECOND)).await);
        let again = received(&stage.queue, 10).await;
        let attempts: u32 = again.values().map(|delivery| delivery.attempt).sum();
        assert!(attempts > 10, "{fault:?}: {attempts} deliveries of 10 messages, {again:?}");
    }
}

#[tokio::test]
async fn a_long_poll_is_waited_for() {
    let stage = Stage::set().await;
    // Longer than any other request may take.
    let answer = stage.queue.receive(10, SECOND * 4, None).await;
    assert_eq!(answer.expect("a whole poll"), []);
}

#[tokio::test]
async fn what_could_not_be_acknowledged_is_given_back() {
    let stage = Stage::set().await;
    stage.queue.send(&jobs()).await.expect("sent");
    let receipts: Vec<_> =
        received(&stage.queue, 10).await.into_values().map(|delivery| delivery.receipt).collect();
    let changes: Vec<_> = receipts.iter().map(|receipt| (receipt.clone(), SECOND * 60)).collect();

    for fault in not_begun() {
        stage.strike("ChangeMessageVisibilityBatch", 1, fault.clone());
        told_honestly(&fault, stage.queue.set_visibility(&changes).await);
        stage.strike("DeleteMessageBatch", 1, fault.clone());
        told_honestly(&fault, stage.queue.delete(&receipts).await);
        assert_eq!(stage.messages().len(), 10, "{fault:?}");
    }

    stage.strike("ChangeMessageVisibilityBatch", 1, Fault::Unprocessed { processed: 4 });
    let back = stage.queue.set_visibility(&changes).await.expect("an answer");
    assert_eq!(back, receipts[4..]);
    stage.strike("DeleteMessageBatch", 1, Fault::Unprocessed { processed: 4 });
    let back = stage.queue.delete(&receipts).await.expect("an answer");
    assert_eq!(back, receipts[4..]);
    assert_eq!(stage.messages().len(), 6);

    // Deleted, but nobody was told: to delete it once more is no error.
    stage.strike("DeleteMessageBatch", 1, Fault::AnswerLost);
    told_honestly(&Fault::AnswerLost, stage.queue.delete(&back).await);
    stage.queue.delete(&back).await.expect("an answer");
    assert_eq!(stage.messages(), BTreeMap::new());
}

#[tokio::test]
async fn a_depth_that_cannot_be_had_is_no_empty_queue() {
    let stage = Stage::set().await;
    for fault in not_begun().into_iter().chain(carried_out()) {
        stage.strike("GetQueueAttributes", 1, fault.clone());
        told_honestly(&fault, stage.queue.depth().await);
    }
    stage.strike("GetQueueAttributes", 1, refuse(400, "QueueDoesNotExist"));
    let error = stage.queue.depth().await.expect_err("no queue");
    assert!(matches!(error, QueueError::NoQueue { .. }), "{error:?}");
}
