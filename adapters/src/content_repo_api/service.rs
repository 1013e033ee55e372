//! One node of contentrepo as its clients use it: objects are read, created and purged.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{RepoConfig, RepoCreated, RepoService, RepoServiceError, RepoVersion};
use domain::{ByteCount, ContentDigests, ContentHasher, Sha1, limits};
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::{NoCertificates, NodeUrl, http_of};
use crate::aws::in_full;
use crate::calls::{Calls, System};

/// An answer that is longer is none of contentrepo's.
const ANSWER_BYTES: usize = 1 << 20;

/// contentrepo tries S3 five times, four seconds apart, before it answers that a creation has failed.
const CREATION_TIME: Duration = Duration::from_mins(2);

/// contentrepo reads all rows of the bucket before it purges one.
const PURGE_TIME: Duration = Duration::from_mins(15);

/// A node of contentrepo. Connections are kept between requests; no proxy is used and no redirect followed.
pub struct ContentRepoService {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    node: NodeUrl,
    url: String,
    request_time: Duration,
    calls: Arc<Calls>,
}

impl ContentRepoService {
    /// Connects at the first call, not here. Each answer begins within `request_time`, and no pause in it is
    /// longer; creations and purges have more time. Content has the time that its length takes besides.
    pub fn new(
        node: NodeUrl,
        request_time: Duration,
        calls: Arc<Calls>,
    ) -> Result<Self, NoCertificates> {
        let http = http_of(std::slice::from_ref(&node))?;
        Ok(Self { http, url: node.to_string(), node, request_time, calls })
    }

    /// The URL of a resource, with its query.
    fn at(&self, path: &[&str], query: &[(&str, &str)]) -> String {
        let mut url: Url = self.node.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url.to_string()
    }

    /// The URL of a version of an object.
    fn version(&self, object: &RepoVersion, more: &[(&str, &str)]) -> String {
        let query = [&Self::query(object), more].concat();
        self.at(&["objects", &object.bucket], &query)
    }

    fn query(object: &RepoVersion) -> [(&str, &str); 2] {
        let of = match &object.uuid {
            Some(uuid) => ("uuid", uuid.as_str()),
            None => ("version", "0"),
        };
        [("key", object.key.as_str()), of]
    }

    /// Sends a request. An answer of another status than `expected` is an error.
    async fn send(
        &self,
        (method, url, expected): (Method, &str, StatusCode),
        content: Option<(String, Bytes)>,
        time: Duration,
    ) -> Result<Response<Incoming>, RepoServiceError> {
        let answer = self.ask((method, url), content, time).await?;
        if answer.status() == expected { Ok(answer) } else { Err(self.refusal(url, answer).await) }
    }

    /// Sends a request. It returns when the head of the answer is there.
    async fn ask(
        &self,
        (method, url): (Method, &str),
        content: Option<(String, Bytes)>,
        time: Duration,
    ) -> Result<Response<Incoming>, RepoServiceError> {
        let bad = |why: String| RepoServiceError::BadAnswer { url: url.to_owned(), why };
        let uri: Uri =
            url.parse().map_err(|error: http::uri::InvalidUri| bad(error.to_string()))?;
        let mut request = Request::builder().method(method).uri(uri);
        let mut body = Bytes::new();
        if let Some((content_type, content)) = content {
            request = request.header(header::CONTENT_TYPE, content_type);
            body = content;
        }
        let request = request.body(Full::new(body)).map_err(|error| bad(error.to_string()))?;
        match timeout(time, self.http.request(request)).await {
            Ok(answer) => answer.map_err(|error| unavailable(url, in_full(&error))),
            Err(_) => Err(unavailable(url, format!("no answer within {time:?}"))),
        }
    }

    /// What an answer of a wrong status means.
    async fn refusal(&self, url: &str, answer: Response<Incoming>) -> RepoServiceError {
        let status = answer.status();
        let is_away = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        if is_away {
            return unavailable(url, format!("it answers {status}"));
        }
        let why = self.whole(url, answer).await.map(|text| message_of(&text));
        let why = why.unwrap_or_else(|_| "without a message".to_owned());
        RepoServiceError::Refused { url: url.to_owned(), status: status.as_u16(), why }
    }

    /// The whole of a short answer.
    async fn whole(
        &self,
        url: &str,
        answer: Response<Incoming>,
    ) -> Result<Bytes, RepoServiceError> {
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect();
        match timeout(self.request_time, body).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) => Err(unavailable(url, format!("its answer broke off: {error}"))),
            Err(_) => Err(unavailable(url, "its answer does not come to its end".to_owned())),
        }
    }

    async fn json(&self, url: &str) -> Result<Value, RepoServiceError> {
        let request = (Method::GET, url, StatusCode::OK);
        let answer = self.send(request, None, self.request_time).await?;
        let answer = self.whole(url, answer).await?;
        serde_json::from_slice(&answer).map_err(|_| bad(url, "its answer is no JSON"))
    }

    /// Hashes the content of an answer as it comes.
    async fn hashed(
        &self,
        url: &str,
        answer: Response<Incoming>,
        longest: ByteCount,
    ) -> Result<ContentDigests, RepoServiceError> {
        let (mut body, mut hasher) = (answer.into_body(), ContentHasher::default());
        let broke = |why: String| RepoServiceError::BrokeOff { url: url.to_owned(), why };
        loop {
            let frame = timeout(self.request_time, body.frame()).await;
            let frame = frame.map_err(|_| {
                unavailable(url, format!("no more bytes within {:?}", self.request_time))
            })?;
            match frame {
                None => return Ok(hasher.finish()),
                Some(Ok(frame)) => {
                    let Some(bytes) = frame.data_ref() else { continue };
                    hasher.update(bytes);
                    if hasher.length() > longest {
                        return Err(RepoServiceError::TooLong { url: url.to_owned(), longest });
                    }
                }
                Some(Err(error)) => {
                    let read = hasher.length().0;
                    return Err(broke(format!("after {read} bytes: {}", in_full(&error))));
                }
            }
        }
    }
}

#[async_trait]
impl RepoService for ContentRepoService {
    fn url(&self) -> &str {
        &self.url
    }

    async fn config(&self) -> Result<RepoConfig, RepoServiceError> {
        let waiting = self.calls.begin(System::ContentRepo, "GET config");
        let url = self.at(&["config"], &[]);
        let answer = waiting.end(self.json(&url).await)?;
        let store = answer.get("objectStoreBackend").and_then(Value::as_str);
        let store = store.ok_or_else(|| bad(&url, "its answer has no `objectStoreBackend`"))?;
        let reproxies = answer.get("hasXReproxy").and_then(Value::as_bool);
        let reproxies = reproxies.ok_or_else(|| bad(&url, "its answer has no `hasXReproxy`"))?;
        Ok(RepoConfig { store: store.to_owned(), reproxies })
    }

    async fn buckets(&self) -> Result<Vec<String>, RepoServiceError> {
        let waiting = self.calls.begin(System::ContentRepo, "GET buckets");
        let url = self.at(&["buckets"], &[]);
        let answer = waiting.end(self.json(&url).await)?;
        let name = |bucket: &Value| Some(bucket.get("bucketName")?.as_str()?.to_owned());
        let names = answer.as_array().and_then(|buckets| buckets.iter().map(name).collect());
        names.ok_or_else(|| bad(&url, "its answer is no list of buckets with their names"))
    }

    async fn read(
        &self,
        object: &RepoVersion,
        longest: ByteCount,
    ) -> Result<ContentDigests, RepoServiceError> {
        let waiting = self.calls.begin(System::ContentRepo, "GET object");
        let url = self.version(object, &[]);
        let read = async {
            let request = (Method::GET, url.as_str(), StatusCode::OK);
            let answer = self.send(request, None, self.request_time).await?;
            self.hashed(&url, answer, longest).await
        };
        // An answer that comes byte by byte is given up as a whole.
        let time = self.request_time.saturating_mul(2) + limits::moving_time(longest.0);
        let read = timeout(time, read).await.unwrap_or_else(|_| {
            Err(unavailable(&url, format!("the content has not come within {time:?}")))
        });
        waiting.end(read)
    }

    async fn has(&self, object: &RepoVersion) -> Result<bool, RepoServiceError> {
        let waiting = self.calls.begin(System::ContentRepo, "GET metadata");
        let url = self.at(&["objects", "meta", &object.bucket], &Self::query(object));
        let asked = async {
            let answer = self.ask((Method::GET, &url), None, self.request_time).await?;
            let status = answer.status();
            if !matches!(status, StatusCode::OK | StatusCode::NOT_FOUND) {
                return Err(self.refusal(&url, answer).await);
            }
            let answer: Value = serde_json::from_slice(&self.whole(&url, answer).await?)
                .map_err(|_| bad(&url, &format!("its answer with {status} is no JSON")))?;
            // Anything between can answer 404: only contentrepo's own one says that there is no row.
            let field = if status == StatusCode::OK { "uuid" } else { "repoErrorCode" };
            match answer.get(field) {
                Some(_) => Ok(status == StatusCode::OK),
                None => Err(bad(&url, &format!("its answer with {status} has no `{field}`"))),
            }
        };
        waiting.end(asked.await)
    }

    async fn create(
        &self,
        bucket: &str,
        key: &str,
        content: Bytes,
    ) -> Result<RepoCreated, RepoServiceError> {
        let waiting = self.calls.begin(System::ContentRepo, "POST object");
        let url = self.at(&["objects"], &[]);
        // The key is random: no content has it in itself.
        let form = form(key, &[("key", key), ("bucketName", bucket), ("create", "new")], &content);
        let created = async {
            let request = (Method::POST, url.as_str(), StatusCode::CREATED);
            let answer = self.send(request, Some(form), CREATION_TIME).await?;
            self.whole(&url, answer).await
        };
        let answer = waiting.end(created.await)?;
        let answer: Value =
            serde_json::from_slice(&answer).map_err(|_| bad(&url, "its answer is no JSON"))?;
        let uuid = answer.get("uuid").and_then(Value::as_str);
        let uuid = uuid.ok_or_else(|| bad(&url, "its answer has no `uuid`"))?.to_owned();
        let sha1 = answer.get("checksum").and_then(Value::as_str);
        let sha1 = sha1.and_then(|text| Sha1::from_hex(text).ok());
        let size = answer.get("size").and_then(Value::as_u64).map(ByteCount);
        Ok(RepoCreated { uuid, sha1, size })
    }

    async fn purge(&self, object: &RepoVersion) -> Result<(), RepoServiceError> {
        let waiting = self.calls.begin(System::ContentRepo, "DELETE object");
        let url = self.version(object, &[("purge", "true")]);
        let request = (Method::DELETE, url.as_str(), StatusCode::OK);
        waiting.end(self.send(request, None, PURGE_TIME).await.map(|_| ()))
    }
}

/// A form with these fields and the file, and its type.
fn form(boundary: &str, fields: &[(&str, &str)], content: &[u8]) -> (String, Bytes) {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n");
        body.extend_from_slice(format!("{head}\r\n{value}\r\n").as_bytes());
    }
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"smoke\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.into())
}

/// contentrepo's own words, or the beginning of what stands in their place.
fn message_of(answer: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(answer).ok();
    let message = parsed.as_ref().and_then(|it| it.get("message")).and_then(Value::as_str);
    let text = message.map_or_else(|| String::from_utf8_lossy(answer), Into::into);
    text.chars().take(200).collect()
}

fn bad(url: &str, why: &str) -> RepoServiceError {
    RepoServiceError::BadAnswer { url: url.to_owned(), why: why.to_owned() }
}

fn unavailable(url: &str, why: String) -> RepoServiceError {
    RepoServiceError::Unavailable { url: url.to_owned(), cause: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> ContentRepoService {
        let node = "http://repo1:8080/v1/".parse().expect("a URL");
        ContentRepoService::new(node, Duration::from_secs(1), Arc::default()).expect("made")
    }

    #[test]
    fn names_are_escaped_in_urls() {
        let object = |uuid: Option<&str>| RepoVersion {
            bucket: "a b".to_owned(),
            key: "10.1371/j&k=1+2".to_owned(),
            uuid: uuid.map(str::to_owned),
        };
        let root = "http://repo1:8080/v1/objects/a%20b?key=10.1371%2Fj%26k%3D1%2B2";
        assert_eq!(service().version(&object(Some("u")), &[]), format!("{root}&uuid=u"));
        let url = service().version(&object(None), &[("purge", "true")]);
        assert_eq!(url, format!("{root}&version=0&purge=true"));
        assert_eq!(service().at(&["config"], &[]), "http://repo1:8080/v1/config");
    }

    #[test]
    fn a_refusal_has_contentrepos_words() {
        for (answer, expected) in [
            (r#"{"repoErrorCode":1,"message":"Object not found"}"#, "Object not found"),
            ("<html>Tomcat</html>", "<html>Tomcat</html>"),
            ("", ""),
        ] {
            assert_eq!(message_of(answer.as_bytes()), expected);
        }
        assert_eq!(message_of("x".repeat(1_000).as_bytes()).len(), 200);
    }
}
