//! contentrepo's HTTP API on the wire, under `/v1` as its war is deployed. [`ContentRepo`] is the state.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::{self, BoxFuture};
use futures_util::stream::{self, StreamExt};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, request::Parts};
use http_body::Frame;
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::fault::Service;
use crate::wire::listener::{Backend, Body, error_answer, full};
use crate::world::content_repo::{ContentRepo, Filter, NewObject, Read, RepoRefusal, RepoRow};

mod form;
pub(super) mod query;
#[cfg(test)]
mod tests;

/// Longer requests are cut off: an upload is held in memory whole.
const BODY_LIMIT_BYTES: usize = 64 << 20;

/// What it says of itself, and what proxies may keep of it (contentrepo's `ObjectController`).
const REPROXY_CACHE_FOR: &str = "21600; Last-Modified Content-Type Content-Disposition";

/// The folder that it is deployed under.
pub const ROOT: &str = "/v1";

/// The operations of contentrepo that its API offers, on any database and any store.
#[async_trait]
pub trait RepoService: Send + Sync + 'static {
    /// The answer of `GET /config`.
    fn config(&self) -> Value;

    /// The answer of `GET /status`.
    async fn status(&self) -> Result<Value, RepoRefusal>;

    /// The names of its buckets with their numbers.
    async fn buckets(&self) -> Result<Vec<(i64, String)>, RepoRefusal>;

    /// The answer of `GET /buckets/{name}`.
    async fn bucket(&self, name: &str) -> Result<Value, RepoRefusal>;

    /// The row of an object in use, without a look at the store.
    async fn metadata(&self, bucket: &str, key: &str, of: &Filter) -> Result<RepoRow, RepoRefusal>;

    /// An object in use, with its content.
    async fn read(&self, bucket: &str, key: &str, of: &Filter) -> Result<Read, RepoRefusal>;

    /// The store's own URLs of an object in use, where contentrepo gives them away.
    async fn reproxied(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
    ) -> Result<Option<Vec<String>>, RepoRefusal>;

    /// Counts a read that the store's own URLs have answered.
    fn count_read(&self);

    /// Creates an object, or a version of one.
    async fn create(&self, new: NewObject) -> Result<RepoRow, RepoRefusal>;

    /// Marks a version as deleted, or purges it.
    async fn delete(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
        purge: bool,
    ) -> Result<(), RepoRefusal>;
}

#[async_trait]
impl RepoService for ContentRepo {
    fn config(&self) -> Value {
        self.config()
    }

    async fn status(&self) -> Result<Value, RepoRefusal> {
        self.status()
    }

    async fn buckets(&self) -> Result<Vec<(i64, String)>, RepoRefusal> {
        self.buckets()
    }

    async fn bucket(&self, name: &str) -> Result<Value, RepoRefusal> {
        self.bucket(name)
    }

    async fn metadata(&self, bucket: &str, key: &str, of: &Filter) -> Result<RepoRow, RepoRefusal> {
        self.metadata(bucket, key, of)
    }

    async fn read(&self, bucket: &str, key: &str, of: &Filter) -> Result<Read, RepoRefusal> {
        self.read(bucket, key, of)
    }

    async fn reproxied(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
    ) -> Result<Option<Vec<String>>, RepoRefusal> {
        self.reproxied(bucket, key, of)
    }

    fn count_read(&self) {
        self.count_read();
    }

    async fn create(&self, new: NewObject) -> Result<RepoRow, RepoRefusal> {
        self.create(new)
    }

    async fn delete(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
        purge: bool,
    ) -> Result<(), RepoRefusal> {
        self.delete(bucket, key, of, purge)
    }
}

/// contentrepo behind the listener.
pub struct ContentRepoBackend {
    repo: Arc<dyn RepoService>,
}

impl ContentRepoBackend {
    /// Serves this contentrepo.
    #[must_use]
    pub fn new(repo: Arc<dyn RepoService>) -> Self {
        Self { repo }
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT_BYTES).collect().await;
        let body = body.map_err(io::Error::other)?.to_bytes();
        Ok(self.routed(&head, &body).await.unwrap_or_else(refused))
    }

    async fn routed(&self, head: &Parts, body: &Bytes) -> Result<Response<Body>, RepoRefusal> {
        let fields = query::fields(head.uri.query().unwrap_or_default());
        let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
        let path: Vec<String> = path.split('/').skip(1).map(query::decoded_path).collect();
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (&head.method, path.as_slice()) {
            (&Method::GET, ["config"]) => Ok(json_answer(StatusCode::OK, &self.repo.config())),
            (&Method::GET, ["status"]) => {
                Ok(json_answer(StatusCode::OK, &self.repo.status().await?))
            }
            (&Method::GET, ["buckets"]) => {
                let buckets = self.repo.buckets().await?.into_iter();
                let buckets = buckets.map(|(id, name)| json!({"bucketId": id, "bucketName": name}));
                Ok(json_answer(StatusCode::OK, &buckets.collect()))
            }
            (&Method::GET, ["buckets", name]) => {
                Ok(json_answer(StatusCode::OK, &self.repo.bucket(name).await?))
            }
            (&Method::POST, ["objects"]) => self.create(head, body).await,
            (&Method::GET, ["objects", "meta", bucket]) => {
                let (key, filter) = wanted(&fields)?;
                let row = self.repo.metadata(bucket, key, &filter).await?;
                let urls = self.repo.reproxied(bucket, key, &filter).await?;
                Ok(json_answer(StatusCode::OK, &row.json(urls.as_deref())))
            }
            (&Method::GET, ["objects", bucket]) => self.read(head, bucket, &fields).await,
            (&Method::DELETE, ["objects", bucket]) => {
                let (key, filter) = wanted(&fields)?;
                let purge = fields.get("purge").is_some_and(|it| it.eq_ignore_ascii_case("true"));
                self.repo.delete(bucket, key, &filter, purge).await?;
                Ok(Response::new(full(Bytes::new())))
            }
            _ => Ok(error_answer(404, "text/html", "<html>HTTP Status 404</html>".to_owned())),
        }
    }

    async fn create(&self, head: &Parts, body: &Bytes) -> Result<Response<Body>, RepoRefusal> {
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(mut form) = content_type.and_then(|it| form::fields(it, body)) else {
            let text = "<html>HTTP Status 415</html>".to_owned();
            return Ok(error_answer(415, "text/html", text));
        };
        let file = form.remove("file");
        let mut text = |name: &str| {
            let bytes = form.remove(name)?;
            Some(String::from_utf8_lossy(&bytes).into_owned())
        };
        let row = self.repo.create(NewObject {
            key: text("key"),
            bucket: text("bucketName"),
            create: text("create"),
            content_type: text("contentType"),
            download_name: text("downloadName"),
            tag: text("tag"),
            user_metadata: text("userMetadata"),
            file,
        });
        let row = row.await?;
        let filter = Filter { uuid: Some(row.uuid.clone()), ..Filter::default() };
        let urls = self.repo.reproxied(&row.bucket_name, &row.key, &filter).await?;
        Ok(json_answer(StatusCode::CREATED, &row.json(urls.as_deref())))
    }

    async fn read(
        &self,
        head: &Parts,
        bucket: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<Response<Body>, RepoRefusal> {
        let (key, filter) = wanted(fields)?;
        let asks = head.headers.get("x-proxy-capabilities");
        if asks.is_some_and(|value| value == "reproxy-file")
            && let Some(urls) = self.repo.reproxied(bucket, key, &filter).await?
        {
            self.repo.count_read();
            let mut answer = Response::new(full(Bytes::new()));
            set(&mut answer, "x-reproxy-url", &urls.join(" "));
            set(&mut answer, "x-reproxy-cache-for", REPROXY_CACHE_FOR);
            return Ok(answer);
        }
        let Read { row, content, breaks_off } = self.repo.read(bucket, key, &filter).await?;
        let mut answer =
            Response::new(if breaks_off { broken_off(content) } else { full(content) });
        let content_type = row.content_type.as_deref().filter(|it| !it.is_empty());
        set(&mut answer, CONTENT_TYPE.as_str(), content_type.unwrap_or("application/octet-stream"));
        let name = query::encoded(row.download_name.as_deref().unwrap_or(&row.key));
        set(&mut answer, CONTENT_DISPOSITION.as_str(), &format!("inline; filename={name}"));
        Ok(answer)
    }
}

impl Backend for ContentRepoBackend {
    fn service(&self) -> Service {
        Service::ContentRepo
    }

    fn classify(&self, head: &Parts) -> (String, String) {
        let path = head.uri.path().strip_prefix(ROOT).unwrap_or_default();
        let resource = path.split('/').nth(1).unwrap_or_default();
        let known = ["config", "status", "buckets", "objects"];
        let resource = known.into_iter().find(|known| *known == resource).unwrap_or("unknown");
        let method = [Method::GET, Method::POST, Method::DELETE];
        let method = method.iter().find(|known| **known == head.method);
        let operation = format!("{} {resource}", method.map_or("OTHER", Method::as_str));
        (operation, head.uri.to_string())
    }

    fn refusal(&self, status: u16, code: &str) -> Response<Body> {
        let answer = json!({"repoErrorCode": 0, "message": code});
        error_answer(status, "application/json", answer.to_string())
    }

    fn call(&self, request: Request<Incoming>) -> BoxFuture<'_, io::Result<Response<Body>>> {
        Box::pin(self.answer(request))
    }
}

/// The key and the version that a request's query names.
fn wanted(fields: &BTreeMap<String, String>) -> Result<(&str, Filter), RepoRefusal> {
    let text = |name: &str| fields.get(name).filter(|it| !it.is_empty()).cloned();
    let version = text("version").and_then(|version| version.parse().ok());
    let filter = Filter { version, uuid: text("uuid"), tag: text("tag") };
    let key = fields.get("key").ok_or(RepoRefusal::NoKeyEntered)?;
    Ok((key, filter))
}

fn refused(refusal: RepoRefusal) -> Response<Body> {
    let answer = json!({"repoErrorCode": refusal.code(), "message": refusal.to_string()});
    error_answer(refusal.status(), "application/json", answer.to_string())
}

/// An answer in JSON.
pub(super) fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    let mut answer = Response::new(full(value.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A header; what no header can hold is left out, as Tomcat does.
fn set(answer: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// All of the content, and then the end of the connection in place of the last chunk.
fn broken_off(content: Bytes) -> Body {
    let content = stream::once(future::ready(Ok(Frame::data(content))));
    // What went before is sent while this waits.
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::other("the entity tag is another one"))
    });
    StreamBody::new(content.chain(end)).boxed_unsync()
}
