//! A client on raw HTTP against the world's DynamoDB, over a loopback socket.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use dynoxide::AttributeValue;
use http_body_util::Full;
use serde_json::{Value, json};

use super::*;
use crate::fault::{Fault, Faults, Rule};
use crate::wire::listener::serve;
use crate::world::dynamodb::{create_ledger_table, items, new_database};

struct Table {
    database: Database,
    faults: Arc<Faults>,
    uri: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Table {
    async fn new() -> Self {
        let database = new_database().unwrap();
        create_ledger_table(&database, "ledger").unwrap();
        let backend = Arc::new(DynamoBackend::start(database.clone()).await.unwrap());
        let faults = Arc::new(Faults::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, backend, Arc::clone(&faults)));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { database, faults, uri, client }
    }

    /// Status and body, or that the connection broke.
    async fn call(&self, operation: &str, body: Value) -> Result<(u16, String), String> {
        let request = Request::post(&self.uri)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/dynamodb/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .header("x-amz-date", "20260101T000000Z")
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap();
        let answer = self.client.request(request).await.map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, String::from_utf8(body.to_bytes().to_vec()).unwrap()))
    }

    async fn put(&self, fid: u64) -> Result<(u16, String), String> {
        self.call("PutItem", json!({ "TableName": "ledger", "Item": item(fid) })).await
    }

    /// A batch of these fids; its status and answer.
    async fn batch(&self, operation: &str, fids: &[u64]) -> (u16, Value) {
        let table = match operation {
            "BatchGetItem" => {
                json!({ "Keys": fids.iter().map(|&fid| key(fid)).collect::<Vec<_>>() })
            }
            _ => fids.iter().map(|&fid| write(fid)).collect(),
        };
        let answer = self.call(operation, json!({ "RequestItems": { "ledger": table } })).await;
        let (status, body) = answer.unwrap();
        (status, serde_json::from_str(&body).unwrap())
    }

    /// The next request of this operation fares so.
    fn strike(&self, operation: &str, fault: Fault) {
        self.faults.add(Rule::once(Service::DynamoDb, operation, "", fault));
    }

    fn fids(&self) -> Vec<AttributeValue> {
        let items = items(&self.database, "ledger").unwrap();
        items.into_iter().map(|mut item| item.remove("fid").unwrap()).collect()
    }
}

fn key(fid: u64) -> Value {
    json!({ "fid": { "N": fid.to_string() } })
}

fn item(fid: u64) -> Value {
    json!({ "fid": { "N": fid.to_string() }, "bucket": { "S": "b" } })
}

fn write(fid: u64) -> Value {
    json!({ "PutRequest": { "Item": item(fid) } })
}

#[tokio::test]
async fn requests_pass_to_the_database_and_are_counted() {
    let table = Table::new().await;
    let (status, body) = table.put(7).await.unwrap();
    assert_eq!(status, 200, "{body}");
    assert_eq!(table.fids(), [AttributeValue::N("7".into())]);
    let counted = (Service::DynamoDb, "PutItem".to_owned());
    assert_eq!(table.faults.counts().get(&counted), Some(&1));
}

#[tokio::test]
async fn a_lost_answer_was_written_and_a_refusal_was_not() {
    let table = Table::new().await;
    let fault = |fault| Rule::once(Service::DynamoDb, "PutItem", "", fault);
    table.faults.add(fault(Fault::AnswerLost));
    table.put(1).await.unwrap_err();
    let code = "ProvisionedThroughputExceededException".to_owned();
    table.faults.add(fault(Fault::Refuse { status: 400, code: code.clone() }));
    let (status, body) = table.put(2).await.unwrap();
    assert!(status == 400 && body.contains(&code), "{status} {body}");
    assert_eq!(table.fids(), [AttributeValue::N("1".into())]);
}

#[tokio::test]
async fn a_scan_for_the_judge_passes_the_page_limit() {
    let table = Table::new().await;
    for fid in 0..6 {
        // Six items of 300 kB are more than one page of 1 MB.
        let item = [
            ("fid".to_owned(), AttributeValue::N(fid.to_string())),
            ("text".to_owned(), AttributeValue::S("x".repeat(300_000))),
        ];
        let request = dynoxide::actions::put_item::PutItemRequest {
            table_name: "ledger".to_owned(),
            item: item.into(),
            ..Default::default()
        };
        table.database.put_item(request).unwrap();
    }
    assert_eq!(table.fids().len(), 6);
}

#[tokio::test]
async fn of_a_batch_some_writes_are_done_and_the_others_come_back() {
    let table = Table::new().await;
    let (status, answer) = table.batch("BatchWriteItem", &[1, 2]).await;
    assert_eq!((status, &answer["UnprocessedItems"]), (200, &json!({})));
    table.strike("BatchWriteItem", Fault::Unprocessed { processed: 1 });
    let (status, answer) = table.batch("BatchWriteItem", &[3, 4, 5]).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["UnprocessedItems"], json!({ "ledger": [write(4), write(5)] }));
    assert_eq!(table.fids().len(), 3);
    table.strike("BatchWriteItem", Fault::Unprocessed { processed: 0 });
    let (status, answer) = table.batch("BatchWriteItem", &[4, 5]).await;
    assert_eq!(status, 400);
    assert!(answer["__type"].to_string().contains("ProvisionedThroughputExceeded"), "{answer}");
    assert_eq!(table.fids().len(), 3);
}

#[tokio::test]
async fn of_a_batch_some_items_are_read_and_the_other_keys_come_back() {
    let table = Table::new().await;
    table.batch("BatchWriteItem", &[1, 2, 3]).await;
    table.strike("BatchGetItem", Fault::Unprocessed { processed: 2 });
    let (status, answer) = table.batch("BatchGetItem", &[1, 2, 3]).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["Responses"]["ledger"].as_array().unwrap().len(), 2);
    assert_eq!(answer["UnprocessedKeys"], json!({ "ledger": { "Keys": [key(3)] } }));
}

#[tokio::test]
async fn an_answer_in_json_breaks_off_or_comes_slowly() {
    let table = Table::new().await;
    table.strike("BatchWriteItem", Fault::TruncateBody(5));
    table
        .call("BatchWriteItem", json!({ "RequestItems": { "ledger": [write(1)] } }))
        .await
        .unwrap_err();
    assert_eq!(table.fids().len(), 1);
    let pause = Duration::from_millis(80);
    for (fault, least) in [(Fault::Delay(pause), pause), (Fault::Trickle(pause / 10), pause)] {
        table.strike("BatchGetItem", fault);
        let begun = Instant::now();
        let (status, answer) = table.batch("BatchGetItem", &[1]).await;
        assert_eq!((status, &answer["Responses"]["ledger"]), (200, &json!([item(1)])));
        assert!(begun.elapsed() >= least);
    }
}

#[tokio::test]
async fn refusals_have_dynamodbs_own_words() {
    let table = Table::new().await;
    for (status, code) in [
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (500, "InternalServerError"),
    ] {
        table.strike("BatchWriteItem", Fault::Refuse { status, code: code.to_owned() });
        let (answered, answer) = table.batch("BatchWriteItem", &[1]).await;
        let kind = answer["__type"].as_str().unwrap();
        assert_eq!((answered, kind.rsplit('#').next()), (status, Some(code)));
    }
    assert_eq!(table.fids(), []);
}

#[tokio::test]
async fn point_in_time_recovery_is_on_when_it_was_turned_on() {
    let table = Table::new().await;
    let status = async |operation: &str, body: Value| {
        let (status, answer) = table.call(operation, body).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let recovery = &answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
        recovery["PointInTimeRecoveryStatus"].as_str().unwrap().to_owned()
    };
    let name = json!({ "TableName": "ledger" });
    assert_eq!(status("DescribeContinuousBackups", name.clone()).await, "DISABLED");
    let on = json!({ "TableName": "ledger",
        "PointInTimeRecoverySpecification": { "PointInTimeRecoveryEnabled": true } });
    assert_eq!(status("UpdateContinuousBackups", on).await, "ENABLED");
    assert_eq!(status("DescribeContinuousBackups", name).await, "ENABLED");
    let (status, answer) =
        table.call("DescribeContinuousBackups", json!({ "TableName": "none" })).await.unwrap();
    assert_eq!(status, 400);
    assert!(answer.contains("TableNotFoundException"), "{answer}");
}
