//! The lines of a backup.

use domain::journal::{ClientDatabase, NamesBefore};
use domain::ports::{BackupHeader, BackupRow, RowId};
use serde_json::{Value, from_str, from_value, json};

/// The form of the lines. A later form has a higher number.
const VERSION: u64 = 1;

/// What a line behind the header is.
pub(super) enum Line {
    Row(BackupRow),
    /// The last line, with the number of rows.
    Last(u64),
}

/// The first line.
pub(super) fn header(header: &BackupHeader) -> String {
    let BackupHeader { migration, database, server, names } = header;
    let line = json!({
        "version": VERSION,
        "migration": migration,
        "database": database,
        "server": server,
        "names": names,
    });
    format!("{line}\n")
}

/// The line of a row. Its id is written with all its digits.
pub(super) fn row(BackupRow { id, name }: &BackupRow) -> String {
    format!("[{id},{}]\n", json!(name))
}

/// The last line.
pub(super) fn last(rows: u64) -> String {
    format!("{}\n", json!({ "rows": rows }))
}

/// The header in this line, or what is wrong with it.
pub(super) fn parse_header(line: &str) -> Result<BackupHeader, String> {
    let mut value: Value = from_str(line).map_err(|error| format!("its first line: {error}"))?;
    match value["version"].as_u64() {
        Some(VERSION) => {}
        Some(version) => {
            return Err(format!("it has form {version}, and this program reads form {VERSION}"));
        }
        None => return Err("its first line is no header of a backup".to_owned()),
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let wrong = |name: &str| format!("its header has no `{name}` that can be read");
    Ok(BackupHeader {
        migration: text(&value["migration"]).ok_or_else(|| wrong("migration"))?,
        server: text(&value["server"]).ok_or_else(|| wrong("server"))?,
        database: from_value::<ClientDatabase>(value["database"].take())
            .map_err(|_| wrong("database"))?,
        names: from_value::<NamesBefore>(value["names"].take()).map_err(|_| wrong("names"))?,
    })
}

/// A line behind the header, or what is wrong with it.
pub(super) fn parse(line: &str) -> Result<Line, String> {
    let value: Value = from_str(line).map_err(|error| error.to_string())?;
    let no_line = || "it is neither a row nor the last line".to_owned();
    if let Some([id, name]) = value.as_array().map(Vec::as_slice) {
        // 64 bits hold the ids of any column, with a sign or without one.
        let id = id.as_i64().map(i128::from).or_else(|| id.as_u64().map(i128::from));
        let name = match name.as_str() {
            None if !name.is_null() => return Err(no_line()),
            name => name.map(str::to_owned),
        };
        return Ok(Line::Row(BackupRow { id: RowId(id.ok_or_else(no_line)?), name }));
    }
    let rows = value.as_object().filter(|last| last.len() == 1).and(value["rows"].as_u64());
    rows.map(Line::Last).ok_or_else(no_line)
}
