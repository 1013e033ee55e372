//! How busy rhino's server is, and how far its replicas are behind.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{DatabaseError, ReplicaLag, RhinoLoad, ServerLoad};
use sqlx::Error;
use sqlx::mysql::MySqlRow;
use tokio::sync::Mutex;

use super::failure::Failure;
use super::server::{ChangeTimes, Server};
use super::session::Session;
use super::statement::Statement;
use crate::calls::Calls;
use crate::mysql::columns::{optional, text};
use crate::mysql::sessions::Database;
use crate::mysql::url::DatabaseUrl;

const RUNNING: &str = "SHOW GLOBAL STATUS LIKE 'Threads_running'";

/// The statements that show replication, the first one that the server knows counts. MySQL has the first from
/// 8.0.22 on and the second before 8.4; `MariaDB` has several sources in the third alone, and knows it from 10.0
/// on (MySQL 8.0 and 8.4 references, "SHOW REPLICA STATUS Statement"; `MariaDB` documentation, "SHOW REPLICA
/// STATUS").
const REPLICATION: [&str; 2] = ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"];
const REPLICATION_OF_ALL: &str = "SHOW ALL SLAVES STATUS";

/// The columns that say how far a replica is behind, in seconds (the same pages): MySQL renamed the second in
/// 8.0.22, `MariaDB` did not. NULL where replication does not run.
const BEHIND: [&str; 2] = ["Seconds_Behind_Source", "Seconds_Behind_Master"];

/// `ER_PARSE_ERROR`.
const SYNTAX: u16 = 1064;
/// `ER_SPECIFIC_ACCESS_DENIED_ERROR`.
const LACKS_PRIVILEGE: u16 = 1227;

/// [`RhinoLoad`] on MySQL or `MariaDB`. It keeps a session on each server open.
pub struct MysqlRhinoLoad {
    server: Asked,
    replicas: Vec<Asked>,
}

impl MysqlRhinoLoad {
    /// Connects at the first call, not here.
    #[must_use]
    pub fn new(url: DatabaseUrl, replicas: Vec<DatabaseUrl>, calls: &Arc<Calls>) -> Self {
        let asked = |url| Asked {
            server: Server::new(url, Database::Rhino, calls.clone()),
            session: Mutex::default(),
        };
        Self { server: asked(url), replicas: replicas.into_iter().map(asked).collect() }
    }

    /// Replaces the time limits, which are production's.
    #[must_use]
    pub fn with_times(mut self, times: ChangeTimes) -> Self {
        self.server.server.times = times;
        self.replicas.iter_mut().for_each(|replica| replica.server.times = times);
        self
    }
}

#[async_trait]
impl RhinoLoad for MysqlRhinoLoad {
    async fn load(&self) -> Result<ServerLoad, DatabaseError> {
        let threads_running = self.server.threads_running().await?;
        let mut replicas = Vec::new();
        for replica in &self.replicas {
            replicas.push(replica.lag().await?);
        }
        Ok(ServerLoad { threads_running, replicas })
    }
}

/// A server that is asked again and again.
struct Asked {
    server: Server,
    session: Mutex<Option<Session>>,
}

impl Asked {
    fn at(&self) -> String {
        self.server.at().to_owned()
    }

    fn bad(&self, why: String) -> DatabaseError {
        DatabaseError::BadAnswer { at: self.at(), why }
    }

    async fn threads_running(&self) -> Result<u64, DatabaseError> {
        let rows = self.ask("load", &[RUNNING]).await?;
        let value = rows.first().map(|row| text(row, "Value"));
        let value = value.transpose().map_err(|error| self.bad(error.to_string()))?.flatten();
        let number = value.as_deref().and_then(|value| value.parse().ok());
        number.ok_or_else(|| self.bad(format!("{value:?} as Threads_running")))
    }

    async fn lag(&self) -> Result<ReplicaLag, DatabaseError> {
        let mut statements = REPLICATION.to_vec();
        if self.is_mariadb().await? {
            statements.insert(0, REPLICATION_OF_ALL);
        }
        let rows = self.ask("replication", &statements).await?;
        if rows.is_empty() {
            let why = "it is no replica: SHOW REPLICA STATUS has no row".to_owned();
            return Err(DatabaseError::Refused { at: self.at(), why });
        }
        let lags: Result<Vec<_>, Error> = rows.iter().map(behind).collect();
        let lags = lags.map_err(|error| self.bad(error.to_string()))?;
        Ok(ReplicaLag { at: self.at(), lag: longest(&lags).map(Duration::from_secs) })
    }

    async fn is_mariadb(&self) -> Result<bool, DatabaseError> {
        let rows = self.ask("version", &["SELECT VERSION() AS version"]).await?;
        let version = rows.first().map(|row| text(row, "version"));
        let version = version.transpose().map_err(|error| self.bad(error.to_string()))?.flatten();
        Ok(version.is_some_and(|version| version.contains("MariaDB")))
    }

    /// The answer to the first of the statements that the server knows. A session that failed is not used again.
    async fn ask(
        &self,
        name: &'static str,
        statements: &[&str],
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        let mut kept = self.session.lock().await;
        let mut session = match kept.take() {
            Some(session) => session,
            None => self.server.open().await?,
        };
        let mut asked = Err(Failure::Ended);
        for sql in statements {
            asked = session.rows(&Statement::new(name, *sql)).await;
            if !asked.as_ref().is_err_and(|failure| failure.number() == Some(SYNTAX)) {
                break;
            }
        }
        match asked {
            Ok(rows) => {
                *kept = Some(session);
                Ok(rows)
            }
            Err(failure) if failure.number() == Some(LACKS_PRIVILEGE) => {
                let why = format!(
                    "{failure}: grant REPLICATION CLIENT, or on MariaDB from 10.5.9 on REPLICA MONITOR"
                );
                Err(DatabaseError::Refused { at: self.at(), why })
            }
            Err(failure) => Err(failure.reading(Database::Rhino, self.server.at())),
        }
    }
}

/// How far one source of a replica is ahead, in seconds.
fn behind(row: &MySqlRow) -> Result<Option<u64>, Error> {
    let [new, old] = BEHIND;
    match optional(row, new) {
        Err(Error::ColumnNotFound(_)) => optional(row, old),
        answer => answer,
    }
}

/// The longest of several lags; nothing where one of them is not known.
fn longest(lags: &[Option<u64>]) -> Option<u64> {
    lags.iter().copied().try_fold(0, |longest, lag| lag.map(|lag| longest.max(lag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_does_not_replicate_hides_behind_no_other() {
        assert_eq!(longest(&[Some(3), Some(9), Some(0)]), Some(9));
        assert_eq!(longest(&[Some(3), None]), None);
    }
}
