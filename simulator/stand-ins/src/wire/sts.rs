//! AWS Security Token Service on the wire: its query protocol, as far as it says whose keys are used.
//!
//! Requests must name the one access key; signatures are not checked.

use std::io;

use futures_util::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer, full};
use crate::world::queue::ACCOUNT;

/// The user whose keys are the world's.
pub const CALLER: &str = "arn:aws:iam::123456789012:user/rehearsal";

/// Longer bodies are refused.
const BODY_LIMIT_BYTES: usize = 64 << 10;

const XML: &str = "text/xml";

/// STS behind the listener.
pub struct StsBackend {
    access_key: String,
}

impl StsBackend {
    /// Knows the caller who has this access key.
    #[must_use]
    pub const fn new(access_key: String) -> Self {
        Self { access_key }
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT_BYTES).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        let signed = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = signed.and_then(|signed| signed.split("Credential=").nth(1)?.split('/').next());
        if key != Some(&*self.access_key) {
            return Ok(refusal(403, "InvalidClientTokenId"));
        }
        let mut fields = body.split(|byte| *byte == b'&');
        if !fields.any(|field| field == b"Action=GetCallerIdentity") {
            return Ok(refusal(400, "InvalidAction"));
        }
        let answer = format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Arn>{CALLER}</Arn><UserId>AIDAREHEARSAL</UserId>\
             <Account>{ACCOUNT}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>rehearsal</RequestId></ResponseMetadata>\
             </GetCallerIdentityResponse>"
        );
        Ok(Response::new(full(answer)))
    }
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    let text = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>refused by the rehearsal's STS</Message>\
         </Error><RequestId>rehearsal</RequestId></ErrorResponse>"
    );
    error_answer(status, XML, text)
}

impl Backend for StsBackend {
    fn service(&self) -> Service {
        Service::Sts
    }

    /// The action is in the body, which is not read for this. There is one.
    fn classify(&self, head: &http::request::Parts) -> (String, String) {
        ("GetCallerIdentity".to_owned(), head.uri.path().to_owned())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        refusal(status, code)
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.answer(request))
    }
}
