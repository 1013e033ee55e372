//! contentrepo's and rhino's databases, in `SQLite` files of their own that go with the world. No
//! socket in it; the wire face is in [`crate::wire::mysql`].
//!
//! Texts are compared as MySQL compares them: with blanks at the end ignored, and with or without
//! regard to case. What a transaction may see of another and when it must wait is `SQLite`'s way, not
//! `InnoDB`'s: one writer at a time, and nobody waits. A number that was handed out in a transaction
//! is handed out again when that is rolled back, which `InnoDB` never does; one of a deleted row is
//! not.

use std::cmp::Ordering;
use std::path::PathBuf;

use anyhow::Context;
use rusqlite::Connection;
use tempfile::TempDir;

mod plant;
mod schema;
mod tables;

pub use plant::{ArticleFileRow, CollectionRow, ObjectRow, Planting, Status};
pub use schema::{Collation, Column, Filled, Key, Kind, Table};

/// The databases of MogileFS's clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Database {
    /// contentrepo's.
    ContentRepo,
    /// rhino's.
    Rhino,
}

impl Database {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ContentRepo, Self::Rhino];

    /// Its name on the server.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContentRepo => "contentrepo",
            Self::Rhino => "rhino",
        }
    }

    /// The database of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|database| database.name() == name)
    }

    /// Its tables.
    #[must_use]
    pub const fn tables(self) -> &'static [Table] {
        match self {
            Self::ContentRepo => tables::CONTENTREPO,
            Self::Rhino => tables::RHINO,
        }
    }

    /// One of its tables.
    #[must_use]
    pub fn table(self, name: &str) -> Option<&'static Table> {
        self.tables().iter().find(|table| table.name == name)
    }
}

/// Both databases. New ones go when this is dropped.
#[derive(Debug)]
pub struct Databases {
    folder: PathBuf,
    collation: Collation,
    #[expect(dead_code, reason = "the folder goes with it")]
    own: Option<TempDir>,
}

impl Databases {
    /// Empty tables. Those that name no collation have this one, as the server's default.
    pub fn new(collation: Collation) -> anyhow::Result<Self> {
        let own = tempfile::tempdir().context("making a folder for the databases")?;
        let databases = Self { folder: own.path().to_owned(), collation, own: Some(own) };
        for database in Database::ALL {
            let connection = databases.open(database)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            for table in database.tables() {
                connection.execute_batch(&table.sqlite(collation))?;
            }
        }
        Ok(databases)
    }

    /// What a world that was killed has left in this folder, where it stays.
    #[must_use]
    pub const fn reopened(folder: PathBuf, collation: Collation) -> Self {
        Self { folder, collation, own: None }
    }

    /// A connection of its own. What it has begun and not committed is rolled back when it is
    /// dropped.
    pub fn open(&self, database: Database) -> rusqlite::Result<Connection> {
        let connection = Connection::open(self.folder.join(database.name()))?;
        // They go with the world: nothing must survive a loss of power.
        connection.pragma_update(None, "synchronous", "OFF")?;
        // Waiting would stop the tasks of everybody else.
        connection.busy_timeout(std::time::Duration::ZERO)?;
        collate(&connection)?;
        Ok(connection)
    }

    /// A database in memory with these tables, for what is asked once.
    pub fn scratch(tables: &[&Table]) -> rusqlite::Result<Connection> {
        let connection = Connection::open_in_memory()?;
        collate(&connection)?;
        for table in tables {
            connection.execute_batch(&table.sqlite(Collation::Utf8GeneralCi))?;
        }
        Ok(connection)
    }

    /// The rows of a question in `SQLite`'s own words, for a judge that looks past the server; each
    /// value as a text.
    pub fn texts(&self, database: Database, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        use rusqlite::types::ValueRef::{Blob, Integer, Null, Real, Text};
        let connection = self.open(database)?;
        let mut statement = connection.prepare(sql)?;
        let (columns, mut rows) = (statement.column_count(), Vec::new());
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let text = |at| {
                Ok(match row.get_ref(at)? {
                    Null => "NULL".to_owned(),
                    Integer(number) => number.to_string(),
                    Real(number) => number.to_string(),
                    Text(bytes) | Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                })
            };
            rows.push((0..columns).map(text).collect::<rusqlite::Result<_>>()?);
        }
        Ok(rows)
    }

    /// The collation of tables that name none.
    #[must_use]
    pub const fn collation(&self) -> Collation {
        self.collation
    }
}

fn collate(connection: &Connection) -> rusqlite::Result<()> {
    connection.create_collation(schema::BLIND, blind)?;
    connection.create_collation(schema::EXACT, exact)
}

fn blind(a: &str, b: &str) -> Ordering {
    let folded = |text: &str| text.trim_end_matches(' ').to_lowercase();
    folded(a).cmp(&folded(b))
}

fn exact(a: &str, b: &str) -> Ordering {
    a.trim_end_matches(' ').cmp(b.trim_end_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSERT: &str = "INSERT INTO buckets (bucketName) VALUES (?)";

    #[test]
    fn names_collide_as_the_collation_has_it() {
        for (collation, collide) in [
            (Collation::Utf8GeneralCi, [true, true]),
            (Collation::Latin1SwedishCi, [true, true]),
            (Collation::Utf8Bin, [false, true]),
        ] {
            let databases = Databases::new(collation).expect("a folder");
            let connection = databases.open(Database::ContentRepo).expect("opened");
            connection.execute(INSERT, ["aa"]).expect("the first");
            let collided = ["Aa", "aa "].map(|name| connection.execute(INSERT, [name]).is_err());
            assert_eq!(collided, collide, "{collation:?}");
        }
    }

    #[test]
    fn ids_are_never_used_again() {
        let databases = Databases::new(Collation::Utf8Bin).expect("a folder");
        let connection = databases.open(Database::ContentRepo).expect("opened");
        for id in 1..=2 {
            connection.execute(INSERT, ["a"]).expect("inserted");
            assert_eq!(connection.last_insert_rowid(), id);
            connection.execute("DELETE FROM buckets", []).expect("deleted");
        }
    }

    #[test]
    fn what_is_not_committed_goes_with_its_connection() {
        let databases = Databases::new(Collation::Utf8Bin).expect("a folder");
        let connection = databases.open(Database::ContentRepo).expect("opened");
        connection.execute_batch("BEGIN").expect("begun");
        connection.execute(INSERT, ["a"]).expect("inserted");
        drop(connection);
        let connection = databases.open(Database::ContentRepo).expect("opened");
        let count = connection.query_row("SELECT COUNT(*) FROM buckets", [], |row| row.get(0));
        assert_eq!(count, Ok(0));
    }
}
