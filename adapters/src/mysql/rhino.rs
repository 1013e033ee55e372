//! Reads rhino's own table of files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ByteCount;
use domain::ports::{ArticleFile, DatabaseError, RhinoDatabase};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::columns::{optional, present, text};
use super::sessions::Database;
use super::tables::{ROWS_COUNTED, Tables};
use super::url::DatabaseUrl;
use crate::calls::Calls;

/// Pages by the primary key.
const FILES: &str = "SELECT fileId, bucketName, crepoKey, crepoUuid, fileSize FROM articleFile \
                     WHERE fileId > ? ORDER BY fileId LIMIT ?";
const FIRST: &str = "SELECT MIN(fileId) AS id FROM articleFile WHERE fileId > ?";
const LAST: &str = "SELECT MAX(fileId) AS id FROM articleFile";

/// Byte for byte: by the column's own collation `a`, `A` and `a ` can be one name.
const COUNT: &str = "SELECT CAST(CONVERT(bucketName USING utf8mb4) AS BINARY) AS bucket, \
                     COUNT(*) AS files FROM articleFile WHERE fileId >= ? AND fileId < ? \
                     GROUP BY bucket";

/// [`RhinoDatabase`] on MySQL or MariaDB. Its sessions are read-only: the server refuses every statement
/// that writes.
pub struct MysqlRhino(Tables);

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
    async fn files(&self, after: u64, limit: usize) -> Result<Vec<ArticleFile>, DatabaseError> {
        let rows = self.0.ask("files", FILES, &[after, limit.max(1) as u64]).await?;
        rows.iter().map(|row| self.0.read(file(row))).collect()
    }

    async fn rows_by_bucket(&self) -> Result<BTreeMap<Option<String>, u64>, DatabaseError> {
        let (mut buckets, mut after) = (BTreeMap::new(), 0);
        while let Some(first) = self.0.id("first file", FIRST, &[after]).await? {
            let end = first.saturating_add(ROWS_COUNTED);
            for row in self.0.ask("count files", COUNT, &[first, end]).await? {
                let counted =
                    text(&row, "bucket").and_then(|bucket| Ok((bucket, present(&row, "files")?)));
                let (bucket, files) = self.0.read(counted)?;
                *buckets.entry(bucket).or_default() += files;
            }
            after = end - 1;
        }
        Ok(buckets)
    }

    async fn last(&self) -> Result<Option<u64>, DatabaseError> {
        self.0.id("last file", LAST, &[]).await
    }
}

fn file(row: &MySqlRow) -> Result<ArticleFile, Error> {
    Ok(ArticleFile {
        id: present(row, "fileId")?,
        bucket: text(row, "bucketName")?,
        key: text(row, "crepoKey")?,
        uuid: text(row, "crepoUuid")?,
        size: optional(row, "fileSize")?.map(ByteCount),
    })
}
