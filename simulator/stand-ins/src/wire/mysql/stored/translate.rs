//! A statement of the list in `SQLite`'s words. Names come from the schema, values are bound: nothing
//! that a client wrote becomes SQL.

use std::collections::BTreeMap;

use rusqlite::types::Value as Bound;

use super::table;
use crate::wire::mysql::refusal::Refusal;
use crate::wire::mysql::sql::{
    Change, Comparison, Condition, Delete, Fields, Function, Insert, Operand, Select, Statement,
    Update,
};
use crate::wire::mysql::tables::{Column, limit_of};
use crate::wire::mysql::value::{Kind, Value};
use crate::world::databases::{Database, Filled, Kind as Stored, Table};

/// A statement with the values of its parameters, which are numbered from 1.
#[derive(Debug)]
pub(super) struct Sql {
    pub(super) text: String,
    pub(super) values: Vec<Bound>,
}

impl Sql {
    /// Translates a statement about rows.
    pub(super) fn of(
        database: Database,
        statement: &Statement,
        parameters: &[Value],
    ) -> Result<Self, Refusal> {
        let writer = |name: &str| Ok::<_, Refusal>(Writer::of(table(database, name)?, parameters));
        if let Statement::Select(select) = statement {
            writer(&select.place.table)?.select(select)
        } else if let Statement::Insert(insert) = statement {
            writer(&insert.place.table)?.insert(insert)
        } else if let Statement::Update(update) = statement {
            writer(&update.place.table)?.update(update)
        } else if let Statement::Delete(delete) = statement {
            writer(&delete.place.table)?.delete(delete)
        } else {
            Err(Refusal::new(1235, "this statement is not about rows"))
        }
    }
}

impl Sql {
    /// Translates a question about this table.
    pub(super) fn select(
        table: &'static Table,
        select: &Select,
        parameters: &[Value],
    ) -> Result<Self, Refusal> {
        Writer::of(table, parameters).select(select)
    }
}

struct Writer<'a> {
    table: &'static Table,
    parameters: &'a [Value],
    values: Vec<Bound>,
}

impl<'a> Writer<'a> {
    const fn of(table: &'static Table, parameters: &'a [Value]) -> Self {
        Self { table, parameters, values: Vec::new() }
    }

    fn select(mut self, select: &Select) -> Result<Sql, Refusal> {
        let fields = match &select.fields {
            Fields::All => self.table.columns.iter().map(|column| quoted(column.name)).collect(),
            Fields::Count(_) => vec!["COUNT(*)".to_owned()],
            Fields::Named(fields) => {
                let fields = fields.iter().map(|field| match field.function {
                    Function::Count => Ok("COUNT(*)".to_owned()),
                    Function::Plain => self.column(&field.column, "field list"),
                    Function::AsText => {
                        Ok(format!("CAST({} AS TEXT)", self.column(&field.column, "field list")?))
                    }
                    Function::AsBytes => {
                        Ok(format!("CAST({} AS BLOB)", self.column(&field.column, "field list")?))
                    }
                    Function::Left(letters) => Ok(format!(
                        "SUBSTR({}, 1, {letters})",
                        self.column(&field.column, "field list")?
                    )),
                    Function::Min => {
                        Ok(format!("MIN({})", self.column(&field.column, "field list")?))
                    }
                    Function::Max => {
                        Ok(format!("MAX({})", self.column(&field.column, "field list")?))
                    }
                });
                fields.collect::<Result<Vec<_>, Refusal>>()?
            }
        };
        let mut text = format!("SELECT {} FROM {}", fields.join(", "), quoted(self.table.name));
        text += &self.conditions(&select.conditions)?;
        let group = select.group.iter().map(|name| self.group(select, name));
        let group: Vec<_> = group.collect::<Result<_, _>>()?;
        if !group.is_empty() {
            text.extend([" GROUP BY ", &group.join(", ")]);
        }
        let order = select.order.iter().map(|order| {
            let column = self.column(&order.column, "order clause")?;
            Ok(if order.is_descending { format!("{column} DESC") } else { column })
        });
        let order: Vec<_> = order.collect::<Result<_, Refusal>>()?;
        if !order.is_empty() {
            text.extend([" ORDER BY ", &order.join(", ")]);
        }
        if let Some(limit) = &select.limit {
            text.extend([" LIMIT ", &self.bind_limit(limit)?]);
        }
        Ok(self.done(text))
    }

    /// A column to group by, or the name that the answer has for one: its place there.
    fn group(&self, select: &Select, name: &str) -> Result<String, Refusal> {
        if let (None, Fields::Named(fields)) = (self.table.column(name), &select.fields) {
            let place = fields.iter().position(|field| field.label.eq_ignore_ascii_case(name));
            if let Some(place) = place {
                return Ok((place + 1).to_string());
            }
        }
        self.column(name, "group statement")
    }

    fn insert(mut self, insert: &Insert) -> Result<Sql, Refusal> {
        let columns = insert.columns.iter().map(|name| self.column(name, "field list"));
        let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
        let mut rows = Vec::new();
        for row in &insert.rows {
            let values = row.iter().map(|value| self.bind(value));
            rows.push(format!("({})", values.collect::<Result<Vec<_>, _>>()?.join(", ")));
        }
        let table = quoted(self.table.name);
        let (columns, rows) = (columns.join(", "), rows.join(", "));
        Ok(self.done(format!("INSERT INTO {table} ({columns}) VALUES {rows}")))
    }

    /// A column that takes the time of every change takes it where a row really becomes another, as
    /// the server does, and only where the statement says nothing of it.
    fn update(mut self, update: &Update) -> Result<Sql, Refusal> {
        let (mut sets, mut differences) = (Vec::new(), Vec::new());
        for (name, change) in &update.changes {
            let column = self.column(name, "field list")?;
            let value = match change {
                Change::Value(operand) => self.bind(operand)?,
                Change::Column(other) => self.column(other, "field list")?,
            };
            differences.push(format!("{column} IS NOT {value} COLLATE BINARY"));
            sets.push(format!("{column} = {value}"));
        }
        let is_named =
            |name: &str| update.changes.iter().any(|(it, _)| it.eq_ignore_ascii_case(name));
        for column in self.table.columns {
            if column.filled == Filled::NowAtChange && !is_named(column.name) {
                let (name, differs) = (quoted(column.name), differences.join(" OR "));
                let now = "CURRENT_TIMESTAMP";
                sets.push(format!("{name} = CASE WHEN {differs} THEN {now} ELSE {name} END"));
            }
        }
        let mut text = format!("UPDATE {} SET {}", quoted(self.table.name), sets.join(", "));
        text += &self.conditions(&update.conditions)?;
        Ok(self.done(text))
    }

    fn delete(mut self, delete: &Delete) -> Result<Sql, Refusal> {
        let mut text = format!("DELETE FROM {}", quoted(self.table.name));
        text += &self.conditions(&delete.conditions)?;
        Ok(self.done(text))
    }

    fn conditions(&mut self, conditions: &[Condition]) -> Result<String, Refusal> {
        let mut all = Vec::new();
        // In one list: `SQLite` takes a time for many comparisons that grows with their square.
        let mut unequal: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for condition in conditions {
            let column = self.column(&condition.column, "where clause")?;
            let collation = if condition.is_binary { " COLLATE BINARY" } else { "" };
            let operator = match condition.comparison {
                Comparison::Equal => "=",
                Comparison::NotEqual => {
                    let value = self.bind_compared(&condition.operand)?;
                    unequal.entry((column, collation)).or_default().push(value);
                    continue;
                }
                Comparison::Below => "<",
                Comparison::AtMost => "<=",
                Comparison::Above => ">",
                Comparison::AtLeast => ">=",
                Comparison::IsNull | Comparison::IsNotNull => {
                    let is_null = condition.comparison == Comparison::IsNull;
                    let words = if is_null { "IS NULL" } else { "IS NOT NULL" };
                    all.push(format!("{column} {words}"));
                    continue;
                }
            };
            let value = self.bind_compared(&condition.operand)?;
            all.push(format!("{column}{collation} {operator} {value}"));
        }
        let lists = unequal.into_iter().map(|((column, collation), values)| {
            format!("{column}{collation} NOT IN ({})", values.join(", "))
        });
        all.extend(lists);
        Ok(if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) })
    }

    fn column(&self, name: &str, clause: &str) -> Result<String, Refusal> {
        column(self.table, name, clause).map(|column| quoted(column.name))
    }

    fn bind(&mut self, operand: &Operand) -> Result<String, Refusal> {
        self.values.push(match operand.value(self.parameters) {
            Value::Null => Bound::Null,
            Value::Text(text) => Bound::Text(text.clone()),
            Value::Integer(number) => {
                let out_of_range = |_| Refusal::new(1264, format!("Out of range value: {number}"));
                Bound::Integer(i64::try_from(*number).map_err(out_of_range)?)
            }
        });
        Ok(format!("?{}", self.values.len()))
    }

    /// Binds what is only compared: a number may be beyond those that a column holds.
    #[expect(clippy::cast_precision_loss, reason = "it stays beyond all numbers of 64 bits")]
    fn bind_compared(&mut self, operand: &Operand) -> Result<String, Refusal> {
        match operand.value(self.parameters) {
            Value::Integer(number) if i64::try_from(*number).is_err() => {
                self.values.push(Bound::Real(*number as f64));
                Ok(format!("?{}", self.values.len()))
            }
            Value::Integer(_) | Value::Null | Value::Text(_) => self.bind(operand),
        }
    }

    fn bind_limit(&mut self, limit: &Operand) -> Result<String, Refusal> {
        let limit = limit_of(limit, self.parameters)?;
        self.values.push(Bound::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        Ok(format!("?{}", self.values.len()))
    }

    fn done(self, text: String) -> Sql {
        Sql { text, values: self.values }
    }
}

/// The columns of an answer.
pub(super) fn select_columns(
    database: &'static str,
    table: &'static Table,
    select: &Select,
) -> Result<Vec<Column>, Refusal> {
    let shown = |name: &str, label: &str| {
        let column = column(table, name, "field list")?;
        Ok::<_, Refusal>(Column {
            database,
            table: table.name.to_owned(),
            name: column.name.to_owned(),
            label: label.to_owned(),
            kind: kind_of(column.kind),
        })
    };
    match &select.fields {
        Fields::All => table.columns.iter().map(|column| shown(column.name, column.name)).collect(),
        Fields::Count(label) => Ok(vec![Column::computed(label, Kind::BIGINT.not_null())]),
        Fields::Named(fields) => {
            let fields = fields.iter().map(|field| match field.function {
                Function::Count => Ok(Column::computed(&field.label, Kind::BIGINT.not_null())),
                Function::AsText | Function::Left(_) => {
                    shown(&field.column, &field.label)?;
                    Ok(Column::computed(&field.label, Kind::VARCHAR))
                }
                Function::AsBytes => {
                    shown(&field.column, &field.label)?;
                    Ok(Column::computed(&field.label, Kind::VARBINARY))
                }
                Function::Plain | Function::Min | Function::Max => {
                    shown(&field.column, &field.label)
                }
            });
            fields.collect()
        }
    }
}

fn column(
    table: &'static Table,
    name: &str,
    clause: &str,
) -> Result<&'static crate::world::databases::Column, Refusal> {
    let unknown = || Refusal::new(1054, format!("Unknown column '{name}' in '{clause}'"));
    table.column(name).ok_or_else(unknown)
}

const fn kind_of(kind: Stored) -> Kind {
    match kind {
        Stored::TinyInt => Kind::TINYINT,
        Stored::Int => Kind::INT,
        Stored::BigInt => Kind::BIGINT,
        Stored::Char(letters) | Stored::Varchar(letters) => Kind::text(letters as u32),
        Stored::LongText => Kind::text(u32::MAX),
        Stored::Timestamp => Kind::TIMESTAMP,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
