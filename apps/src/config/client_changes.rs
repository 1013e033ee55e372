//! The databases of contentrepo and rhino as ones that are changed.

use adapters::mysql::DatabaseUrl;
use clap::Args;
use domain::journal::ClientDatabase;

use super::{Secret, database_url};
use crate::exit::UsageError;

/// contentrepo's setting.
pub const CONTENT_REPO_WRITE: &str = "CONTENTREPO_DATABASE_WRITE_URL";

/// rhino's setting.
pub const RHINO_WRITE: &str = "RHINO_DATABASE_WRITE_URL";

/// The databases of contentrepo and rhino as ones that are changed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct ClientChangeSettings {
    /// contentrepo's database as `mysql://user:password@host:port/db`, the primary, by an account that may
    /// change the table `buckets`. Nothing is ever written over `CONTENTREPO_DATABASE_URL`
    #[arg(long, env = CONTENT_REPO_WRITE, hide_env_values = true, value_name = "URL")]
    pub contentrepo_database_write_url: Option<Secret>,

    /// rhino's database in the same form, the primary, by an account that may change the table
    /// `articleFile` and its indexes. Nothing is ever written over `RHINO_DATABASE_URL`
    #[arg(long, env = RHINO_WRITE, hide_env_values = true, value_name = "URL")]
    pub rhino_database_write_url: Option<Secret>,
}

impl ClientChangeSettings {
    /// The name of the setting of this database.
    #[must_use]
    pub const fn setting(database: ClientDatabase) -> &'static str {
        match database {
            ClientDatabase::Contentrepo => CONTENT_REPO_WRITE,
            ClientDatabase::Rhino => RHINO_WRITE,
        }
    }

    /// The database that is changed, where it is named.
    pub fn url(&self, database: ClientDatabase) -> Result<Option<DatabaseUrl>, UsageError> {
        let url = match database {
            ClientDatabase::Contentrepo => &self.contentrepo_database_write_url,
            ClientDatabase::Rhino => &self.rhino_database_write_url,
        };
        database_url(Self::setting(database), url.as_ref())
    }
}

/// The replicas of rhino's database.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients of MogileFS")]
pub struct ReplicaSettings {
    /// With --online: rhino's replicas in the same form, separated by commas. Their account may ask how far
    /// they are behind (REPLICATION CLIENT)
    #[arg(long = "replica", env = REPLICAS, hide_env_values = true, value_name = "URL")]
    #[arg(value_delimiter = ',')]
    pub rhino_replica_urls: Vec<Secret>,
}

/// The setting of rhino's replicas.
const REPLICAS: &str = "RHINO_REPLICA_DATABASE_URLS";

impl ReplicaSettings {
    /// The replicas.
    pub fn urls(&self) -> Result<Vec<DatabaseUrl>, UsageError> {
        let urls = self.rhino_replica_urls.iter().map(|url| database_url(REPLICAS, Some(url)));
        Ok(urls.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}
