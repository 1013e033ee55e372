//! Statements that change rows, each with its values apart.

use sqlx::AssertSqlSafe;
use sqlx::mysql::{MySql, MySqlArguments};
use sqlx::query::Query;

use domain::ports::RowId;

use crate::mysql::sessions::with_number;

/// A statement. Its text comes from this program, and names in it from the server's own description of
/// its tables, quoted; all else is bound.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    /// For the counts of calls.
    pub(super) name: &'static str,
    pub(super) sql: String,
    pub(super) values: Vec<Bound>,
    /// Whether its text is another one each time.
    is_once: bool,
}

/// A value of a statement.
#[derive(Debug, Clone)]
pub(super) enum Bound {
    Text(String),
    Id(RowId),
}

impl Statement {
    pub(super) fn new(name: &'static str, sql: impl Into<String>) -> Self {
        Self { name, sql: sql.into(), values: Vec::new(), is_once: false }
    }

    /// It is not kept on the server for the next time.
    pub(super) const fn once(mut self) -> Self {
        self.is_once = true;
        self
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Self {
        self.values.push(Bound::Text(text.into()));
        self
    }

    pub(super) fn id(mut self, id: RowId) -> Self {
        self.values.push(Bound::Id(id));
        self
    }

    /// With its values. The server keeps it, where its text comes again: what sqlx sends to forget one
    /// is not answered, and the next statement would wait for the server's delayed acknowledgement.
    pub(super) fn query(&self) -> Query<'_, MySql, MySqlArguments> {
        let query = sqlx::query(AssertSqlSafe(self.sql.as_str())).persistent(!self.is_once);
        self.values.iter().fold(query, |query, value| match value {
            Bound::Text(text) => query.bind(text),
            Bound::Id(RowId(id)) => with_number(query, *id),
        })
    }
}

impl Statement {
    /// The whole text, with its values in quotes, as an operator would type it: in a session with backslashes as
    /// escapes, which is every server's default.
    pub(super) fn in_full(&self) -> String {
        let mut values = self.values.iter();
        let piece = |(number, piece): (usize, &str)| {
            if number == 0 {
                return piece.to_owned();
            }
            let value = match values.next() {
                Some(Bound::Text(text)) => literal(text),
                Some(Bound::Id(id)) => id.to_string(),
                None => "?".to_owned(),
            };
            value + piece
        };
        // Names in the text are the server's own columns, and none of them has a question mark.
        self.sql.split('?').enumerate().map(piece).collect()
    }
}

/// A text in quotes.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// A name as an identifier: a backtick in it is doubled.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A condition that is true where the column bears the bound name byte for byte, whatever the column's
/// collation and character set.
pub(super) fn bears_name(column: &str) -> String {
    format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY) = CAST(? AS BINARY)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_quotes() {
        let sql = format!("UPDATE t SET n = ? WHERE id >= ? AND {}", bears_name("n"));
        let update = Statement::new("x", sql).text("it's \\ ?").id(RowId(-7)).text("b%");
        assert_eq!(
            update.in_full(),
            "UPDATE t SET n = 'it''s \\\\ ?' WHERE id >= -7 AND \
             CAST(CONVERT(n USING utf8mb4) AS BINARY) = CAST('b%' AS BINARY)"
        );
    }

    #[test]
    fn no_name_ends_its_quotes() {
        assert_eq!(quoted("timestamp"), "`timestamp`");
        assert_eq!(quoted("a` = 1, `b"), "`a`` = 1, ``b`");
    }
}
