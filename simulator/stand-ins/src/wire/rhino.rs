//! rhino's `GET /config?type=repo` on the wire (PLOS/rhino, `ConfigurationReadServiceImpl`): the values of
//! `rhino.yaml` with which it is running.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, request::Parts};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::content_repo::{json_answer, query};
use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer};

const BODY_LIMIT_BYTES: usize = 64 << 10;

/// The part of `rhino.yaml` that names contentrepo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RhinoSettings {
    /// `contentRepo.corpus`.
    pub corpus: Endpoint,
    /// `contentRepo.editorial`.
    pub editorial: Option<Endpoint>,
}

/// A contentrepo that rhino uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// `address`: its URL.
    pub address: String,
    /// `bucket`.
    pub bucket: String,
    /// `secondaryBuckets`.
    pub secondary_buckets: Vec<String>,
}

/// A rhino that is running. Share it as an `Arc`.
#[derive(Debug)]
pub struct Rhino {
    settings: Mutex<RhinoSettings>,
}

impl Rhino {
    /// Starts it with these settings.
    #[must_use]
    pub const fn start(settings: RhinoSettings) -> Self {
        Self { settings: Mutex::new(settings) }
    }

    /// Changes the settings and starts again, as an edited `rhino.yaml` and a restart do.
    pub fn restart(&self, change: impl FnOnce(&mut RhinoSettings)) {
        change(&mut self.settings.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The answer of `GET /config?type=repo`.
    #[must_use]
    pub fn config(&self) -> Value {
        let settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = |endpoint: &Endpoint| {
            json!({
                "address": endpoint.address,
                "bucket": endpoint.bucket,
                "secondaryBuckets": endpoint.secondary_buckets,
            })
        };
        json!({
            "editorial": settings.editorial.as_ref().map(shown),
            "corpus": shown(&settings.corpus),
        })
    }
}

/// rhino behind the listener.
pub struct RhinoBackend {
    rhino: Arc<Rhino>,
}

impl RhinoBackend {
    /// Serves this rhino.
    #[must_use]
    pub const fn new(rhino: Arc<Rhino>) -> Self {
        Self { rhino }
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT_BYTES).collect().await;
        body.map_err(io::Error::other)?;
        let fields = query::fields(head.uri.query().unwrap_or_default());
        let is_config = head.method == Method::GET && head.uri.path() == "/config";
        if is_config && fields.get("type").is_some_and(|it| it == "repo") {
            return Ok(json_answer(StatusCode::OK, &self.rhino.config()));
        }
        Ok(error_answer(404, "text/html", "<html>HTTP Status 404</html>".to_owned()))
    }
}

impl Backend for RhinoBackend {
    fn service(&self) -> Service {
        Service::Rhino
    }

    fn classify(&self, head: &Parts) -> (String, String) {
        let operation = if head.uri.path() == "/config" { "GET config" } else { "OTHER" };
        (operation.to_owned(), head.uri.to_string())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        error_answer(status, "text/html", format!("<html>{code}</html>"))
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.answer(request))
    }
}
