//! Amazon DynamoDB on the wire: the state and the protocol are `dynoxide`'s; requests pass our
//! listener first, which forwards them to its own server on a second loopback port.

use std::collections::BTreeMap;
use std::io;

use dynoxide::actions::create_table::CreateTableRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::types::{AttributeDefinition, KeySchemaElement, KeyType, ScalarAttributeType};
use dynoxide::{AttributeValue, Database};
use futures_util::future::BoxFuture;
use http::header::CONNECTION;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer};

/// An empty database in memory, gone with its last clone.
pub fn new_database() -> dynoxide::Result<Database> {
    Database::memory()
}

/// Makes the ledger's table: hash key `fid`, a number; paid by request.
pub fn create_ledger_table(database: &Database, name: &str) -> dynoxide::Result<()> {
    let key = "fid".to_owned();
    database.create_table(CreateTableRequest {
        table_name: name.to_owned(),
        key_schema: vec![KeySchemaElement { attribute_name: key.clone(), key_type: KeyType::HASH }],
        attribute_definitions: vec![AttributeDefinition {
            attribute_name: key,
            attribute_type: ScalarAttributeType::N,
        }],
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        ..CreateTableRequest::default()
    })?;
    Ok(())
}

/// Every item of a table, for a judge that looks past the requests.
pub fn items(
    database: &Database,
    table: &str,
) -> dynoxide::Result<Vec<BTreeMap<String, AttributeValue>>> {
    let mut items = Vec::new();
    let mut start = None;
    loop {
        let request = ScanRequest {
            table_name: table.to_owned(),
            exclusive_start_key: start,
            ..ScanRequest::default()
        };
        let page = database.scan(request)?;
        items.extend(page.items.into_iter().flatten().map(BTreeMap::from_iter));
        start = page.last_evaluated_key;
        if start.is_none() {
            return Ok(items);
        }
    }
}

/// DynamoDB behind the listener. Dropping it stops its server.
pub struct DynamoBackend {
    server: JoinHandle<()>,
    authority: Authority,
    client: Client<HttpConnector, Incoming>,
}

impl DynamoBackend {
    /// Starts the server of this database on a loopback port chosen by the system.
    pub async fn start(database: Database) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let authority = listener.local_addr()?.to_string().parse().map_err(io::Error::other)?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database));
        Ok(Self { server, authority, client })
    }

    async fn forward(&self, mut request: Request<Incoming>) -> io::Result<Response<Body>> {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone());
        let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        *request.uri_mut() = uri.path_and_query(target).build().map_err(io::Error::other)?;
        // It speaks of the client's connection to us, not of ours to the server.
        request.headers_mut().remove(CONNECTION);
        let answer = self.client.request(request).await.map_err(io::Error::other)?;
        Ok(answer.map(|body| body.map_err(io::Error::other).boxed_unsync()))
    }
}

impl Drop for DynamoBackend {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Backend for DynamoBackend {
    fn service(&self) -> Service {
        Service::DynamoDb
    }

    /// The table's name is in the body, which is not read for this: the target is the path.
    fn classify(&self, head: &http::request::Parts) -> (String, String) {
        let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
        let operation = target.and_then(|target| target.split_once('.')).map(|(_, name)| name);
        (operation.unwrap_or("OTHER").to_owned(), head.uri.path().to_owned())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        let text = serde_json::json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
            "message": "refused by the fault script",
        });
        error_answer(status, "application/x-amz-json-1.0", text.to_string())
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.forward(request))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;
    use crate::fault::{Fault, Faults, Rule};
    use crate::wire::listener::serve;

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
        async fn put(&self, fid: u64) -> Result<(u16, String), String> {
            let body = serde_json::json!({
                "TableName": "ledger",
                "Item": { "fid": { "N": fid.to_string() }, "bucket": { "S": "b" } },
            });
            let request = Request::post(&self.uri)
                .header("x-amz-target", "DynamoDB_20120810.PutItem")
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

        fn fids(&self) -> Vec<AttributeValue> {
            let items = items(&self.database, "ledger").unwrap();
            items.into_iter().map(|mut item| item.remove("fid").unwrap()).collect()
        }
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
}
