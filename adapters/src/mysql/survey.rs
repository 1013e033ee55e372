//! Asks a server what it is, what its tables have, and what the account may do.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::ports::{
    AccountRights, DatabaseError, DatabaseSurvey, LackingBeside, MogileDatabase, SurveyedColumn,
    SurveyedDatabase, UploadsUnderWay,
};
use domain::{Fid, Timestamp};

use super::columns::{present, text, text_at};
use super::content_repo::MysqlContentRepo;
use super::grants::Grants;
use super::index::MysqlIndex;
use super::rhino::MysqlRhino;
use super::sessions::Database;
use super::tables::{Query, Tables};

const VERSION: Query = Query { name: "version", sql: "SELECT VERSION() AS version" };

/// The server shows only those columns that the account may use.
const COLUMNS: Query = Query {
    name: "columns",
    sql: "SELECT TABLE_NAME AS owner, COLUMN_NAME AS name, COLUMN_TYPE AS kind, \
          COLLATION_NAME AS collation FROM information_schema.COLUMNS \
          WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION",
};

const GRANTS: Query = Query { name: "grants", sql: "SHOW GRANTS FOR CURRENT_USER()" };

/// A number, whatever the time zone of the session is.
const CLOCK: Query = Query { name: "clock", sql: "SELECT UNIX_TIMESTAMP() AS seconds" };

/// The last row of the primary key.
const HIGHEST_FID: Query =
    Query { name: "highest fid", sql: "SELECT fid FROM file ORDER BY fid DESC LIMIT 1" };

const UPLOADS: Query =
    Query { name: "count uploads", sql: "SELECT COUNT(*) AS uploads FROM tempfile" };

const NEWEST_UPLOAD: Query =
    Query { name: "newest upload", sql: "SELECT fid FROM tempfile ORDER BY fid DESC LIMIT 1" };

#[async_trait]
impl SurveyedDatabase for MysqlContentRepo {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        survey(&self.0).await
    }

    async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
        server_time(&self.0).await
    }
}

#[async_trait]
impl SurveyedDatabase for MysqlRhino {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        survey(&self.0).await
    }

    async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
        server_time(&self.0).await
    }
}

#[async_trait]
impl SurveyedDatabase for MysqlIndex {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        survey(&self.tables).await
    }

    async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
        server_time(&self.tables).await
    }
}

#[async_trait]
impl MogileDatabase for MysqlIndex {
    async fn highest_fid(&self) -> Result<Option<Fid>, DatabaseError> {
        self.first_fid(HIGHEST_FID).await
    }

    async fn uploads_under_way(&self) -> Result<UploadsUnderWay, DatabaseError> {
        let newest = self.first_fid(NEWEST_UPLOAD).await?;
        let rows = self.tables.ask(UPLOADS, &[]).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound);
        let rows = self.tables.read(row.and_then(|row| present(row, "uploads")))?;
        Ok(UploadsUnderWay { rows, newest })
    }
}

impl MysqlIndex {
    async fn first_fid(&self, query: Query) -> Result<Option<Fid>, DatabaseError> {
        let rows = self.tables.ask(query, &[]).await?;
        let fid = rows.first().map(|row| self.tables.read(present(row, "fid"))).transpose()?;
        Ok(fid.map(Fid))
    }
}

async fn server_time(tables: &Tables) -> Result<Timestamp, DatabaseError> {
    let rows = tables.ask(CLOCK, &[]).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound);
    let seconds = row.and_then(|row| present(row, "seconds"));
    Ok(Timestamp(tables.read(seconds)?.saturating_mul(1_000)))
}

async fn survey(tables: &Tables) -> Result<DatabaseSurvey, DatabaseError> {
    let rows = tables.ask(VERSION, &[]).await?;
    let version = tables.read(rows.first().map_or(Ok(None), |row| text(row, "version")))?;
    let mut columns: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for row in tables.ask(COLUMNS, &[]).await? {
        let read = |column| tables.read(text(&row, column));
        let table = read("owner")?.unwrap_or_default();
        let column = read("name")?.unwrap_or_default();
        let kind = read("kind")?.unwrap_or_default();
        let described = SurveyedColumn { kind, collation: read("collation")? };
        columns.entry(table).or_default().insert(column, described);
    }
    let grants = grants(tables).await;
    Ok(DatabaseSurvey {
        at: tables.at().to_owned(),
        version: version.unwrap_or_default(),
        columns,
        rights: rights_in(&grants, tables.database_name()),
        lacking: lacking(&grants, tables.database_name(), tables.database()),
        lacking_beside: lacking_beside(&grants, tables.database_name(), tables.database()),
    })
}

/// The rights are only to be told: where they cannot be read, they are not known.
async fn grants(tables: &Tables) -> Grants {
    let Ok(rows) = tables.ask(GRANTS, &[]).await else { return Grants::default() };
    let lines: Vec<_> = rows.iter().filter_map(|row| text_at(row, 0).ok().flatten()).collect();
    Grants::read(lines.iter().map(String::as_str))
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

/// What the account may do in a database.
fn rights_in(grants: &Grants, database: &str) -> AccountRights {
    if grants.is_empty() || grants.has_role() {
        return AccountRights::Unknown;
    }
    let rights = grants.rights_in(database).into_iter();
    let more: Vec<_> = rights.filter(|right| !READING.contains(right)).map(str::to_owned).collect();
    if more.is_empty() { AccountRights::ReadOnly } else { AccountRights::Writes(more) }
}

/// What the account lacks for the changes of the cut-over, where that is known.
fn lacking(grants: &Grants, database: &str, of: Database) -> Option<Vec<String>> {
    if grants.is_empty() || grants.has_role() {
        return None;
    }
    let lacking = grants.lacks(of.rights_for_changes(), database, of.changed_table());
    Some(lacking.into_iter().map(str::to_owned).collect())
}

/// What it lacks beside them, where that is known. PROCESS is given for the whole server alone (MySQL 8.4
/// reference, "Static Privilege Descriptions").
fn lacking_beside(grants: &Grants, database: &str, of: Database) -> LackingBeside {
    if grants.is_empty() || grants.has_role() {
        return LackingBeside::default();
    }
    let may_not_read = |table: &&&str| !grants.lacks(&["SELECT"], database, table).is_empty();
    let reading = of.tables_beside().iter().filter(may_not_read);
    LackingBeside {
        reading: reading.map(|&table| table.to_owned()).collect(),
        sessions: !grants.gives_everywhere("PROCESS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_say_who_only_reads() {
        use AccountRights::{ReadOnly, Unknown, Writes};
        const USAGE: &str = "GRANT USAGE ON *.* TO `ann`@`%` IDENTIFIED BY PASSWORD '*0A'";
        let writes = |rights: &[&str]| Writes(rights.iter().map(|&it| it.to_owned()).collect());
        for (lines, rights) in [
            (vec![], Unknown),
            (vec![USAGE], ReadOnly),
            (vec![USAGE, "GRANT SELECT, SHOW VIEW ON `my_repo`.* TO `ann`@`%`"], ReadOnly),
            (vec!["GRANT SELECT (`id`, `size`) ON `my_repo`.`objects` TO `ann`@`%`"], ReadOnly),
            (
                vec!["GRANT ALL PRIVILEGES ON *.* TO `ann`@`%` WITH GRANT OPTION"],
                writes(&["ALL PRIVILEGES"]),
            ),
            (
                vec![
                    "GRANT SELECT, INSERT ON `my\\_repo`.* TO `ann`@`%`",
                    "GRANT UPDATE (`a`, `b`), INSERT ON `my_repo`.`buckets` TO `ann`@`%`",
                ],
                writes(&["INSERT", "UPDATE"]),
            ),
            // In another database.
            (vec![USAGE, "GRANT INSERT ON `other`.* TO `ann`@`%`"], ReadOnly),
            (vec!["GRANT DROP ON `my%`.* TO `ann`@`%`"], writes(&["DROP"])),
            (vec!["GRANT DROP ON `my_r_po`.* TO `ann`@`%`"], writes(&["DROP"])),
            (vec!["GRANT DROP ON `my\\_r\\_po`.* TO `ann`@`%`"], ReadOnly),
            (vec!["GRANT EXECUTE ON PROCEDURE `my_repo`.`p` TO `ann`@`%`"], writes(&["EXECUTE"])),
            (vec![USAGE, "GRANT `reader`@`%` TO `ann`@`%`"], Unknown),
        ] {
            let grants = Grants::read(lines.iter().copied());
            assert_eq!(rights_in(&grants, "my_repo"), rights, "{lines:?}");
        }
    }

    #[test]
    fn what_the_cut_over_lacks_beside_its_table_is_named() {
        const OBJECTS: &[&str] = &["objects"];
        for (lines, of, reading, sessions) in [
            (
                &["GRANT ALL PRIVILEGES ON *.* TO `a`@`%`"][..],
                Database::ContentRepo,
                &[][..],
                false,
            ),
            (&["GRANT ALL PRIVILEGES ON `db`.* TO `a`@`%`"], Database::ContentRepo, &[], true),
            (
                &["GRANT SELECT, UPDATE ON `db`.`buckets` TO `a`@`%`"],
                Database::ContentRepo,
                OBJECTS,
                true,
            ),
            (
                &["GRANT PROCESS ON *.* TO `a`@`%`", "GRANT SELECT ON `db`.`objects` TO `a`@`%`"],
                Database::ContentRepo,
                &[],
                false,
            ),
            (
                &["GRANT SELECT (`id`) ON `db`.`objects` TO `a`@`%`"],
                Database::ContentRepo,
                OBJECTS,
                true,
            ),
            (&["GRANT SELECT ON `db`.`articleFile` TO `a`@`%`"], Database::Rhino, &[], true),
            (&["GRANT PROCESS, REPLICATION CLIENT ON *.* TO `a`@`%`"], Database::Rhino, &[], false),
            // Nothing is known where a role may give it.
            (&["GRANT `cutter`@`%` TO `a`@`%`"], Database::ContentRepo, &[], false),
            (&[], Database::Rhino, &[], false),
        ] {
            let found = lacking_beside(&Grants::read(lines.iter().copied()), "db", of);
            assert_eq!(
                (&found.reading[..], found.sessions),
                (&reading.iter().map(|&it| it.to_owned()).collect::<Vec<_>>()[..], sessions),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn what_the_cut_over_lacks_is_named() {
        for (line, of, said) in [
            ("GRANT ALL PRIVILEGES ON `db`.* TO `ann`@`%`", Database::Rhino, Some("")),
            ("GRANT SELECT, UPDATE ON `db`.* TO `ann`@`%`", Database::ContentRepo, Some("TRIGGER")),
            (
                "GRANT SELECT, UPDATE (`bucketName`), TRIGGER ON `db`.`buckets` TO `ann`@`%`",
                Database::ContentRepo,
                Some("UPDATE"),
            ),
            (
                "GRANT SELECT, UPDATE, ALTER, INDEX ON `db`.* TO `ann`@`%`",
                Database::Rhino,
                Some("INSERT, CREATE, TRIGGER"),
            ),
            ("GRANT `cutter`@`%` TO `ann`@`%`", Database::Rhino, None),
        ] {
            let found = lacking(&Grants::read([line]), "db", of);
            assert_eq!(found.map(|lacking| lacking.join(", ")).as_deref(), said, "{line}");
        }
    }
}
