//! Amazon SQS on the wire: its JSON protocol over [`SqsWorld`].
//!
//! A queue is told by the last two parts of its URL, which stands in the requests' bodies, so any
//! path and any host lead here. Requests must name the one access key; signatures are not checked.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;

use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer, full};
use crate::world::queue::SqsWorld;

mod batches;
mod messages;
mod moves;
mod queues;
mod refusal;
mod request;
#[cfg(test)]
mod tests;

use refusal::Refusal;
use request::Fields;

/// SQS behind the listener.
pub struct SqsBackend {
    world: Arc<SqsWorld>,
    /// What queue URLs begin with, as `http://127.0.0.1:9324`.
    endpoint: String,
    access_key: String,
}

/// Longer bodies are refused: a full batch of which every character is escaped is shorter.
const BODY_LIMIT_BYTES: usize = 16 << 20;

const JSON: &str = "application/x-amz-json-1.0";

impl SqsBackend {
    /// Serves this world to whoever has this access key. Queue URLs begin with `endpoint`, as
    /// `http://127.0.0.1:9324`.
    #[must_use]
    pub const fn new(world: Arc<SqsWorld>, endpoint: String, access_key: String) -> Self {
        Self { world, endpoint, access_key }
    }

    async fn answer(
        &self,
        request: Request<Incoming>,
        processed: usize,
    ) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_LIMIT_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Err(io::Error::other(error)),
        };
        let answer = match self.check_key(&head.headers) {
            Ok(()) => self.carry_out(operation(&head.headers), &body, processed).await,
            Err(refusal) => Err(refusal),
        };
        let mut answer = match answer {
            Ok(answer) => {
                let mut response = Response::new(full(answer.to_string()));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
                response
            }
            Err(refusal) => refusal.into_answer(),
        };
        if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::from_u128(rand::random()).to_string()) {
            answer.headers_mut().insert("x-amzn-requestid", id);
        }
        Ok(answer)
    }

    /// Of a batch the first `processed` entries are carried out, the others come back as failed.
    async fn carry_out(
        &self,
        operation: &str,
        body: &Bytes,
        processed: usize,
    ) -> Result<Value, Refusal> {
        let fields = Fields::parse(body)?;
        match operation {
            "CreateQueue" => self.create_queue(&fields),
            "DeleteQueue" => self.delete_queue(&fields),
            "GetQueueUrl" => self.queue_url(&fields),
            "ListQueues" => self.list_queues(&fields),
            "ListDeadLetterSourceQueues" => self.list_dead_letter_sources(&fields),
            "GetQueueAttributes" => self.queue_attributes(&fields),
            "SetQueueAttributes" => self.set_queue_attributes(&fields),
            "PurgeQueue" => self.purge_queue(&fields),
            "TagQueue" => self.tag_queue(&fields),
            "UntagQueue" => self.untag_queue(&fields),
            "ListQueueTags" => self.queue_tags(&fields),
            "SendMessage" => self.send_message(&fields),
            "ReceiveMessage" => self.receive_message(&fields).await,
            "DeleteMessage" => self.delete_message(&fields),
            "ChangeMessageVisibility" => self.change_visibility(&fields),
            "SendMessageBatch" => self.send_batch(&fields, processed),
            "DeleteMessageBatch" => self.delete_batch(&fields, processed),
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch(&fields, processed),
            "StartMessageMoveTask" => self.start_move(&fields),
            "ListMessageMoveTasks" => self.list_moves(&fields),
            "CancelMessageMoveTask" => self.cancel_move(&fields),
            unknown => Err(Refusal::unknown_operation(unknown)),
        }
    }

    fn check_key(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(signed) = signed.filter(|text| text.starts_with("AWS4-HMAC-SHA256 ")) else {
            return Err(Refusal::unsigned());
        };
        let key = signed.split("Credential=").nth(1).and_then(|rest| rest.split('/').next());
        if key == Some(&*self.access_key) { Ok(()) } else { Err(Refusal::stranger()) }
    }
}

/// The operation's name.
fn operation(headers: &HeaderMap) -> &str {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    target.and_then(|target| target.strip_prefix("AmazonSQS.")).unwrap_or("OTHER")
}

impl Backend for SqsBackend {
    fn service(&self) -> Service {
        Service::Sqs
    }

    /// The queue is in the body, which is not read for this: the target is the path.
    fn classify(&self, head: &http::request::Parts) -> (String, String) {
        (operation(&head.headers).to_owned(), head.uri.path().to_owned())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        Refusal::by_script(status, code).into_answer()
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.answer(request, usize::MAX))
    }

    fn call_in_part(
        &self,
        request: Request<Incoming>,
        processed: usize,
    ) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.answer(request, processed))
    }
}

/// A refusal's answer, with the code that clients of the older query protocol know.
fn refused(status: u16, query_error: &str, body: &Value) -> Response<Body> {
    let mut answer = error_answer(status, JSON, body.to_string());
    if let Ok(value) = HeaderValue::from_str(query_error) {
        answer.headers_mut().insert("x-amzn-query-error", value);
    }
    answer
}
