//! Values and the types of columns, in both of the protocol's encodings: text for plain queries,
//! binary for prepared statements.

use std::cmp::Ordering;

use super::packet::{Fields, Malformed, put_bytes};

/// One value of a row, or a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// A number, signed or not.
    Integer(i128),
    /// A text.
    Text(String),
}

impl Value {
    /// Compares as the server's default collations do: blind to case and to blanks at the end. What
    /// is NULL compares with nothing; a text that is no number is 0 beside a number.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(collated(a).cmp(&collated(b))),
            (Self::Text(text), Self::Integer(number)) => Some(number_in(text).cmp(number)),
            (Self::Integer(number), Self::Text(text)) => Some(number.cmp(&number_in(text))),
        }
    }

    /// The order of `ORDER BY`: NULL first.
    pub fn order(&self, other: &Self) -> Ordering {
        let is_there = |value: &Self| *value != Self::Null;
        self.compare(other).unwrap_or_else(|| is_there(self).cmp(&is_there(other)))
    }

    /// Appends the value as text.
    pub fn put_text(&self, payload: &mut Vec<u8>) {
        match self {
            Self::Null => payload.push(0xfb),
            Self::Integer(number) => put_bytes(payload, number.to_string().as_bytes()),
            Self::Text(text) => put_bytes(payload, text.as_bytes()),
        }
    }

    /// Appends the value as a column of this type has it in a binary row. NULL has no bytes: a bit
    /// at the row's beginning says it.
    pub fn put_binary(&self, kind: Kind, payload: &mut Vec<u8>) {
        match (self, kind.width()) {
            (Self::Null, _) => {}
            (Self::Integer(number), Some(width)) => payload.extend(&number.to_le_bytes()[..width]),
            (Self::Text(text), Some(width)) => {
                payload.extend(&number_in(text).to_le_bytes()[..width]);
            }
            (Self::Text(text), None) if kind.code == TIMESTAMP => put_time(text, payload),
            (_, None) => self.put_text(payload),
        }
    }
}

/// `2026-01-31 12:34:56` as a length and that many bytes.
fn put_time(text: &str, payload: &mut Vec<u8>) {
    let parts = text.split(['-', ' ', ':', '.']).map(|part| part.parse().unwrap_or(0_u16));
    let mut bytes: Vec<u8> = Vec::new();
    for (at, part) in parts.take(6).enumerate() {
        let width = if at == 0 { 2 } else { 1 };
        bytes.extend(&part.to_le_bytes()[..width]);
    }
    put_bytes(payload, &bytes);
}

fn collated(text: &str) -> String {
    text.trim_end_matches(' ').to_lowercase()
}

fn number_in(text: &str) -> i128 {
    text.trim().parse().unwrap_or_default()
}

/// A column's type, as a column definition tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The type's number in the protocol.
    pub code: u8,
    /// Whether it is unsigned, and the like.
    pub flags: u16,
    /// The number of its collation: 63 for what is no text.
    pub collation: u16,
    /// Digits or bytes that a value takes at most.
    pub length: u32,
}

const NOT_NULL: u16 = 1;
const PRIMARY_KEY: u16 = 2;
const UNSIGNED: u16 = 32;
const BINARY_FLAG: u16 = 128;
const BINARY: u16 = 63;
const UTF8MB4_GENERAL_CI: u16 = 45;

const TINY: u8 = 1;
const SHORT: u8 = 2;
const LONG: u8 = 3;
const NULL: u8 = 6;
const TIMESTAMP: u8 = 7;
const LONGLONG: u8 = 8;
const INT24: u8 = 9;
const YEAR: u8 = 13;
const VAR_STRING: u8 = 0xfd;

impl Kind {
    /// `TINYINT UNSIGNED`.
    pub const TINYINT_UNSIGNED: Self = Self::number(TINY, UNSIGNED, 3);
    /// `SMALLINT UNSIGNED`.
    pub const SMALLINT_UNSIGNED: Self = Self::number(SHORT, UNSIGNED, 5);
    /// `MEDIUMINT UNSIGNED`.
    pub const MEDIUMINT_UNSIGNED: Self = Self::number(INT24, UNSIGNED, 8);
    /// `BIGINT`.
    pub const BIGINT: Self = Self::number(LONGLONG, 0, 20);
    /// `BIGINT UNSIGNED`.
    pub const BIGINT_UNSIGNED: Self = Self::number(LONGLONG, UNSIGNED, 20);
    /// `INT UNSIGNED`.
    pub const INT_UNSIGNED: Self = Self::number(LONG, UNSIGNED, 10);
    /// `TINYINT`.
    pub const TINYINT: Self = Self::number(TINY, 0, 4);
    /// `INT`.
    pub const INT: Self = Self::number(LONG, 0, 11);
    /// `TIMESTAMP`: a text of 19 letters, seven bytes in binary.
    pub const TIMESTAMP: Self = Self { code: TIMESTAMP, flags: 0, collation: BINARY, length: 19 };
    /// `VARCHAR(255)`, four bytes a letter.
    pub const VARCHAR: Self =
        Self { code: VAR_STRING, flags: 0, collation: UTF8MB4_GENERAL_CI, length: 1020 };

    /// `VARBINARY(1020)`.
    pub const VARBINARY: Self = Self { flags: BINARY_FLAG, collation: BINARY, ..Self::VARCHAR };

    /// A text of so many letters at most.
    pub const fn text(letters: u32) -> Self {
        Self { length: letters.saturating_mul(4), ..Self::VARCHAR }
    }

    const fn number(code: u8, flags: u16, length: u32) -> Self {
        Self { code, flags, collation: BINARY, length }
    }

    /// The same type in a column that is never NULL.
    pub const fn not_null(self) -> Self {
        Self { flags: self.flags | NOT_NULL, ..self }
    }

    /// The same type as the primary key.
    pub const fn key(self) -> Self {
        Self { flags: self.flags | NOT_NULL | PRIMARY_KEY, ..self }
    }

    /// Whether a column of it may be NULL.
    pub const fn is_nullable(self) -> bool {
        self.flags & NOT_NULL == 0
    }

    /// Whether a column of it is in the primary key.
    pub const fn is_key(self) -> bool {
        self.flags & PRIMARY_KEY != 0
    }

    /// Its name in MySQL 8's words; nothing for a text, whose letters have a character set.
    pub fn number_name(self) -> Option<String> {
        let name = match self.code {
            TINY => "tinyint",
            SHORT => "smallint",
            INT24 => "mediumint",
            LONG => "int",
            LONGLONG => "bigint",
            _ => return None,
        };
        let sign = if self.flags & UNSIGNED == 0 { "" } else { " unsigned" };
        Some(format!("{name}{sign}"))
    }

    /// Letters that a text may have.
    pub const fn letters(self) -> u32 {
        self.length / 4
    }

    /// Bytes of a number in a binary row; none for a text.
    const fn width(self) -> Option<usize> {
        match self.code {
            TINY => Some(1),
            SHORT | YEAR => Some(2),
            LONG | INT24 => Some(4),
            LONGLONG => Some(8),
            _ => None,
        }
    }
}

/// The type of a prepared statement's parameter, as the client tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterKind {
    code: u8,
    is_unsigned: bool,
}

/// Why a parameter cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadParameter {
    /// The packet ends too early.
    Malformed,
    /// A type that no statement on the list takes: a date, a fraction.
    UnknownType(u8),
}

impl From<Malformed> for BadParameter {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl ParameterKind {
    /// Reads a type.
    pub fn read(fields: &mut Fields<'_>) -> Result<Self, Malformed> {
        Ok(Self { code: fields.byte()?, is_unsigned: fields.byte()? & 0x80 != 0 })
    }

    /// Reads a value of this type.
    pub fn value(self, fields: &mut Fields<'_>) -> Result<Value, BadParameter> {
        let kind = Kind::number(self.code, 0, 0);
        if let Some(width) = kind.width() {
            return Ok(Value::Integer(fields.number(width, self.is_unsigned)?));
        }
        match self.code {
            NULL => Ok(Value::Null),
            // VARCHAR, and all texts and blobs.
            0x0f | 0xf9..=0xfe => {
                Ok(Value::Text(String::from_utf8_lossy(fields.counted()?).into_owned()))
            }
            code => Err(BadParameter::UnknownType(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_as_the_server_compares_them() {
        let (text, number) = (|text: &str| Value::Text(text.to_owned()), Value::Integer);
        for (a, b, order) in [
            (text("Aa "), text("aA"), Some(Ordering::Equal)),
            (text(" a"), text("a"), Some(Ordering::Less)),
            (number(2), number(10), Some(Ordering::Less)),
            (text("2"), number(10), Some(Ordering::Less)),
            (number(0), text("x"), Some(Ordering::Equal)),
            (Value::Null, Value::Null, None),
            (Value::Null, number(0), None),
        ] {
            assert_eq!(a.compare(&b), order, "{a:?} {b:?}");
            assert_eq!(b.compare(&a), order.map(Ordering::reverse), "{b:?} {a:?}");
        }
        assert_eq!(Value::Null.order(&Value::Integer(-1)), Ordering::Less);
        assert_eq!(Value::Null.order(&Value::Null), Ordering::Equal);
    }

    #[test]
    fn a_time_is_seven_bytes() {
        let mut payload = Vec::new();
        let time = Value::Text("2026-01-31 12:34:56".to_owned());
        time.put_binary(Kind::TIMESTAMP, &mut payload);
        assert_eq!(payload, [7, 0xea, 0x07, 1, 31, 12, 34, 56]);
    }

    #[test]
    fn binary_numbers_are_as_wide_as_their_columns() {
        for (kind, number, bytes) in [
            (Kind::TINYINT_UNSIGNED, 255, &[255][..]),
            (Kind::SMALLINT_UNSIGNED, 258, &[2, 1]),
            (Kind::MEDIUMINT_UNSIGNED, 1, &[1, 0, 0, 0]),
            (Kind::BIGINT, -1, &[255; 8]),
            (Kind::BIGINT_UNSIGNED, i128::from(u64::MAX), &[255; 8]),
        ] {
            let mut payload = Vec::new();
            Value::Integer(number).put_binary(kind, &mut payload);
            assert_eq!(payload, bytes, "{kind:?}");
        }
    }
}
