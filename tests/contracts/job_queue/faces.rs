use std::sync::Arc;

use adapters::calls::{Calls, System};
use adapters::sqs::SqsJobQueue;
use domain::ports::{Clock, JobQueue, QueueRole};
use stand_ins::embedded::EmbeddedWorld;
use stand_ins::port::{PortFaults, PortQueue, VirtualClock};
use stand_ins::world::queue::{ACCOUNT, SqsWorld, create_job_queues};
use tests::contract::ends::{WorldPost, sqs_of};
use tests::contract::job_queue::{DELIVERIES, Post, VISIBILITY, holds, job, missing_queue_is_told};

const QUEUE: &str = "contract";
const DEAD_LETTERS: &str = "contract-dead";

fn create(sqs: &SqsWorld) {
    let visibility = u32::try_from(VISIBILITY.as_secs()).expect("seconds");
    create_job_queues(sqs, QUEUE, DEAD_LETTERS, visibility, DELIVERIES).expect("new queues");
}

#[test]
fn the_port_face_keeps_the_contract() {
    let clock = Arc::new(VirtualClock::default());
    let time = clock.clone();
    let sqs = Arc::new(SqsWorld::with_clock(Arc::new(move || time.system_time())));
    create(&sqs);
    let queue = |name: &str, role| {
        let faults = Arc::new(PortFaults::instant());
        PortQueue::new(sqs.clone(), name.to_owned(), role, clock.clone(), faults)
    };
    let post = WorldPost::new(
        Arc::new(queue(QUEUE, QueueRole::Jobs)),
        Arc::new(queue(DEAD_LETTERS, QueueRole::DeadLetters)),
        sqs.clone(),
        QUEUE,
        |time| clock.sleep(time),
    );
    let absent = queue("nobody-made-it", QueueRole::Jobs);
    let checked = async {
        holds(&post).await;
        missing_queue_is_told(&absent, "nobody-made-it").await;
    };
    clock.run(checked).expect("nothing to wait for");
}

#[tokio::test]
async fn the_adapter_keeps_the_contract() {
    let world = EmbeddedWorld::start().await.expect("loopback ports");
    create(&world.sqs);
    let (config, calls) = (sqs_of(&world).await, Arc::new(Calls::default()));
    // Nobody answers at this host: the endpoint of the settings is asked.
    let queue = |name: &str, role| {
        let url = format!("http://sqs.us-east-1.nowhere.invalid:4566/{ACCOUNT}/{name}");
        SqsJobQueue::new(&config, url.parse().expect("a URL"), role, calls.clone())
    };
    let post = WorldPost::new(
        Arc::new(queue(QUEUE, QueueRole::Jobs)),
        Arc::new(queue(DEAD_LETTERS, QueueRole::DeadLetters)),
        world.sqs.clone(),
        QUEUE,
        tokio::time::sleep,
    );
    holds(&post).await;
    let all = calls.all();
    assert!(all.values().all(|outcomes| outcomes.failed == 0), "{all:?}");

    // However many are given, no request has more than SQS takes.
    let before = all[&(System::Sqs, "SendMessageBatch")].ok;
    let jobs: Vec<_> = (0..31).map(job).collect();
    assert_eq!(post.queue().send(&jobs).await.expect("an answer").sent.len(), 31);
    assert_eq!(calls.all()[&(System::Sqs, "SendMessageBatch")].ok, before + 4);

    missing_queue_is_told(&queue("nobody-made-it", QueueRole::Jobs), "nobody-made-it").await;
    let told = queue("nobody-made-it", QueueRole::DeadLetters).depth().await.expect_err("no queue");
    assert!(told.to_string().contains("the dead-letter queue"), "{told}");
}
