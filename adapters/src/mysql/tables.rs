//! Asks the tables of contentrepo and rhino.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::DatabaseError;
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::columns::optional;
use super::sessions::{Database, Sessions};
use super::trouble::Trouble;
use super::url::DatabaseUrl;
use crate::calls::{Calls, System};

/// Rows of a table that one query counts: few enough for a busy server to answer in time.
pub(super) const ROWS_COUNTED: u64 = 100_000;

/// The tables of one database.
pub(super) struct Tables {
    sessions: Sessions,
    calls: Arc<Calls>,
}

impl Tables {
    pub(super) fn new(url: DatabaseUrl, database: Database, calls: Arc<Calls>) -> Self {
        Self { sessions: Sessions::new(url, database), calls }
    }

    pub(super) const fn with_time(mut self, time: Duration) -> Self {
        self.sessions.time = time;
        self
    }

    pub(super) async fn ask(
        &self,
        operation: &'static str,
        sql: &'static str,
        arguments: &[u64],
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        let waiting = self.calls.begin(System::Mysql, operation);
        let answer = self.sessions.rows(sql, arguments).await;
        waiting.end(answer.map_err(|trouble| self.error(trouble)))
    }

    /// The number `id` of the only row, where there is one.
    pub(super) async fn id(
        &self,
        operation: &'static str,
        sql: &'static str,
        arguments: &[u64],
    ) -> Result<Option<u64>, DatabaseError> {
        let rows = self.ask(operation, sql, arguments).await?;
        self.read(rows.first().map_or(Ok(None), |row| optional(row, "id")))
    }

    pub(super) fn read<T>(&self, value: Result<T, Error>) -> Result<T, DatabaseError> {
        value.map_err(|error| self.error(Trouble::of(error, self.sessions.database())))
    }

    fn error(&self, trouble: Trouble) -> DatabaseError {
        let at = self.sessions.at().to_owned();
        match trouble {
            Trouble::Passing(cause) => DatabaseError::Unavailable { at, cause },
            Trouble::Refusal(why) => DatabaseError::Refused { at, why },
            Trouble::Nonsense(why) => DatabaseError::BadAnswer { at, why },
        }
    }
}
