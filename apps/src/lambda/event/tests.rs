use domain::{ByteCount, Fid, Hints, Job, JobAction};
use serde_json::json;

use super::*;

fn record() -> Value {
    json!({
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": r#"{"length": 5, "fid": 7, "dkey": "da39a3ee5e6b4b0d3255bfef95601890afd80709-repo"}"#,
        "attributes": {
            "ApproximateReceiveCount": "3",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185"
        },
        "messageAttributes": {"action": {
            "stringValue": "migrate",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String"
        }},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
        "awsRegion": "us-east-2"
    })
}

fn read_one(record: &Value) -> Delivery {
    match Event::read(json!({"Records": [record]})) {
        Ok(Event::Batch(mut deliveries)) if deliveries.len() == 1 => deliveries.remove(0),
        other => panic!("no batch of one: {other:?}"),
    }
}

#[test]
fn a_record_is_a_delivery() {
    let delivery = read_one(&record());
    assert_eq!(delivery.message, "059f36b4-87a3-44ab-83d2-661975830a7d");
    assert_eq!(delivery.receipt, Receipt("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".to_owned()));
    assert_eq!(delivery.attempt, 3);
    assert_eq!(delivery.sent_at, Some(Timestamp(1_545_082_649_183)));
    let job = Job {
        action: JobAction::Migrate,
        fid: Fid(7),
        dkey: "da39a3ee5e6b4b0d3255bfef95601890afd80709-repo".to_owned(),
        length: ByteCount(5),
        hints: Hints::default(),
    };
    assert_eq!(delivery.job, Ok(job));
}

#[test]
fn what_a_record_lacks_is_its_own_trouble() {
    let without = |name: &str| {
        let mut record = record();
        record.as_object_mut().expect("an object").remove(name);
        read_one(&record)
    };
    // These say nothing about the job.
    for name in ["eventSource", "eventSourceARN", "awsRegion", "md5OfBody"] {
        assert_eq!(without(name), read_one(&record()), "{name}");
    }
    assert_eq!(without("attributes").attempt, 1);
    assert_eq!(without("receiptHandle").receipt, Receipt(String::new()));
    for (name, why) in [("body", "no body"), ("messageAttributes", "action")] {
        let bad = without(name).job.expect_err("no job");
        assert!(bad.why.contains(why), "{bad}");
    }
    let mut odd = record();
    odd["attributes"] = json!("none");
    let delivery = read_one(&odd);
    assert_eq!(delivery.message, "059f36b4-87a3-44ab-83d2-661975830a7d");
    assert!(delivery.job.is_err());
}

#[test]
fn an_empty_event_is_an_empty_batch() {
    for event in [json!({}), json!({"Records": []})] {
        assert_eq!(Event::read(event), Ok(Event::Batch(Vec::new())));
    }
}

#[test]
fn the_doctor_is_asked_by_name() {
    assert_eq!(Event::read(json!({"doctor": true})), Ok(Event::Doctor));
    assert!(Event::read(json!({"doctor": false})).is_err());
}

#[test]
fn a_report_is_asked_for_by_name() {
    assert_eq!(Event::read(json!({"report": true})), Ok(Event::Report));
    // A doctor's answer has all that a report has.
    assert_eq!(Event::read(json!({"report": true, "doctor": true})), Ok(Event::Doctor));
    for event in [json!({"report": false}), json!({"report": "true"}), json!({"reports": true})] {
        let error = Event::read(event).expect_err("no report is asked for").to_string();
        assert!(error.contains(r#"{"report": true}"#), "{error}");
    }
}

#[test]
fn what_is_not_from_sqs_is_named() {
    let check = |event: Value, named: &str| {
        let error = Event::read(event).expect_err("not from SQS").to_string();
        assert!(error.contains(named), "{error}");
    };
    check(json!(null), "null");
    check(json!([1]), "a list");
    check(json!("Records"), "a text");
    check(json!({"Records": "none"}), "a text");
    check(json!({"Records": [{"eventSource": "aws:s3", "s3": {}}]}), "aws:s3");
    check(json!({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}), "aws:sns");
    check(json!({"Records": [record(), {"eventSource": "aws:kinesis"}]}), "aws:kinesis");
    check(json!({"source": "aws.events", "detail-type": "Scheduled Event"}), "detail-type");
    check(json!({"fid": 1, "dkey": "x", "length": 2}), "dkey");
}

#[test]
fn a_record_that_cannot_be_told_apart_fails_the_event() {
    let unnamed = |id: Value| {
        let mut record = record();
        record["messageId"] = id;
        Event::read(json!({"Records": [self::record(), record]}))
    };
    for id in [json!(null), json!(""), json!(7)] {
        assert_eq!(unnamed(id), Err(UnknownEvent::NoMessageId(1)));
    }
    let strange = Event::read(json!({"Records": ["a text"]}));
    assert_eq!(strange, Err(UnknownEvent::NoMessageId(0)));
}
