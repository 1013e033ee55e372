//! contentrepo's and rhino's tables, as their own programs create them.

use domain::ports::ArticleFile;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Executor, MySql, QueryBuilder};

use crate::planted_clients::ContentRepoRows;

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

/// Sets what tables of this database have that declare nothing themselves.
pub async fn set_default(session: &mut MySqlConnection, text: Text) -> anyhow::Result<()> {
    let Text { charset, collation } = text;
    let sql = format!("ALTER DATABASE CHARACTER SET {charset} COLLATE {collation}");
    session.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

/// Creates contentrepo's tables.
pub async fn create_content_repo(session: &mut MySqlConnection) -> anyhow::Result<()> {
    for sql in [
        "CREATE TABLE buckets (
           bucketId INTEGER NOT NULL AUTO_INCREMENT,
           bucketName VARCHAR(255) NOT NULL,
           timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
           creationDate TIMESTAMP NULL,
           PRIMARY KEY (bucketId),
           UNIQUE KEY keySum (bucketName)
         ) ENGINE=InnoDB",
        "CREATE TABLE objects (
           id INTEGER NOT NULL AUTO_INCREMENT,
           bucketId INTEGER REFERENCES buckets,
           objkey VARCHAR(255) NOT NULL,
           checksum VARCHAR(255) NOT NULL,
           timestamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
           downloadName VARCHAR(1000) NULL,
           contentType VARCHAR(200) NULL,
           size INTEGER NULL,
           tag VARCHAR(200) NULL,
           status TINYINT NULL DEFAULT 0,
           versionNumber INTEGER NOT NULL,
           creationDate TIMESTAMP NULL,
           userMetadata LONGTEXT NULL,
           uuid CHAR(36) NOT NULL,
           PRIMARY KEY (id),
           UNIQUE KEY keyUuid (bucketId, objkey, uuid),
           UNIQUE KEY keyVersion (bucketId, objkey, versionNumber)
         ) ENGINE=InnoDB",
    ] {
        session.execute(sql).await?;
    }
    Ok(())
}

/// Plants contentrepo's rows.
pub async fn plant_content_repo(
    session: &mut MySqlConnection,
    rows: &ContentRepoRows,
) -> anyhow::Result<()> {
    let mut insert = QueryBuilder::<MySql>::new("INSERT INTO buckets (bucketId, bucketName) ");
    insert.push_values(&rows.buckets, |mut values, bucket| {
        values.push_bind(bucket.id).push_bind(&bucket.name);
    });
    insert.build().execute(&mut *session).await?;
    let start = "INSERT INTO objects (id, bucketId, objkey, checksum, size, contentType, \
                 downloadName, status, versionNumber, uuid) ";
    let mut insert = QueryBuilder::<MySql>::new(start);
    insert.push_values(rows.objects.iter().enumerate(), |mut values, (place, (object, status))| {
        let size = ContentRepoRows::size_of(object, place);
        values.push_bind(object.id).push_bind(object.bucket).push_bind(&object.key);
        values.push_bind(&object.checksum).push_bind(size).push_bind(&object.content_type);
        values.push_bind(&object.download_name).push_bind(*status);
        values.push_bind(object.id).push_bind(&object.uuid);
    });
    insert.build().execute(&mut *session).await?;
    Ok(())
}

/// Creates rhino's table of files. Its text columns declare their own collations.
pub async fn create_rhino(session: &mut MySqlConnection) -> anyhow::Result<()> {
    let sql = "CREATE TABLE articleFile (
           fileId BIGINT NOT NULL AUTO_INCREMENT,
           ingestionId BIGINT NOT NULL,
           itemId BIGINT NULL,
           fileType VARCHAR(128) CHARACTER SET utf8 COLLATE utf8_unicode_ci NULL,
           bucketName VARCHAR(255) CHARACTER SET utf8 COLLATE utf8_bin NULL,
           crepoKey VARCHAR(255) CHARACTER SET utf8 COLLATE utf8_bin NULL,
           crepoUuid VARCHAR(36) CHARACTER SET utf8 COLLATE utf8_bin NULL,
           fileSize BIGINT NULL,
           ingestedFileName VARCHAR(255) NULL,
           created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
           PRIMARY KEY (fileId),
           UNIQUE KEY crepoUuid (crepoUuid),
           KEY bucketName_index (bucketName),
           KEY fk_articleFile_2 (itemId),
           UNIQUE KEY ingest_ingestedFileName (ingestionId, ingestedFileName),
           UNIQUE KEY ingest_item_filetype (ingestionId, itemId, fileType)
         ) ENGINE=InnoDB";
    session.execute(sql).await?;
    Ok(())
}

/// Plants rhino's rows.
pub async fn plant_rhino(
    session: &mut MySqlConnection,
    files: &[ArticleFile],
) -> anyhow::Result<()> {
    let start = "INSERT INTO articleFile (fileId, ingestionId, bucketName, crepoKey, crepoUuid, \
                 fileSize, ingestedFileName) ";
    let mut insert = QueryBuilder::<MySql>::new(start);
    insert.push_values(files, |mut values, file| {
        values.push_bind(file.id).push_bind(file.id).push_bind(&file.bucket);
        values.push_bind(&file.key).push_bind(&file.uuid);
        values.push_bind(file.size.map(|size| size.0)).push_bind("a.pdf");
    });
    insert.build().execute(&mut *session).await?;
    Ok(())
}
