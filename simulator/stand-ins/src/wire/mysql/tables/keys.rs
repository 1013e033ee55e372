//! Changes of keys in the table `file`: `UPDATE file SET dkey = … WHERE …`. No other statement changes
//! MogileFS's tables here.

use super::mogile::Table;
use super::{Row, position};
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::sql::{Change, Comparison, Condition, Update};
use crate::wire::mysql::value::Value;
use crate::world::mogile::{Fid, FileRow, MogileFs};

/// A key that is changed where the transaction is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    fid: Fid,
    from: Option<String>,
    to: String,
}

impl KeyChange {
    /// Changes the key. Error 1213 where somebody else was faster, which no server lets happen: it would
    /// have had to wait.
    pub fn apply(&self, mogile: &MogileFs) -> Result<(), Refusal> {
        if mogile.change_key(self.fid, self.from.as_deref(), &self.to) {
            return Ok(());
        }
        let text = "Deadlock found when trying to get lock; try restarting transaction";
        Err(Refusal::new(1213, text))
    }
}

/// The changes of a statement; `None` for one that is not on the list.
pub fn changes_of(
    update: &Update,
    parameters: &[Value],
    mogile: &MogileFs,
) -> Option<Result<Vec<KeyChange>, Refusal>> {
    let [(column, Change::Value(operand))] = &update.changes[..] else { return None };
    let is_key = update.place.table == Table::File.name() && column.eq_ignore_ascii_case("dkey");
    match operand.value(parameters) {
        Value::Text(key) if is_key => Some(found(&update.conditions, parameters, key, mogile)),
        Value::Text(_) | Value::Null | Value::Integer(_) => None,
    }
}

fn found(
    conditions: &[Condition],
    parameters: &[Value],
    key: &str,
    mogile: &MogileFs,
) -> Result<Vec<KeyChange>, Refusal> {
    for condition in conditions {
        position(Table::File, &condition.column, "where clause")?;
    }
    let holds = |row: &Row| conditions.iter().all(|condition| is_true(condition, row, parameters));
    let rows = mogile.map_rows(Fid(0), Fid(u64::MAX), usize::MAX, |file: &FileRow| {
        Table::File.row_of(file).filter(holds).map(|_| file.clone())
    });
    let taken = |row: &FileRow| {
        let holder = mogile.row_by_key(row.dmid, key);
        holder.is_some_and(|holder| holder.fid != row.fid)
    };
    if rows.iter().any(taken) || rows.len() > 1 {
        let text = format!("Duplicate entry '{key}' for key 'file.dkey'");
        return Err(Refusal::new(1062, text));
    }
    let change = |row: FileRow| KeyChange { fid: row.fid, from: row.dkey, to: key.to_owned() };
    Ok(rows.into_iter().map(change).collect())
}

fn is_true(condition: &Condition, row: &Row, parameters: &[Value]) -> bool {
    let Some(at) = Table::File.position(&condition.column) else { return false };
    let value = condition.operand.value(parameters);
    if condition.is_binary && condition.comparison == Comparison::Equal {
        return row[at] != Value::Null && row[at] == *value;
    }
    condition.comparison.holds(&row[at], value)
}
