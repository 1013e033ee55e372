//! `SELECT` from one table:
//! `SELECT columns|*|COUNT(*) FROM table [WHERE column = value [AND …]] [ORDER BY column [DESC], …]
//! [LIMIT n]`, where a column may also be `CAST(column AS CHAR)`.

use std::cmp::Ordering;

use super::parser::Parser;
use super::tokens::TokenKind;
use crate::wire::mysql::value::Value;

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// What is wanted of each row.
    pub fields: Fields,
    /// The database, where it is named.
    pub database: Option<String>,
    /// The table.
    pub table: String,
    /// What must all be true of a row.
    pub conditions: Vec<Condition>,
    /// The order of the rows.
    pub order: Vec<Order>,
    /// The most rows.
    pub limit: Option<Operand>,
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
    /// Whatever it is, it is to be a text.
    pub as_text: bool,
}

/// A comparison of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub operand: Operand,
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Whether it is true of two values that stand so to each other.
    pub const fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
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
    let first = parser.name()?;
    let (database, table) =
        if parser.mark('.') { (Some(first), parser.name()?) } else { (None, first) };
    let mut conditions = Vec::new();
    if parser.word("where") {
        conditions.push(condition(parser)?);
        while parser.word("and") {
            conditions.push(condition(parser)?);
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
    Some(Select { fields, database, table, conditions, order, limit })
}

fn fields(parser: &mut Parser) -> Option<Fields> {
    if parser.mark('*') {
        return Some(Fields::All);
    }
    if let Some((label, ())) = count(parser) {
        return Some(Fields::Count(label));
    }
    let mut fields = Vec::new();
    loop {
        let (label, (column, as_text)) = parser.labelled(|parser| {
            let column = parser.name()?;
            if !(column.eq_ignore_ascii_case("cast") && parser.mark('(')) {
                return Some((column, false));
            }
            let column = parser.name()?;
            (parser.words(&["as", "char"]) && parser.mark(')')).then_some((column, true))
        })?;
        fields.push(Field { column, label: label.trim_matches('`').to_owned(), as_text });
        if !parser.mark(',') {
            return Some(Fields::Named(fields));
        }
    }
}

/// `COUNT(*)`, with its name in the answer.
fn count(parser: &mut Parser) -> Option<(String, ())> {
    let is_count = |kind: &TokenKind| matches!(kind, TokenKind::Word(word) if word.eq_ignore_ascii_case("count"));
    parser.peek().is_some_and(is_count).then_some(())?;
    parser.labelled(|parser| {
        let is_whole =
            parser.word("count") && parser.mark('(') && parser.mark('*') && parser.mark(')');
        is_whole.then_some(())
    })
}

fn condition(parser: &mut Parser) -> Option<Condition> {
    let column = parser.name()?;
    let comparison = if parser.mark('=') {
        Comparison::Equal
    } else if parser.next_if(|kind| *kind == TokenKind::AtMost) {
        Comparison::AtMost
    } else if parser.next_if(|kind| *kind == TokenKind::AtLeast) {
        Comparison::AtLeast
    } else if parser.mark('<') {
        Comparison::Below
    } else if parser.mark('>') {
        Comparison::Above
    } else {
        return None;
    };
    Some(Condition { column, comparison, operand: operand(parser)? })
}

fn operand(parser: &mut Parser) -> Option<Operand> {
    if let Some(at) = parser.parameter() {
        return Some(Operand::Parameter(at));
    }
    if let Some(number) = parser.number() {
        return Some(Operand::Value(Value::Integer(number)));
    }
    parser.text().map(|text| Operand::Value(Value::Text(text)))
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
    use super::super::{Statement, parse};
    use super::*;

    fn select(sql: &str) -> (Select, usize) {
        match parse(sql) {
            Some((Statement::Select(select), parameters)) => (select, parameters),
            other => panic!("{sql}: {other:?}"),
        }
    }

    fn field(column: &str, label: &str, as_text: bool) -> Field {
        Field { column: column.to_owned(), label: label.to_owned(), as_text }
    }

    #[test]
    fn fields_have_names_and_may_become_texts() {
        let sql = "SELECT `fid`, CAST(status AS CHAR) AS status, cast(fid as char), dmid AS d \
                   FROM host";
        let fields = vec![
            field("fid", "fid", false),
            field("status", "status", true),
            field("fid", "cast(fid as char)", true),
            field("dmid", "d", false),
        ];
        assert_eq!(select(sql).0.fields, Fields::Named(fields));
    }

    #[test]
    fn the_adapters_page_is_understood() {
        let (page, parameters) =
            select("SELECT fid, dmid, dkey, length FROM file WHERE fid > ? ORDER BY fid LIMIT ?");
        let named = |name: &str| field(name, name, false);
        assert_eq!(
            page,
            Select {
                fields: Fields::Named(["fid", "dmid", "dkey", "length"].map(named).into()),
                database: None,
                table: "file".to_owned(),
                conditions: vec![Condition {
                    column: "fid".to_owned(),
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
            "SELECT fid, COUNT(*) FROM file",
            "SELECT CAST(fid AS BINARY) FROM file",
            "SELECT CAST(fid AS CHAR FROM file",
            "SELECT COUNT(fid) FROM file",
            "SELECT fid FROM file, domain",
            "SELECT fid FROM file JOIN domain",
            "SELECT fid FROM file WHERE fid <> 1",
            "SELECT fid FROM file WHERE fid = 1 OR fid = 2",
            "SELECT fid FROM file WHERE",
            "SELECT fid FROM file GROUP BY fid",
            "SELECT fid FROM file LIMIT 1, 2",
            "SELECT fid FROM file FOR UPDATE",
            "SELECT fid f FROM file",
        ] {
            assert_eq!(parse(sql), None, "{sql}");
        }
    }
}
