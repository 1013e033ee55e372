use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adapters::sqs::message as adapter;
use domain::ports::{JobQueue, QueueRole};
use domain::{
    ByteCount, ContentType, DownloadName, Fid, Hints, Job, JobAction, RouteHint, S3Bucket,
    TypeAndName,
};
use stand_ins::port::{PortFaults, PortQueue, VirtualClock};
use stand_ins::world::queue::{MessageAttribute, Outgoing, SqsWorld};

const QUEUE: &str = "jobs";

/// An empty queue, and its port face.
fn queue() -> (Arc<SqsWorld>, Arc<VirtualClock>, PortQueue) {
    let (sqs, clock) = (Arc::new(SqsWorld::default()), Arc::new(VirtualClock::default()));
    sqs.create_queue(QUEUE, &BTreeMap::new(), BTreeMap::new()).expect("a new queue");
    let faults = Arc::new(PortFaults::instant());
    let port =
        PortQueue::new(sqs.clone(), QUEUE.to_owned(), QueueRole::Jobs, clock.clone(), faults);
    (sqs, clock, port)
}

/// Each hint in some jobs and not in others.
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

#[test]
fn the_port_face_writes_messages_as_the_adapter_does() {
    for fid in 0..200 {
        let (sqs, clock, port) = queue();
        let job = job(fid);
        clock.run(port.send(std::slice::from_ref(&job))).expect("no fault").expect("sent");
        let message = sqs.messages(QUEUE).expect("a queue").remove(0);
        assert_eq!(message.body, adapter::body_of(&job));
        let written = message.attributes.iter();
        let written: BTreeMap<_, _> = written
            .map(|(name, held)| (name.as_str(), held.as_text().expect("a text").to_owned()))
            .collect();
        assert_eq!(written, adapter::attributes_of(&job).into_iter().collect());
        let attribute =
            |name: &str| message.attributes.get(name).and_then(MessageAttribute::as_text);
        assert_eq!(adapter::job_of(&message.body, attribute), Ok(job));
    }
}

#[test]
fn the_port_face_reads_messages_as_the_adapter_does() {
    let good = r#"{"dkey": "k", "more": [], "length": 1, "fid": 7}"#;
    for (body, action) in [
        (good, Some("migrate")),
        (good, Some("Verify")),
        (good, Some("delete")),
        (good, None),
        ("{", Some("migrate")),
        ("7", Some("migrate")),
        (r#"{"dkey": "k", "length": 1}"#, Some("migrate")),
        (r#"{"dkey": "k", "fid": 7, "length": -1}"#, Some("migrate")),
        (r#"{"length": 1, "fid": 7}"#, Some("migrate")),
    ] {
        let (sqs, clock, port) = queue();
        let attribute = |action| ("action".to_owned(), MessageAttribute::text(action));
        let attributes: BTreeMap<_, _> = action.map(attribute).into_iter().collect();
        let message = Outgoing { body: body.to_owned(), attributes, delay: None };
        sqs.send(QUEUE, message).expect("sent");
        let received = clock.run(port.receive(1, Duration::ZERO, None)).expect("no fault");
        let job = received.expect("received").remove(0).job;
        let attribute = |name: &str| action.filter(|_| name == "action");
        let by_adapter = adapter::job_of(body, attribute);
        let read = job.map(|job| job.fid).map_err(|bad| (bad.fid, bad.dkey));
        let by_adapter = by_adapter.map(|job| job.fid).map_err(|bad| (bad.fid, bad.dkey));
        assert_eq!(read, by_adapter, "{body} {action:?}");
    }
}
