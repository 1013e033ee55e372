use std::collections::BTreeMap;

use domain::ports::QueueRole;
use domain::{
    ByteCount, ContentType, DownloadName, Fid, Hints, JobAction, RouteHint, S3Bucket, TypeAndName,
};
use futures_util::future::join;

use super::*;
use crate::port::{PortFault, PortWork};
use crate::world::dynamodb::new_database;
use crate::world::queue::MessageAttribute;

const NOW: Duration = Duration::ZERO;

struct Stage {
    work: PortWork,
    clock: Arc<VirtualClock>,
    faults: Arc<PortFaults>,
    queue: PortQueue,
    dead_letters: PortQueue,
}

impl Stage {
    fn new() -> Self {
        let clock = Arc::<VirtualClock>::default();
        let faults = Arc::new(PortFaults::instant());
        let work = PortWork::new(&clock, &new_database().unwrap());
        let queue = |name: &str, role| {
            let (sqs, clock, faults) = (work.sqs.clone(), clock.clone(), faults.clone());
            PortQueue::new(sqs, name.to_owned(), role, clock, faults)
        };
        let (jobs, dead) = (
            queue(&work.queue, QueueRole::Jobs),
            queue(&work.dead_letters, QueueRole::DeadLetters),
        );
        Self { queue: jobs, dead_letters: dead, work, clock, faults }
    }

    fn run<F: Future>(&self, step: F) -> F::Output {
        self.clock.run(step).unwrap()
    }

    fn receive(&self) -> Vec<Delivery> {
        let mut deliveries = self.run(self.queue.receive(10, NOW, None)).unwrap();
        deliveries.sort_by_key(|delivery| delivery.job.as_ref().ok().map(|job| job.fid));
        deliveries
    }
}

fn job(fid: u64) -> Job {
    Job {
        action: if fid.is_multiple_of(2) { JobAction::Migrate } else { JobAction::Verify },
        fid: Fid(fid),
        dkey: format!("2aae6c35c94fcfb415dbe95f408b9ce91ee846ed-répo \u{1f4d6}\"{fid}"),
        length: ByteCount(fid * 10),
        hints: Hints {
            route: fid.is_multiple_of(3).then_some(RouteHint::CopyLeadingSlash),
            failed_before: fid.is_multiple_of(4),
            look_first: fid.is_multiple_of(7),
            run: fid.is_multiple_of(5).then(|| "2026-01-01".to_owned()),
            domain: fid.is_multiple_of(2).then(|| "plos_repo".to_owned()),
            bucket: S3Bucket::new("corpus-prod").filter(|_| fid.is_multiple_of(3)),
            type_and_name: TypeAndName {
                content_type: ContentType::parse("text/xml; charset=utf-8")
                    .filter(|_| fid.is_multiple_of(2)),
                download_name: DownloadName::parse(&format!(
                    "gr\u{f6}\u{df}e \"{fid}\" \u{1f4d6}.tif"
                ))
                .filter(|_| fid.is_multiple_of(3)),
            },
        },
    }
}

fn jobs(deliveries: &[Delivery]) -> Vec<Job> {
    deliveries.iter().map(|delivery| delivery.job.clone().unwrap()).collect()
}

#[test]
fn jobs_come_back_as_they_were_sent_until_they_are_acknowledged() {
    let stage = Stage::new();
    let sent: Vec<_> = (1..=10).map(job).collect();
    let report = stage.run(stage.queue.send(&sent)).unwrap();
    assert_eq!(report.sent.len(), 10);
    assert!(report.failed.is_empty());
    for attempt in 1..=2 {
        let deliveries = stage.receive();
        assert_eq!(jobs(&deliveries), sent);
        assert!(deliveries.iter().all(|delivery| delivery.attempt == attempt));
        assert!(stage.receive().is_empty());
        stage.run(stage.clock.sleep(Duration::from_mins(2)));
    }
    let deliveries = stage.receive();
    let receipts: Vec<_> = deliveries.iter().map(|delivery| delivery.receipt.clone()).collect();
    assert!(stage.run(stage.queue.delete(&receipts)).unwrap().is_empty());
    stage.run(stage.clock.sleep(Duration::from_mins(2)));
    assert!(stage.receive().is_empty());
    assert_eq!(stage.work.sqs.tally("jobs").unwrap().deleted, 10);
}

#[test]
fn a_receive_wakes_when_something_comes_and_ends_when_it_has_waited() {
    let stage = Stage::new();
    let begun = stage.clock.now().0;
    let wait = Duration::from_secs(20);
    let receive = || stage.queue.receive(10, wait, Some(Duration::from_secs(7)));
    assert!(stage.run(receive()).unwrap().is_empty());
    assert_eq!(stage.clock.now().0 - begun, 20_000);
    // By another's doing, while it waits.
    let one = [job(1)];
    let another = async {
        stage.clock.sleep(Duration::from_secs(3)).await;
        stage.queue.send(&one).await
    };
    let (received, sent) = stage.run(join(receive(), another));
    assert_eq!(jobs(&received.unwrap()), one);
    assert_eq!(sent.unwrap().sent, [Fid(1)]);
    assert_eq!(stage.clock.now().0 - begun, 23_000);
    // By time alone.
    let again = stage.run(receive()).unwrap();
    assert_eq!(stage.clock.now().0 - begun, 30_000);
    let back = [(again[0].receipt.clone(), NOW), (Receipt("no receipt".into()), NOW)];
    let untold = stage.run(stage.queue.set_visibility(&back)).unwrap();
    assert_eq!(untold, [Receipt("no receipt".into())]);
    assert_eq!(stage.receive()[0].attempt, 3);
}

#[test]
fn what_is_delivered_too_often_becomes_a_dead_letter_that_says_when_it_was_sent() {
    let stage = Stage::new();
    stage.run(stage.queue.send(&[job(1)])).unwrap();
    let mut sent_at = None;
    for attempt in 1..=domain::limits::DELIVERIES {
        let deliveries = stage.receive();
        assert_eq!(deliveries[0].attempt, attempt);
        sent_at = deliveries[0].sent_at;
        stage.run(stage.queue.set_visibility(&[(deliveries[0].receipt.clone(), NOW)])).unwrap();
    }
    assert!(stage.receive().is_empty());
    let dead = stage.run(stage.dead_letters.receive(10, NOW, None)).unwrap();
    assert_eq!(jobs(&dead), [job(1)]);
    assert_eq!(dead[0].sent_at, sent_at);
    let depth = stage.run(stage.queue.depth()).unwrap();
    assert_eq!((depth.all(), depth.deliveries), (0, Some(domain::limits::DELIVERIES)));
    let depth = stage.run(stage.dead_letters.depth()).unwrap();
    assert_eq!((depth.in_flight, depth.all(), depth.deliveries), (1, 1, None));
}

#[test]
fn messages_that_are_no_jobs_tell_what_can_be_read() {
    let stage = Stage::new();
    let good = r#"{"dkey": "k", "more": [], "length": 1, "fid": 7}"#;
    let fid = Some(Fid(7));
    for (body, action, expected) in [
        (good, Some("migrate"), Ok(fid)),
        (good, Some("Verify"), Err((fid, Some("k")))),
        (good, Some("delete"), Err((fid, Some("k")))),
        (good, None, Err((fid, Some("k")))),
        ("{", Some("migrate"), Err((None, None))),
        ("7", Some("migrate"), Err((None, None))),
        (r#"{"dkey": "k", "length": 1}"#, Some("migrate"), Err((None, Some("k")))),
        (r#"{"dkey": "k", "fid": 7, "length": -1}"#, Some("migrate"), Err((fid, Some("k")))),
        (r#"{"length": 1, "fid": 7}"#, Some("migrate"), Err((fid, None))),
    ] {
        let attribute = |action| ("action".to_owned(), MessageAttribute::text(action));
        let attributes: BTreeMap<_, _> = action.map(attribute).into_iter().collect();
        let outgoing = Outgoing { body: body.to_owned(), attributes, delay: None };
        stage.work.sqs.send("jobs", outgoing).unwrap();
        let job = stage.receive().remove(0).job;
        let read = job.as_ref().map(|job| Some(job.fid));
        let read = read.map_err(|bad| (bad.fid, bad.dkey.as_deref()));
        assert_eq!(read, expected, "{body} {action:?}");
    }
}

#[test]
fn faults_lose_requests_and_answers_and_halves_of_batches() {
    for (fault, sent, failed) in [
        (PortFault::RequestLost, 0, None),
        (PortFault::AnswerLost, 4, None),
        (PortFault::Busy, 2, None),
        (PortFault::HalfFails, 2, Some(2)),
    ] {
        let stage = Stage::new();
        stage.faults.strike(Call::Send, "3", fault, 1);
        let all: Vec<_> = (1..=4).map(job).collect();
        let report = stage.run(stage.queue.send(&all)).ok();
        let told = report.map(|report| {
            assert!(report.failed.iter().all(|failure| !failure.lasting));
            report.failed.len()
        });
        assert_eq!(told, failed, "{fault:?}");
        assert_eq!(stage.work.sqs.messages("jobs").unwrap().len(), sent, "{fault:?}");

        let stage = Stage::new();
        stage.run(stage.queue.send(&all)).unwrap();
        let receipts: Vec<_> = stage.receive().into_iter().map(|one| one.receipt).collect();
        stage.faults.strike(Call::Acknowledge, "jobs 1", fault, 1);
        let undone = stage.run(stage.queue.delete(&receipts)).ok();
        assert_eq!(undone.map(|undone| undone.len()), failed, "{fault:?}");
        assert_eq!(stage.work.sqs.messages("jobs").unwrap().len(), 4 - sent, "{fault:?}");
    }
}

#[test]
fn refusals_that_last_are_told_from_those_that_pass() {
    let stage = Stage::new();
    let many: Vec<_> = (1..=11).map(job).collect();
    let refused = stage.run(stage.queue.send(&many));
    assert!(matches!(refused, Err(QueueError::Refused { .. })), "{refused:?}");
    let mut large = job(1);
    large.dkey = "k".repeat(1 << 20);
    let report = stage.run(stage.queue.send(&[large, job(2)])).unwrap();
    assert_eq!((report.sent, report.failed[0].lasting), (vec![Fid(2)], true));
    stage.work.sqs.configure(|options| options.most_in_flight = 1);
    assert_eq!(stage.receive().len(), 1);
    let busy = stage.run(stage.queue.receive(1, NOW, None));
    assert!(matches!(busy, Err(QueueError::Unavailable { .. })), "{busy:?}");
    stage.work.sqs.delete_queue("jobs").unwrap();
    let gone = stage.run(stage.queue.depth());
    assert!(matches!(gone, Err(QueueError::NoQueue { role: QueueRole::Jobs, .. })), "{gone:?}");
}
