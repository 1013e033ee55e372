//! The sessions that are open, as `SHOW PROCESSLIST` has them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::tables::Row;
use super::value::Value;

/// The open sessions.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<BTreeMap<u32, Seen>>);

/// What others see of a session.
#[derive(Debug)]
struct Seen {
    user: String,
    database: Option<String>,
    since: Instant,
    ended: Arc<Notify>,
}

/// A session's place among them. Dropping it ends that.
#[derive(Debug)]
pub struct Listed<'a> {
    sessions: &'a Sessions,
    connection: u32,
    ended: Arc<Notify>,
}

impl Sessions {
    /// Lists a session.
    pub fn list(&self, connection: u32, user: &str, database: Option<&str>) -> Listed<'_> {
        let (user, database) = (user.to_owned(), database.map(str::to_owned));
        let ended = Arc::new(Notify::new());
        let seen = Seen { user, database, since: Instant::now(), ended: ended.clone() };
        self.sessions().insert(connection, seen);
        Listed { sessions: self, connection, ended }
    }

    /// Asks a session to end. Whether there is one.
    pub fn kill(&self, connection: u32) -> bool {
        let sessions = self.sessions();
        sessions.get(&connection).inspect(|seen| seen.ended.notify_one()).is_some()
    }

    /// Id, User, Host, db, Command, Time, State and Info of each; the one that asks does nothing else.
    pub fn rows(&self, asking: u32) -> Vec<Row> {
        let text = |text: &str| Value::Text(text.to_owned());
        let sessions = self.sessions();
        let rows = sessions.iter().map(|(connection, seen)| {
            let is_asking = *connection == asking;
            vec![
                Value::Integer((*connection).into()),
                text(&seen.user),
                text("127.0.0.1"),
                seen.database.as_deref().map_or(Value::Null, text),
                text(if is_asking { "Query" } else { "Sleep" }),
                Value::Integer(seen.since.elapsed().as_secs().into()),
                text(""),
                if is_asking { text("SHOW PROCESSLIST") } else { Value::Null },
            ]
        });
        rows.collect()
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<u32, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed<'_> {
    /// Is notified where another session is to end this one.
    pub fn ended(&self) -> Arc<Notify> {
        self.ended.clone()
    }

    /// The session does something now, in this database.
    pub fn touch(&self, database: Option<&str>) {
        if let Some(seen) = self.sessions.sessions().get_mut(&self.connection) {
            seen.database = database.map(str::to_owned);
            seen.since = Instant::now();
        }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.sessions.sessions().remove(&self.connection);
    }
}
