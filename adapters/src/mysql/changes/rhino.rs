//! Opens the sessions that change rhino's table.

use std::sync::Arc;

use async_trait::async_trait;
use domain::name_changes::NameChanges;
use domain::ports::{
    ChangeError, DatabaseError, IndexDefinition, RhinoChanges, RhinoFacts, RhinoSession, RowRange,
    TableHolders,
};

use super::failure::Failure;
use super::rhino_session::{MysqlRhinoSession, add_change, alter_sql, drop_change, update};
use super::server::{ChangeTimes, Server};
use super::session::Session;
use crate::calls::Calls;
use crate::mysql::sessions::Database;
use crate::mysql::url::DatabaseUrl;

/// [`RhinoChanges`] on MySQL or MariaDB.
pub struct MysqlRhinoChanges(Server);

impl MysqlRhinoChanges {
    /// Connects at the first call, not here.
    #[must_use]
    pub fn new(url: DatabaseUrl, calls: Arc<Calls>) -> Self {
        Self(Server::new(url, Database::Rhino, calls))
    }

    /// Replaces the time limits, which are production's.
    #[must_use]
    pub const fn with_times(mut self, times: ChangeTimes) -> Self {
        self.0.times = times;
        self
    }
}

#[async_trait]
impl RhinoChanges for MysqlRhinoChanges {
    async fn facts(&self) -> Result<RhinoFacts, DatabaseError> {
        let facts = self.0.open().await?.facts().await;
        facts.map_err(|failure| failure.reading(self.0.database, self.0.at()))
    }

    async fn holders(&self) -> Result<TableHolders, DatabaseError> {
        self.0.holders(&[]).await
    }

    async fn statements(
        &self,
        rows: RowRange,
        changes: &NameChanges,
        index: Option<&IndexDefinition>,
    ) -> Result<Vec<String>, DatabaseError> {
        let mut session = self.0.open().await?;
        let unread = |failure: Failure| failure.reading(self.0.database, self.0.at());
        let kept_columns = session.kept_columns().await.map_err(unread)?;
        let is_online = session.variables().await.map_err(unread)?.changes_indexes_online();
        let mut all = Vec::new();
        all.extend(index.map(|_| alter_sql(&drop_change(), is_online)));
        all.push("START TRANSACTION".to_owned());
        let updates = changes.as_slice().iter();
        all.extend(updates.map(|change| update(&kept_columns, rows, change, &[]).in_full()));
        all.push("COMMIT".to_owned());
        all.extend(index.map(|index| alter_sql(&add_change(index), is_online)));
        Ok(all)
    }

    async fn lock(&self) -> Result<Box<dyn RhinoSession>, ChangeError> {
        let mut session = self.0.open().await.map_err(Server::not_opened)?;
        session.lock().await?;
        let kept_columns = session.check_table().await?;
        match choose_isolation(&mut session).await {
            Ok(()) => Ok(Box::new(MysqlRhinoSession::new(session, kept_columns))),
            Err(failure) => Err(session.not_changed(failure).await),
        }
    }
}

/// By ranges of the primary key both levels lead to the same rows. The lower one holds no rows that it
/// does not change, and a binary log of statements does not take it.
async fn choose_isolation(session: &mut Session) -> Result<(), Failure> {
    let logs_statements = session.variables().await?.logs_statements();
    let level = if logs_statements { "REPEATABLE READ" } else { "READ COMMITTED" };
    let sql = format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}");
    session.execute("isolation", &sql, session.server.times.request).await
}
