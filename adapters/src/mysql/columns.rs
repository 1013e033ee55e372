//! Reads the columns of rows, whatever width, sign and character set they have.

use std::fmt;

use domain::ports::RowId;
use sqlx::mysql::MySqlRow;
use sqlx::{Error, Row};

/// A text. Bytes that are not UTF-8 become the replacement character.
pub(super) fn text(row: &MySqlRow, column: &str) -> Result<Option<String>, Error> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// The text in the column of this number, counted from 0: some answers name their columns as they like.
pub(super) fn text_at(row: &MySqlRow, column: usize) -> Result<Option<String>, Error> {
    let bytes: Option<&[u8]> = row.try_get(column)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
}

/// What a column of numbers can hold: some installations have signed ones.
pub(super) enum Number {
    Fit(u64),
    Negative(i128),
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
    Ok(match integer(row, column)? {
        Some(number) => u64::try_from(number).map_or(Number::Negative(number), Number::Fit),
        None => Number::Null,
    })
}

/// An id, where it is not NULL.
pub(super) fn id(row: &MySqlRow, column: &str) -> Result<Option<RowId>, Error> {
    Ok(integer(row, column)?.map(RowId))
}

/// The id by which a table is paged: no row lacks it.
pub(super) fn key(row: &MySqlRow, column: &str) -> Result<RowId, Error> {
    id(row, column)?.ok_or_else(|| Error::Protocol(format!("a row whose `{column}` is NULL")))
}

/// Any whole number, of a column with a sign or without.
fn integer(row: &MySqlRow, column: &str) -> Result<Option<i128>, Error> {
    match row.try_get::<Option<u64>, _>(column) {
        Ok(number) => Ok(number.map(i128::from)),
        Err(_) => Ok(row.try_get::<Option<i64>, _>(column)?.map(i128::from)),
    }
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
