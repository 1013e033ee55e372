//! Columns that the server changes by itself at every change of a row.

use super::failure::Failure;
use super::session::Session;
use super::statement::{Statement, quoted};
use crate::mysql::columns::text;

const COLUMNS: &str = "SELECT COLUMN_NAME AS name, EXTRA AS extra \
                       FROM information_schema.COLUMNS \
                       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? \
                       ORDER BY ORDINAL_POSITION";

impl Session {
    /// What an UPDATE of the table says so that such columns stay as they are: each is written to
    /// itself. Old servers make the first TIMESTAMP of any table such a column.
    pub(super) async fn kept_columns(&mut self, table: &str) -> Result<String, Failure> {
        let mut kept = String::new();
        for row in self.rows(&Statement::new("columns", COLUMNS).text(table)).await? {
            let extra = Self::read(text(&row, "extra"))?.unwrap_or_default();
            let name = Self::read(text(&row, "name"))?.unwrap_or_default();
            kept += &kept_column(&name, &extra);
        }
        Ok(kept)
    }
}

fn kept_column(name: &str, extra: &str) -> String {
    if extra.to_lowercase().contains("on update") {
        let name = quoted(name);
        return format!(", {name} = {name}");
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::kept_column;

    #[test]
    fn what_changes_by_itself_is_written_to_itself() {
        for (extra, kept) in [
            ("", ""),
            ("auto_increment", ""),
            ("DEFAULT_GENERATED", ""),
            ("DEFAULT_GENERATED on update CURRENT_TIMESTAMP", ", `at` = `at`"),
            ("on update current_timestamp()", ", `at` = `at`"),
            ("ON UPDATE CURRENT_TIMESTAMP", ", `at` = `at`"),
        ] {
            assert_eq!(kept_column("at", extra), kept, "{extra}");
        }
    }
}
