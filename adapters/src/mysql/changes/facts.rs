//! What a server says of itself, and of rhino's table.

use std::collections::BTreeMap;

use domain::ports::RhinoFacts;
use domain::server_ids::ServerIds;
use sqlx::Row;
use sqlx::mysql::MySqlRow;

use super::failure::Failure;
use super::index_definition;
use super::session::Session;
use super::statement::Statement;
use crate::mysql::columns::text;
use crate::mysql::grants::Grants;

/// Each is missing on one server or another, and then it has no row.
const VARIABLES: &str = "SHOW VARIABLES WHERE Variable_name IN ('version', 'log_bin', \
                         'binlog_format', 'binlog_row_image', 'read_only', 'super_read_only', \
                         'transaction_isolation', 'tx_isolation', 'server_id', \
                         'server_uuid')";

const CREATE_TABLE: &str = "SHOW CREATE TABLE articleFile";

const TRIGGERS: &str = "SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS \
                        WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ? \
                        ORDER BY TRIGGER_NAME";

const GRANTS: &str = "SHOW GRANTS";

/// What the server says of itself.
#[derive(Debug, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("ON") || value == "1")
    }

    pub(super) fn is_read_only(&self) -> bool {
        self.is_on("read_only") || self.is_on("super_read_only")
    }

    /// Whether the server writes statements into its binary log, so that `READ COMMITTED` is refused
    /// (error 1665).
    pub(super) fn logs_statements(&self) -> bool {
        let format = self.get("binlog_format").unwrap_or_default();
        self.is_on("log_bin") && format.eq_ignore_ascii_case("STATEMENT")
    }

    /// `ALGORITHM` and `LOCK` are syntax errors before MySQL 5.6 and MariaDB 10.0.
    pub(super) fn changes_indexes_online(&self) -> bool {
        let version = self.get("version").unwrap_or_default();
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
        let mut parts = version.split(|letter: char| !letter.is_ascii_digit());
        let version = (number(parts.next()), number(parts.next()));
        version >= (Some(5), Some(6))
    }
}

impl Session {
    pub(super) async fn variables(&mut self) -> Result<Variables, Failure> {
        let mut variables = BTreeMap::new();
        for row in self.rows(&Statement::new("variables", VARIABLES)).await? {
            let value = |column| Self::read(text(&row, column)).map(Option::unwrap_or_default);
            variables.insert(value("Variable_name")?.to_lowercase(), value("Value")?);
        }
        Ok(Variables(variables))
    }

    /// The statement that would make `articleFile`.
    pub(super) async fn create_table(&mut self) -> Result<String, Failure> {
        let rows = self.rows(&Statement::new("create table", CREATE_TABLE)).await?;
        let shown = rows.first().map(|row| text(row, "Create Table")).transpose();
        Ok(Self::read(shown)?.flatten().unwrap_or_default())
    }

    /// The triggers on the table that is changed. A server shows them only to accounts with the
    /// privilege TRIGGER: nothing where this one seems not to have it.
    pub(super) async fn triggers(&mut self) -> Result<Option<Vec<String>>, Failure> {
        let table = self.server.database.changed_table();
        let mut triggers = Vec::new();
        for row in self.rows(&Statement::new("triggers", TRIGGERS).text(table)).await? {
            triggers.extend(Self::read(text(&row, "name"))?);
        }
        if triggers.is_empty() && !self.lacks(&["TRIGGER"], table).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(triggers))
    }

    /// Those of the rights that the account does not have on the whole table.
    pub(super) async fn lacks<'a>(
        &mut self,
        rights: &[&'a str],
        table: &str,
    ) -> Result<Vec<&'a str>, Failure> {
        let database = self.server.url.options().get_database().unwrap_or_default().to_owned();
        let rows = self.rows(&Statement::new("grants", GRANTS)).await?;
        let line = |row: &MySqlRow| Self::read(row.try_get::<String, _>(0));
        let lines: Vec<_> = rows.iter().map(line).collect::<Result<_, _>>()?;
        let grants = Grants::read(lines.iter().map(String::as_str));
        Ok(grants.lacks(rights, &database, table))
    }

    pub(super) async fn facts(&mut self) -> Result<RhinoFacts, Failure> {
        let variables = self.variables().await?;
        let of = |name: &str| variables.get(name).map(str::to_owned);
        let create_table = self.create_table().await?;
        let index = index_definition::find(&create_table);
        let database = self.server.database;
        let lacks = self.lacks(database.rights_for_changes(), database.changed_table()).await?;
        let known = |name| of(name).filter(|value| !value.is_empty());
        let ids = ServerIds { server_id: known("server_id"), server_uuid: known("server_uuid") };
        Ok(RhinoFacts {
            version: of("version").unwrap_or_default(),
            ids,
            changes_indexes_online: variables.changes_indexes_online(),
            has_binlog: variables.is_on("log_bin"),
            binlog_format: of("binlog_format"),
            binlog_row_image: of("binlog_row_image"),
            is_read_only: variables.is_read_only(),
            isolation: of("transaction_isolation").or_else(|| of("tx_isolation")),
            index_can_return: index.as_ref().is_some_and(index_definition::can_return),
            index,
            lacks: lacks.into_iter().map(str::to_owned).collect(),
            create_table,
            triggers: self.triggers().await?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&str, &str)]) -> Variables {
        let all = all.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Variables(all.collect())
    }

    #[test]
    fn old_servers_know_no_online_change() {
        for (version, is_online) in [
            ("5.5.62-log", false),
            ("5.6.51", true),
            ("5.7.44-49-log", true),
            ("8.4.3", true),
            ("10.0.38-MariaDB", true),
            ("10.11.6-MariaDB-0+deb12u1-log", true),
            ("5.5.68-MariaDB", false),
            ("", false),
            ("unknown", false),
        ] {
            let variables = variables(&[("version", version)]);
            assert_eq!(variables.changes_indexes_online(), is_online, "{version}");
        }
    }

    #[test]
    fn statements_are_logged_where_a_log_has_their_format() {
        for (log, format, are_logged) in [
            ("ON", "STATEMENT", true),
            ("1", "statement", true),
            ("ON", "ROW", false),
            ("ON", "MIXED", false),
            ("OFF", "STATEMENT", false),
        ] {
            let variables = variables(&[("log_bin", log), ("binlog_format", format)]);
            assert_eq!(variables.logs_statements(), are_logged, "{log} {format}");
        }
    }
}
