//! MogileFS's tables on a real server, as schema version 17 and older installations have them.

use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor, MySql, QueryBuilder};

pub use stand_ins::schemas::{HOST, TEMPFILE};

use crate::planted::{CLASSES, DOMAIN, OTHER_DOMAIN, PlantedRow};

/// Rows of one INSERT.
const ROWS_AT_ONCE: usize = 1_000;

/// The variants of the table `file`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileTable {
    /// Schema version 17.
    Schema17,
    /// Fids of 32 bits, as older installations have.
    IntFid,
    /// Numbers that somebody made signed.
    Signed,
    /// Keys that are bytes.
    BinaryKeys,
    /// Keys in the character set of old servers.
    Latin1Keys,
}

impl FileTable {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Schema17, Self::IntFid, Self::Signed, Self::BinaryKeys, Self::Latin1Keys];

    /// A name for its database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Schema17 => "schema_17",
            Self::IntFid => "int_fid",
            Self::Signed => "signed_numbers",
            Self::BinaryKeys => "binary_keys",
            Self::Latin1Keys => "latin1_keys",
        }
    }

    /// Whether its fids can have eleven digits.
    #[must_use]
    pub const fn has_long_fids(self) -> bool {
        !matches!(self, Self::IntFid)
    }

    /// The sign of all numbers but fids.
    const fn sign(self) -> &'static str {
        match self {
            Self::Signed => "",
            Self::Schema17 | Self::IntFid | Self::BinaryKeys | Self::Latin1Keys => "unsigned",
        }
    }

    /// The table `class`, as it stands beside this one.
    fn class_sql(self) -> String {
        let number = self.sign();
        format!(
            "CREATE TABLE class (
               dmid smallint {number} NOT NULL,
               classid tinyint {number} NOT NULL,
               classname varchar(50) NULL,
               mindevcount tinyint {number} NOT NULL,
               hashtype tinyint {number} NULL,
               replpolicy varchar(255) NULL,
               PRIMARY KEY (dmid, classid),
               UNIQUE KEY dmid (dmid, classname)
             ) ENGINE=InnoDB"
        )
    }

    fn sql(self) -> String {
        let number = self.sign();
        let fid = match self {
            Self::IntFid => "int unsigned",
            Self::Signed => "bigint",
            Self::Schema17 | Self::BinaryKeys | Self::Latin1Keys => "bigint unsigned",
        };
        let dkey = match self {
            Self::BinaryKeys => "varbinary(255)",
            Self::Latin1Keys => "varchar(255) character set latin1",
            Self::Schema17 | Self::IntFid | Self::Signed => "varchar(255)",
        };
        format!(
            "CREATE TABLE file (
               fid {fid} NOT NULL PRIMARY KEY,
               dmid smallint {number} NOT NULL,
               dkey {dkey} NULL,
               length bigint {number} NULL,
               classid tinyint {number} NOT NULL,
               devcount tinyint {number} NOT NULL,
               UNIQUE KEY dkey (dmid, dkey),
               KEY devcount (dmid, classid, devcount)
             ) ENGINE=InnoDB"
        )
    }
}

/// Creates the tables that the index is read from, in the session's database, and plants rows.
pub async fn create_and_plant(
    session: &mut MySqlConnection,
    table: FileTable,
    rows: &[PlantedRow],
) -> anyhow::Result<()> {
    session
        .execute(
            "CREATE TABLE domain (
               dmid smallint unsigned NOT NULL PRIMARY KEY,
               namespace varchar(255) NULL UNIQUE
             ) ENGINE=InnoDB",
        )
        .await?;
    session.execute(AssertSqlSafe(table.sql())).await?;
    session.execute(AssertSqlSafe(table.class_sql())).await?;
    sqlx::query("INSERT INTO domain VALUES (1, ?), (2, ?)")
        .bind(DOMAIN)
        .bind(OTHER_DOMAIN)
        .execute(&mut *session)
        .await?;
    let start = "INSERT INTO class (dmid, classid, classname, mindevcount) ";
    let mut insert = QueryBuilder::<MySql>::new(start);
    insert.push_values(CLASSES, |mut values, (dmid, classid, name, mindevcount)| {
        values.push_bind(dmid).push_bind(classid).push_bind(name).push_bind(mindevcount);
    });
    insert.build().execute(&mut *session).await?;
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let start = "INSERT INTO file (fid, dmid, dkey, length, classid, devcount) ";
        let mut insert = QueryBuilder::<MySql>::new(start);
        insert.push_values(rows, |mut values, row| {
            values.push_bind(row.fid).push_bind(row.dmid()).push_bind(&row.dkey);
            values.push_bind(row.length).push_bind(row.classid).push_bind(row.replicas());
        });
        insert.build().execute(&mut *session).await?;
    }
    Ok(())
}
