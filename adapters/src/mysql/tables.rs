//! Asks the tables of one database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::limits;
use domain::ports::{DatabaseError, RowId};
use domain::retry::{Classed, ErrorClass, backoff};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::columns::id;
use super::sessions::{Argument, Database, Sessions};
use super::trouble::Trouble;
use super::url::DatabaseUrl;
use crate::calls::{Calls, System};

/// Ids of a table that one query counts: few enough for a busy server to answer in time.
pub const IDS_COUNTED: u64 = 100_000;

/// A statement, and its name for the counts.
#[derive(Clone, Copy)]
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

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

    /// Host, port and database, for errors.
    pub(super) fn at(&self) -> &str {
        self.sessions.at()
    }

    /// Whose database it is.
    pub(super) const fn database(&self) -> Database {
        self.sessions.database()
    }

    /// The name of the database.
    pub(super) fn database_name(&self) -> &str {
        self.at().rsplit('/').next().unwrap_or_default()
    }

    pub(super) async fn ask(
        &self,
        query: Query,
        arguments: &[i128],
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        self.ask_within(Duration::ZERO, query, &numbers(arguments)).await
    }

    /// The same for a query with texts among its arguments.
    pub(super) async fn ask_with(
        &self,
        query: Query,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        self.ask_within(Duration::ZERO, query, arguments).await
    }

    /// The same for a query that reads every row: a server that is well may take all the time.
    pub(super) async fn ask_of_all(
        &self,
        query: Query,
        arguments: &[i128],
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        self.ask_within(self.sessions.time, query, &numbers(arguments)).await
    }

    async fn ask_within(
        &self,
        more: Duration,
        query: Query,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        let waiting = self.calls.begin_long(System::Mysql, query.name, more);
        let answer = self.sessions.rows(query.sql, arguments).await;
        waiting.end(answer.map_err(|trouble| self.error(trouble)))
    }

    /// A page of rows behind an id. The query's arguments are the lowest id and the number of rows.
    pub(super) async fn page(
        &self,
        query: Query,
        after: RowId,
        limit: usize,
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        let Some(first) = behind(after) else { return Ok(Vec::new()) };
        self.ask(query, &[first, limit.max(1) as i128]).await
    }

    /// The number `id` of the only row, where there is one.
    pub(super) async fn id(
        &self,
        query: Query,
        arguments: &[i128],
    ) -> Result<Option<RowId>, DatabaseError> {
        let rows = self.ask(query, arguments).await?;
        self.read(rows.first().map_or(Ok(None), |row| id(row, "id")))
    }

    /// The same as [`id`](Self::id), tried again while the server cannot be used.
    pub(super) async fn id_tried_again(
        &self,
        query: Query,
        arguments: &[i128],
        has_answered: bool,
    ) -> Result<Option<RowId>, DatabaseError> {
        let rows = self.ask_again(query, arguments, has_answered).await?;
        self.read(rows.first().map_or(Ok(None), |row| id(row, "id")))
    }

    /// The same as [`ask`](Self::ask), tried again while the server cannot be used: as often as any
    /// request, or, where the server has answered before, for [`limits::COUNT_TRIES_WITHIN`].
    async fn ask_again(
        &self,
        query: Query,
        arguments: &[i128],
        has_answered: bool,
    ) -> Result<Vec<MySqlRow>, DatabaseError> {
        let (begun, mut made) = (Instant::now(), 0);
        loop {
            let answer = self.ask(query, arguments).await;
            made += 1;
            let heals = answer.as_ref().is_err_and(|error| error.class() == ErrorClass::Retry);
            let is_last = if has_answered {
                begun.elapsed() >= limits::COUNT_TRIES_WITHIN
            } else {
                made >= limits::ATTEMPTS || begun.elapsed() >= limits::TRIES_WITHIN
            };
            if !heals || is_last {
                return answer;
            }
            tokio::time::sleep(backoff(made, 0)).await;
        }
    }

    /// Counts a table behind the id `after`, [`IDS_COUNTED`] ids at once. Each query is tried again by itself: a count of
    /// minutes does not begin anew because of one. `first` gives the lowest `id` from its
    /// argument on, so that gaps cost nothing; the arguments of `count` are the first and the last id
    /// that it counts.
    pub(super) async fn count(
        &self,
        (first, count): (Query, Query),
        mut after: RowId,
        mut add: impl FnMut(&MySqlRow) -> Result<(), Error>,
    ) -> Result<(), DatabaseError> {
        let mut has_answered = false;
        while let Some(from) = behind(after)
            && let Some(found) = self.id_tried_again(first, &[from], has_answered).await?
        {
            has_answered = true;
            let (first, last) = window(from, found).map_err(|trouble| self.error(trouble))?;
            for row in self.ask_again(count, &[first, last], has_answered).await? {
                self.read(add(&row))?;
            }
            after = RowId(last);
        }
        Ok(())
    }

    pub(super) fn read<T>(&self, value: Result<T, Error>) -> Result<T, DatabaseError> {
        value.map_err(|error| self.error(Trouble::of(error, self.sessions.database())))
    }

    pub(super) fn error(&self, trouble: Trouble) -> DatabaseError {
        let at = self.at().to_owned();
        match trouble {
            Trouble::Passing(cause) => DatabaseError::Unavailable { at, cause },
            Trouble::Refusal(why) => DatabaseError::Refused { at, why },
            Trouble::Nonsense(why) => DatabaseError::BadAnswer { at, why },
        }
    }
}

fn numbers(arguments: &[i128]) -> Vec<Argument<'static>> {
    arguments.iter().copied().map(Argument::Number).collect()
}

/// The lowest id behind this one, or nothing where no column can hold it.
fn behind(RowId(after): RowId) -> Option<i128> {
    let RowId(start) = RowId::START;
    Some(after.max(start).saturating_add(1)).filter(|id| *id <= i128::from(u64::MAX))
}

/// The first and the last id of a query that counts, where the lowest id from `from` on is `first`. A
/// lower one would be counted twice, and for ever.
fn window(from: i128, RowId(first): RowId) -> Result<(i128, i128), Trouble> {
    if first < from {
        let why = format!("{first} where it was asked for ids from {from} on");
        return Err(Trouble::Nonsense(why));
    }
    Ok((first, first + i128::from(IDS_COUNTED) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_never_goes_back() {
        for (from, first, is_sense) in [(1, 1, true), (1, 9, true), (2, 1, false), (0, -1, false)] {
            let window = window(from, RowId(first));
            assert_eq!(window.is_ok(), is_sense, "{from} {first}");
            if let Ok((lowest, highest)) = window {
                assert_eq!((lowest, highest - lowest), (first, i128::from(IDS_COUNTED) - 1));
            }
        }
    }

    #[test]
    fn what_is_behind_an_id_begins_before_all_and_ends_behind_all() {
        for (after, first) in [
            (i128::MIN, Some(i128::from(i64::MIN))),
            (RowId::START.0, Some(i128::from(i64::MIN))),
            (-1, Some(0)),
            (0, Some(1)),
            (i128::from(i64::MAX), Some(i128::from(i64::MAX) + 1)),
            (i128::from(u64::MAX) - 1, Some(i128::from(u64::MAX))),
            (i128::from(u64::MAX), None),
            (i128::MAX, None),
        ] {
            assert_eq!(behind(RowId(after)), first, "{after}");
        }
    }
}
