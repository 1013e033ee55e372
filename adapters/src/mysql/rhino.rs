//! Reads rhino's own table of files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ByteCount;
use domain::ports::{ArticleFile, BackupRow, DatabaseError, RhinoDatabase, RhinoNames, RowId};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::columns::{key, optional, present, text};
use super::sessions::Database;
use super::tables::{Query, Tables};
use super::url::DatabaseUrl;
use crate::calls::Calls;

/// Pages by the primary key.
const FILES: Query = Query {
    name: "files",
    sql: "SELECT fileId, bucketName, crepoKey, crepoUuid, fileSize FROM articleFile \
          WHERE fileId >= ? ORDER BY fileId LIMIT ?",
};

/// The same, without what the cut-over does not need.
const NAMES: Query = Query {
    name: "file names",
    sql: "SELECT fileId, bucketName FROM articleFile WHERE fileId >= ? ORDER BY fileId LIMIT ?",
};

/// Not by `MIN`, for MariaDB's sake: see contentrepo's.
const FIRST: Query = Query {
    name: "first file",
    sql: "SELECT fileId AS id FROM articleFile WHERE fileId >= ? ORDER BY fileId LIMIT 1",
};

/// Byte for byte: by the column's own collation `a`, `A` and `a ` can be one name.
const COUNT: Query = Query {
    name: "count files",
    sql: "SELECT CAST(CONVERT(bucketName USING utf8mb4) AS BINARY) AS bucket, COUNT(*) AS files \
          FROM articleFile WHERE fileId >= ? AND fileId <= ? GROUP BY bucket",
};

const LAST: Query = Query { name: "last file", sql: "SELECT MAX(fileId) AS id FROM articleFile" };

/// [`RhinoDatabase`] on MySQL or MariaDB. Its sessions are read-only: the server refuses every statement
/// that writes.
pub struct MysqlRhino(pub(super) Tables);

impl MysqlRhino {
    /// Connects at the first query, not here.
    #[must_use]
    pub fn new(url: DatabaseUrl, calls: Arc<Calls>) -> Self {
        Self(Tables::new(url, Database::Rhino, calls))
    }

    /// Replaces the default time limit for a query, which is production's.
    #[must_use]
    pub fn with_time(self, time: Duration) -> Self {
        Self(self.0.with_time(time))
    }
}

#[async_trait]
impl RhinoDatabase for MysqlRhino {
    async fn files(&self, after: RowId, limit: usize) -> Result<Vec<ArticleFile>, DatabaseError> {
        let rows = self.0.page(FILES, after, limit).await?;
        rows.iter().map(|row| self.0.read(file(row))).collect()
    }

    async fn rows_by_bucket(&self) -> Result<BTreeMap<Option<String>, u64>, DatabaseError> {
        self.counts(RowId::START).await
    }

    async fn rows_between(&self, after: RowId, last: RowId) -> Result<u64, DatabaseError> {
        let mut rows = 0;
        let add = |row: &MySqlRow| {
            rows += present(row, "files")?;
            Ok(())
        };
        self.0.count((FIRST, COUNT), (after, last), add).await?;
        Ok(rows)
    }

    async fn last(&self) -> Result<Option<RowId>, DatabaseError> {
        self.highest().await
    }
}

#[async_trait]
impl RhinoNames for MysqlRhino {
    async fn names(&self, after: RowId, limit: usize) -> Result<Vec<BackupRow>, DatabaseError> {
        let rows = self.0.page(NAMES, after, limit).await?;
        let name = |row| Ok(BackupRow { id: key(row, "fileId")?, name: text(row, "bucketName")? });
        rows.iter().map(|row| self.0.read(name(row))).collect()
    }

    async fn counts(&self, after: RowId) -> Result<BTreeMap<Option<String>, u64>, DatabaseError> {
        let mut buckets = BTreeMap::new();
        let add = |row: &MySqlRow| {
            *buckets.entry(text(row, "bucket")?).or_default() += present(row, "files")?;
            Ok(())
        };
        self.0.count((FIRST, COUNT), (after, RowId::END), add).await?;
        Ok(buckets)
    }

    async fn highest(&self) -> Result<Option<RowId>, DatabaseError> {
        self.0.id(LAST, &[]).await
    }
}

fn file(row: &MySqlRow) -> Result<ArticleFile, Error> {
    Ok(ArticleFile {
        id: key(row, "fileId")?,
        bucket: text(row, "bucketName")?,
        key: text(row, "crepoKey")?,
        uuid: text(row, "crepoUuid")?,
        size: optional(row, "fileSize")?.map(ByteCount),
    })
}
