//! The databases of MogileFS's clients.

#[cfg(feature = "command-line")]
use adapters::mysql::DatabaseUrl;
use clap::Args;

use super::Secret;
#[cfg(feature = "command-line")]
use super::database_url;
#[cfg(feature = "command-line")]
use crate::exit::UsageError;

/// contentrepo's setting.
pub const CONTENT_REPO: &str = "CONTENTREPO_DATABASE_URL";

/// rhino's setting.
pub const RHINO: &str = "RHINO_DATABASE_URL";

/// The databases of MogileFS's clients.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct ClientSettings {
    /// contentrepo's database as `mysql://user:password@host:port/db`
    #[arg(long, env = CONTENT_REPO, hide_env_values = true, value_name = "URL")]
    pub contentrepo_database_url: Option<Secret>,

    /// rhino's database as `mysql://user:password@host:port/db`
    #[arg(long, env = RHINO, hide_env_values = true, value_name = "URL")]
    pub rhino_database_url: Option<Secret>,
}

#[cfg(feature = "command-line")]
impl ClientSettings {
    /// contentrepo's database, where it is named.
    pub fn content_repo(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        database_url(CONTENT_REPO, self.contentrepo_database_url.as_ref())
    }

    /// rhino's database, where it is named.
    pub fn rhino(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        database_url(RHINO, self.rhino_database_url.as_ref())
    }
}
