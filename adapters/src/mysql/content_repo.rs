//! Reads contentrepo's own tables.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ByteCount;
use domain::ports::{
    ContentRepoDatabase, DatabaseError, RepoBucket, RepoExtent, RepoObject, RepoStatus,
};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::columns::{Number, number, optional, present, text};
use super::sessions::Database;
use super::tables::{ROWS_COUNTED, Tables};
use super::url::DatabaseUrl;
use crate::calls::Calls;

const BUCKETS: &str = "SELECT bucketId, bucketName FROM buckets ORDER BY bucketId";

/// Pages by the primary key.
const OBJECTS: &str = "SELECT id, bucketId, objkey, checksum, size, contentType, downloadName, \
                       status, uuid FROM objects WHERE id > ? ORDER BY id LIMIT ?";
const FIRST: &str = "SELECT MIN(id) AS id FROM objects WHERE id > ?";

const COUNT: &str = "SELECT status, COUNT(*) AS objects FROM objects WHERE id >= ? AND id < ? \
                     GROUP BY status";
const LAST: &str = "SELECT MAX(id) AS id FROM objects";

/// The largest number of a column of type INT, which larger sizes are cut to where the server is not
/// strict (MySQL reference, "Out-of-Range and Overflow Handling").
const INT_MAX: u64 = 2_147_483_647;

/// [`ContentRepoDatabase`] on MySQL or MariaDB. Its sessions are read-only: the server refuses every
/// statement that writes.
pub struct MysqlContentRepo(Tables);

impl MysqlContentRepo {
    /// Connects at the first query, not here.
    #[must_use]
    pub fn new(url: DatabaseUrl, calls: Arc<Calls>) -> Self {
        Self(Tables::new(url, Database::ContentRepo, calls))
    }

    /// Replaces the default time limit for a query, which is production's.
    #[must_use]
    pub fn with_time(self, time: Duration) -> Self {
        Self(self.0.with_time(time))
    }
}

#[async_trait]
impl ContentRepoDatabase for MysqlContentRepo {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        let rows = self.0.ask("buckets", BUCKETS, &[]).await?;
        let bucket = |row: &MySqlRow| {
            let name = text(row, "bucketName")?.unwrap_or_default();
            Ok(RepoBucket { id: present(row, "bucketId")?, name })
        };
        rows.iter().map(|row| self.0.read(bucket(row))).collect()
    }

    async fn objects(&self, after: u64, limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        let rows = self.0.ask("objects", OBJECTS, &[after, limit.max(1) as u64]).await?;
        rows.iter().map(|row| self.0.read(object(row))).collect()
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        let last = self.0.id("last object", LAST, &[]).await?;
        let mut extent = RepoExtent { last, ..RepoExtent::default() };
        let mut after = 0;
        while let Some(first) = self.0.id("first object", FIRST, &[after]).await? {
            let end = first.saturating_add(ROWS_COUNTED);
            for row in self.0.ask("count objects", COUNT, &[first, end]).await? {
                let counted =
                    status(&row).and_then(|status| Ok((status, present(&row, "objects")?)));
                let (status, objects) = self.0.read(counted)?;
                *extent.rows.entry(status).or_default() += objects;
            }
            after = end - 1;
        }
        Ok(extent)
    }
}

fn object(row: &MySqlRow) -> Result<RepoObject, Error> {
    let size = optional(row, "size")?.filter(|size| *size != INT_MAX);
    Ok(RepoObject {
        id: present(row, "id")?,
        bucket: present(row, "bucketId")?,
        key: text(row, "objkey")?.unwrap_or_default(),
        checksum: text(row, "checksum")?.unwrap_or_default(),
        size: size.map(ByteCount),
        content_type: text(row, "contentType")?,
        download_name: text(row, "downloadName")?,
        status: status(row)?,
        uuid: text(row, "uuid")?.unwrap_or_default(),
    })
}

fn status(row: &MySqlRow) -> Result<RepoStatus, Error> {
    Ok(match number(row, "status")? {
        Number::Fit(0) => RepoStatus::Used,
        Number::Fit(1) => RepoStatus::Deleted,
        Number::Fit(2) => RepoStatus::Purged,
        Number::Fit(_) | Number::Negative(_) | Number::Null => RepoStatus::Unknown,
    })
}
