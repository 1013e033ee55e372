//! `SHOW CREATE TABLE`, from the schema and from the keys that are there now.

use rusqlite::Connection;

use super::refusal_of;
use crate::wire::mysql::refusal::Refusal;
use crate::world::databases::{Collation, Column, Filled, Kind, Table};

/// The statement that would make the table as it is.
pub(super) fn create_table(
    connection: &Connection,
    table: &Table,
    server: Collation,
) -> Result<String, Refusal> {
    let collation = table.collation.unwrap_or(server);
    let mut lines: Vec<_> = table.columns.iter().map(|it| column_line(it, collation)).collect();
    lines.extend(table.primary().map(|key| format!("PRIMARY KEY (`{}`)", key.name)));
    let keys = keys(connection, table).map_err(|why| refusal_of(&why))?;
    lines.extend(keys.iter().map(Shown::line));
    lines.extend(table.constraints.iter().map(|&constraint| constraint.to_owned()));
    let (name, charset, collation) = (table.name, collation.charset(), collation.name());
    Ok(format!(
        "CREATE TABLE `{name}` (\n  {}\n) ENGINE=InnoDB DEFAULT CHARSET={charset} COLLATE={collation}",
        lines.join(",\n  ")
    ))
}

fn column_line(column: &Column, of_table: Collation) -> String {
    let mut line = format!("`{}` {}", column.name, column.kind.mysql());
    if let Some(own) = column.collation.filter(|own| *own != of_table) {
        line.extend([" CHARACTER SET ", own.charset(), " COLLATE ", own.name()]);
    }
    line += match column.filled {
        Filled::ByInsert => " NOT NULL",
        // Texts without a limit have no default.
        Filled::Null if column.kind == Kind::LongText => "",
        // A time without it would be NOT NULL on old servers.
        Filled::Null if column.kind == Kind::Timestamp => " NULL DEFAULT NULL",
        Filled::Null => " DEFAULT NULL",
        Filled::Zero => " NOT NULL DEFAULT '0'",
        Filled::NoTime => " NOT NULL DEFAULT '0000-00-00 00:00:00'",
        Filled::Counted => " NOT NULL AUTO_INCREMENT",
        Filled::Now => " NOT NULL DEFAULT CURRENT_TIMESTAMP",
        Filled::NowAtChange => " NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
    };
    line
}

/// A key that is there now.
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) is_unique: bool,
    pub(super) columns: Vec<String>,
}

impl Shown {
    fn line(&self) -> String {
        let unique = if self.is_unique { "UNIQUE " } else { "" };
        let columns: Vec<_> = self.columns.iter().map(|name| format!("`{name}`")).collect();
        format!("{unique}KEY `{}` ({})", self.name, columns.join(","))
    }
}

/// The keys in the order in which they were made, unique ones first, as the server shows them.
pub(super) fn keys(connection: &Connection, table: &Table) -> rusqlite::Result<Vec<Shown>> {
    let sql = "SELECT i.name, l.\"unique\" FROM sqlite_master AS i \
               JOIN pragma_index_list(i.tbl_name) AS l ON l.name = i.name \
               WHERE i.type = 'index' AND i.tbl_name = ?1 ORDER BY l.\"unique\" DESC, i.rowid";
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, bool)> = found.collect::<rusqlite::Result<_>>()?;
    let key = |(index, is_unique): (String, bool)| {
        let sql = "SELECT name FROM pragma_index_info(?1) ORDER BY seqno";
        let mut statement = connection.prepare_cached(sql)?;
        let columns = statement.query_map([&index], |row| row.get(0))?;
        let columns = columns.collect::<rusqlite::Result<_>>()?;
        let name = index.split_once('.').map_or(index.as_str(), |(_, key)| key).to_owned();
        Ok(Shown { name, is_unique, columns })
    };
    found.into_iter().map(key).collect()
}
