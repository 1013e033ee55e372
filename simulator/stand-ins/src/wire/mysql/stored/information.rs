//! `information_schema`: the columns, the keys and the sizes of all tables as they are now, in the words
//! of MySQL 8.

use rusqlite::Connection;
use rusqlite::types::Value as Bound;

use super::mogile::Described;
use super::show::{Shown, keys};
use super::translate::{Sql, select_columns};
use super::{refusal_of, rows_of};
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::sql::Select;
use crate::wire::mysql::tables::{Column as Answered, Row};
use crate::wire::mysql::value::Value;
use crate::world::databases::{Collation, Column, Database, Databases, Filled, Kind, Table};

/// Its name.
pub const NAME: &str = "information_schema";

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Varchar(512), filled: Filled::Null, collation: None }
}

const fn number(name: &'static str) -> Column {
    Column { name, kind: Kind::BigInt, filled: Filled::Null, collation: None }
}

const fn table(name: &'static str, columns: &'static [Column]) -> Table {
    Table { name, columns, keys: &[], constraints: &[], collation: None }
}

pub(super) static COLUMNS: Table = table(
    "COLUMNS",
    &[
        text("TABLE_SCHEMA"),
        text("TABLE_NAME"),
        text("COLUMN_NAME"),
        number("ORDINAL_POSITION"),
        text("COLUMN_DEFAULT"),
        text("IS_NULLABLE"),
        text("COLUMN_TYPE"),
        text("CHARACTER_SET_NAME"),
        text("COLLATION_NAME"),
        text("EXTRA"),
    ],
);

pub(super) static STATISTICS: Table = table(
    "STATISTICS",
    &[
        text("TABLE_SCHEMA"),
        text("TABLE_NAME"),
        number("NON_UNIQUE"),
        text("INDEX_NAME"),
        number("SEQ_IN_INDEX"),
        text("COLUMN_NAME"),
    ],
);

pub(super) static SIZES: Table = table(
    "TABLES",
    &[
        text("TABLE_SCHEMA"),
        text("TABLE_NAME"),
        text("ENGINE"),
        number("TABLE_ROWS"),
        text("TABLE_COLLATION"),
    ],
);

/// No table has one.
static TRIGGERS: Table = table(
    "TRIGGERS",
    &[text("TRIGGER_NAME"), text("EVENT_OBJECT_SCHEMA"), text("EVENT_OBJECT_TABLE")],
);

/// Its tables.
pub static TABLES: [&Table; 4] = [&COLUMNS, &STATISTICS, &SIZES, &TRIGGERS];

/// The columns of an answer.
pub fn columns(select: &Select) -> Result<Vec<Answered>, Refusal> {
    select_columns(NAME, named(&select.place.table)?, select)
}

fn named(name: &str) -> Result<&'static Table, Refusal> {
    let missing = || Refusal::new(1109, format!("Unknown table '{name}' in {NAME}"));
    TABLES.into_iter().find(|table| table.name.eq_ignore_ascii_case(name)).ok_or_else(missing)
}

/// The rows of an answer about tables, each of which is shown by its connection.
pub(super) fn rows<'a>(
    select: &Select,
    parameters: &[Value],
    server: Collation,
    connections: impl Iterator<Item = (Database, &'a Connection)>,
    mogile: &Described<'_>,
) -> Result<Vec<Row>, Refusal> {
    let table = named(&select.place.table)?;
    let answer = || {
        let scratch = Databases::scratch(&[table])?;
        let insert = |row: Vec<Bound>| {
            let marks = vec!["?"; row.len()].join(", ");
            let insert = format!("INSERT INTO {} VALUES ({marks})", table.name);
            scratch.execute(&insert, rusqlite::params_from_iter(row)).map(drop)
        };
        for (database, connection) in connections {
            for shown in database.tables() {
                let rows = described(table, database, shown, connection, server)?;
                rows.into_iter().try_for_each(insert)?;
            }
        }
        mogile.rows(table).into_iter().try_for_each(insert)?;
        Ok(scratch)
    };
    let scratch = answer().map_err(|why| refusal_of(&why))?;
    let sql = Sql::select(table, select, parameters)?;
    rows_of(&scratch, &sql).map_err(|why| refusal_of(&why))
}

/// What a table of `information_schema` says of one table.
fn described(
    of: &'static Table,
    database: Database,
    table: &'static Table,
    connection: &Connection,
    server: Collation,
) -> rusqlite::Result<Vec<Vec<Bound>>> {
    if of.name == TRIGGERS.name {
        return Ok(Vec::new());
    }
    let place = || vec![word(database.name()), word(table.name)];
    if of.name == COLUMNS.name {
        let columns = (1..).zip(table.columns);
        return Ok(columns
            .map(|(number, column)| [place(), column_row(number, table, column, server)].concat())
            .collect());
    }
    if of.name == STATISTICS.name {
        let primary = table.primary().map(|column| Shown {
            name: "PRIMARY".to_owned(),
            is_unique: true,
            columns: vec![column.name.to_owned()],
        });
        let all = primary.into_iter().chain(keys(connection, table)?);
        let rows = all.flat_map(|key| {
            let name = key.name;
            (1..).zip(key.columns).map(move |(number, column)| {
                let row = vec![
                    Bound::Integer((!key.is_unique).into()),
                    word(&name),
                    Bound::Integer(number),
                    word(&column),
                ];
                [place(), row].concat()
            })
        });
        return Ok(rows.collect());
    }
    let count = format!("SELECT COUNT(*) FROM \"{}\"", table.name);
    let count = connection.query_row(&count, [], |row| row.get(0))?;
    let collation = word(table.collation.unwrap_or(server).name());
    Ok(vec![[place(), vec![word("InnoDB"), Bound::Integer(count), collation]].concat()])
}

fn column_row(number: i64, table: &Table, column: &Column, server: Collation) -> Vec<Bound> {
    const NOW: &str = "CURRENT_TIMESTAMP";
    let (default, extra) = match column.filled {
        Filled::ByInsert | Filled::Null => (Bound::Null, ""),
        Filled::Zero => (word("0"), ""),
        Filled::NoTime => (word("0000-00-00 00:00:00"), ""),
        Filled::Counted => (Bound::Null, "auto_increment"),
        Filled::Now => (word(NOW), "DEFAULT_GENERATED"),
        Filled::NowAtChange => (word(NOW), "DEFAULT_GENERATED on update CURRENT_TIMESTAMP"),
    };
    let is_nullable = if column.filled == Filled::Null { "YES" } else { "NO" };
    let collation = table.collation_of(column, server);
    let or_null = |text: Option<&str>| text.map_or(Bound::Null, word);
    vec![
        word(column.name),
        Bound::Integer(number),
        default,
        word(is_nullable),
        word(&column.kind.mysql()),
        or_null(collation.map(Collation::charset)),
        or_null(collation.map(Collation::name)),
        word(extra),
    ]
}

pub(super) fn word(text: &str) -> Bound {
    Bound::Text(text.to_owned())
}
