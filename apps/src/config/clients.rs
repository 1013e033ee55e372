//! The databases of MogileFS's clients.

use std::path::PathBuf;
#[cfg(feature = "command-line")]
use std::sync::Arc;

#[cfg(feature = "command-line")]
use adapters::content_repo_api::NodeUrl;
#[cfg(feature = "command-line")]
use adapters::mysql::DatabaseUrl;
#[cfg(feature = "command-line")]
use adapters::spool::DiskSpools;
use clap::Args;
#[cfg(feature = "command-line")]
use domain::migrate::TypesFrom;

use super::Secret;
#[cfg(feature = "command-line")]
use super::database_url;
#[cfg(feature = "command-line")]
use crate::exit::UsageError;
#[cfg(feature = "command-line")]
use crate::report::shell;
#[cfg(feature = "command-line")]
use crate::wiring::Wiring;

/// contentrepo's setting.
pub const CONTENT_REPO: &str = "CONTENTREPO_DATABASE_URL";

/// The setting of contentrepo's nodes.
pub const NODES: &str = "CONTENTREPO_URL";

/// rhino's setting.
pub const RHINO: &str = "RHINO_DATABASE_URL";

/// The database of contentrepo.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct ContentRepoSettings {
    /// contentrepo's database as `mysql://user:password@host:port/db`
    #[arg(long, env = CONTENT_REPO, hide_env_values = true, value_name = "URL")]
    pub contentrepo_database_url: Option<Secret>,
}

/// Where the content types and download names of files come from.
#[derive(Debug, Clone, Args)]
pub struct TypesSettings {
    /// contentrepo's database.
    #[command(flatten)]
    pub content_repo: ContentRepoSettings,

    /// Directory on a disk for the content types and download names of all files while the command
    /// runs: about 1.3 GB for ten million rows of contentrepo. Nothing stays in it [default: the system's
    /// directory for temporary files, which is memory on some systems]
    #[arg(long, value_name = "DIR", help_heading = "Clients of MogileFS")]
    pub spool_dir: Option<PathBuf>,
}

#[cfg(feature = "command-line")]
impl TypesSettings {
    /// The flag that the next command needs too.
    #[must_use]
    pub fn flag(&self) -> String {
        let flag =
            |dir: &PathBuf| format!(" --spool-dir {}", shell::quoted(&dir.to_string_lossy()));
        self.spool_dir.as_ref().map(flag).unwrap_or_default()
    }

    /// Where they come from, if contentrepo's database is named.
    pub fn from(&self, wiring: &Wiring<'_>) -> Result<Option<TypesFrom>, UsageError> {
        let Some(url) = self.content_repo.url()? else {
            let text = "--spool-dir is for types and names: set CONTENTREPO_DATABASE_URL, too";
            let unused = self.spool_dir.is_some();
            return if unused { Err(UsageError(text.to_owned())) } else { Ok(None) };
        };
        let directory = self.spool_dir.clone().unwrap_or_else(std::env::temp_dir);
        if !directory.is_dir() {
            let text = format!("--spool-dir: `{}` is no directory", directory.display());
            return Err(UsageError(text));
        }
        let database = Arc::new(wiring.content_repo(url));
        Ok(Some(TypesFrom { database, spools: Arc::new(DiskSpools::new(directory)) }))
    }
}

/// contentrepo's nodes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct NodeSettings {
    /// URLs of the HTTP API of every node of contentrepo, separated by commas, such as
    /// `http://repo1.example.org:8080/v1`. A balancer answers for one node only
    #[arg(long = "contentrepo-url", env = NODES, value_delimiter = ',', value_name = "URL")]
    pub contentrepo_urls: Vec<String>,
}

#[cfg(feature = "command-line")]
impl NodeSettings {
    /// The nodes, where they are named.
    pub fn nodes(&self) -> Result<Vec<NodeUrl>, UsageError> {
        let named = self.contentrepo_urls.iter().filter(|url| !url.trim().is_empty());
        let mut nodes: Vec<NodeUrl> = Vec::new();
        for text in named {
            let url = text.parse().map_err(|error| {
                // A password may be in it.
                UsageError(format!(
                    "{NODES}: the URL number {} cannot be used: {error}",
                    nodes.len() + 1
                ))
            })?;
            if nodes.contains(&url) {
                return Err(UsageError(format!(
                    "{NODES} names `{url}` twice: each node has its own URL"
                )));
            }
            nodes.push(url);
        }
        Ok(nodes)
    }
}

/// rhino's HTTP API.
#[cfg(feature = "command-line")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct RhinoUrlSettings {
    /// URL of rhino's HTTP API, such as `http://rhino.example.org:8080/v2`
    #[arg(long = "rhino-url", env = RHINO_URL, value_name = "URL")]
    pub rhino_url: Option<String>,
}

/// The setting of rhino's HTTP API.
#[cfg(feature = "command-line")]
pub const RHINO_URL: &str = "RHINO_URL";

#[cfg(feature = "command-line")]
impl RhinoUrlSettings {
    /// rhino's API, where it is named.
    pub fn url(&self) -> Result<Option<NodeUrl>, UsageError> {
        let text = self.rhino_url.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let url = text.map(str::parse).transpose();
        url.map_err(|error| UsageError(format!("{RHINO_URL} cannot be used: {error}")))
    }
}

/// The database of rhino.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct RhinoSettings {
    /// rhino's database as `mysql://user:password@host:port/db`
    #[arg(long, env = RHINO, hide_env_values = true, value_name = "URL")]
    pub rhino_database_url: Option<Secret>,
}

/// The databases of MogileFS's clients.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct ClientSettings {
    /// contentrepo's.
    #[command(flatten)]
    pub content_repo: ContentRepoSettings,

    /// rhino's.
    #[command(flatten)]
    pub rhino: RhinoSettings,
}

#[cfg(feature = "command-line")]
impl ContentRepoSettings {
    /// contentrepo's database, where it is named.
    pub fn url(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        database_url(CONTENT_REPO, self.contentrepo_database_url.as_ref())
    }
}

#[cfg(feature = "command-line")]
impl RhinoSettings {
    /// rhino's database, where it is named.
    pub fn url(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        database_url(RHINO, self.rhino_database_url.as_ref())
    }
}

#[cfg(feature = "command-line")]
impl ClientSettings {
    /// contentrepo's database, where it is named.
    pub fn content_repo(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        self.content_repo.url()
    }

    /// rhino's database, where it is named.
    pub fn rhino(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        self.rhino.url()
    }
}
