//! Amazon DynamoDB on the wire: the state and the protocol are `dynoxide`'s; requests pass our
//! listener first, which forwards them to its own server on a second loopback port. What `dynoxide`
//! does not know (`recovery`) is answered here.

use std::io;

use dynoxide::Database;
use futures_util::future::BoxFuture;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer, full};

mod batch;
mod recovery;

use batch::Batch;
use recovery::Recovery;

/// DynamoDB behind the listener. Dropping it stops its server.
pub struct DynamoBackend {
    database: Database,
    recovery: Recovery,
    server: JoinHandle<()>,
    authority: Authority,
    client: Client<HttpConnector, Body>,
}

impl DynamoBackend {
    /// Starts the server of this database on a loopback port chosen by the system.
    pub async fn start(database: Database) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let authority = listener.local_addr()?.to_string().parse().map_err(io::Error::other)?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let server = tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        Ok(Self { database, recovery: Recovery::default(), server, authority, client })
    }

    async fn forward(&self, mut request: Request<Body>) -> io::Result<Response<Body>> {
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone());
        let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        *request.uri_mut() = uri.path_and_query(target).build().map_err(io::Error::other)?;
        // It speaks of the client's connection to us, not of ours to the server.
        request.headers_mut().remove(CONNECTION);
        let answer = self.client.request(request).await.map_err(io::Error::other)?;
        Ok(answer.map(passed_on))
    }

    /// Carries a batch out up to its first entries, and tells of the others that they are
    /// unprocessed.
    async fn forward_in_part(
        &self,
        request: Request<Incoming>,
        processed: usize,
    ) -> io::Result<Response<Body>> {
        let Some(batch) = Batch::of_operation(operation(request.headers())) else {
            return self.forward(request.map(passed_on)).await;
        };
        let (mut head, body) = request.into_parts();
        let whole = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let Some(split) = batch.split(&whole, processed) else {
            return self.forward(Request::from_parts(head, full(whole))).await;
        };
        let Some(part) = split.carried_out else {
            // As DynamoDB's API reference has it for a batch of which nothing could be processed.
            return Ok(self.refusal(400, "ProvisionedThroughputExceededException"));
        };
        head.headers.remove(CONTENT_LENGTH);
        let answer = self.forward(Request::from_parts(head, full(part))).await?;
        if !answer.status().is_success() {
            return Ok(answer);
        }
        let (mut head, body) = answer.into_parts();
        let body = batch.with_unprocessed(&body.collect().await?.to_bytes(), split.unprocessed)?;
        // Both speak of the answer as it was; without a checksum clients check none.
        head.headers.remove(CONTENT_LENGTH);
        head.headers.remove("x-amz-crc32");
        Ok(Response::from_parts(head, full(body)))
    }
}

/// A body from a socket as it is passed on.
fn passed_on(body: Incoming) -> Body {
    body.map_err(io::Error::other).boxed_unsync()
}

/// The operation's name.
fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let name = target.and_then(|target| target.split_once('.')).map(|(_, name)| name);
    name.unwrap_or("OTHER")
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
        (operation(&head.headers).to_owned(), head.uri.path().to_owned())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        let text = serde_json::json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
            "message": "refused by the fault script",
        });
        error_answer(status, "application/x-amz-json-1.0", text.to_string())
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(async move {
            let operation = operation(request.headers()).to_owned();
            if !Recovery::knows(&operation) {
                return self.forward(request.map(passed_on)).await;
            }
            let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
            Ok(self.recovery.answer(&self.database, &operation, &body))
        })
    }

    fn call_in_part(
        &self,
        request: Request<Incoming>,
        processed: usize,
    ) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.forward_in_part(request, processed))
    }
}

#[cfg(test)]
mod tests;
