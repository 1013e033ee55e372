//! The Runtime API (2018-06-01) of one execution environment, as its process sees it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer, full};
use crate::world::lambda::PAYLOAD_BYTES;

/// One event on its way to the function.
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) event: Bytes,
    /// The deadline that the function is told.
    pub(super) deadline: SystemTime,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the function said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Response(Bytes),
    Error(FunctionError),
}

/// An error as a function, or Lambda in its place, reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionError {
    /// Its kind, such as `Runtime.ExitError`.
    pub kind: String,
    /// In words.
    pub message: String,
}

/// How far the process's start has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Init {
    UnderWay,
    /// It has asked for its first event.
    Ready,
    Failed(FunctionError),
}

pub(super) struct RuntimeApi {
    function_arn: String,
    invocations: tokio::sync::Mutex<mpsc::UnboundedReceiver<Invocation>>,
    current: Mutex<Option<(String, oneshot::Sender<Answer>)>>,
    init: watch::Sender<Init>,
}

impl RuntimeApi {
    pub(super) fn new(
        function_arn: String,
        invocations: mpsc::UnboundedReceiver<Invocation>,
    ) -> Self {
        Self {
            function_arn,
            invocations: tokio::sync::Mutex::new(invocations),
            current: Mutex::new(None),
            init: watch::Sender::new(Init::UnderWay),
        }
    }

    pub(super) fn init(&self) -> watch::Receiver<Init> {
        self.init.subscribe()
    }

    /// The next event, when there is one: as long as this takes the environment is idle.
    async fn next(&self) -> Response<Body> {
        self.init.send_if_modified(|init| {
            let begun = *init == Init::UnderWay;
            if begun {
                *init = Init::Ready;
            }
            begun
        });
        if self.current().is_some() {
            return refused(403, "InvalidStateTransition", "the last event has no answer yet");
        }
        let Some(invocation) = self.invocations.lock().await.recv().await else {
            return refused(500, "Exit", "this environment is being shut down");
        };
        let since_epoch = invocation.deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &invocation.request_id)
            .header("lambda-runtime-deadline-ms", since_epoch.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", &self.function_arn)
            .header("lambda-runtime-trace-id", trace_id(&invocation.request_id, since_epoch))
            .body(full(invocation.event));
        *self.current() = Some((invocation.request_id, invocation.answer));
        response.unwrap_or_else(|_| refused(500, "InternalError", "the event makes no answer"))
    }

    async fn answered(
        &self,
        request_id: &str,
        body: Incoming,
        answer: impl FnOnce(Bytes) -> Answer,
    ) -> io::Result<Response<Body>> {
        let Ok(bytes) = read(body).await? else {
            let message = format!("the answer is larger than {PAYLOAD_BYTES} bytes");
            let kind = "Function.ResponseSizeTooLarge".to_owned();
            self.end(request_id, Answer::Error(FunctionError { kind, message }));
            return Ok(refused(413, "RequestEntityTooLarge", "the answer is too large"));
        };
        Ok(if self.end(request_id, answer(bytes)) {
            accepted()
        } else {
            refused(400, "InvalidRequestID", "no event with this id waits for an answer")
        })
    }

    /// False where no event with this id waits for an answer.
    fn end(&self, request_id: &str, answer: Answer) -> bool {
        let taken = self.current().take_if(|(current, _)| current == request_id);
        // Whoever invoked it may have given it up.
        taken.map(|(_, waiting)| waiting.send(answer)).is_some()
    }

    async fn init_failed(&self, body: Incoming) -> io::Result<Response<Body>> {
        let error = function_error(&read(body).await?.unwrap_or_default());
        self.init.send_replace(Init::Failed(error));
        Ok(accepted())
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<(String, oneshot::Sender<Answer>)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const PREFIX: &str = "/2018-06-01/runtime/";

impl Backend for RuntimeApi {
    fn service(&self) -> Service {
        Service::Lambda
    }

    fn classify(&self, head: &http::request::Parts) -> (String, String) {
        let path = head.uri.path();
        (path.rsplit('/').next().unwrap_or_default().to_owned(), path.to_owned())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        refused(status, code, "refused by the fault script")
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default();
            let path: Vec<_> = path.split('/').collect();
            match (&head.method, path.as_slice()) {
                (&Method::GET, ["invocation", "next"]) => Ok(self.next().await),
                (&Method::POST, ["invocation", id, "response"]) => {
                    self.answered(id, body, Answer::Response).await
                }
                (&Method::POST, ["invocation", id, "error"]) => {
                    let error = |bytes: Bytes| Answer::Error(function_error(&bytes));
                    self.answered(id, body, error).await
                }
                (&Method::POST, ["init", "error"]) => self.init_failed(body).await,
                _ => Ok(refused(404, "NotFound", "the Runtime API has no such resource")),
            }
        })
    }
}

struct TooLarge;

async fn read(body: Incoming) -> io::Result<Result<Bytes, TooLarge>> {
    match Limited::new(body, PAYLOAD_BYTES).collect().await {
        Ok(body) => Ok(Ok(body.to_bytes())),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Ok(Err(TooLarge)),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn function_error(body: &[u8]) -> FunctionError {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| error[name].as_str().unwrap_or("untold").to_owned();
    FunctionError { kind: text("errorType"), message: text("errorMessage") }
}

fn accepted() -> Response<Body> {
    error_answer(202, "application/json", r#"{"status":"OK"}"#.to_owned())
}

fn refused(status: u16, kind: &str, message: &str) -> Response<Body> {
    let text = serde_json::json!({"errorType": kind, "errorMessage": message});
    error_answer(status, "application/json", text.to_string())
}

/// An X-Ray trace header's value: its root has the time and 96 more bits.
fn trace_id(request_id: &str, time: Duration) -> String {
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).take(24).collect();
    format!("Root=1-{:08x}-{digits:0>24};Sampled=0", time.as_secs())
}
