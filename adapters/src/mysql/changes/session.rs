//! A session that may write: statements with time limits, transactions, and the lock of all operators.

use std::time::Duration;

use domain::Sha1;
use domain::ports::{ChangeError, ServerSession};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, Error, Executor};
use tokio::time::timeout;

use super::failure::Failure;
use super::server::Server;
use super::statement::Statement;
use crate::calls::System;
use crate::mysql::columns::optional;
use crate::mysql::trouble::unless_it_panics;

/// Letters of a lock's name (MySQL 8.4 reference, "Locking Functions").
const LOCK_NAME_LETTERS: usize = 64;

/// A session. Dropping it closes the connection: the server takes back what is not committed and gives
/// its lock free.
pub(super) struct Session {
    pub(super) server: Server,
    /// Nothing after a failure that leaves the state of the session unknown.
    connection: Option<MySqlConnection>,
    /// Its number on the server.
    pub(super) id: u64,
}

impl Session {
    pub(super) const fn new(server: Server, connection: MySqlConnection, id: u64) -> Self {
        Self { server, connection: Some(connection), id }
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
        let is_late = answer.is_err();
        let answer =
            answer.map_or_else(|_| Err(Failure::late(time)), |answer| answer.map_err(Failure::of));
        let answer = waiting.end(answer);
        match &answer {
            Ok(_) | Err(Failure::Answered { .. }) => self.connection = Some(connection),
            Err(Failure::Broken(_) | Failure::Ended) => {
                drop(connection);
                if is_late {
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

    /// Takes the lock of all operators, which stays as long as the session.
    pub(super) async fn lock(&mut self) -> Result<(), ChangeError> {
        let name = self.lock_name();
        let take = Statement::new("lock", "SELECT GET_LOCK(?, 0) AS taken").text(&name);
        let rows = match self.rows(&take).await {
            Ok(rows) => rows,
            Err(failure) => return Err(self.not_changed(failure).await),
        };
        if matches!(rows.first().map(|row| optional(row, "taken")), Some(Ok(Some(1)))) {
            return Ok(());
        }
        let at = self.server.at().to_owned();
        match self.lock_holder().await {
            Ok(Some(holder)) => Err(ChangeError::Locked { at, holder }),
            Ok(None) => {
                let cause = format!("the server did not give the lock `{name}`").into();
                Err(ChangeError::Unavailable { at, cause })
            }
            Err(failure) => Err(self.not_changed(failure).await),
        }
    }

    /// Who holds the lock, as far as the account may see it.
    async fn lock_holder(&mut self) -> Result<Option<ServerSession>, Failure> {
        let Some(id) = self.lock_owner().await?.1 else { return Ok(None) };
        let unseen = ServerSession { id, ..ServerSession::default() };
        let processes = self.processes().await?.into_iter().map(|(session, _)| session);
        Ok(Some(processes.into_iter().find(|session| session.id == id).unwrap_or(unseen)))
    }

    /// The number of this session, and that of the one that holds the lock.
    async fn lock_owner(&mut self) -> Result<(Option<u64>, Option<u64>), Failure> {
        let sql = "SELECT CONNECTION_ID() AS session, IS_USED_LOCK(?) AS holder";
        let rows = self.rows(&Statement::new("look at lock", sql).text(self.lock_name())).await?;
        let Some(row) = rows.first() else { return Ok((None, None)) };
        Ok((Self::read(optional(row, "session"))?, Self::read(optional(row, "holder"))?))
    }

    /// Makes sure that this session still holds the lock: something between here and the server may
    /// have given us another session.
    pub(super) async fn still_holds_lock(&mut self) -> Result<(), Failure> {
        let ours = Some(self.id);
        if self.lock_owner().await? == (ours, ours) {
            return Ok(());
        }
        self.close();
        Err(Failure::Ended)
    }

    /// `mogile2s3:<database>`, or where that is too long a digest in the database's place.
    fn lock_name(&self) -> String {
        let database = self.server.url.options().get_database().unwrap_or_default();
        lock_name(database)
    }
}

fn lock_name(database: &str) -> String {
    let name = format!("mogile2s3:{database}");
    if name.chars().count() <= LOCK_NAME_LETTERS {
        return name;
    }
    format!("mogile2s3:{}", Sha1::of(database.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_has_a_name_that_every_server_takes() {
        assert_eq!(lock_name("rhino"), "mogile2s3:rhino");
        assert_eq!(lock_name(&"r".repeat(54)), format!("mogile2s3:{}", "r".repeat(54)));
        let long = ["r", "s"].map(|letter| lock_name(&letter.repeat(55)));
        assert_ne!(long[0], long[1]);
        assert_eq!(long[0].len(), 50);
    }
}
