//! Asks the nodes of contentrepo by its HTTP API. Requests use no proxy and follow no redirect: each node is
//! asked at its own address, and a balancer between would answer for one of them only.

mod service;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{RepoNodeError, RepoNodes};
use domain::store_state::NodeCounters;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

pub use self::service::ContentRepoService;
use crate::aws::in_full;
use crate::calls::{Calls, System};

/// An answer that is longer is no status.
const ANSWER_BYTES: usize = 64 << 10;

/// The nodes of contentrepo. Connections are kept between requests.
pub struct ContentRepoApi {
    http: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    nodes: Vec<NodeUrl>,
    request_time: Duration,
    calls: Arc<Calls>,
}

/// The URL of a node's API, such as `http://repo1.example.org:8080/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUrl(Url);

/// Why a text is no URL of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: give the URL of its API, such as `http://repo1.example.org:8080/v1`")]
pub struct NodeUrlError(&'static str);

/// The certificates of this machine, by which a node's certificate is judged, cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "this machine's certificates cannot be read, and a node of contentrepo has an https URL: {0}"
)]
pub struct NoCertificates(String);

impl ContentRepoApi {
    /// Connects at the first call, not here. Each request is answered within `request_time`.
    pub fn new(
        nodes: Vec<NodeUrl>,
        request_time: Duration,
        calls: Arc<Calls>,
    ) -> Result<Self, NoCertificates> {
        Ok(Self { http: http_of(&nodes)?, nodes, request_time, calls })
    }

    async fn counters_of(&self, node: &NodeUrl) -> Result<NodeCounters, RepoNodeError> {
        let url = node.with("status");
        let answer = self.answer(&url, "GET status").await?;
        counters(node, &url, &answer)
    }

    /// The body of an answer with 200. It comes within the time of a request.
    pub(crate) async fn answer(
        &self,
        url: &str,
        call: &'static str,
    ) -> Result<Bytes, RepoNodeError> {
        let waiting = self.calls.begin(System::ContentRepo, call);
        let answer = match timeout(self.request_time, self.get(url)).await {
            Ok(answer) => answer,
            Err(_) => Err(unavailable(url, format!("no answer within {:?}", self.request_time))),
        };
        waiting.end(answer)
    }

    async fn get(&self, url: &str) -> Result<Bytes, RepoNodeError> {
        let bad = |why: String| RepoNodeError::BadAnswer { url: url.to_owned(), why };
        let uri: Uri =
            url.parse().map_err(|error: http::uri::InvalidUri| bad(error.to_string()))?;
        let request = Request::get(uri).header(header::ACCEPT, "application/json");
        let request = request.body(Empty::new()).map_err(|error| bad(error.to_string()))?;
        let answer = self.http.request(request).await;
        let answer = answer.map_err(|error| unavailable(url, in_full(&error)))?;
        let status = answer.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(unavailable(url, format!("it answers {status}")));
        }
        if status != StatusCode::OK {
            let why = format!("it answers {status}");
            return Err(RepoNodeError::Refused { url: url.to_owned(), why });
        }
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await;
        Ok(body
            .map_err(|error| unavailable(url, format!("its answer broke off: {error}")))?
            .to_bytes())
    }
}

/// What sends requests to these nodes.
fn http_of<B>(nodes: &[NodeUrl]) -> Result<Client<HttpsConnector<HttpConnector>, B>, NoCertificates>
where
    B: http_body::Body + Send,
    B::Data: Send,
{
    let needs_tls = nodes.iter().any(|node| node.0.scheme() == "https");
    let tls = rustls::ClientConfig::builder().with_native_roots();
    let tls = match tls {
        Ok(tls) => tls.with_no_client_auth(),
        Err(error) if needs_tls => return Err(NoCertificates(error.to_string())),
        Err(_) => rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth(),
    };
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    Ok(Client::builder(TokioExecutor::new()).build(connector.enable_http1().build()))
}

#[async_trait]
impl RepoNodes for ContentRepoApi {
    async fn counters(&self) -> Result<Vec<NodeCounters>, RepoNodeError> {
        let mut all = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            all.push(self.counters_of(node).await?);
        }
        Ok(all)
    }
}

/// What an answer says. `serviceStarted` may be a text or a number of milliseconds: only whether it is another
/// one counts.
fn counters(node: &NodeUrl, url: &str, answer: &[u8]) -> Result<NodeCounters, RepoNodeError> {
    let bad = |why: &str| RepoNodeError::BadAnswer { url: url.to_owned(), why: why.to_owned() };
    let answer: Value = serde_json::from_slice(answer).map_err(|_| bad("its answer is no JSON"))?;
    let writes = answer.get("writesSinceStart").and_then(Value::as_u64);
    let writes = writes.ok_or_else(|| bad("its answer has no number `writesSinceStart`"))?;
    let started = match answer.get("serviceStarted") {
        Some(Value::String(text)) => text.clone(),
        Some(other @ Value::Number(_)) => other.to_string(),
        Some(_) | None => return Err(bad("its answer has no `serviceStarted`")),
    };
    Ok(NodeCounters { url: node.to_string(), started, writes })
}

fn unavailable(url: &str, why: String) -> RepoNodeError {
    RepoNodeError::Unavailable { url: url.to_owned(), cause: why.into() }
}

impl NodeUrl {
    fn with(&self, path: &str) -> String {
        format!("{self}/{path}")
    }
}

/// Without a slash at its end.
impl fmt::Display for NodeUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for NodeUrl {
    type Err = NodeUrlError;

    fn from_str(text: &str) -> Result<Self, NodeUrlError> {
        let url = Url::parse(text.trim()).map_err(|_| NodeUrlError("it is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(NodeUrlError("it does not begin with http:// or https:// and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NodeUrlError(
                "it has a user or a password, which contentrepo does not know",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NodeUrlError("it has a `?` or a `#`"));
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_named_by_the_url_of_its_api() {
        for (text, expected) in [
            ("http://repo1:8080/v1", Ok("http://repo1:8080/v1")),
            (" https://repo1.example.org/v1/ ", Ok("https://repo1.example.org/v1")),
            ("http://[::1]:8080", Ok("http://[::1]:8080")),
            ("repo1:8080/v1", Err("http://")),
            ("repo1", Err("no URL")),
            ("ftp://repo1/v1", Err("http://")),
            ("http://user:secret@repo1/v1", Err("a password")),
            ("http://repo1/v1?x=1", Err("a `?`")),
            ("", Err("no URL")),
        ] {
            let url = text.parse::<NodeUrl>().map(|url| url.to_string());
            match (url, expected) {
                (Ok(url), Ok(expected)) => assert_eq!(url, expected),
                (Err(error), Err(words)) => {
                    let error = error.to_string();
                    assert!(error.contains(words), "{text}: {error}");
                    assert!(!error.contains("secret"), "{error}");
                }
                (url, _) => panic!("{text}: {url:?}"),
            }
        }
    }

    #[test]
    fn only_a_status_of_contentrepo_is_understood() {
        let node: NodeUrl = "http://repo1/v1".parse().expect("a URL");
        let of = |answer: &str| counters(&node, "http://repo1/v1/status", answer.as_bytes());
        let answer =
            r#"{"bucketCount":8,"serviceStarted":"Mon","readsSinceStart":9,"writesSinceStart":3}"#;
        let expected =
            NodeCounters { url: "http://repo1/v1".into(), started: "Mon".into(), writes: 3 };
        assert_eq!(of(answer).expect("counters"), expected);
        let number =
            of(r#"{"serviceStarted":1700000000000,"writesSinceStart":0}"#).expect("counters");
        assert_eq!(number.started, "1700000000000");
        for (answer, words) in [
            ("<html>", "no JSON"),
            (r#"{"serviceStarted":"Mon"}"#, "writesSinceStart"),
            (r#"{"serviceStarted":"Mon","writesSinceStart":-1}"#, "writesSinceStart"),
            (r#"{"writesSinceStart":3}"#, "serviceStarted"),
            ("[]", "writesSinceStart"),
        ] {
            let error = of(answer).expect_err(answer).to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
