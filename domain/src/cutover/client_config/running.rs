//! The configuration with which the clients run: the store of each node of contentrepo, and rhino's buckets.

use serde::Serialize;
use serde_json::Value;

use super::{ConfigChecked, ConfigState, RhinoConfig, check_rhino};
use crate::BucketMap;
use crate::ports::{Clock, RunningConfigs, S3_STORE_CLASS, store_class};
use crate::retried::retried;

/// Which client answers at a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunningClient {
    /// A node of contentrepo.
    Contentrepo,
    /// rhino.
    Rhino,
}

/// A URL that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedNode {
    /// The URL of its API, without a slash at its end.
    pub url: String,
    /// The client that must answer there; [`None`] where the answer says which one it is.
    pub client: Option<RunningClient>,
}

/// What a client says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunningConfig {
    /// contentrepo.
    Contentrepo {
        /// The class of its store.
        store: String,
        /// Its version.
        version: Option<String>,
        /// Whether it answers readers with URLs of objects where they ask for it.
        has_x_reproxy: Option<bool>,
    },
    /// rhino.
    Rhino(RhinoConfig),
}

/// One URL, and what its answer means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunningSeen {
    /// The URL of its API.
    pub url: String,
    /// The client that answered, or that should have.
    pub client: Option<RunningClient>,
    /// What was found.
    #[serde(flatten)]
    pub checked: ConfigChecked,
}

impl AskedNode {
    /// The URL of its configuration. contentrepo ignores the parameter that rhino needs.
    fn config_url(&self) -> String {
        match self.client {
            Some(RunningClient::Contentrepo) => format!("{}/config", self.url),
            Some(RunningClient::Rhino) | None => format!("{}/config?type=repo", self.url),
        }
    }
}

/// Asks each URL, one after the other, and checks the answers. A URL that gives none is
/// [`ConfigState::Unseen`].
pub async fn read_running(
    configs: &dyn RunningConfigs,
    clock: &dyn Clock,
    nodes: &[AskedNode],
    buckets: &BucketMap,
    salt: u64,
) -> Vec<RunningSeen> {
    let mut all = Vec::with_capacity(nodes.len());
    for node in nodes {
        let url = node.config_url();
        let answer = retried(clock, salt, || configs.config(&url)).await;
        let read = answer
            .map_err(|error| error.to_string())
            .and_then(|text| RunningConfig::parse(&text).map_err(|why| format!("`{url}` {why}")));
        let (client, checked) = match read {
            Err(why) => {
                let why = format!(
                    "{why}. Is it the URL of the API of one node, such as `http://repo1.example.org:8080/v1`, and \
                     does the node run?"
                );
                (node.client, ConfigChecked::one(ConfigState::Unseen, why))
            }
            Ok(config) => (Some(config.client()), of_expected(node, &config, buckets)),
        };
        all.push(RunningSeen { url: node.url.clone(), client, checked });
    }
    all
}

fn of_expected(node: &AskedNode, config: &RunningConfig, buckets: &BucketMap) -> ConfigChecked {
    if node.client.is_some_and(|client| client != config.client()) {
        let text = match config.client() {
            RunningClient::Contentrepo => "it is contentrepo's API, and RHINO_URL names it",
            RunningClient::Rhino => "it is rhino's API, and CONTENTREPO_URL names it",
        };
        return ConfigChecked::one(ConfigState::Unseen, text);
    }
    check_running(config, buckets)
}

/// Whether a running client is behind the cut-over.
#[must_use]
pub fn check_running(config: &RunningConfig, buckets: &BucketMap) -> ConfigChecked {
    let (store, version, has_x_reproxy) = match config {
        RunningConfig::Rhino(config) => return check_rhino(config, buckets),
        RunningConfig::Contentrepo { store, version, has_x_reproxy } => {
            (store, version.as_deref().unwrap_or("unknown"), has_x_reproxy)
        }
    };
    let class = store.rsplit('.').next().unwrap_or_default();
    let runs = format!("contentrepo (version {version}) runs with the store `{store}`");
    let mut checked = if store == S3_STORE_CLASS {
        ConfigChecked::one(ConfigState::Done, runs)
    } else if class.starts_with("Mogile") {
        let text = format!("{runs}: change its context.xml, then start it again");
        ConfigChecked::one(ConfigState::NotYet, text)
    } else {
        let text = format!("{runs}, which is neither MogileFS nor S3: correct its context.xml");
        ConfigChecked::one(ConfigState::Wrong, text)
    };
    if *has_x_reproxy == Some(true) {
        checked.seen.push(
            "it gives readers that ask for it the URLs of objects: anybody must be able to read these without keys"
                .to_owned(),
        );
    }
    checked
}

impl RunningConfig {
    const fn client(&self) -> RunningClient {
        match self {
            Self::Contentrepo { .. } => RunningClient::Contentrepo,
            Self::Rhino(_) => RunningClient::Rhino,
        }
    }

    /// Reads an answer. Errors where it is neither client's.
    pub fn parse(text: &str) -> Result<Self, String> {
        let answer: Value = serde_json::from_str(text)
            .map_err(|_| "answers with something that is no JSON".to_owned())?;
        if let Some(store) = answer.get("objectStoreBackend") {
            let Some(store) = store.as_str().filter(|store| !store.trim().is_empty()) else {
                return Err("answers with an `objectStoreBackend` that is no text".to_owned());
            };
            let store = store_class(store).to_owned();
            let version = answer.get("version").and_then(Value::as_str).map(str::to_owned);
            let has_x_reproxy = answer.get("hasXReproxy").and_then(Value::as_bool);
            return Ok(Self::Contentrepo { store, version, has_x_reproxy });
        }
        RhinoConfig::of(&answer).map(Self::Rhino).ok_or_else(|| {
            "answers with neither contentrepo's `objectStoreBackend` nor rhino's `corpus`"
                .to_owned()
        })
    }
}
