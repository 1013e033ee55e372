//! One database that is changed: opens sessions there, ends them, and finds them again.

use std::sync::Arc;
use std::time::Duration;

use domain::limits;
use domain::ports::{ChangeError, DatabaseError};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Error, Executor};
use tokio::time::{sleep, timeout};

use super::failure::{Failure, NO_SUCH_THREAD, unconnected};
use super::session::Session;
use crate::calls::{Calls, System};
use crate::mysql::columns::{optional, present};
use crate::mysql::sessions::Database;
use crate::mysql::trouble::{Trouble, unless_it_panics};
use crate::mysql::url::DatabaseUrl;

/// A database, and how it is changed.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) url: DatabaseUrl,
    pub(super) database: Database,
    pub(super) calls: Arc<Calls>,
    pub(super) times: ChangeTimes,
}

/// How long a server that is changed has for each kind of work.
#[derive(Debug, Clone, Copy)]
pub struct ChangeTimes {
    /// To connect, and to answer what needs no lock.
    pub request: Duration,
    /// For a statement that changes rows.
    pub change: Duration,
    /// For an index.
    pub index: Duration,
    /// For rows or a table that another session holds, in whole seconds.
    pub lock_wait: Duration,
    /// Between two looks for our session while an index is made.
    pub watch: Duration,
}

impl Default for ChangeTimes {
    fn default() -> Self {
        Self {
            request: limits::REQUEST_TIME,
            change: limits::CHANGE_TIME,
            index: limits::INDEX_TIME,
            lock_wait: limits::LOCK_WAIT,
            watch: limits::SESSION_WATCH,
        }
    }
}

impl Server {
    pub(super) fn new(url: DatabaseUrl, database: Database, calls: Arc<Calls>) -> Self {
        Self { url, database, calls, times: ChangeTimes::default() }
    }

    /// Host, port and database, for errors.
    pub(super) fn at(&self) -> &str {
        self.url.name()
    }

    /// Opens a session that may write.
    pub(super) async fn open(&self) -> Result<Session, DatabaseError> {
        let waiting = self.calls.begin(System::Mysql, "connect");
        let opened = timeout(self.times.request, self.connect()).await;
        let opened = opened.map_or_else(
            |_| Err(Trouble::late(self.times.request)),
            |opened| opened.map_err(|error| Trouble::of(error, self.database)),
        );
        let opened = waiting.end(opened.map_err(|trouble| unconnected(trouble, self.at())));
        let (connection, id) = opened?;
        Ok(Session::new(self.clone(), connection, id))
    }

    async fn connect(&self) -> Result<(MySqlConnection, u64), Error> {
        let connect = async {
            let mut connection = self.url.options().connect().await?;
            connection.execute(AssertSqlSafe(self.set_up())).await?;
            let row = connection.fetch_one("SELECT CONNECTION_ID() AS id").await?;
            let id = present(&row, "id")?;
            Ok((connection, id))
        };
        unless_it_panics(connect).await
    }

    /// What a session must not leave to the server's or the URL's choice: that a name which does not
    /// fit is an error, that a time which is written to itself stays the same, that a table is shown
    /// in one way, that names are sent as UTF-8, that it goes on behind a COMMIT, and how long it waits
    /// and lives.
    fn set_up(&self) -> String {
        let (lock_wait, idle) = (self.times.lock_wait.as_secs(), limits::SESSION_IDLE.as_secs());
        format!(
            "SET SESSION autocommit = 1, sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00', \
             sql_quote_show_create = 1, completion_type = 0, lock_wait_timeout = {lock_wait}, \
             innodb_lock_wait_timeout = {lock_wait}, wait_timeout = {idle} \
             /*M!100101 , max_statement_time = 0 */ , NAMES utf8mb4"
        )
    }

    /// Ends a session of ours whose connection is gone on our side. The server may not know that yet:
    /// then what it does is done behind our back, and it keeps its lock until its own time is up. Who
    /// holds the lock is that session, and not another one that has got its number since. It may be too
    /// late, and it may fail: the caller knows what is uncertain.
    pub(super) async fn end(&self, id: u64) {
        let end = async {
            let mut connection = self.url.options().connect().await?;
            let holder = sqlx::query("SELECT IS_USED_LOCK(?) AS holder").bind(self.lock_name());
            let holder = holder.fetch_one(&mut connection).await?;
            if optional(&holder, "holder")? == Some(id) {
                connection.execute(AssertSqlSafe(format!("KILL {id}"))).await?;
            }
            connection.close().await
        };
        let waiting = self.calls.begin(System::Mysql, "end session");
        let ended = timeout(self.times.request, unless_it_panics(end)).await;
        let ended = ended.map_or_else(
            |_| Err(Failure::late(self.times.request)),
            |ended| ended.map_err(Failure::of),
        );
        match waiting.end(ended) {
            Ok(()) => {}
            // It has ended meanwhile.
            Err(failure) if failure.number() == Some(NO_SUCH_THREAD) => {}
            Err(failure) => {
                tracing::warn!("session {id} of `{}` could not be ended: {failure}", self.at());
            }
        }
    }

    /// Returns when the server does not know the session any more, or has not answered for as many
    /// looks. While an index is made a broken connection shows itself in no other way.
    pub(super) async fn lost(&self, id: u64) -> Failure {
        let mut missed = 0;
        let mut why = String::new();
        while missed < limits::SESSION_LOOKS {
            sleep(self.times.watch).await;
            match self.is_there(id).await {
                Ok(true) => missed = 0,
                Ok(false) => {
                    missed += 1;
                    why = format!("the server has no session {id} any more");
                }
                // Too many connections, for example: those of others that wait for the index. That
                // says nothing of our session.
                Err(Failure::Answered { .. }) => {}
                Err(failure) => {
                    missed += 1;
                    why = failure.to_string();
                }
            }
        }
        Failure::Broken(why.into())
    }

    async fn is_there(&self, id: u64) -> Result<bool, Failure> {
        let waiting = self.calls.begin(System::Mysql, "connect");
        let opened = timeout(self.times.request, self.connect()).await;
        let opened = waiting.end(opened.map_or_else(
            |_| Err(Failure::late(self.times.request)),
            |opened| opened.map_err(Failure::of),
        ));
        let (connection, own) = opened?;
        let processes = Session::new(self.clone(), connection, own).processes().await?;
        Ok(processes.iter().any(|(session, _)| session.id == id))
    }

    /// A failure to open a session, when it was to change something.
    pub(super) fn not_opened(error: DatabaseError) -> ChangeError {
        match error {
            DatabaseError::Unavailable { at, cause } => ChangeError::Unavailable { at, cause },
            DatabaseError::Refused { at, why } => ChangeError::Refused { at, why },
            DatabaseError::BadAnswer { at, why } => {
                ChangeError::Unavailable { at, cause: why.into() }
            }
        }
    }
}
