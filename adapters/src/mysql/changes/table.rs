//! What must be known of a table before rows of it are changed: that nothing else becomes of a change.

use domain::ports::ChangeError;
use sqlx::mysql::MySqlRow;

use super::failure::Failure;
use super::session::Session;
use super::statement::{Statement, quoted};
use crate::mysql::columns::text;

const COLUMNS: &str = "SELECT COLUMN_NAME AS name, EXTRA AS extra \
                       FROM information_schema.COLUMNS \
                       WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? \
                       ORDER BY ORDINAL_POSITION";

const ENGINE: &str = "SELECT ENGINE AS engine FROM information_schema.TABLES \
                      WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";

/// Engines that take back what is not committed.
const WITH_TRANSACTIONS: [&str; 4] = ["InnoDB", "TokuDB", "ROCKSDB", "ndbcluster"];

impl Session {
    /// Makes sure that the table can be changed and nothing else with it. Returns what every UPDATE of
    /// it says so that all other columns stay as they are.
    pub(super) async fn check_table(&mut self) -> Result<String, ChangeError> {
        let checked = match self.hindrance().await {
            Ok(None) => self.kept_columns().await,
            Ok(Some(why)) => {
                return Err(ChangeError::Refused { at: self.server.at().to_owned(), why });
            }
            Err(failure) => Err(failure),
        };
        match checked {
            Ok(kept) => Ok(kept),
            Err(failure) => Err(self.not_changed(failure).await),
        }
    }

    /// Why the table must not be changed as it is.
    pub(super) async fn hindrance(&mut self) -> Result<Option<String>, Failure> {
        let table = self.server.database.changed_table();
        let rows = self.rows(&Statement::new("engine", ENGINE).text(table)).await?;
        let engine = |row: &MySqlRow| Self::read(text(row, "engine"));
        let engine = rows.first().map(engine).transpose()?;
        if let Some(why) = engine.and_then(|engine| without_transactions(table, engine.as_deref()))
        {
            return Ok(Some(why));
        }
        if self.variables().await?.is_read_only() {
            // An account that may write all the same would change a replica, and not its primary.
            return Ok(Some(
                "the server is read_only: is it a replica? Give the URL of its primary".to_owned(),
            ));
        }
        match self.triggers().await?.as_deref() {
            Some([]) => {}
            Some(triggers) => {
                return Ok(Some(format!(
                    "the table `{table}` has triggers, which would run at every change: {}; drop them \
                     first",
                    triggers.join(", ")
                )));
            }
            None => {
                return Ok(Some(format!(
                    "the account cannot see whether the table `{table}` has triggers: grant it TRIGGER"
                )));
            }
        }
        // The server names no column to an account without rights on it.
        let lacks_select = !self.lacks(&["SELECT"], table).await?.is_empty();
        Ok(lacks_select.then(|| {
            format!(
                "the account does not see every column of the table `{table}`: grant it SELECT on the \
                 whole table"
            )
        }))
    }

    /// Columns that the server changes by itself at every change of a row, each written to itself. Old
    /// servers make the first TIMESTAMP of any table such a column.
    pub(super) async fn kept_columns(&mut self) -> Result<String, Failure> {
        let table = self.server.database.changed_table();
        let mut kept = String::new();
        for row in self.rows(&Statement::new("columns", COLUMNS).text(table)).await? {
            let extra = Self::read(text(&row, "extra"))?.unwrap_or_default();
            let name = Self::read(text(&row, "name"))?.unwrap_or_default();
            kept += &kept_column(&name, &extra);
        }
        Ok(kept)
    }
}

fn without_transactions(table: &str, engine: Option<&str>) -> Option<String> {
    let knows_them =
        |engine: &str| WITH_TRANSACTIONS.iter().any(|it| it.eq_ignore_ascii_case(engine));
    match engine {
        Some(engine) if knows_them(engine) => None,
        Some(engine) => Some(format!(
            "the table `{table}` has the engine {engine}, which takes nothing back when a change fails \
             half way: `ALTER TABLE {table} ENGINE=InnoDB` first"
        )),
        None => Some(format!("`{table}` is a view: give the URL of the database with the table")),
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
    use super::*;

    #[test]
    fn only_what_can_be_taken_back_is_changed() {
        for (engine, words) in [
            (Some("InnoDB"), None),
            (Some("innodb"), None),
            (Some("ROCKSDB"), None),
            (Some("MyISAM"), Some("the engine MyISAM")),
            (Some("Aria"), Some("the engine Aria")),
            (None, Some("is a view")),
        ] {
            let why = without_transactions("buckets", engine);
            assert_eq!(why.is_some(), words.is_some(), "{engine:?}");
            assert!(why.unwrap_or_default().contains(words.unwrap_or_default()), "{engine:?}");
        }
    }

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
