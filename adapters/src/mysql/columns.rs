//! Reads the columns of rows, whatever width, sign and character set they have.

use std::fmt;

use sqlx::mysql::MySqlRow;
use sqlx::{Error, Row};

/// A text. Bytes that are not UTF-8 become the replacement character.
pub(super) fn text(row: &MySqlRow, column: &str) -> Result<Option<String>, Error> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// What a column of numbers can hold: some installations have signed ones.
pub(super) enum Number {
    Fit(u64),
    Negative(i64),
    Null,
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fit(number) => number.fmt(out),
            Self::Negative(number) => number.fmt(out),
            Self::Null => out.write_str("NULL"),
        }
    }
}

/// Errors when the column is missing or of another type, which is the matter of every row.
pub(super) fn number(row: &MySqlRow, column: &str) -> Result<Number, Error> {
    let number: Option<u64> = match row.try_get(column) {
        Ok(number) => number,
        Err(_) => match row.try_get::<Option<i64>, _>(column)? {
            Some(signed) => match u64::try_from(signed) {
                Ok(number) => Some(number),
                Err(_) => return Ok(Number::Negative(signed)),
            },
            None => None,
        },
    };
    Ok(number.map_or(Number::Null, Number::Fit))
}

/// A number that no row lacks.
pub(super) fn present(row: &MySqlRow, column: &str) -> Result<u64, Error> {
    match number(row, column)? {
        Number::Fit(number) => Ok(number),
        unfit @ (Number::Null | Number::Negative(_)) => {
            Err(Error::Protocol(format!("a row whose `{column}` is {unfit}")))
        }
    }
}

/// A number, where there is one that can be.
pub(super) fn optional(row: &MySqlRow, column: &str) -> Result<Option<u64>, Error> {
    Ok(match number(row, column)? {
        Number::Fit(number) => Some(number),
        Number::Negative(_) | Number::Null => None,
    })
}
