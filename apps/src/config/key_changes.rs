//! MogileFS's database as one that is changed.

use adapters::mysql::DatabaseUrl;
use clap::Args;

use super::{Secret, database_url};
use crate::exit::UsageError;

/// The setting of the database that is changed.
pub const WRITE_URL: &str = "MOGILE_DATABASE_WRITE_URL";

/// MogileFS's database as one that is changed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Source")]
pub struct KeyChangeSettings {
    /// MogileFS's database as `mysql://user:password@host:port/db`, by an account that may change the
    /// table `file`. Nothing is ever written over `MOGILE_DATABASE_URL`
    #[arg(long, env = WRITE_URL, hide_env_values = true, value_name = "URL")]
    pub database_write_url: Option<Secret>,
}

impl KeyChangeSettings {
    /// The database, where it is named.
    pub fn url(&self) -> Result<Option<DatabaseUrl>, UsageError> {
        database_url(WRITE_URL, self.database_write_url.as_ref())
    }
}
