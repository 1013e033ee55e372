//! What every [`JobQueue`] promises.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{JobQueue, QueueError};
use domain::{
    AttributeContent, ByteCount, ContentType, Delivery, DownloadName, Fid, Hints, Job, JobAction,
    MessageAttribute, MessageContent, QueueDepth, Receipt, RouteHint, S3Bucket, SendReport,
    TypeAndName,
};
use futures_util::future::join;

/// A queue to be examined, set up with [`VISIBILITY`] and [`DELIVERIES`], its dead-letter queue,
/// and what only their owner can do.
#[async_trait]
pub trait Post: Sync {
    /// The queue.
    fn queue(&self) -> &dyn JobQueue;

    /// Its dead-letter queue.
    fn dead_letters(&self) -> &dyn JobQueue;

    /// Sends a message as others would, with attributes that are strings.
    async fn plant(&self, body: &str, attributes: &[(&str, &str)]) -> anyhow::Result<()>;

    /// Lets so much time pass.
    async fn pass(&self, time: Duration);
}

/// The queue's visibility timeout.
pub const VISIBILITY: Duration = Duration::from_secs(2);

/// Deliveries before a message is a dead letter.
pub const DELIVERIES: u32 = 3;

/// Longer than any check takes, on a slow machine too.
const LONG: Duration = Duration::from_mins(5);

/// Enough for what is there to come.
const PATIENCE: Duration = Duration::from_secs(5);

const NOW: Duration = Duration::ZERO;
const SECOND: Duration = Duration::from_secs(1);

const DKEY: &str = "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed-mogilefs-prod-repo";

/// Checks every promise of the port on a queue, empty as yet.
///
/// # Panics
/// When a promise is not kept.
pub async fn holds(post: &dyn Post) {
    nothing_is_there(post).await;
    every_job_comes_as_it_was_sent(post).await;
    messages_of_others(post).await;
    a_delivery_is_hidden_for_its_time(post).await;
    a_delivery_comes_back_after_the_queues_own_time(post).await;
    a_delivery_can_be_hidden_longer(post).await;
    receipts_of_nothing_are_given_back(post).await;
    a_receive_waits_for_the_first(post).await;
    messages_are_forwarded_as_they_are(post).await;
    dead_letters_are_what_was_delivered_too_often(post).await;
}

/// Checks what a queue that is not there says.
///
/// # Panics
/// When a promise is not kept.
pub async fn missing_queue_is_told(queue: &dyn JobQueue, name: &str) {
    let receipt = Receipt("r".to_owned());
    let answers = [
        queue.send(&[job(1)]).await.map(drop),
        queue.receive(1, NOW, None).await.map(drop),
        queue.delete(std::slice::from_ref(&receipt)).await.map(drop),
        queue.set_visibility(&[(receipt, SECOND)]).await.map(drop),
        queue.depth().await.map(drop),
    ];
    for answer in answers {
        let Err(QueueError::NoQueue { queue, .. }) = answer else { panic!("{answer:?}") };
        assert!(queue.contains(name), "`{queue}`");
    }
}

async fn nothing_is_there(post: &dyn Post) {
    for queue in [post.queue(), post.dead_letters()] {
        assert_eq!(queue.receive(10, NOW, None).await.expect("an answer"), []);
        assert_eq!(queue.send(&[]).await.expect("nothing to do"), SendReport::default());
        assert_eq!(queue.delete(&[]).await.expect("nothing to do"), []);
        assert_eq!(queue.set_visibility(&[]).await.expect("nothing to do"), []);
        assert_eq!(queue.depth().await.expect("an answer").all(), 0);
    }
    let QueueDepth { visibility_timeout, deliveries, .. } =
        post.queue().depth().await.expect("an answer");
    assert_eq!((visibility_timeout, deliveries), (VISIBILITY, Some(DELIVERIES)));
    assert_eq!(post.dead_letters().depth().await.expect("an answer").deliveries, None);
}

async fn every_job_comes_as_it_was_sent(post: &dyn Post) {
    let hints = |fid: u64| Hints {
        route: RouteHint::ALL.get(usize::try_from(fid % 4).expect("small")).copied(),
        failed_before: fid.is_multiple_of(2),
        look_first: fid.is_multiple_of(7),
        run: fid.is_multiple_of(3).then(|| format!("run of {fid}")),
        domain: fid.is_multiple_of(5).then(|| format!("domain of {fid}")),
        bucket: S3Bucket::new(&format!("bucket-of-{fid}")).filter(|_| fid.is_multiple_of(4)),
        type_and_name: TypeAndName {
            content_type: ContentType::parse("text/xml; charset=utf-8")
                .filter(|_| fid.is_multiple_of(2)),
            download_name: DownloadName::parse(&format!("gr\u{f6}\u{df}e \"{fid}\" \u{1f4d6}.tif"))
                .filter(|_| fid.is_multiple_of(3)),
        },
    };
    let action = |fid: u64| match fid % 5 {
        0 => JobAction::Verify,
        _ => JobAction::Migrate,
    };
    let mut jobs: Vec<_> =
        (0..20).map(|fid| Job { action: action(fid), hints: hints(fid), ..job(fid) }).collect();
    jobs.push(Job { dkey: "\"\\\n\u{7f}é\u{ffff}😀".to_owned(), ..job(u64::MAX) });
    jobs.push(Job { length: ByteCount(u64::MAX), ..job(1 << 32) });
    // One file twice in one batch is two messages.
    jobs.push(job(1 << 32));
    for batch in jobs.chunks(10) {
        let report = post.queue().send(batch).await.expect("an answer");
        assert_eq!(report.sent, batch.iter().map(|job| job.fid).collect::<Vec<_>>());
        assert_eq!(report.failed, []);
    }
    settles(post, post.queue(), |depth| (depth.visible, depth.in_flight) == (23, 0)).await;

    let deliveries = received(post.queue(), jobs.len()).await;
    settles(post, post.queue(), |depth| (depth.visible, depth.in_flight) == (0, 23)).await;
    let mut got: Vec<_> =
        deliveries.values().map(|delivery| delivery.job.clone().expect("a job")).collect();
    for jobs in [&mut jobs, &mut got] {
        jobs.sort_by_key(|job| (job.fid, job.length));
    }
    assert_eq!(got, jobs);
    assert!(deliveries.values().all(|delivery| delivery.sent_at.is_some()), "{deliveries:?}");
    delete(post.queue(), deliveries.values()).await;
    settles(post, post.queue(), |depth| depth.all() == 0).await;
}

/// What s3migrate sent is a job; what is no job comes too, with what is wrong with it, and nothing
/// else is lost by it.
async fn messages_of_others(post: &dyn Post) {
    let body = format!(r#"{{"dkey": "{DKEY}", "devcount": 2, "length": 7, "fid": 1}}"#);
    let stranger = "action_of_a_stranger";
    post.plant(&body, &[("action", "migrate"), (stranger, "x")]).await.expect("planted");
    post.plant(&body, &[("action", "Verify")]).await.expect("planted");
    post.plant(&body, &[]).await.expect("planted");
    post.plant("migrate 1, please", &[("action", "migrate")]).await.expect("planted");
    let deliveries = received(post.queue(), 4).await;
    let (jobs, bad): (Vec<_>, Vec<_>) =
        deliveries.values().map(|delivery| delivery.job.clone()).partition(Result::is_ok);
    assert_eq!(jobs, [Ok(Job { length: ByteCount(7), ..job(1) })]);
    let fids: Vec<_> = bad.iter().map(|bad| bad.as_ref().expect_err("no job").fid).collect();
    assert_eq!(fids.iter().flatten().count(), 2, "{bad:?}");
    delete(post.queue(), deliveries.values()).await;
}

async fn a_delivery_is_hidden_for_its_time(post: &dyn Post) {
    let (queue, first) = (post.queue(), only(post, 1, Some(LONG)).await);
    assert_eq!(first.attempt, 1);
    assert_eq!(queue.receive(10, SECOND, None).await.expect("an answer"), []);

    // Made shorter, it comes back no sooner, and the same message.
    let change = [(first.receipt.clone(), VISIBILITY)];
    assert_eq!(queue.set_visibility(&change).await.expect("an answer"), []);
    post.pass(VISIBILITY).await;
    let second = received_one(queue, Some(LONG)).await;
    assert_eq!((second.message, second.attempt), (first.message, 2));
    assert_eq!((second.job, second.sent_at), (first.job, first.sent_at));
    assert_ne!(second.receipt, first.receipt);

    // And at once.
    let change = [(second.receipt, NOW)];
    assert_eq!(queue.set_visibility(&change).await.expect("an answer"), []);
    let third = received_one(queue, Some(LONG)).await;
    assert_eq!(third.attempt, 3);
    delete(queue, [&third]).await;
}

async fn a_delivery_comes_back_after_the_queues_own_time(post: &dyn Post) {
    let first = only(post, 2, None).await;
    post.pass(VISIBILITY).await;
    let second = received_one(post.queue(), Some(LONG)).await;
    assert_eq!((&second.message, second.attempt), (&first.message, 2));
    delete(post.queue(), [&second]).await;
}

async fn a_delivery_can_be_hidden_longer(post: &dyn Post) {
    let (queue, first) = (post.queue(), only(post, 3, Some(LONG)).await);
    // Of parts of a second none is lost.
    let change = [(first.receipt.clone(), LONG + Duration::from_millis(1))];
    assert_eq!(queue.set_visibility(&change).await.expect("an answer"), []);
    post.pass(VISIBILITY + SECOND).await;
    assert_eq!(queue.receive(10, SECOND, None).await.expect("an answer"), []);
    delete(queue, [&first]).await;
}

/// Of a batch each is done or given back, whatever is wrong with the others.
async fn receipts_of_nothing_are_given_back(post: &dyn Post) {
    let (queue, held) = (post.queue(), only(post, 4, Some(LONG)).await);
    let nonsense = [Receipt("nonsense".to_owned()), Receipt("AQEB0123".to_owned())];
    let [one, two] = nonsense.clone();
    let changes = [one, held.receipt.clone(), two].map(|receipt| (receipt, LONG));
    assert_eq!(queue.set_visibility(&changes).await.expect("an answer"), nonsense);
    let receipts = changes.map(|(receipt, _)| receipt);
    assert_eq!(queue.delete(&receipts).await.expect("an answer"), nonsense);
    settles(post, queue, |depth| depth.all() == 0).await;

    // What is gone cannot be hidden. Deleting it once more does no harm, whatever is said of it.
    let gone = [held.receipt.clone()];
    let change = [(held.receipt, LONG)];
    assert_eq!(queue.set_visibility(&change).await.expect("an answer"), gone);
    queue.delete(&gone).await.expect("an answer");
}

async fn a_receive_waits_for_the_first(post: &dyn Post) {
    let sent = async {
        post.pass(SECOND).await;
        let report = post.queue().send(&[job(5)]).await.expect("an answer");
        assert_eq!(report.sent, [Fid(5)]);
    };
    let (received, ()) = join(post.queue().receive(1, PATIENCE * 3, Some(LONG)), sent).await;
    let received = received.expect("an answer");
    assert_eq!(received.len(), 1, "{received:?}");
    delete(post.queue(), &received).await;
}

/// With their attributes, also those that mean nothing to us, and of any type.
async fn messages_are_forwarded_as_they_are(post: &dyn Post) {
    let attribute =
        |data_type: &str, value| MessageAttribute { data_type: data_type.to_owned(), value };
    let attributes = BTreeMap::from([
        ("action".to_owned(), attribute("String", AttributeContent::Text("verify".to_owned()))),
        ("by".to_owned(), attribute("Number.hand", AttributeContent::Text("7".to_owned()))),
        ("seal".to_owned(), attribute("Binary", AttributeContent::Binary(vec![0, 255, 7]))),
    ]);
    let content =
        |body: &str| MessageContent { body: body.to_owned(), attributes: attributes.clone() };
    let (first, second) = (content("no job"), content(r#"{"fid": 7, "length": 1, "dkey": "k"}"#));
    let sent = [first.clone(), second.clone()];
    assert_eq!(post.queue().forward(&sent).await.expect("an answer"), [0; 0]);
    let one = received_one(post.queue(), Some(LONG)).await;
    let other = received_one(post.queue(), Some(LONG)).await;
    let both = [one.content.clone(), other.content.clone()];
    assert!(both == sent || both == [second, first], "{both:?}");
    assert_eq!((one.attempt, other.attempt), (1, 1));

    assert_eq!(post.dead_letters().forward(&sent[..1]).await.expect("an answer"), [0; 0]);
    let dead = received_one(post.dead_letters(), Some(LONG)).await;
    assert_eq!(dead.content, sent[0]);
    delete(post.dead_letters(), [&dead]).await;
    delete(post.queue(), [&one, &other]).await;
    assert_eq!(post.queue().forward(&[]).await.expect("an answer"), [0; 0]);
}

async fn dead_letters_are_what_was_delivered_too_often(post: &dyn Post) {
    let hints = Hints {
        route: Some(RouteHint::Copy),
        failed_before: true,
        look_first: true,
        ..Hints::default()
    };
    let poison = Job { hints, ..job(6) };
    let queue = post.queue();
    queue.send(std::slice::from_ref(&poison)).await.expect("an answer");
    let mut sent_at = None;
    for attempt in 1..=DELIVERIES {
        let delivery = received_one(queue, Some(LONG)).await;
        assert_eq!(delivery.attempt, attempt);
        sent_at = delivery.sent_at;
        queue.set_visibility(&[(delivery.receipt, NOW)]).await.expect("an answer");
    }
    assert_eq!(queue.receive(10, SECOND, None).await.expect("an answer"), []);
    let dead = received_one(post.dead_letters(), Some(LONG)).await;
    assert_eq!((&dead.job, dead.sent_at), (&Ok(poison), sent_at));
    settles(post, queue, |depth| depth.all() == 0).await;
    delete(post.dead_letters(), [&dead]).await;
    settles(post, post.dead_letters(), |depth| depth.all() == 0).await;
}

/// A job without hints.
#[must_use]
pub fn job(fid: u64) -> Job {
    Job {
        action: JobAction::Migrate,
        fid: Fid(fid),
        dkey: DKEY.to_owned(),
        length: ByteCount(1_593_790),
        hints: Hints::default(),
    }
}

/// So many messages, by their names: each comes once at least.
///
/// # Panics
/// When others come, or fewer.
pub async fn received(queue: &dyn JobQueue, messages: usize) -> BTreeMap<String, Delivery> {
    let mut deliveries = BTreeMap::new();
    while deliveries.len() < messages {
        let more = queue.receive(10, PATIENCE, Some(LONG)).await.expect("an answer");
        assert!(!more.is_empty() && more.len() <= 10, "{} of {messages}", deliveries.len());
        for delivery in more {
            assert!(delivery.attempt >= 1, "{delivery:?}");
            deliveries.insert(delivery.message.clone(), delivery);
        }
    }
    assert_eq!(deliveries.len(), messages);
    deliveries
}

/// The delivery of the one job that is sent now.
async fn only(post: &dyn Post, fid: u64, visible_after: Option<Duration>) -> Delivery {
    let report = post.queue().send(&[job(fid)]).await.expect("an answer");
    assert_eq!(report.sent, [Fid(fid)]);
    let delivery = received_one(post.queue(), visible_after).await;
    assert_eq!(delivery.job, Ok(job(fid)));
    delivery
}

async fn received_one(queue: &dyn JobQueue, visible_after: Option<Duration>) -> Delivery {
    let mut one = queue.receive(1, PATIENCE, visible_after).await.expect("an answer");
    assert_eq!(one.len(), 1, "{one:?}");
    one.remove(0)
}

async fn delete<'a>(queue: &dyn JobQueue, deliveries: impl IntoIterator<Item = &'a Delivery>) {
    let receipts: BTreeSet<_> =
        deliveries.into_iter().map(|delivery| delivery.receipt.clone()).collect();
    for receipts in receipts.into_iter().collect::<Vec<_>>().chunks(10) {
        assert_eq!(queue.delete(receipts).await.expect("an answer"), []);
    }
}

/// Asks for the depth, an estimate, until it is as it should be.
async fn settles(post: &dyn Post, queue: &dyn JobQueue, is_right: impl Fn(&QueueDepth) -> bool) {
    let mut depth = QueueDepth::default();
    for _ in 0..10 {
        depth = queue.depth().await.expect("an answer");
        if is_right(&depth) {
            return;
        }
        post.pass(SECOND).await;
    }
    panic!("{depth:?}");
}
