//! MogileFS's tables, answered from the world's own MogileFS. Nothing is copied: a statement sees
//! what the tracker and the storage nodes see at that moment.

use super::refusal::Refusal;
use super::sql::{Field, Fields, Function, Select};
use super::value::{Kind, Value};
use crate::world::mogile::MogileFs;

mod keys;
mod mogile;
mod wanted;

pub use keys::{KeyChange, changes_of};
pub use mogile::Table;
pub use wanted::limit_of;

use wanted::Wanted;

/// The database that holds these tables.
pub const DATABASE: &str = "mogilefs";

/// A column of a table or of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The database, or nothing.
    pub database: &'static str,
    /// The table, or nothing.
    pub table: String,
    /// Its name in the table, or nothing.
    pub name: String,
    /// Its name in the answer.
    pub label: String,
    /// Its type.
    pub kind: Kind,
}

impl Column {
    /// A column of an answer that is in no table.
    pub fn computed(label: &str, kind: Kind) -> Self {
        let (table, name) = (String::new(), String::new());
        Self { database: "", table, name, label: label.to_owned(), kind }
    }
}

/// One row, a value for each column.
pub type Row = Vec<Value>;

/// The columns of a statement's answer, or why there is none.
pub fn columns_of(select: &Select) -> Result<Vec<Column>, Refusal> {
    let table = table_of(select)?;
    refuse_more(select)?;
    for condition in &select.conditions {
        position(table, &condition.column, "where clause")?;
    }
    for order in &select.order {
        position(table, &order.column, "order clause")?;
    }
    let column = |at: usize, label: &str| {
        let (name, kind) = table.columns()[at];
        let (table, name) = (table.name().to_owned(), name.to_owned());
        Column { database: DATABASE, table, name, label: label.to_owned(), kind }
    };
    match &select.fields {
        Fields::All => {
            Ok((0..table.columns().len()).map(|at| column(at, table.columns()[at].0)).collect())
        }
        Fields::Count(label) => Ok(vec![Column::computed(label, Kind::BIGINT.not_null())]),
        Fields::Named(fields) => {
            let wanted = fields.iter().map(|field| {
                let column = column(position(table, &field.column, "field list")?, &field.label);
                Ok(if field.function == Function::AsText {
                    Column::computed(&field.label, Kind::VARCHAR)
                } else {
                    column
                })
            });
            wanted.collect()
        }
    }
}

/// The rows of a statement's answer.
pub fn rows_of(
    select: &Select,
    parameters: &[Value],
    mogile: &MogileFs,
) -> Result<Vec<Row>, Refusal> {
    let table = table_of(select)?;
    let wanted = Wanted::new(select, parameters, table)?;
    if let Fields::Count(_) = select.fields {
        return Ok(vec![vec![Value::Integer(wanted.count(mogile) as i128)]]);
    }
    let mut rows = wanted.rows(mogile);
    for order in select.order.iter().rev() {
        let at = position(table, &order.column, "order clause")?;
        rows.sort_by(|a, b| {
            let ascending = a[at].order(&b[at]);
            if order.is_descending { ascending.reverse() } else { ascending }
        });
    }
    rows.truncate(wanted.limit);
    if let Fields::Named(fields) = &select.fields {
        let at = fields.iter().map(|field| position(table, &field.column, "field list"));
        let at: Vec<usize> = at.collect::<Result<_, _>>()?;
        for row in &mut rows {
            *row = fields.iter().zip(&at).map(|(field, at)| value_of(field, &row[*at])).collect();
        }
    }
    Ok(rows)
}

fn value_of(field: &Field, value: &Value) -> Value {
    if let (Function::AsText, Value::Integer(number)) = (field.function, value) {
        return Value::Text(number.to_string());
    }
    value.clone()
}

/// What the list has for the clients' databases alone.
fn refuse_more(select: &Select) -> Result<(), Refusal> {
    let makes_more = |field: &Field| !matches!(field.function, Function::Plain | Function::AsText);
    let has_more = match &select.fields {
        Fields::Named(fields) => fields.iter().any(makes_more),
        Fields::All | Fields::Count(_) => false,
    };
    let is_binary = select.conditions.iter().any(|condition| condition.is_binary);
    if has_more || is_binary || !select.group.is_empty() {
        let text = "GROUP BY, LEFT, MIN, MAX and BINARY are not on the list for MogileFS's tables";
        return Err(Refusal::new(1235, text));
    }
    Ok(())
}

fn table_of(select: &Select) -> Result<Table, Refusal> {
    let table = &select.place.table;
    let missing = || Refusal::new(1146, format!("Table '{DATABASE}.{table}' doesn't exist"));
    Table::named(table).ok_or_else(missing)
}

fn position(table: Table, column: &str, clause: &str) -> Result<usize, Refusal> {
    let unknown = || Refusal::new(1054, format!("Unknown column '{column}' in '{clause}'"));
    table.position(column).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::wire::mysql::sql::{Statement, parse};
    use crate::world::mogile::{ClassId, Content, DeviceId, DeviceStatus, Dmid, Fid, FileRow};

    /// Five files of two domains, with fids 1 to 5.
    fn mogile() -> MogileFs {
        let mogile = MogileFs::default();
        for name in ["ours", "others"] {
            mogile.add_domain(name);
        }
        mogile.add_class(Dmid(2), "rare");
        let host = mogile.add_host(Ipv4Addr::LOCALHOST.into(), 7500);
        let devices = [mogile.add_device(host), mogile.add_device(host)];
        mogile.set_device_status(devices[1], DeviceStatus::Down);
        for (dmid, key) in [(1, "b"), (2, "x"), (1, "C"), (1, "a "), (2, "B")] {
            mogile.store(Dmid(dmid), key, &Content::from(key), &devices);
        }
        mogile
    }

    fn asked(mogile: &MogileFs, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, Refusal> {
        let Some((Statement::Select(select), _)) = parse(sql) else { panic!("{sql}") };
        columns_of(&select)?;
        rows_of(&select, parameters, mogile)
    }

    /// The first column of each row, as numbers.
    fn numbers(mogile: &MogileFs, sql: &str, parameters: &[i128]) -> Vec<i128> {
        let parameters: Vec<_> = parameters.iter().copied().map(Value::Integer).collect();
        let rows = asked(mogile, sql, &parameters).unwrap_or_else(|why| panic!("{sql}: {why}"));
        let first = rows.into_iter().map(|row| match row[0] {
            Value::Integer(number) => number,
            ref other @ (Value::Null | Value::Text(_)) => panic!("{sql}: {other:?}"),
        });
        first.collect()
    }

    #[test]
    fn files_are_chosen_ordered_and_limited() {
        let mogile = mogile();
        for (sql, parameters, fids) in [
            ("SELECT fid FROM file", vec![], vec![1, 2, 3, 4, 5]),
            ("SELECT fid FROM file WHERE fid > ? ORDER BY fid LIMIT ?", vec![1, 2], vec![2, 3]),
            ("SELECT fid FROM file WHERE fid >= 2 AND fid < 4", vec![], vec![2, 3]),
            ("SELECT fid FROM file WHERE fid <= ?", vec![-1], vec![]),
            ("SELECT fid FROM file WHERE fid = ?", vec![i128::from(u64::MAX) + 1], vec![]),
            ("SELECT fid FROM file WHERE dmid = 2 LIMIT 1", vec![], vec![2]),
            ("SELECT fid FROM file WHERE dkey = 'A'", vec![], vec![4]),
            ("SELECT fid FROM file WHERE dkey = 'b' AND dmid = 2", vec![], vec![5]),
            ("SELECT fid FROM file ORDER BY fid DESC LIMIT 2", vec![], vec![5, 4]),
            ("SELECT fid FROM file ORDER BY dmid DESC, dkey LIMIT 3", vec![], vec![5, 2, 4]),
            ("SELECT COUNT(*) FROM file WHERE dmid = ?", vec![1], vec![3]),
            ("SELECT COUNT(*) FROM file LIMIT 0", vec![], vec![5]),
            ("SELECT fid FROM file LIMIT 0", vec![], vec![]),
            // Along the key of keys, which orders `b` before `C`.
            (
                "SELECT fid FROM file WHERE dmid = ? AND dkey >= 'A' ORDER BY dkey",
                vec![1],
                vec![4, 1, 3],
            ),
            (
                "SELECT fid FROM file WHERE dmid = ? AND dkey >= 'A' AND dkey < 'c' ORDER BY dkey LIMIT ?",
                vec![1, 9],
                vec![4, 1],
            ),
            (
                "SELECT fid FROM file WHERE dmid = ? AND dkey < 'y' ORDER BY dkey LIMIT 1",
                vec![2],
                vec![5],
            ),
            (
                "SELECT fid FROM file WHERE dmid = ? AND dkey < 'y' AND fid < ? ORDER BY dkey",
                vec![2, 5],
                vec![2],
            ),
            ("SELECT fid FROM file WHERE dkey >= 'b' ORDER BY dkey LIMIT 3", vec![], vec![1, 5, 3]),
            ("SELECT fid FROM file WHERE fid < ? ORDER BY fid DESC LIMIT 1", vec![4], vec![3]),
            ("SELECT COUNT(*) FROM file_on WHERE fid > ?", vec![3], vec![4]),
        ] {
            assert_eq!(numbers(&mogile, sql, &parameters), fids, "{sql}");
        }
    }

    #[test]
    fn what_changes_in_the_world_changes_in_the_tables() {
        let mogile = mogile();
        mogile.drop_row(Fid(3));
        let row = mogile.row(Fid(1)).unwrap();
        mogile.plant(FileRow { dkey: None, length: None, classid: ClassId(9), ..row });
        assert_eq!(
            asked(&mogile, "SELECT * FROM file WHERE fid < 4", &[]).unwrap()[0],
            [1, 1, -1, -1, 9, 2].map(|n| if n < 0 { Value::Null } else { Value::Integer(n) })
        );
        assert_eq!(numbers(&mogile, "SELECT fid FROM file WHERE dkey = ''", &[]), []);
        // Also the row that is in no order of keys.
        let by_key = "SELECT fid FROM file WHERE dmid = ? ORDER BY dkey";
        assert_eq!(numbers(&mogile, by_key, &[1]), [1, 4]);
    }

    #[test]
    fn the_small_tables_are_there() {
        let mogile = mogile();
        for (sql, row) in [
            ("SELECT * FROM domain WHERE dmid = 2", "2 others"),
            ("SELECT * FROM class", "2 1 rare 2 NULL NULL"),
            ("SELECT * FROM host", "1 alive 7500 NULL store1 127.0.0.1 NULL NULL"),
            ("SELECT * FROM device WHERE devid = 2", "2 1 down 100"),
            ("SELECT CAST(http_port AS CHAR) AS port, hostname FROM host", "7500 store1"),
            ("SELECT devid FROM file_on WHERE fid = 3 AND devid = 2", "2"),
        ] {
            let rows = asked(&mogile, sql, &[]).unwrap();
            let words = rows.iter().flatten().map(|value| match value {
                Value::Null => "NULL".to_owned(),
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text.clone(),
            });
            assert_eq!(words.collect::<Vec<_>>().join(" "), row, "{sql}");
        }
        mogile.set_mindevcount(Dmid(1), ClassId(0), 1);
        mogile.set_mindevcount(Dmid(2), ClassId(1), 3);
        let all = asked(&mogile, "SELECT dmid, classid, mindevcount FROM class", &[]).unwrap();
        assert_eq!(all, [[1, 0, 1], [2, 1, 3]].map(|row| row.map(Value::Integer)));
        let held = mogile.row(Fid(3)).unwrap().devids;
        assert_eq!(held, [DeviceId(1), DeviceId(2)]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let mogile = mogile();
        for (sql, number, named) in [
            ("SELECT * FROM files", 1146, "'mogilefs.files'"),
            ("SELECT fid, name FROM file", 1054, "'name' in 'field list'"),
            ("SELECT fid FROM file WHERE name = 1", 1054, "'name' in 'where clause'"),
            ("SELECT fid FROM file ORDER BY name", 1054, "'name' in 'order clause'"),
            ("SELECT fid FROM file LIMIT -1", 1210, "LIMIT"),
        ] {
            let why = asked(&mogile, sql, &[]).unwrap_err();
            assert_eq!(why.number, number, "{sql}: {why}");
            assert!(why.text.contains(named), "{sql}: {why}");
        }
    }
}
