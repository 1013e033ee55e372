//! The sessions on a server, and those of them that hold a table.

use domain::ports::{DatabaseError, ServerSession, TableHolders};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::failure::Failure;
use super::server::Server;
use super::session::Session;
use super::statement::Statement;
use crate::mysql::columns::{optional, present, text};

/// Every version of every server knows it. Without PROCESS an account sees its own sessions only.
const PROCESSES: &str = "SHOW FULL PROCESSLIST";

/// Locks of tables are shown from MySQL 5.7 on, and by default from 8.0 on, to accounts with SELECT on
/// `performance_schema` (MySQL 8.4 reference, "The `metadata_locks` Table").
const LOCKS: &str = "SELECT DISTINCT t.PROCESSLIST_ID AS id, t.PROCESSLIST_USER AS user, \
     t.PROCESSLIST_HOST AS host, t.PROCESSLIST_TIME AS seconds, t.PROCESSLIST_COMMAND AS command \
     FROM performance_schema.metadata_locks AS m \
     JOIN performance_schema.threads AS t ON t.THREAD_ID = m.OWNER_THREAD_ID \
     WHERE m.OBJECT_TYPE = 'TABLE' AND m.LOCK_STATUS = 'GRANTED' \
     AND m.OBJECT_SCHEMA = DATABASE() AND m.OBJECT_NAME = ? \
     AND t.PROCESSLIST_ID IS NOT NULL AND t.PROCESSLIST_ID <> CONNECTION_ID()";

/// Whether the server records who holds which table.
const RECORDED: &str = "SELECT ENABLED AS enabled FROM performance_schema.setup_instruments \
                        WHERE NAME = 'wait/lock/metadata/sql/mdl'";

impl Session {
    /// All sessions that the account may see, each with its database.
    pub(super) async fn processes(
        &mut self,
    ) -> Result<Vec<(ServerSession, Option<String>)>, Failure> {
        let rows = self.rows(&Statement::new("processes", PROCESSES)).await?;
        let process = |row: &MySqlRow| {
            let session = ServerSession {
                id: present(row, "Id")?,
                user: text(row, "User")?,
                host: text(row, "Host")?,
                // Negative where the server's clock was set back.
                seconds: optional(row, "Time")?,
                command: text(row, "Command")?,
            };
            Ok((session, text(row, "db")?))
        };
        rows.iter().map(|row| Self::read(process(row))).collect()
    }

    /// The sessions that hold a table, without our own.
    pub(super) async fn holders(
        &mut self,
        table: &str,
        ours: &[u64],
    ) -> Result<TableHolders, Failure> {
        let mut holders = match self.recorded_holders(table).await {
            Ok(Some(sessions)) => TableHolders { sessions, are_certain: true },
            // The account may not see them, or the server does not know.
            Ok(None) | Err(Failure::Answered { .. }) => self.possible_holders().await?,
            Err(failure) => return Err(failure),
        };
        holders.sessions.retain(|session| session.id != self.id && !ours.contains(&session.id));
        holders.sessions.sort_by_key(|session| std::cmp::Reverse(session.seconds));
        Ok(holders)
    }

    async fn recorded_holders(
        &mut self,
        table: &str,
    ) -> Result<Option<Vec<ServerSession>>, Failure> {
        let recorded = self.rows(&Statement::new("holders", RECORDED)).await?;
        let enabled = recorded.first().map(|row| text(row, "enabled")).transpose();
        if Self::read(enabled)?.flatten().as_deref() != Some("YES") {
            return Ok(None);
        }
        let rows = self.rows(&Statement::new("holders", LOCKS).text(table)).await?;
        let holder = |row: &MySqlRow| {
            Ok::<_, Error>(ServerSession {
                id: present(row, "id")?,
                user: text(row, "user")?,
                host: text(row, "host")?,
                seconds: optional(row, "seconds")?,
                command: text(row, "command")?,
            })
        };
        let holders = rows.iter().map(|row| Self::read(holder(row)));
        Ok(Some(holders.collect::<Result<_, _>>()?))
    }

    async fn possible_holders(&mut self) -> Result<TableHolders, Failure> {
        let database = self.server.url.options().get_database().map(str::to_owned);
        let processes = self.processes().await?.into_iter();
        let sessions = processes.filter(|(_, of)| *of == database).map(|(session, _)| session);
        Ok(TableHolders { sessions: sessions.collect(), are_certain: false })
    }
}

impl Server {
    /// The other sessions that hold the table which is changed, without ours of these numbers.
    pub(super) async fn holders(&self, ours: &[u64]) -> Result<TableHolders, DatabaseError> {
        let table = self.database.changed_table();
        let holders = self.open().await?.holders(table, ours).await;
        holders.map_err(|failure| failure.reading(self.database, self.at()))
    }
}
