//! Asks the clients with which configuration they run, over HTTP as [`ContentRepoApi`] does: without a proxy,
//! without redirects, and with an answer of a bounded length.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{RepoNodeError, RunningConfigError, RunningConfigs};

use crate::calls::Calls;
use crate::content_repo_api::{ContentRepoApi, NoCertificates, NodeUrl};

/// The running clients. Only the URLs that are asked for count.
pub struct RunningConfigApi(ContentRepoApi);

impl RunningConfigApi {
    /// Connects at the first call, not here. Each request is answered within `request_time`. `nodes` are those
    /// that will be asked: where one has an https URL this machine's certificates are needed.
    pub fn new(
        nodes: Vec<NodeUrl>,
        request_time: Duration,
        calls: Arc<Calls>,
    ) -> Result<Self, NoCertificates> {
        ContentRepoApi::new(nodes, request_time, calls).map(Self)
    }
}

#[async_trait]
impl RunningConfigs for RunningConfigApi {
    async fn config(&self, url: &str) -> Result<String, RunningConfigError> {
        let no_config = |url: String, why: String| RunningConfigError::NoConfig { url, why };
        let answer = self.0.answer(url, "GET config").await.map_err(|error| match error {
            RepoNodeError::Unavailable { url, cause } => {
                RunningConfigError::Unavailable { url, cause }
            }
            RepoNodeError::Refused { url, why } | RepoNodeError::BadAnswer { url, why } => {
                no_config(url, why)
            }
        })?;
        String::from_utf8(answer.into())
            .map_err(|_| no_config(url.to_owned(), "its answer is no text".to_owned()))
    }
}
