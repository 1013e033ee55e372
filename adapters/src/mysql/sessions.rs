//! Keeps a few read-only sessions on one server open between queries.
//!
//! sqlx's own pool retries a server that refuses connections until its time is up, and then reports
//! only the time-out. This one reports the server's own error.

use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use domain::limits;
use sqlx::mysql::{MySql, MySqlArguments, MySqlConnection, MySqlDatabaseError, MySqlRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::trouble::{Trouble, unless_it_panics};
use super::url::DatabaseUrl;

/// The most sessions at once. One reads pages; the others look up single rows.
const SESSIONS: usize = 4;

/// Whose database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    MogileFs,
    ContentRepo,
    Rhino,
}

impl Database {
    /// Its owner's name.
    pub(super) const fn owner(self) -> &'static str {
        match self {
            Self::MogileFs => "MogileFS",
            Self::ContentRepo => "contentrepo",
            Self::Rhino => "rhino",
        }
    }

    /// The tables that are read.
    pub(super) const fn tables(self) -> &'static str {
        match self {
            Self::MogileFs => "the tables `class`, `domain`, `file` and `host`",
            Self::ContentRepo => "the tables `buckets` and `objects`",
            Self::Rhino => "the table `articleFile`",
        }
    }

    /// The table that is changed.
    pub(super) const fn changed_table(self) -> &'static str {
        match self {
            Self::ContentRepo => "buckets",
            Self::Rhino => "articleFile",
            Self::MogileFs => "file",
        }
    }

    /// The tables that its changes read beside [`Self::changed_table`].
    pub(super) const fn tables_beside(self) -> &'static [&'static str] {
        match self {
            Self::ContentRepo => &["objects"],
            Self::Rhino | Self::MogileFs => &[],
        }
    }

    /// The rights on [`Self::changed_table`] for its changes. An index is dropped and made by
    /// `ALTER TABLE`, which wants INSERT and CREATE too (MySQL 8.4 reference, "ALTER TABLE
    /// Statement"); triggers are shown to whom TRIGGER is granted alone.
    pub(super) const fn rights_for_changes(self) -> &'static [&'static str] {
        match self {
            Self::Rhino => &["SELECT", "UPDATE", "ALTER", "INDEX", "INSERT", "CREATE", "TRIGGER"],
            Self::ContentRepo | Self::MogileFs => &["SELECT", "UPDATE", "TRIGGER"],
        }
    }
}

/// Sessions on the server of one URL.
pub(super) struct Sessions {
    url: DatabaseUrl,
    database: Database,
    /// The time limit of a query, with the wait for a session and the connecting.
    pub(super) time: Duration,
    idle: Mutex<Vec<MySqlConnection>>,
    slots: Semaphore,
    warned: Once,
}

impl Sessions {
    /// Makes no connection yet.
    pub(super) fn new(url: DatabaseUrl, database: Database) -> Self {
        Self {
            url,
            database,
            time: limits::REQUEST_TIME,
            idle: Mutex::default(),
            slots: Semaphore::new(SESSIONS),
            warned: Once::new(),
        }
    }

    /// Host, port and database, for errors.
    pub(super) fn at(&self) -> &str {
        self.url.name()
    }

    /// Returns the rows of a query, within the time limit. It may send the query more than once, so
    /// the query must be repeatable.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<MySqlRow>, Trouble> {
        let answer = async {
            let Ok(_slot) = self.slots.acquire().await else { return Err(self.late()) };
            // The server may have closed a kept session while it was idle, so another one is tried.
            // The failure of a new session is final.
            while let Some(session) = self.take_idle() {
                match self.ask(session, sql, arguments).await {
                    Err(Trouble::Passing(_)) => {}
                    answer => return answer,
                }
            }
            self.ask(self.connect().await?, sql, arguments).await
        };
        timeout(self.time, answer).await.unwrap_or_else(|_| Err(self.late()))
    }

    /// Keeps the session only after a whole answer: the next bytes of any other session are
    /// unknown.
    async fn ask(
        &self,
        mut session: MySqlConnection,
        sql: &'static str,
        arguments: &[Argument<'_>],
    ) -> Result<Vec<MySqlRow>, Trouble> {
        let rows = unless_it_panics(bound(sql, arguments).fetch_all(&mut session))
            .await
            .map_err(|error| self.trouble(error))?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(rows)
    }

    async fn connect(&self) -> Result<MySqlConnection, Trouble> {
        let trouble = |error| self.trouble(error);
        let mut session = unless_it_panics(self.url.options().connect()).await.map_err(trouble)?;
        match unless_it_panics(session.execute("SET SESSION TRANSACTION READ ONLY")).await {
            Err(error) if is_syntax_error(&error) => self.warn_of_old_server(),
            answer => {
                answer.map_err(trouble)?;
            }
        }
        let set_up = session.execute(AssertSqlSafe(set_up(self.time)));
        unless_it_panics(set_up).await.map_err(trouble)?;
        Ok(session)
    }

    /// Says once that the server itself does not refuse writes; no statement of ours is one.
    fn warn_of_old_server(&self) {
        self.warned.call_once(|| {
            tracing::warn!(
                "the MySQL server at `{}` is older than 5.6.5 and knows no read-only sessions; \
                 nothing is written there, and an account with SELECT alone makes sure of it",
                self.at()
            );
        });
    }

    /// Whose database it is.
    pub(super) const fn database(&self) -> Database {
        self.database
    }

    fn trouble(&self, error: sqlx::Error) -> Trouble {
        Trouble::of(error, self.database)
    }

    fn late(&self) -> Trouble {
        Trouble::late(self.time)
    }

    fn take_idle(&self) -> Option<MySqlConnection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// An argument of a query.
#[derive(Debug, Clone, Copy)]
pub(super) enum Argument<'a> {
    Number(i128),
    /// In the connection's character set, utf8mb4.
    Text(&'a str),
}

/// The query with its arguments.
fn bound<'a>(sql: &'static str, arguments: &[Argument<'a>]) -> Query<'a, MySql, MySqlArguments> {
    arguments.iter().fold(sqlx::query(sql), |query, argument| match argument {
        Argument::Number(number) => with_number(query, *number),
        Argument::Text(text) => query.bind(*text),
    })
}

/// The query with a number more. A range may begin before all numbers of the server and end behind them:
/// there stands its lowest or its highest one.
pub(super) fn with_number(
    query: Query<'_, MySql, MySqlArguments>,
    number: i128,
) -> Query<'_, MySql, MySqlArguments> {
    match u64::try_from(number) {
        Ok(number) => query.bind(number),
        Err(_) if number > 0 => query.bind(u64::MAX),
        Err(_) => query.bind(i64::try_from(number).unwrap_or(i64::MIN)),
    }
}

/// `ER_PARSE_ERROR`, which is how MySQL before 5.6.5 answers to `READ ONLY` (MySQL 5.6 reference, "SET
/// TRANSACTION Syntax").
fn is_syntax_error(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let error = error.and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    error.is_some_and(|error| error.number() == 1064)
}

/// Each query its own transaction, whatever the server's default is: a transaction left open would
/// show the rows of its beginning for ever. And a query that nobody waits for any more ends, in
/// MySQL's words (milliseconds) or in MariaDB's (seconds): each skips the other's comment.
fn set_up(time: Duration) -> String {
    format!(
        "SET SESSION autocommit = 1 /*!50708 , max_execution_time = {} */ \
         /*M!100101 , max_statement_time = {} */",
        time.as_millis(),
        time.as_secs()
    )
}
