//! A session that may write: statements with time limits, and transactions.

use std::time::Duration;

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Error, Executor};
use tokio::time::timeout;

use super::failure::Failure;
use super::server::Server;
use super::statement::Statement;
use crate::calls::System;
use crate::mysql::trouble::unless_it_panics;

/// A session. Dropping it closes the connection: the server takes back what is not committed and gives
/// its lock free.
pub(super) struct Session {
    pub(super) server: Server,
    /// Nothing after a failure that leaves the state of the session unknown.
    connection: Option<MySqlConnection>,
    /// Its number on the server.
    pub(super) id: u64,
    /// Whether it has asked for the lock of all operators, and may hold it.
    pub(super) wants_lock: bool,
}

impl Session {
    pub(super) const fn new(server: Server, connection: MySqlConnection, id: u64) -> Self {
        Self { server, connection: Some(connection), id, wants_lock: false }
    }

    /// Carries out a statement that changes rows, and returns how many it found.
    pub(super) async fn change(&mut self, statement: &Statement) -> Result<u64, Failure> {
        let time = self.server.times.change;
        let send = async |connection: &mut MySqlConnection| {
            Ok(statement.query().execute(connection).await?.rows_affected())
        };
        self.run(statement.name, time, send).await
    }

    /// Carries out a statement without values, within its own time.
    pub(super) async fn execute(
        &mut self,
        name: &'static str,
        sql: &str,
        time: Duration,
    ) -> Result<(), Failure> {
        // As text: not every statement can be prepared on every server.
        let send = async |connection: &mut MySqlConnection| {
            connection.execute(AssertSqlSafe(sql)).await.map(drop)
        };
        self.run(name, time, send).await
    }

    /// The rows of a question.
    pub(super) async fn rows(&mut self, statement: &Statement) -> Result<Vec<MySqlRow>, Failure> {
        let time = self.server.times.request;
        let send = async |connection: &mut MySqlConnection| {
            if statement.values.is_empty() {
                connection.fetch_all(AssertSqlSafe(statement.sql.as_str())).await
            } else {
                statement.query().fetch_all(connection).await
            }
        };
        self.run(statement.name, time, send).await
    }

    /// Sends something and waits for its answer. An answer that does not come, or that is no answer,
    /// ends the session: what comes next on its connection is unknown.
    async fn run<T>(
        &mut self,
        name: &'static str,
        time: Duration,
        send: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let mut connection = self.connection.take().ok_or(Failure::Ended)?;
        let more = time.saturating_sub(self.server.times.request);
        let waiting = self.server.calls.begin_long(System::Mysql, name, more);
        let answer = timeout(time, unless_it_panics(send(&mut connection))).await;
        let answer =
            answer.map_or_else(|_| Err(Failure::late(time)), |answer| answer.map_err(Failure::of));
        let answer = waiting.end(answer);
        match &answer {
            Ok(_) | Err(Failure::Answered { .. }) => self.connection = Some(connection),
            Err(Failure::Broken(_) | Failure::Ended) => {
                drop(connection);
                if self.wants_lock {
                    self.server.end(self.id).await;
                }
            }
        }
        answer
    }

    /// A value that was read from an answer.
    pub(super) fn read<T>(value: Result<T, Error>) -> Result<T, Failure> {
        value.map_err(|error| Failure::Broken(error.into()))
    }

    pub(super) async fn begin(&mut self) -> Result<(), Failure> {
        let time = self.server.times.request;
        self.execute("begin", "START TRANSACTION", time).await
    }

    /// Commits. A failure without an answer leaves open whether it is done.
    pub(super) async fn commit(&mut self) -> Result<(), Failure> {
        self.execute("commit", "COMMIT", self.server.times.change).await
    }

    /// Takes back what is not committed, if need be by closing the connection.
    pub(super) async fn roll_back(&mut self) {
        let time = self.server.times.change;
        if self.execute("rollback", "ROLLBACK", time).await.is_err() {
            self.close();
        }
    }

    pub(super) fn close(&mut self) {
        self.connection = None;
    }
}
