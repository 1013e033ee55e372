//! Amazon S3 on the wire: the `s3s` crate speaks the protocol, [`S3World`] is the state.

use std::io;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use s3s::StdError;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};

use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer};
use crate::world::bucket::S3World;

mod access;
mod buckets;
mod checksums;
mod multipart;
mod objects;
mod operations;
mod reads;
mod settings;
#[cfg(test)]
mod tests;
mod translate;
mod uploads;
mod versions;

/// S3 behind the listener: path-style addresses, one pair of keys; for the unsigned the files of public
/// buckets, and nothing else.
pub struct S3Backend {
    service: S3Service,
}

impl S3Backend {
    /// Serves this world to whoever signs with these keys.
    #[must_use]
    pub fn new(world: Arc<S3World>, access_key: &str, secret_key: &str) -> Self {
        let mut builder = S3ServiceBuilder::new(operations::Operations::new(world.clone()));
        builder.set_access(access::Access(world));
        builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
        Self { service: builder.build() }
    }
}

impl Backend for S3Backend {
    fn service(&self) -> Service {
        Service::S3
    }

    fn classify(&self, head: &http::request::Parts) -> (String, String) {
        let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        (operation(head).to_owned(), percent_decoded(target))
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Error><Code>{code}</Code><Message>refused by the fault script</Message></Error>"
        );
        error_answer(status, "application/xml", text)
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(async move {
            let answer = self.service.call(request.map(s3s::Body::from)).await;
            let answer = answer.map_err(|error| io::Error::other(StdError::from(error)))?;
            Ok(answer.map(|body| body.map_err(io::Error::other).boxed_unsync()))
        })
    }
}

/// The operation's name for scripts and counts; what they have no name for is `OTHER`.
fn operation(head: &http::request::Parts) -> &'static str {
    let queries: Vec<&str> = head
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
        .filter(|name| !is_decoration(name))
        .collect();
    let path = head.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let is_object = !key.is_empty();
    let is_copy = head.headers.contains_key("x-amz-copy-source");
    match (&head.method, is_object, queries.as_slice()) {
        (_, _, _) if bucket.is_empty() => "OTHER",
        (&Method::PUT, true, []) if is_copy => "COPY",
        (&Method::PUT, true, []) => "PUT",
        (&Method::HEAD, true, []) => "HEAD",
        (&Method::GET, true, []) => "GET",
        (&Method::DELETE, true, []) | (&Method::POST, false, ["delete"]) => "DELETE",
        (&Method::POST, true, ["uploads"]) => "CREATE_MULTIPART",
        (&Method::PUT, true, ["partNumber", "uploadId"] | ["uploadId", "partNumber"])
            if !is_copy =>
        {
            "PART"
        }
        (&Method::DELETE, true, ["versionId"]) => "DELETE_VERSION",
        (&Method::POST, true, ["uploadId"]) => "COMPLETE",
        (&Method::DELETE, true, ["uploadId"]) => "ABORT",
        (&Method::GET, true, names) if names.contains(&"uploadId") => "LIST_PARTS",
        (&Method::GET, false, names) if names.contains(&"uploads") => "LIST_UPLOADS",
        (&Method::GET, false, names) if names.contains(&"list-type") => "LIST",
        (&Method::GET, false, names) if names.contains(&"versions") => "LIST_VERSIONS",
        (&Method::HEAD, false, []) => "HEAD_BUCKET",
        (&Method::PUT, false, []) => "CREATE_BUCKET",
        (&Method::GET, false, [setting]) => named_setting(setting).map_or("OTHER", |(get, _)| get),
        (&Method::PUT, false, [setting]) => named_setting(setting).map_or("OTHER", |(_, put)| put),
        _ => "OTHER",
    }
}

/// The names of what reads and what writes a setting of a bucket.
fn named_setting(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "encryption" => ("GET_ENCRYPTION", "PUT_ENCRYPTION"),
        "lifecycle" => ("GET_LIFECYCLE", "PUT_LIFECYCLE"),
        "object-lock" => ("GET_OBJECT_LOCK", "PUT_OBJECT_LOCK"),
        "ownershipControls" => ("GET_OWNERSHIP", "PUT_OWNERSHIP"),
        "policy" => ("GET_POLICY", "PUT_POLICY"),
        "publicAccessBlock" => ("GET_PUBLIC_ACCESS_BLOCK", "PUT_PUBLIC_ACCESS_BLOCK"),
        _ => return None,
    })
}

/// Query parameters that do not change which operation it is.
fn is_decoration(name: &str) -> bool {
    name.is_empty()
        || name == "x-id"
        || name.starts_with("response-")
        || name.to_ascii_lowercase().starts_with("x-amz-")
}

/// Readable for a script; what is no percent-encoding stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).filter(|_| *first == b'%');
        let byte = escaped.and_then(|hex| data_encoding::HEXLOWER_PERMISSIVE.decode(hex).ok());
        bytes.push(byte.as_ref().map_or(*first, |byte| byte[0]));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
