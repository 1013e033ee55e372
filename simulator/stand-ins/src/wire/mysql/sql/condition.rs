//! `WHERE`: comparisons of columns with values, all of which must be true.

use std::cmp::Ordering;

use super::parser::Parser;
use super::select::{Function, Operand, cast, operand};
use super::tokens::TokenKind;
use crate::wire::mysql::value::Value;

/// A comparison of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The column.
    pub column: String,
    /// Byte by byte, whatever the collation.
    pub is_binary: bool,
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
    /// `<>`
    NotEqual,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `IS NULL`
    IsNull,
    /// `IS NOT NULL`
    IsNotNull,
}

impl Comparison {
    /// Whether it is true of two values, of which the second is nothing to `IS NULL`.
    pub fn holds(self, value: &Value, other: &Value) -> bool {
        match self {
            Self::IsNull => *value == Value::Null,
            Self::IsNotNull => *value != Value::Null,
            Self::Equal
            | Self::NotEqual
            | Self::Below
            | Self::AtMost
            | Self::Above
            | Self::AtLeast => value.compare(other).is_some_and(|order| self.holds_for(order)),
        }
    }

    /// Whether it is true of two values that stand so to each other. Of `IS NULL` that says nothing.
    const fn holds_for(self, order: Ordering) -> bool {
        match self {
            Self::IsNull | Self::IsNotNull => false,
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// Reads a `WHERE` with all its conditions, or nothing. `BETWEEN` becomes two, `NOT IN` one for each
/// value.
pub(super) fn conditions(parser: &mut Parser) -> Option<Vec<Condition>> {
    let mut all = Vec::new();
    if !parser.word("where") {
        return Some(all);
    }
    loop {
        condition(parser, &mut all)?;
        if !parser.word("and") {
            return Some(all);
        }
    }
}

fn condition(parser: &mut Parser, all: &mut Vec<Condition>) -> Option<()> {
    let (column, mut is_binary) = column(parser)?;
    let mut add = |is_binary, comparison, operand| {
        all.push(Condition { column: column.clone(), is_binary, comparison, operand });
    };
    let nothing = || Operand::Value(Value::Null);
    if parser.words(&["is", "null"]) {
        add(is_binary, Comparison::IsNull, nothing());
    } else if parser.words(&["is", "not", "null"]) {
        add(is_binary, Comparison::IsNotNull, nothing());
    } else if parser.word("between") {
        add(is_binary, Comparison::AtLeast, operand(parser)?);
        parser.word("and").then_some(())?;
        add(is_binary, Comparison::AtMost, operand(parser)?);
    } else if parser.words(&["not", "in"]) {
        for operand in parser.in_brackets(operand)? {
            add(is_binary, Comparison::NotEqual, operand);
        }
    } else {
        let comparison = comparison(parser)?;
        let (operand, is_cast) = compared(parser)?;
        is_binary |= is_cast;
        add(is_binary, comparison, operand);
    }
    Some(())
}

/// A column, and whether its bytes are compared: `BINARY column`, or
/// `CAST(CONVERT(column USING utf8mb4) AS BINARY)`.
fn column(parser: &mut Parser) -> Option<(String, bool)> {
    let is_binary = parser.word("binary");
    let name = parser.name()?;
    if name.eq_ignore_ascii_case("cast") && parser.mark('(') {
        let (column, function) = cast(parser)?;
        return (function == Function::AsBytes && parser.mark(')')).then_some((column, true));
    }
    Some((name, is_binary))
}

/// A value, and whether its bytes are compared: `BINARY value`, or `CAST(value AS BINARY)`.
fn compared(parser: &mut Parser) -> Option<(Operand, bool)> {
    if parser.word("cast") {
        parser.mark('(').then_some(())?;
        let operand = operand(parser)?;
        return (parser.words(&["as", "binary"]) && parser.mark(')')).then_some((operand, true));
    }
    let is_binary = parser.word("binary");
    Some((operand(parser)?, is_binary))
}

fn comparison(parser: &mut Parser) -> Option<Comparison> {
    if parser.mark('=') {
        Some(Comparison::Equal)
    } else if parser.next_if(|kind| *kind == TokenKind::AtMost) {
        Some(Comparison::AtMost)
    } else if parser.next_if(|kind| *kind == TokenKind::AtLeast) {
        Some(Comparison::AtLeast)
    } else if parser.mark('<') {
        Some(if parser.mark('>') { Comparison::NotEqual } else { Comparison::Below })
    } else if parser.mark('>') {
        Some(Comparison::Above)
    } else {
        (parser.mark('!') && parser.mark('=')).then_some(Comparison::NotEqual)
    }
}
