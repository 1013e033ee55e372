//! Statements that change rows: `INSERT INTO table (columns) VALUES (…), (…)`,
//! `UPDATE table SET column = value|column, … WHERE …`, `DELETE FROM table WHERE …`. A change of all
//! rows, without a `WHERE`, is not on the list.

use super::condition::{Condition, conditions};
use super::parser::Parser;
use super::select::{Operand, Place, operand, place};

/// New rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insert {
    /// The table.
    pub place: Place,
    /// The columns that are given.
    pub columns: Vec<String>,
    /// Their values, row by row.
    pub rows: Vec<Vec<Operand>>,
}

/// Other values in the rows for which all conditions are true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The table.
    pub place: Place,
    /// Each column with what it becomes.
    pub changes: Vec<(String, Change)>,
    /// What must be true of a row.
    pub conditions: Vec<Condition>,
}

/// What a column becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This value.
    Value(Operand),
    /// What is in another column, or in itself.
    Column(String),
}

/// No more of the rows for which all conditions are true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// The table.
    pub place: Place,
    /// What must be true of a row.
    pub conditions: Vec<Condition>,
}

/// Reads what is behind `INSERT`.
pub(super) fn insert(parser: &mut Parser) -> Option<Insert> {
    parser.word("into").then_some(())?;
    let place = place(parser)?;
    let columns = parser.in_brackets(Parser::name)?;
    parser.word("values").then_some(())?;
    let mut rows = Vec::new();
    loop {
        let row = parser.in_brackets(operand)?;
        (row.len() == columns.len()).then_some(())?;
        rows.push(row);
        if !parser.mark(',') {
            return Some(Insert { place, columns, rows });
        }
    }
}

/// Reads what is behind `UPDATE`.
pub(super) fn update(parser: &mut Parser) -> Option<Update> {
    let place = place(parser)?;
    parser.word("set").then_some(())?;
    let mut changes = Vec::new();
    loop {
        let column = parser.name()?;
        parser.mark('=').then_some(())?;
        let value = operand(parser).map(Change::Value);
        changes.push((column, value.or_else(|| parser.name().map(Change::Column))?));
        if !parser.mark(',') {
            break;
        }
    }
    let conditions = conditions(parser)?;
    (!conditions.is_empty()).then_some(Update { place, changes, conditions })
}

/// Reads what is behind `DELETE`.
pub(super) fn delete(parser: &mut Parser) -> Option<Delete> {
    parser.word("from").then_some(())?;
    let place = place(parser)?;
    let conditions = conditions(parser)?;
    (!conditions.is_empty()).then_some(Delete { place, conditions })
}
