//! Opens the sessions that change rhino's table.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    ChangeError, DatabaseError, RhinoChanges, RhinoFacts, RhinoSession, TableHolders,
};

use super::failure::Failure;
use super::rhino_session::MysqlRhinoSession;
use super::server::Server;
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

    /// Replaces the time limits for a question, for a statement that changes rows, and for an index,
    /// which are production's.
    #[must_use]
    pub const fn with_times(
        mut self,
        request: Duration,
        change: Duration,
        index: Duration,
    ) -> Self {
        (self.0.times.request, self.0.times.change) = (request, change);
        self.0.times.index = index;
        self
    }

    /// Replaces the time between two looks for the session that makes an index.
    #[must_use]
    pub const fn with_watch(mut self, watch: Duration) -> Self {
        self.0.times.watch = watch;
        self
    }

    /// Replaces the time, in whole seconds, to wait for what another session holds.
    #[must_use]
    pub const fn with_lock_wait(mut self, lock_wait: Duration) -> Self {
        self.0.times.lock_wait = lock_wait;
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

    async fn lock(&self) -> Result<Box<dyn RhinoSession>, ChangeError> {
        let mut session = self.0.open().await.map_err(Server::not_opened)?;
        session.lock().await?;
        match prepare(&mut session).await {
            Ok(Ok(kept)) => Ok(Box::new(MysqlRhinoSession::new(session, kept))),
            Ok(Err(why)) => Err(ChangeError::Refused { at: self.0.at().to_owned(), why }),
            Err(failure) => Err(session.not_changed(failure).await),
        }
    }
}

/// Makes the session ready to change rows. Returns what its updates say of columns that are to stay, or
/// why the table must not be changed.
async fn prepare(session: &mut Session) -> Result<Result<String, String>, Failure> {
    let refusal = match session.triggers().await?.as_deref() {
        Some([]) => None,
        Some(triggers) => Some(format!(
            "the table `articleFile` has triggers, which would run at every change: {}; drop them \
             first",
            triggers.join(", ")
        )),
        None => Some(
            "the account cannot see whether the table `articleFile` has triggers: grant it TRIGGER"
                .to_owned(),
        ),
    };
    if let Some(why) = refusal {
        return Ok(Err(why));
    }
    // By ranges of the primary key both levels lead to the same rows. The lower one holds no rows
    // that it does not change, and a binary log of statements does not take it.
    let logs_statements = session.variables().await?.logs_statements();
    let level = if logs_statements { "REPEATABLE READ" } else { "READ COMMITTED" };
    let sql = format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}");
    session.execute("isolation", &sql, session.server.times.request).await?;
    session.kept_columns("articleFile").await.map(Ok)
}
