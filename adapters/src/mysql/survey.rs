//! Asks a server what it is, what its tables have, and what the account may do.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ports::{AccountRights, DatabaseError, DatabaseSurvey, SurveyedDatabase};

use super::columns::{text, text_at};
use super::content_repo::MysqlContentRepo;
use super::rhino::MysqlRhino;
use super::tables::{Query, Tables};

const VERSION: Query = Query { name: "version", sql: "SELECT VERSION() AS version" };

/// The server shows only those columns that the account may use.
const COLUMNS: Query = Query {
    name: "columns",
    sql: "SELECT TABLE_NAME AS owner, COLUMN_NAME AS name, COLLATION_NAME AS collation \
          FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
          ORDER BY TABLE_NAME, ORDINAL_POSITION",
};

const GRANTS: Query = Query { name: "grants", sql: "SHOW GRANTS FOR CURRENT_USER()" };

#[async_trait]
impl SurveyedDatabase for MysqlContentRepo {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        survey(&self.0).await
    }
}

#[async_trait]
impl SurveyedDatabase for MysqlRhino {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        survey(&self.0).await
    }
}

async fn survey(tables: &Tables) -> Result<DatabaseSurvey, DatabaseError> {
    let rows = tables.ask(VERSION, &[]).await?;
    let version = tables.read(rows.first().map_or(Ok(None), |row| text(row, "version")))?;
    let mut columns: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for row in tables.ask(COLUMNS, &[]).await? {
        let read = |column| tables.read(text(&row, column));
        let table = read("owner")?.unwrap_or_default();
        let column = read("name")?.unwrap_or_default();
        columns.entry(table).or_default().insert(column, read("collation")?);
    }
    Ok(DatabaseSurvey {
        at: tables.at().to_owned(),
        version: version.unwrap_or_default(),
        columns,
        rights: rights(tables).await,
    })
}

/// The rights are only to be told: where they cannot be read, they are not known.
async fn rights(tables: &Tables) -> AccountRights {
    let Ok(rows) = tables.ask(GRANTS, &[]).await else { return AccountRights::Unknown };
    let grants = rows.iter().filter_map(|row| text_at(row, 0).ok().flatten());
    rights_in(&grants.collect::<Vec<_>>(), tables.database_name())
}

/// Rights that change nothing.
const READING: [&str; 8] = [
    "USAGE",
    "SELECT",
    "SHOW VIEW",
    "SHOW DATABASES",
    "PROCESS",
    "REPLICATION CLIENT",
    "BINLOG MONITOR",
    "SLAVE MONITOR",
];

/// What grants of the form ``GRANT SELECT, INSERT (`a`, `b`) ON `db`.* TO …`` allow in a database. A
/// grant of a role hides what it allows.
fn rights_in(grants: &[String], database: &str) -> AccountRights {
    let mut more: Vec<String> = Vec::new();
    for grant in grants {
        let Some(grant) = grant.strip_prefix("GRANT ") else { continue };
        let Some((rights, rest)) = grant.split_once(" ON ") else { return AccountRights::Unknown };
        if !concerns(rest, database) {
            continue;
        }
        for right in rights_of(rights) {
            if !READING.contains(&right.as_str()) && !more.contains(&right) {
                more.push(right);
            }
        }
    }
    match (grants.is_empty(), more.is_empty()) {
        (true, _) => AccountRights::Unknown,
        (false, true) => AccountRights::ReadOnly,
        (false, false) => AccountRights::Writes(more),
    }
}

/// Whether a grant on ``*.*``, ``db.*`` or ``db.table`` is about this database. A name may have `\_`
/// for `_`, and `%` for anything.
fn concerns(place: &str, database: &str) -> bool {
    let Some((name, _)) = place.split_once('.') else { return false };
    let name = name.trim_matches('`').replace("\\_", "_");
    name == "*" || name.contains('%') || name == database
}

/// The rights without the columns in brackets.
fn rights_of(rights: &str) -> Vec<String> {
    let (mut plain, mut open) = (String::new(), 0_usize);
    for letter in rights.chars() {
        match letter {
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            letter if open == 0 => plain.push(letter),
            _ => {}
        }
    }
    plain.split(',').map(|right| right.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_say_who_only_reads() {
        use AccountRights::{ReadOnly, Unknown, Writes};
        const USAGE: &str = "GRANT USAGE ON *.* TO `ann`@`%` IDENTIFIED BY PASSWORD '*0A'";
        let writes = |rights: &[&str]| Writes(rights.iter().map(|&it| it.to_owned()).collect());
        for (grants, rights) in [
            (vec![], Unknown),
            (vec![USAGE], ReadOnly),
            (vec![USAGE, "GRANT SELECT, SHOW VIEW ON `repo`.* TO `ann`@`%`"], ReadOnly),
            (vec!["GRANT SELECT (`id`, `size`) ON `repo`.`objects` TO `ann`@`%`"], ReadOnly),
            (
                vec!["GRANT ALL PRIVILEGES ON *.* TO `ann`@`%` WITH GRANT OPTION"],
                writes(&["ALL PRIVILEGES"]),
            ),
            (
                vec![
                    "GRANT SELECT, INSERT ON `repo`.* TO `ann`@`%`",
                    "GRANT UPDATE (`a`, `b`), INSERT ON `repo`.`buckets` TO `ann`@`%`",
                ],
                writes(&["INSERT", "UPDATE"]),
            ),
            // In another database.
            (vec![USAGE, "GRANT INSERT ON `other`.* TO `ann`@`%`"], ReadOnly),
            (vec!["GRANT DROP ON `re%`.* TO `ann`@`%`"], writes(&["DROP"])),
            (vec![USAGE, "GRANT `reader`@`%` TO `ann`@`%`"], Unknown),
        ] {
            let grants: Vec<_> = grants.into_iter().map(str::to_owned).collect();
            assert_eq!(rights_in(&grants, "repo"), rights, "{grants:?}");
        }
        let escaped = ["GRANT INSERT ON `my\\_repo`.* TO `ann`@`%`".to_owned()];
        assert_eq!(rights_in(&escaped, "my_repo"), writes(&["INSERT"]));
    }
}
