//! The clients' databases behind a session: statements become `SQLite`'s, its errors MySQL's.

use std::collections::BTreeMap;

use rusqlite::{Connection, ErrorCode, ffi};

use super::answer::{Answer, Encoding};
use super::refusal::Refusal;
use super::sql::{Alter, KeyChange, Select, Statement};
use super::tables::{Column, Row};
use super::value::{Kind, Value};
use crate::world::databases::{Database, Databases, Table};

pub mod information;
pub mod mogile;
mod show;
mod translate;

use translate::{Sql, select_columns};

/// A session's connections, each opened at its first statement. Dropping this rolls back what is not
/// committed.
pub struct Stored<'a> {
    databases: &'a Databases,
    open: BTreeMap<Database, Connection>,
}

impl<'a> Stored<'a> {
    /// No connection yet.
    pub const fn new(databases: &'a Databases) -> Self {
        Self { databases, open: BTreeMap::new() }
    }

    /// The columns of a statement's answer; of one without rows there are none.
    pub fn columns(database: Database, statement: &Statement) -> Result<Vec<Column>, Refusal> {
        let names = |names: [&str; 2]| names.map(|it| Column::computed(it, Kind::VARCHAR)).into();
        if let Statement::Select(select) = statement {
            let table = table(database, &select.place.table)?;
            return select_columns(database.name(), table, select);
        }
        let Statement::ShowCreate(place) = statement else { return Ok(Vec::new()) };
        table(database, &place.table)?;
        Ok(names(["Table", "Create Table"]))
    }

    /// Carries a statement out, in the transaction that is open or in its own.
    pub fn run(
        &mut self,
        database: Database,
        statement: &Statement,
        parameters: &[Value],
        in_transaction: bool,
        encoding: Encoding,
    ) -> Result<Answer, Refusal> {
        let columns = Self::columns(database, statement)?;
        if let Statement::Alter(alter) = statement {
            return self.alter(database, alter);
        }
        let collation = self.databases.collation();
        let connection = self.connection(database)?;
        if in_transaction && connection.is_autocommit() {
            connection.execute_batch("BEGIN").map_err(|why| refusal_of(&why))?;
        }
        if let Statement::ShowCreate(place) = statement {
            let table = table(database, &place.table)?;
            let text = show::create_table(connection, table, collation)?;
            let rows = vec![vec![Value::Text(table.name.to_owned()), Value::Text(text)]];
            return Ok(Answer::Rows { columns, rows, encoding });
        }
        let sql = Sql::of(database, statement, parameters)?;
        if !columns.is_empty() {
            let rows = rows_of(connection, &sql).map_err(|why| refusal_of(&why))?;
            return Ok(Answer::Rows { columns, rows, encoding });
        }
        let values = rusqlite::params_from_iter(&sql.values);
        let rows = connection.execute(&sql.text, values).map_err(|why| refusal_of(&why))?;
        let is_insert = matches!(statement, Statement::Insert(_));
        let last_id = if is_insert { connection.last_insert_rowid() } else { 0 };
        Ok(Answer::Done { rows: rows as u64, last_id: u64::try_from(last_id).unwrap_or_default() })
    }

    /// The rows of an answer about the tables themselves.
    pub fn information(
        &mut self,
        select: &Select,
        parameters: &[Value],
        mogile: &mogile::Described<'_>,
    ) -> Result<Vec<Row>, Refusal> {
        for database in Database::ALL {
            self.connection(database)?;
        }
        let connections = self.open.iter().map(|(database, connection)| (*database, connection));
        information::rows(select, parameters, self.databases.collation(), connections, mogile)
    }

    /// Ends the open transactions.
    pub fn commit(&mut self) -> Result<(), Refusal> {
        self.end("COMMIT")
    }

    /// Takes back what the open transactions did.
    pub fn roll_back(&mut self) -> Result<(), Refusal> {
        self.end("ROLLBACK")
    }

    fn end(&mut self, how: &str) -> Result<(), Refusal> {
        for connection in self.open.values().filter(|connection| !connection.is_autocommit()) {
            connection.execute_batch(how).map_err(|why| refusal_of(&why))?;
        }
        Ok(())
    }

    /// Drops or makes an index. What the session had begun is committed before, as by every
    /// definition of data.
    fn alter(&mut self, database: Database, alter: &Alter) -> Result<Answer, Refusal> {
        self.commit()?;
        let table = table(database, &alter.place.table)?;
        let name = format!("{}.{}", table.name, alter.key).replace('"', "\"\"");
        let sql = match &alter.change {
            KeyChange::Drop => format!("DROP INDEX \"{name}\""),
            KeyChange::Add(columns) => {
                let columns = columns.iter().map(|name| match table.column(name) {
                    Some(column) => Ok(format!("\"{}\"", column.name)),
                    None => Err(Refusal::new(
                        1072,
                        format!("Key column '{name}' doesn't exist in table"),
                    )),
                });
                let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
                format!("CREATE INDEX \"{name}\" ON \"{}\" ({})", table.name, columns.join(", "))
            }
        };
        let done = self.connection(database)?.execute_batch(&sql);
        done.map_err(|why| match why.to_string() {
            text if text.contains("no such index") => {
                let text = format!("Can't DROP '{}'; check that column/key exists", alter.key);
                Refusal::new(1091, text)
            }
            text if text.contains("already exists") => {
                Refusal::new(1061, format!("Duplicate key name '{}'", alter.key))
            }
            _ => refusal_of(&why),
        })?;
        Ok(Answer::DONE)
    }

    fn connection(&mut self, database: Database) -> Result<&Connection, Refusal> {
        if !self.open.contains_key(&database) {
            let connection = self.databases.open(database).map_err(|why| refusal_of(&why))?;
            self.open.insert(database, connection);
        }
        self.open.get(&database).ok_or_else(|| Refusal::new(1105, "no connection"))
    }
}

/// A table, or error 1146.
fn table(database: Database, name: &str) -> Result<&'static Table, Refusal> {
    let missing = || format!("Table '{}.{name}' doesn't exist", database.name());
    database.table(name).ok_or_else(|| Refusal::new(1146, missing()))
}

fn rows_of(connection: &Connection, sql: &Sql) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(&sql.text)?;
    let columns = statement.column_count();
    let mut found = statement.query(rusqlite::params_from_iter(&sql.values))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values = (0..columns).map(|at| row.get(at).map(of_sqlite));
        rows.push(values.collect::<rusqlite::Result<Row>>()?);
    }
    Ok(rows)
}

fn of_sqlite(value: rusqlite::types::Value) -> Value {
    use rusqlite::types::Value::{Blob, Integer, Null, Real, Text};
    match value {
        Null => Value::Null,
        Integer(number) => Value::Integer(number.into()),
        Real(number) => Value::Text(number.to_string()),
        Text(text) => Value::Text(text),
        Blob(bytes) => Value::Text(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// MySQL's error for one of `SQLite`'s. A row that another session has changed and not committed is
/// not waited for: 1205 at once. A transaction that has read what another has changed since cannot
/// write: 1213.
fn refusal_of(error: &rusqlite::Error) -> Refusal {
    let rusqlite::Error::SqliteFailure(failure, text) = error else {
        return Refusal::new(1105, error.to_string());
    };
    let text = text.as_deref().unwrap_or_default();
    match (failure.code, failure.extended_code) {
        (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
            Refusal::new(1062, format!("Duplicate entry for key: {text}"))
        }
        (_, ffi::SQLITE_CONSTRAINT_NOTNULL) => {
            let column = text.rsplit('.').next().unwrap_or_default();
            Refusal::new(1048, format!("Column '{column}' cannot be null"))
        }
        (_, ffi::SQLITE_BUSY_SNAPSHOT) => {
            let text = "Deadlock found when trying to get lock; try restarting transaction";
            Refusal::new(1213, text)
        }
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => {
            Refusal::new(1205, "Lock wait timeout exceeded; try restarting transaction")
        }
        _ => Refusal::new(1105, error.to_string()),
    }
}
