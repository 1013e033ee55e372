//! Which rows a statement wants, and the key along which they are found.

use super::{Row, Table, position};
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::sql::{Comparison, Fields, Operand, Order, Select};
use crate::wire::mysql::value::Value;
use crate::world::mogile::{Dmid, Fid, FileRow, MogileFs};

/// What a statement asks of each row.
pub(super) struct Wanted<'a> {
    table: Table,
    conditions: Vec<(usize, Comparison, &'a Value)>,
    /// The most rows of the answer.
    pub(super) limit: usize,
    path: Path<'a>,
}

/// The key along which the rows of files are read. Every row that is wanted is on it.
enum Path<'a> {
    /// The primary key. Its first rows are the first ones of the answer.
    Fids,
    /// The primary key, backwards.
    FidsDescending,
    /// The key of a domain's keys, from one on and before another.
    Keys(Dmid, Option<&'a str>, Option<&'a str>),
    /// The primary key, and the answer has another order.
    All,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(
        select: &'a Select,
        parameters: &'a [Value],
        table: Table,
    ) -> Result<Self, Refusal> {
        let mut conditions = Vec::new();
        for condition in &select.conditions {
            let at = position(table, &condition.column, "where clause")?;
            conditions.push((at, condition.comparison, condition.operand.value(parameters)));
        }
        let limit = select.limit.as_ref().map(|limit| limit_of(limit, parameters)).transpose()?;
        let limit = limit.unwrap_or(usize::MAX);
        let path = match select.fields {
            Fields::Count(_) => Path::All,
            Fields::All | Fields::Named(_) => path_of(table, &select.order, &conditions),
        };
        Ok(Self { table, conditions, limit, path })
    }

    /// The rows for which all conditions hold: at least the first ones of the answer, up to its limit.
    pub(super) fn rows(&self, mogile: &MogileFs) -> Vec<Row> {
        let mut rows = self.table.rows(mogile, |rows_of| self.rows_of_files(mogile, rows_of));
        rows.retain(|row| self.holds(row));
        rows
    }

    /// The number of rows for which all conditions hold. No row of a file is kept.
    pub(super) fn count(&self, mogile: &MogileFs) -> usize {
        let mut count = 0;
        let mut rows = self.table.rows(mogile, |rows_of| {
            let Some((first, last)) = self.fids() else { return Vec::new() };
            mogile.map_rows(first, last, usize::MAX, |file| {
                count += self.held(rows_of(file)).len();
                None
            })
        });
        rows.retain(|row| self.holds(row));
        count + rows.len()
    }

    fn holds(&self, row: &Row) -> bool {
        self.conditions.iter().all(|(at, comparison, value)| comparison.holds(&row[*at], value))
    }

    fn held(&self, mut rows: Vec<Row>) -> Vec<Row> {
        rows.retain(|row| self.holds(row));
        rows
    }

    /// The lowest and the highest fid that the conditions allow.
    fn fids(&self) -> Option<(Fid, Fid)> {
        let (mut first, mut last) = (0, i128::from(u64::MAX));
        for (at, comparison, value) in &self.conditions {
            let (0, Value::Integer(number)) = (*at, value) else { continue };
            match comparison {
                Comparison::Equal => (first, last) = (first.max(*number), last.min(*number)),
                Comparison::Above => first = first.max(number + 1),
                Comparison::AtLeast => first = first.max(*number),
                Comparison::Below => last = last.min(number - 1),
                Comparison::AtMost => last = last.min(*number),
                Comparison::NotEqual | Comparison::IsNull | Comparison::IsNotNull => {}
            }
        }
        Some((Fid(u64::try_from(first).ok()?), Fid(u64::try_from(last).ok()?)))
    }

    /// The rows that are wanted, made of files: no more than the answer has.
    fn rows_of_files(&self, mogile: &MogileFs, rows_of: fn(&FileRow) -> Vec<Row>) -> Vec<Row> {
        let Some((first, last)) = self.fids() else { return Vec::new() };
        let held = |file: &FileRow| Some(self.held(rows_of(file))).filter(|rows| !rows.is_empty());
        let rows = match self.path {
            Path::Fids => mogile.map_rows(first, last, self.limit, held),
            Path::FidsDescending => mogile.map_rows_descending(first, last, self.limit, held),
            Path::Keys(dmid, from, end) => {
                mogile.map_rows_by_key(dmid, (from, end), self.limit, held)
            }
            Path::All => mogile.map_rows(first, last, usize::MAX, held),
        };
        rows.into_iter().flatten().collect()
    }
}

/// The most rows that a `LIMIT` allows.
pub fn limit_of(limit: &Operand, parameters: &[Value]) -> Result<usize, Refusal> {
    if let Value::Integer(number @ 0..) = limit.value(parameters) {
        return Ok(usize::try_from(*number).unwrap_or(usize::MAX));
    }
    Err(Refusal::new(1210, "Incorrect arguments to LIMIT"))
}

/// The key whose order is the answer's: where the world is large, other rows are not even looked at.
fn path_of<'a>(
    table: Table,
    order: &[Order],
    conditions: &[(usize, Comparison, &'a Value)],
) -> Path<'a> {
    let Some(first) = order.first() else { return Path::Fids };
    match (table.position(&first.column), first.is_descending) {
        (Some(0), false) => Path::Fids,
        (Some(0), true) => Path::FidsDescending,
        (Some(DKEY), false) if table == Table::File => keys_of(conditions).unwrap_or(Path::All),
        _ => Path::All,
    }
}

/// The place of `dmid` and that of `dkey` in the table `file`.
const DMID: usize = 1;
const DKEY: usize = 2;

/// The range of one domain's keys; [`None`] where the conditions let through another domain's rows, or
/// rows without a key: these are not in the order of keys.
fn keys_of<'a>(conditions: &[(usize, Comparison, &'a Value)]) -> Option<Path<'a>> {
    let (mut dmid, mut has_key, mut from, mut end) = (None, false, None, None);
    for (at, comparison, value) in conditions {
        match (*at, comparison, *value) {
            (DMID, Comparison::Equal, Value::Integer(number)) => {
                dmid = Some(Dmid(u16::try_from(*number).ok()?));
            }
            (DKEY, Comparison::IsNotNull, _) => has_key = true,
            (DKEY, Comparison::AtLeast, Value::Text(key)) => (has_key, from) = (true, Some(&**key)),
            (DKEY, Comparison::Below, Value::Text(key)) => (has_key, end) = (true, Some(&**key)),
            _ => {}
        }
    }
    has_key.then_some(Path::Keys(dmid?, from, end))
}
