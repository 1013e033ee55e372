//! Asks the servers of some databases which ones they are.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{DatabaseError, DatabaseServers};
use domain::server_ids::ServerIds;

use super::columns::text;
use super::sessions::Database;
use super::tables::{Query, Tables};
use super::url::DatabaseUrl;
use crate::calls::Calls;

/// What a server does not have has no row. No privilege is needed.
const IDS: Query = Query {
    name: "server ids",
    sql: "SHOW VARIABLES WHERE Variable_name IN ('server_id', 'server_uuid')",
};

const BINLOG: Query =
    Query { name: "binary log", sql: "SHOW VARIABLES WHERE Variable_name IN ('log_bin')" };

/// [`DatabaseServers`] on MySQL or MariaDB.
pub struct MysqlServers(Vec<Tables>);

impl MysqlServers {
    /// The servers of those databases of MogileFS, contentrepo and rhino that are given, in this order. Connects at
    /// the first query, not here.
    #[must_use]
    pub fn new(
        [mogile, content_repo, rhino]: [Option<DatabaseUrl>; 3],
        calls: &Arc<Calls>,
    ) -> Self {
        let all = [
            (mogile, Database::MogileFs),
            (content_repo, Database::ContentRepo),
            (rhino, Database::Rhino),
        ];
        let tables = all
            .into_iter()
            .filter_map(|(url, database)| url.map(|url| Tables::new(url, database, calls.clone())));
        Self(tables.collect())
    }

    /// Replaces the default time limit for a query, which is production's.
    #[must_use]
    pub fn with_time(self, time: Duration) -> Self {
        Self(self.0.into_iter().map(|tables| tables.with_time(time)).collect())
    }
}

#[async_trait]
impl DatabaseServers for MysqlServers {
    async fn ids(&self) -> Result<Vec<ServerIds>, DatabaseError> {
        let mut all = Vec::new();
        for tables in &self.0 {
            all.push(ids(tables).await?);
        }
        Ok(all)
    }

    async fn have_binlogs(&self) -> Result<Vec<bool>, DatabaseError> {
        let mut all = Vec::new();
        for tables in &self.0 {
            let rows = tables.ask(BINLOG, &[]).await?;
            let value = rows.first().map(|row| tables.read(text(row, "Value"))).transpose()?;
            let value = value.flatten().unwrap_or_default();
            all.push(value == "1" || value.eq_ignore_ascii_case("ON"));
        }
        Ok(all)
    }
}

async fn ids(tables: &Tables) -> Result<ServerIds, DatabaseError> {
    let mut ids = ServerIds::default();
    for row in tables.ask(IDS, &[]).await? {
        let read = |column| tables.read(text(&row, column));
        let value = read("Value")?.filter(|value| !value.is_empty());
        match read("Variable_name")?.unwrap_or_default().to_lowercase().as_str() {
            "server_id" => ids.server_id = value,
            "server_uuid" => ids.server_uuid = value,
            _ => {}
        }
    }
    Ok(ids)
}
