//! contentrepo's and rhino's tables, as their own programs create them.

use domain::ports::{ArticleFile, RowId};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor, MySql, QueryBuilder};
use stand_ins::schemas;

use super::MysqlServer;
use crate::planted_clients::{ContentRepoRows, PlantedObject};

/// Without it the server takes an id of 0 for the next number.
const AS_IT_IS: &str = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'";

/// The server's default for tables that declare none.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// The character set.
    pub charset: &'static str,
    /// The collation.
    pub collation: &'static str,
}

/// What servers have by default, case-blind, and what an operator may have chosen.
pub const TEXTS: [Text; 3] = [
    Text { charset: "latin1", collation: "latin1_swedish_ci" },
    Text { charset: "utf8mb4", collation: "utf8mb4_general_ci" },
    Text { charset: "utf8mb4", collation: "utf8mb4_bin" },
];

/// A new database with contentrepo's tables, and a session in it that may do anything.
pub async fn new_content_repo(
    server: &MysqlServer,
    name: &str,
    text: Text,
) -> anyhow::Result<MySqlConnection> {
    let mut root = server.create_database(name).await?;
    set_default(&mut root, text).await?;
    create_content_repo(&mut root).await?;
    Ok(root)
}

/// The same with rhino's table, without rows.
pub async fn new_rhino(
    server: &MysqlServer,
    name: &str,
    text: Text,
) -> anyhow::Result<MySqlConnection> {
    let mut root = server.create_database(name).await?;
    set_default(&mut root, text).await?;
    create_rhino(&mut root).await?;
    Ok(root)
}

/// Sets what tables of this database have that declare nothing themselves.
async fn set_default(session: &mut MySqlConnection, text: Text) -> anyhow::Result<()> {
    let Text { charset, collation } = text;
    let sql = format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}");
    session.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

/// Creates contentrepo's tables, which name no collation.
pub async fn create_content_repo(session: &mut MySqlConnection) -> anyhow::Result<()> {
    for sql in schemas::CONTENTREPO {
        session.execute(*sql).await?;
    }
    Ok(())
}

/// Plants contentrepo's rows.
pub async fn plant_content_repo(
    session: &mut MySqlConnection,
    rows: &ContentRepoRows,
) -> anyhow::Result<()> {
    session.execute(AS_IT_IS).await?;
    let mut insert = QueryBuilder::<MySql>::new("INSERT INTO buckets (bucketId, bucketName) ");
    insert.push_values(&rows.buckets, |mut values, bucket| {
        values.push_bind(number(bucket.id)).push_bind(&bucket.name);
    });
    insert.build().execute(&mut *session).await?;
    let start = "INSERT INTO objects (id, bucketId, objkey, checksum, size, contentType, \
                 downloadName, status, versionNumber, uuid, tag, userMetadata) ";
    let mut insert = QueryBuilder::<MySql>::new(start);
    insert.push_values(&rows.objects, |mut values, planted| {
        let PlantedObject { object, status, size, tag, user_metadata } = planted;
        values.push_bind(number(object.id)).push_bind(object.bucket.map(number));
        values.push_bind(&object.key).push_bind(&object.checksum).push_bind(*size);
        values.push_bind(&object.content_type).push_bind(&object.download_name);
        values.push_bind(*status).push_bind(number(object.id)).push_bind(&object.uuid);
        values.push_bind(tag).push_bind(user_metadata);
    });
    insert.build().execute(&mut *session).await?;
    Ok(())
}

/// Creates rhino's table of files, which names its collations itself, and those that it refers to. The
/// session stops checking such references: planted rows have none.
pub async fn create_rhino(session: &mut MySqlConnection) -> anyhow::Result<()> {
    for sql in schemas::RHINO {
        session.execute(*sql).await?;
    }
    Ok(())
}

/// Plants rhino's rows.
pub async fn plant_rhino(
    session: &mut MySqlConnection,
    files: &[ArticleFile],
) -> anyhow::Result<()> {
    session.execute(AS_IT_IS).await?;
    let start = "INSERT INTO articleFile (fileId, ingestionId, bucketName, crepoKey, crepoUuid, \
                 fileSize, ingestedFileName) ";
    let mut insert = QueryBuilder::<MySql>::new(start);
    insert.push_values(files, |mut values, file| {
        values.push_bind(number(file.id)).push_bind(number(file.id)).push_bind(&file.bucket);
        values.push_bind(&file.key).push_bind(&file.uuid);
        values.push_bind(file.size.map(|size| size.0)).push_bind("a.pdf");
    });
    insert.build().execute(&mut *session).await?;
    Ok(())
}

/// An id of a column with a sign.
fn number(id: RowId) -> i64 {
    i64::try_from(id.0).expect("planted ids are in range")
}
