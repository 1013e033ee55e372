//! The real client against the world's SQS, over a loopback socket.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, DeleteMessageBatchResultEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};
use tokio::net::TcpListener;

use super::*;
use crate::fault::{Fault, Faults, Rule};
use crate::wire::listener::serve;
use crate::world::queue::create_job_queues;

mod queues;
mod refused;

struct Queues {
    world: Arc<SqsWorld>,
    faults: Arc<Faults>,
    client: Client,
    /// The URL of the queue `jobs`, whose dead letters go to `dead` after two deliveries.
    url: String,
}

impl Queues {
    /// Two empty queues, and a client of them that never retries.
    async fn new() -> Self {
        let world = Arc::new(SqsWorld::default());
        create_job_queues(&world, "jobs", "dead", 30, 2).unwrap();
        let faults = Arc::new(Faults::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let backend = SqsBackend::new(world.clone(), endpoint.clone(), "access".to_owned());
        tokio::spawn(serve(listener, Arc::new(backend), faults.clone()));
        let client = client(&endpoint, "access");
        let url = client.get_queue_url().queue_name("jobs").send().await.unwrap();
        Self { world, faults, client, url: url.queue_url.unwrap() }
    }

    async fn send(&self, body: &str) -> Result<String, String> {
        let sent = self.client.send_message().queue_url(&self.url).message_body(body).send().await;
        sent.map(|sent| sent.message_id.unwrap()).map_err(|error| code(&error))
    }

    /// Sends `0`, `1` … in one batch; gives the entries' identifiers that were sent, and the codes
    /// of those that were not.
    async fn send_batch(&self, messages: usize) -> Result<(Vec<String>, Vec<String>), String> {
        let entry = |number: usize| {
            let (id, body) = (number.to_string(), format!("message {number}"));
            SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
        };
        let entries = (0..messages).map(entry).collect();
        let batch = self.client.send_message_batch().queue_url(&self.url);
        let answer = batch.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| code(&error))?;
        let sent = answer.successful.into_iter().map(|entry| entry.id).collect();
        Ok((sent, answer.failed.into_iter().map(|entry| entry.code).collect()))
    }

    async fn receive(&self, most: i32) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(&self.url);
        let receive = receive
            .max_number_of_messages(most)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }
}

fn client(endpoint: &str, access_key: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(access_key, "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// The status and the code of a refusal.
fn code<E: ProvideErrorMetadata + Debug>(error: &SdkError<E>) -> String {
    let (Some(answer), Some(refusal)) = (error.raw_response(), error.as_service_error()) else {
        return "no answer".to_owned();
    };
    format!("{} {}", answer.status().as_u16(), refusal.code().unwrap_or_default())
}

fn system(message: &Message, name: &MessageSystemAttributeName) -> Option<u64> {
    message.attributes.as_ref()?.get(name)?.parse().ok()
}

#[tokio::test]
async fn a_message_comes_with_its_attributes_and_digests_until_it_is_deleted() {
    let queues = Queues::new().await;
    let text = |text: &str, kind: &str| {
        MessageAttributeValue::builder().data_type(kind).string_value(text).build().unwrap()
    };
    let binary = MessageAttributeValue::builder().data_type("Binary.x");
    let binary = binary.binary_value(Blob::new([0, 255])).build().unwrap();
    let message = queues.client.send_message().queue_url(&queues.url).message_body("bödy");
    let sent = message
        .message_attributes("action", text("migrate", "String"))
        .message_attributes("number", text("-1.5e3", "Number.mine"))
        .message_attributes("binary", binary.clone())
        .send()
        .await
        .unwrap();
    // By Python's hashlib.
    assert_eq!(sent.md5_of_message_body(), Some("f6e74f97ab19ad55ddd4bc8e200e0d21"));
    assert_eq!(sent.md5_of_message_attributes(), Some("0b0c49505317942ce9e6f2be47506df4"));

    let message = queues.receive(1).await.remove(0);
    assert_eq!(message.message_id(), sent.message_id());
    assert_eq!(message.body(), Some("bödy"));
    assert_eq!(message.md5_of_body(), sent.md5_of_message_body());
    assert_eq!(message.md5_of_message_attributes(), sent.md5_of_message_attributes());
    let attributes = message.message_attributes.as_ref().unwrap();
    assert_eq!(attributes.len(), 3);
    assert_eq!(attributes["action"], text("migrate", "String"));
    assert_eq!(attributes["binary"], binary);
    assert_eq!(system(&message, &MessageSystemAttributeName::ApproximateReceiveCount), Some(1));
    let sent_at = system(&message, &MessageSystemAttributeName::SentTimestamp).unwrap();
    let first = system(&message, &MessageSystemAttributeName::ApproximateFirstReceiveTimestamp);
    assert!(first.unwrap() >= sent_at && sent_at > 1_700_000_000_000);

    assert!(queues.receive(1).await.is_empty());
    let receipt = message.receipt_handle.unwrap();
    let delete = queues.client.delete_message().queue_url(&queues.url).receipt_handle(&receipt);
    delete.clone().send().await.unwrap();
    delete.send().await.unwrap();
    assert!(queues.world.messages("jobs").unwrap().is_empty());
}

#[tokio::test]
async fn a_receiver_gets_the_attributes_that_it_asks_for() {
    let queues = Queues::new().await;
    let value = || MessageAttributeValue::builder().data_type("String").string_value("x");
    let send = queues.client.send_message().queue_url(&queues.url).message_body("x");
    let send = send.message_attributes("a.one", value().build().unwrap());
    send.message_attributes("two", value().build().unwrap()).send().await.unwrap();
    for (asked, told) in [(None, 0), (Some("a.*"), 1), (Some("two"), 1), (Some(".*"), 2)] {
        let receive = queues.client.receive_message().queue_url(&queues.url).visibility_timeout(0);
        let receive = receive.set_message_attribute_names(asked.map(|name| vec![name.to_owned()]));
        let message = receive.send().await.unwrap().messages.unwrap().remove(0);
        let attributes = message.message_attributes.as_ref();
        assert_eq!(attributes.map_or(0, HashMap::len), told, "{asked:?}");
        assert_eq!(message.md5_of_message_attributes().is_some(), told > 0, "{asked:?}");
        assert_eq!(message.attributes, None);
        queues.world.set_attributes("jobs", &BTreeMap::from([redrive_of_none()])).unwrap();
    }
}

fn redrive_of_none() -> (String, String) {
    ("RedrivePolicy".to_owned(), String::new())
}

#[tokio::test]
async fn a_long_poll_ends_when_a_message_comes() {
    let queues = Queues::new().await;
    let receive = queues.client.receive_message().queue_url(&queues.url).wait_time_seconds(20);
    let begun = Instant::now();
    let sender = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        queues.send("late").await
    };
    let (received, sent) = tokio::join!(receive.send(), sender);
    let received = received.unwrap().messages.unwrap();
    assert_eq!(received[0].message_id, sent.ok());
    assert!((300..5_000).contains(&begun.elapsed().as_millis()));

    let receive = queues.client.receive_message().queue_url(&queues.url).wait_time_seconds(1);
    assert_eq!(receive.send().await.unwrap().messages, None);
    assert!(begun.elapsed() >= Duration::from_millis(1_300));
}

#[tokio::test]
async fn a_receiver_that_is_gone_takes_nothing_with_it() {
    let queues = Queues::new().await;
    let receive = queues.client.receive_message().queue_url(&queues.url).wait_time_seconds(20);
    tokio::time::timeout(Duration::from_millis(300), receive.send()).await.unwrap_err();
    tokio::time::sleep(Duration::from_millis(100)).await;
    queues.send("x").await.unwrap();
    let received = queues.receive(1).await;
    let count = &MessageSystemAttributeName::ApproximateReceiveCount;
    assert_eq!(system(&received[0], count), Some(1));
}

#[tokio::test]
async fn the_entries_of_a_batch_fail_alone() {
    let queues = Queues::new().await;
    assert_eq!(queues.send_batch(3).await.unwrap().0, ["0", "1", "2"]);
    let receipts: Vec<_> = queues
        .receive(10)
        .await
        .into_iter()
        .map(|message| message.receipt_handle.unwrap())
        .collect();
    assert_eq!(receipts.len(), 3);
    let entry = |(id, receipt): (&str, &str)| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(receipt).build().unwrap()
    };
    let entries = [("a", &*receipts[0]), ("b", "no handle"), ("c", &*receipts[2])].map(entry);
    let delete = queues.client.delete_message_batch().queue_url(&queues.url);
    let answer = delete.set_entries(Some(entries.to_vec())).send().await.unwrap();
    let deleted: Vec<_> =
        answer.successful().iter().map(DeleteMessageBatchResultEntry::id).collect();
    assert_eq!(deleted, ["a", "c"]);
    let failed = &answer.failed()[0];
    assert_eq!((failed.id(), failed.code()), ("b", "ReceiptHandleIsInvalid"));
    assert!(failed.sender_fault());
    assert_eq!(queues.world.messages("jobs").unwrap().len(), 1);
}

#[tokio::test]
async fn faults_reach_the_client_as_sqss_own_trouble() {
    let queues = Queues::new().await;
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    for (fault, expected, sent) in [
        (refuse(503, "ServiceUnavailable"), Err("503 ServiceUnavailable"), 0),
        (refuse(400, "ThrottlingException"), Err("400 ThrottlingException"), 0),
        (refuse(403, "RequestThrottled"), Err("403 RequestThrottled"), 0),
        (Fault::RequestLost, Err("no answer"), 0),
        (Fault::AnswerLost, Err("no answer"), 4),
        (Fault::Unprocessed { processed: 3 }, Ok(1), 3),
        (Fault::Unprocessed { processed: 0 }, Ok(4), 0),
    ] {
        queues.world.delete_queue("jobs").unwrap();
        queues.world.create_queue("jobs", &BTreeMap::new(), BTreeMap::new()).unwrap();
        let name = format!("{fault:?}");
        queues.faults.add(Rule::once(Service::Sqs, "SendMessageBatch", "", fault));
        let answer = queues.send_batch(4).await.map(|(_, failed)| failed.len());
        assert_eq!(answer, expected.map_err(str::to_owned), "{name}");
        assert_eq!(queues.world.messages("jobs").unwrap().len(), sent, "{name}");
    }
    let counts = queues.faults.counts();
    assert_eq!(counts[&(Service::Sqs, "SendMessageBatch".to_owned())], 7);
    queues.faults.add(Rule::once(Service::Sqs, "ReceiveMessage", "", Fault::AnswerLost));
    queues.send("x").await.unwrap();
    queues.client.receive_message().queue_url(&queues.url).send().await.unwrap_err();
    assert_eq!(queues.world.counts("jobs").unwrap().in_flight, 1);
}
