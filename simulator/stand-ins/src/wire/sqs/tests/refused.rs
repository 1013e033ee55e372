//! What SQS does not take, and by which code it says so.

use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

#[tokio::test]
async fn strangers_and_nonsense_are_refused() {
    let queues = Queues::new().await;
    let endpoint = queues.url.replace("/000000000000/jobs", "");
    let stranger = client(&endpoint, "stranger").list_queues().send().await.unwrap_err();
    assert_eq!(code(&stranger), "403 InvalidClientTokenId");
    let key = "Authorization: AWS4-HMAC-SHA256 Credential=access/x\r\n";
    for (headers, body, expected) in [
        ("", "{}", "MissingAuthenticationToken"),
        (key, "{", "SerializationException"),
        (key, "{}", "UnknownOperationException"),
    ] {
        let target = if body == "{}" { "Nothing" } else { "ListQueues" };
        let address = endpoint.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-amz-target: AmazonSQS.{target}\r\n\
             {headers}content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 40") && answer.contains(expected), "{answer}");
    }
}

#[tokio::test]
async fn limits_of_batches_and_messages() {
    let queues = Queues::new().await;
    let entry = |id: &str, body: &str| {
        SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
    };
    let large = "x".repeat(600_000);
    for (entries, expected) in [
        (vec![], "EmptyBatchRequest"),
        ((0..11).map(|id| entry(&id.to_string(), "x")).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "x"), entry("a", "x")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a b", "x")], "InvalidBatchEntryId"),
        (vec![entry("a", &large), entry("b", &large)], "BatchRequestTooLong"),
    ] {
        let batch = queues.client.send_message_batch().queue_url(&queues.url);
        let refused = batch.set_entries(Some(entries)).send().await.unwrap_err();
        assert_eq!(code(&refused), format!("400 AWS.SimpleQueueService.{expected}"));
    }
    // Characters that SQS does not take fail their entry alone.
    let batch = queues.client.send_message_batch().queue_url(&queues.url);
    let answer = batch.entries(entry("a", "x")).entries(entry("b", "\u{1}")).send().await.unwrap();
    assert_eq!(answer.successful()[0].id(), "a");
    assert_eq!(answer.failed()[0].code(), "InvalidMessageContents");
    assert_eq!(
        queues.send(&"x".repeat((1 << 20) + 1)).await,
        Err("400 InvalidParameterValue".into())
    );
    assert_eq!(queues.send("").await, Err("400 MissingParameter".into()));
    assert_eq!(queues.world.messages("jobs").unwrap().len(), 1);
}

#[tokio::test]
async fn attributes_that_sqs_does_not_take() {
    let queues = Queues::new().await;
    let value = |kind: &str, text: &str| {
        MessageAttributeValue::builder().data_type(kind).string_value(text).build().unwrap()
    };
    let plain = || SendMessageBatchRequestEntry::builder().id("a").message_body("x");
    let with =
        |name: &str, kind: &str, text: &str| plain().message_attributes(name, value(kind, text));
    let eleven = (0..11).fold(plain(), |entry, number| {
        entry.message_attributes(format!("a{number}"), value("String", "x"))
    });
    let check = async |entry: SendMessageBatchRequestEntryBuilder| {
        let entry = entry.build().unwrap();
        let send = queues.client.send_message_batch().queue_url(&queues.url).entries(entry);
        send.send().await.unwrap().failed.pop().map(|failed| failed.code)
    };
    for bad in [
        with("AWS.x", "String", "x"),
        with("a b", "String", "x"),
        with("a..b", "String", "x"),
        with("a", "String", ""),
        with("a", "Number", "x"),
        with("a", "Float", "1"),
        eleven,
    ] {
        let name = format!("{bad:?}");
        assert_eq!(check(bad).await.as_deref(), Some("InvalidParameterValue"), "{name}");
    }
    assert_eq!(check(with("a.b-c_d", "Number.fid", "17")).await, None);
}

#[tokio::test]
async fn numbers_out_of_range_and_queues_that_are_none() {
    let queues = Queues::new().await;
    let receive = || queues.client.receive_message().queue_url(&queues.url);
    for wrong in [
        receive().max_number_of_messages(0),
        receive().max_number_of_messages(11),
        receive().wait_time_seconds(21),
        receive().wait_time_seconds(-1),
        receive().visibility_timeout(43_201),
    ] {
        assert_eq!(code(&wrong.send().await.unwrap_err()), "400 InvalidParameterValue");
    }
    for url in ["jobs", "http://x/111111111111/jobs", "http://x/000000000000/none"] {
        let refused = queues.client.receive_message().queue_url(url).send().await.unwrap_err();
        assert_eq!(code(&refused), "400 AWS.SimpleQueueService.NonExistentQueue", "{url}");
    }
    // Another host's name, as a client behind a proxy or in a container has it.
    let other = queues.client.receive_message().queue_url("http://sqs/000000000000/jobs");
    assert!(other.send().await.is_ok());
    let set = |name: &str, value: &str| {
        let set = queues.client.set_queue_attributes().queue_url(&queues.url);
        set.attributes(name.into(), value).send()
    };
    let dead = "arn:aws:sqs:us-east-1:000000000000:none";
    let policy = format!(r#"{{"deadLetterTargetArn":"{dead}","maxReceiveCount":"3"}}"#);
    for (name, value, expected) in [
        ("VisibilityTimeout", "43201", "400 InvalidAttributeValue"),
        ("DelaySeconds", "-1", "400 InvalidAttributeValue"),
        ("Colour", "red", "400 InvalidAttributeName"),
        ("FifoQueue", "true", "400 InvalidAttributeValue"),
        ("RedrivePolicy", "{}", "400 InvalidAttributeValue"),
        ("RedrivePolicy", &*policy, "400 InvalidParameterValue"),
    ] {
        assert_eq!(code(&set(name, value).await.unwrap_err()), expected, "{name} {value}");
    }
}
