//! Lambda's Invoke API (2015-03-31), as callers of a function see it.
//!
//! Source: AWS Lambda API Reference, "Invoke". Only calls that wait for the answer
//! (`RequestResponse`), and only functions by their plain names.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::{Ended, Fleet, FunctionError};
use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer, full};
use crate::world::lambda::PAYLOAD_BYTES;

/// A function that can be invoked.
pub trait Invocable: Send + Sync + 'static {
    /// The name under which it is deployed.
    fn name(&self) -> &str;

    /// Hands it one event, and waits for what comes of it.
    fn invoke(&self, event: Bytes) -> BoxFuture<'_, anyhow::Result<Ended>>;
}

impl Invocable for Fleet {
    fn name(&self) -> &str {
        self.function_name()
    }

    fn invoke(&self, event: Bytes) -> BoxFuture<'_, anyhow::Result<Ended>> {
        Box::pin(self.invoke(event))
    }
}

/// The Invoke API behind the listener, of an account with this one function.
pub struct InvokeApi {
    function: Arc<dyn Invocable>,
    mapped: Vec<String>,
    timeout_seconds: u64,
}

/// What a function may take in the template (`FunctionTimeoutSeconds`).
const TIMEOUT_SECONDS: u64 = 120;

impl InvokeApi {
    /// Serves this function to callers that sign their requests; signatures are not checked.
    #[must_use]
    pub fn new(function: Arc<dyn Invocable>) -> Self {
        Self { function, mapped: Vec::new(), timeout_seconds: TIMEOUT_SECONDS }
    }

    /// The same, where these functions are mapped to every queue that is asked for.
    #[must_use]
    pub fn with_mapped(self, functions: &[&str]) -> Self {
        Self { mapped: functions.iter().map(|&name| name.to_owned()).collect(), ..self }
    }

    /// The answer to `GetFunctionConfiguration` (AWS Lambda API Reference), as far as it is asked for.
    fn configuration(&self, name: &str) -> Response<Body> {
        if name != self.function.name() {
            let message = format!("Function not found: {name}");
            return refused(404, "ResourceNotFoundException", &message);
        }
        let told = json!({ "FunctionName": name, "Timeout": self.timeout_seconds });
        Response::new(full(told.to_string()))
    }

    /// The answer to `ListEventSourceMappings` (AWS Lambda API Reference), of any queue.
    fn mappings(&self) -> Response<Body> {
        let mapping = |(number, name): (usize, &String)| {
            let function = format!("arn:aws:lambda:us-east-1:000000000000:function:{name}");
            json!({
                "UUID": format!("00000000-0000-4000-8000-{number:012}"),
                "FunctionArn": function,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "State": "Enabled",
            })
        };
        let mappings: Vec<_> = self.mapped.iter().enumerate().map(mapping).collect();
        Response::new(full(json!({ "EventSourceMappings": mappings }).to_string()))
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, PAYLOAD_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Ok(refused(413, "RequestTooLargeException", "the event is too large"));
            }
            Err(error) => return Err(io::Error::other(error)),
        };
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        if head.method == Method::GET && is_of_mappings(head.uri.path()) {
            return Ok(self.mappings());
        }
        if let Some(name) = configured(head.uri.path()).filter(|_| head.method == Method::GET) {
            return Ok(self.configuration(name));
        }
        let Some(name) = function_of(head.uri.path()).filter(|_| head.method == Method::POST)
        else {
            return Ok(refused(
                404,
                "UnknownOperationException",
                "only Invoke, GetFunctionConfiguration and ListEventSourceMappings are known",
            ));
        };
        if !header(AUTHORIZATION.as_str()).is_some_and(|it| it.contains("/lambda/aws4_request")) {
            let message = "the request is not signed for lambda";
            return Ok(refused(403, "MissingAuthenticationTokenException", message));
        }
        if header("x-amz-invocation-type").is_some_and(|kind| kind != "RequestResponse") {
            let message = "only RequestResponse is known";
            return Ok(refused(400, "InvalidParameterValueException", message));
        }
        if name != self.function.name() {
            let message = format!("Function not found: {name}");
            return Ok(refused(404, "ResourceNotFoundException", &message));
        }
        Ok(match self.function.invoke(body).await {
            Ok(ended) => answer_of(ended),
            Err(error) => refused(500, "ServiceException", &format!("{error:#}")),
        })
    }
}

fn is_of_mappings(path: &str) -> bool {
    path.trim_end_matches('/') == "/2015-03-31/event-source-mappings"
}

/// The function whose configuration a path is.
fn configured(path: &str) -> Option<&str> {
    path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/configuration")
}

/// The function that a path invokes.
fn function_of(path: &str) -> Option<&str> {
    path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")
}

/// Whatever the function does, once it was begun the status is 200.
fn answer_of(ended: Ended) -> Response<Body> {
    let failed = |kind: &str, message: &str| {
        let error = json!({ "errorType": kind, "errorMessage": message });
        let mut response = begun(error.to_string().into());
        let unhandled = HeaderValue::from_static("Unhandled");
        response.headers_mut().insert("x-amz-function-error", unhandled);
        response
    };
    match ended {
        Ended::Answer(payload) => begun(payload),
        Ended::Error(FunctionError { kind, message })
        | Ended::Crashed(FunctionError { kind, message }) => failed(&kind, &message),
        Ended::TimedOut => failed("Sandbox.Timedout", "Error: Task timed out"),
        Ended::OutOfMemory => {
            failed("Runtime.ExitError", "Error: Runtime exited with error: signal: killed")
        }
        Ended::Throttled => refused(429, "TooManyRequestsException", "Rate Exceeded."),
    }
}

fn begun(payload: Bytes) -> Response<Body> {
    let mut response = Response::new(full(payload));
    let latest = HeaderValue::from_static("$LATEST");
    response.headers_mut().insert("x-amz-executed-version", latest);
    response
}

fn refused(status: u16, code: &str, message: &str) -> Response<Body> {
    let text: Value = json!({ "Type": "User", "Message": message });
    let mut response = error_answer(status, "application/json", text.to_string());
    if let Ok(code) = HeaderValue::from_str(code) {
        response.headers_mut().insert("x-amzn-errortype", code);
    }
    response
}

impl Backend for InvokeApi {
    fn service(&self) -> Service {
        Service::Lambda
    }

    fn classify(&self, head: &http::request::Parts) -> (String, String) {
        let function = function_of(head.uri.path());
        let operation = match function {
            Some(_) => "Invoke",
            None if is_of_mappings(head.uri.path()) => "ListEventSourceMappings",
            None if configured(head.uri.path()).is_some() => "GetFunctionConfiguration",
            None => "OTHER",
        };
        (operation.to_owned(), function.unwrap_or_default().to_owned())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        refused(status, code, "refused by the fault script")
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.answer(request))
    }
}
