//! `SELECT` from one table:
//! `SELECT columns|*|COUNT(*) FROM table [WHERE [BINARY] column = value [AND …]] [GROUP BY column, …]
//! [ORDER BY column [DESC], …] [LIMIT n]`, where a column may also be `CAST(column AS CHAR)`,
//! `CAST(CONVERT(column USING utf8mb4) AS BINARY)`, `LEFT(column, n)`, and, with other columns, `COUNT(*)`, `MIN(column)`
//! or `MAX(column)`.

use super::condition::{Condition, conditions};
use super::parser::Parser;
use crate::wire::mysql::value::Value;

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// What is wanted of each row.
    pub fields: Fields,
    /// The table.
    pub place: Place,
    /// What must all be true of a row.
    pub conditions: Vec<Condition>,
    /// Rows that have the same in these columns are one row of the answer.
    pub group: Vec<String>,
    /// The order of the rows.
    pub order: Vec<Order>,
    /// The most rows.
    pub limit: Option<Operand>,
}

/// A table, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The database, where it is named.
    pub database: Option<String>,
    /// The table.
    pub table: String,
}

/// What is wanted of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// Every column.
    All,
    /// How many rows there are, under this name.
    Count(String),
    /// Columns.
    Named(Vec<Field>),
}

/// A column that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in the table.
    pub column: String,
    /// Its name in the answer.
    pub label: String,
    /// What is made of it.
    pub function: Function,
}

/// What is made of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Nothing.
    Plain,
    /// A text.
    AsText,
    /// Its first characters, so many.
    Left(u16),
    /// Its bytes, which are never compared by a collation.
    AsBytes,
    /// Its lowest value.
    Min,
    /// Its highest value.
    Max,
    /// The number of rows; the column is `*`.
    Count,
}

/// A value that is written, or bound when the statement is executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// It is written.
    Value(Value),
    /// It is the parameter of this number, counted from 0.
    Parameter(usize),
}

impl Operand {
    /// The value, with these parameters. A missing one is NULL.
    pub fn value<'a>(&'a self, parameters: &'a [Value]) -> &'a Value {
        match self {
            Self::Value(value) => value,
            Self::Parameter(at) => parameters.get(*at).unwrap_or(&Value::Null),
        }
    }
}

/// A column by which rows are ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub column: String,
    /// The largest comes first.
    pub is_descending: bool,
}

/// Reads what is behind `SELECT`.
pub(super) fn parse(parser: &mut Parser) -> Option<Select> {
    let fields = fields(parser)?;
    parser.word("from").then_some(())?;
    let place = place(parser)?;
    let conditions = conditions(parser)?;
    let mut group = Vec::new();
    if parser.words(&["group", "by"]) {
        group.push(parser.name()?);
        while parser.mark(',') {
            group.push(parser.name()?);
        }
    }
    let mut order = Vec::new();
    if parser.words(&["order", "by"]) {
        order.push(order_of(parser)?);
        while parser.mark(',') {
            order.push(order_of(parser)?);
        }
    }
    let limit = if parser.word("limit") { Some(operand(parser)?) } else { None };
    Some(Select { fields, place, conditions, group, order, limit })
}

/// Reads the name of a table, with that of its database before it or without.
pub(super) fn place(parser: &mut Parser) -> Option<Place> {
    let first = parser.name()?;
    if parser.mark('.') {
        return Some(Place { database: Some(first), table: parser.name()? });
    }
    Some(Place { database: None, table: first })
}

fn fields(parser: &mut Parser) -> Option<Fields> {
    if parser.mark('*') {
        return Some(Fields::All);
    }
    let mut fields = Vec::new();
    loop {
        let (label, (column, function)) = parser.labelled(column_or_function)?;
        fields.push(Field { column, label: label.trim_matches('`').to_owned(), function });
        if !parser.mark(',') {
            break;
        }
    }
    if let [Field { label, function: Function::Count, .. }] = fields.as_slice() {
        return Some(Fields::Count(label.clone()));
    }
    Some(Fields::Named(fields))
}

fn column_or_function(parser: &mut Parser) -> Option<(String, Function)> {
    let name = parser.name()?;
    if !parser.mark('(') {
        return Some((name, Function::Plain));
    }
    let (column, function) = match name.to_lowercase().as_str() {
        "cast" => cast(parser)?,
        "left" => left(parser)?,
        "min" => (parser.name()?, Function::Min),
        "max" => (parser.name()?, Function::Max),
        "count" => parser.mark('*').then(|| ("*".to_owned(), Function::Count))?,
        _ => return None,
    };
    parser.mark(')').then_some((column, function))
}

/// `column, n`
fn left(parser: &mut Parser) -> Option<(String, Function)> {
    let column = parser.name()?;
    parser.mark(',').then_some(())?;
    let letters = u16::try_from(parser.number()?).ok()?;
    Some((column, Function::Left(letters)))
}

/// `column AS CHAR`, or `CONVERT(column USING utf8mb4) AS BINARY`: all texts are UTF-8 here.
pub(super) fn cast(parser: &mut Parser) -> Option<(String, Function)> {
    let name = parser.name()?;
    if name.eq_ignore_ascii_case("convert") && parser.mark('(') {
        let column = parser.name()?;
        let is_whole = parser.words(&["using", "utf8mb4"]) && parser.mark(')');
        (is_whole && parser.words(&["as", "binary"])).then_some(())?;
        return Some((column, Function::AsBytes));
    }
    parser.words(&["as", "char"]).then_some((name, Function::AsText))
}

/// Reads a value: a parameter, a number, a text, `NULL` or `DATABASE()`.
pub(super) fn operand(parser: &mut Parser) -> Option<Operand> {
    if let Some(at) = parser.parameter() {
        return Some(Operand::Parameter(at));
    }
    if let Some(number) = parser.number() {
        return Some(Operand::Value(Value::Integer(number)));
    }
    if parser.word("null") {
        return Some(Operand::Value(Value::Null));
    }
    let text = parser.text().map(Value::Text);
    text.or_else(|| parser.current_database()).map(Operand::Value)
}

fn order_of(parser: &mut Parser) -> Option<Order> {
    let column = parser.name()?;
    let is_descending = parser.word("desc");
    if !is_descending {
        parser.word("asc");
    }
    Some(Order { column, is_descending })
}

#[cfg(test)]
mod tests {
    use super::super::{Comparison, Statement, parse};
    use super::*;

    fn select(sql: &str) -> (Select, usize) {
        match parse(sql) {
            Some((Statement::Select(select), parameters)) => (select, parameters),
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn field(column: &str, label: &str, function: Function) -> Field {
        Field { column: column.to_owned(), label: label.to_owned(), function }
    }

    #[test]
    fn fields_have_names_and_may_become_texts() {
        let sql = "SELECT `fid`, CAST(status AS CHAR) AS status, cast(fid as char), dmid AS d, \
                   LEFT(hostname, 7) AS name FROM host";
        let fields = vec![
            field("fid", "fid", Function::Plain),
            field("status", "status", Function::AsText),
            field("fid", "cast(fid as char)", Function::AsText),
            field("dmid", "d", Function::Plain),
            field("hostname", "name", Function::Left(7)),
        ];
        assert_eq!(select(sql).0.fields, Fields::Named(fields));
    }

    #[test]
    fn the_adapters_page_is_understood() {
        let (page, parameters) =
            select("SELECT fid, dmid, dkey, length FROM file WHERE fid > ? ORDER BY fid LIMIT ?");
        let named = |name: &str| field(name, name, Function::Plain);
        assert_eq!(
            page,
            Select {
                fields: Fields::Named(["fid", "dmid", "dkey", "length"].map(named).into()),
                place: Place { database: None, table: "file".to_owned() },
                group: Vec::new(),
                conditions: vec![Condition {
                    column: "fid".to_owned(),
                    is_binary: false,
                    comparison: Comparison::Above,
                    operand: Operand::Parameter(0),
                }],
                order: vec![Order { column: "fid".to_owned(), is_descending: false }],
                limit: Some(Operand::Parameter(1)),
            }
        );
        assert_eq!(parameters, 2);
    }

    #[test]
    fn counts_have_the_name_that_they_are_given() {
        for (sql, label) in [
            ("SELECT COUNT(*) AS files FROM file WHERE dmid = ?", "files"),
            ("select count(*) from `mogilefs`.`file`", "count(*)"),
        ] {
            assert_eq!(select(sql).0.fields, Fields::Count(label.to_owned()), "{sql}");
        }
    }

    #[test]
    fn what_is_written_is_compared() {
        let (file, _) = select("SELECT * FROM file WHERE dmid=1 AND dkey='a' AND fid <= -7");
        let conditions: Vec<_> =
            file.conditions.iter().map(|it| (it.comparison, it.operand.value(&[]))).collect();
        let text = Value::Text("a".to_owned());
        assert_eq!(
            conditions,
            [
                (Comparison::Equal, &Value::Integer(1)),
                (Comparison::Equal, &text),
                (Comparison::AtMost, &Value::Integer(-7)),
            ]
        );
    }

    #[test]
    fn other_shapes_are_not_on_the_list() {
        for sql in [
            "SELECT CAST(fid AS BINARY) FROM file",
            "SELECT CAST(fid AS CHAR FROM file",
            "SELECT LEFT(dkey, -1) FROM file",
            "SELECT LEFT(dkey) FROM file",
            "SELECT COUNT(fid) FROM file",
            "SELECT fid FROM file, domain",
            "SELECT fid FROM file JOIN domain",
            "SELECT fid FROM file WHERE fid = 1 OR fid = 2",
            "SELECT fid FROM file WHERE",
            "SELECT fid FROM file GROUP BY",
            "SELECT SUM(fid) FROM file",
            "SELECT fid FROM file WHERE fid BETWEEN 1",
            "SELECT fid FROM file WHERE fid = fid",
            "SELECT fid FROM file LIMIT 1, 2",
            "SELECT fid FROM file FOR UPDATE",
            "SELECT fid f FROM file",
        ] {
            assert_eq!(parse(sql), None, "{sql}");
        }
    }
}
