//! Reads contentrepo's own tables.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ByteCount;
use domain::ports::{
    ContentRepoDatabase, DatabaseError, RepoBucket, RepoExtent, RepoMetadata, RepoObject,
    RepoStatus, RowId,
};
use sqlx::Error;
use sqlx::mysql::MySqlRow;

use super::columns::{Number, id, key, number, optional, present, text};
use super::sessions::Database;
use super::tables::{Query, Tables};
use super::url::DatabaseUrl;
use crate::calls::Calls;

const BUCKETS: Query =
    Query { name: "buckets", sql: "SELECT bucketId, bucketName FROM buckets ORDER BY bucketId" };

/// Pages by the primary key.
const OBJECTS: Query = Query {
    name: "objects",
    sql: "SELECT id, bucketId, objkey, checksum, size, contentType, downloadName, status, uuid \
          FROM objects WHERE id >= ? ORDER BY id LIMIT ?",
};

/// The same pages. The number is [`METADATA_READ`](domain::limits::METADATA_READ): the column may hold
/// 4 GB.
const METADATA: Query = Query {
    name: "metadata",
    sql: "SELECT id, bucketId, objkey, size, status, downloadName, contentType, tag, \
          LEFT(userMetadata, 2049) AS userMetadata FROM objects WHERE id >= ? ORDER BY id LIMIT ?",
};

/// Not by `MIN`: MariaDB 11.8 gives the highest id there, where all are below the argument and the
/// argument is beyond the column's type.
const FIRST: Query =
    Query { name: "first object", sql: "SELECT id FROM objects WHERE id >= ? ORDER BY id LIMIT 1" };

const COUNT: Query = Query {
    name: "count objects",
    sql: "SELECT status, COUNT(*) AS objects FROM objects WHERE id >= ? AND id <= ? GROUP BY status",
};

const LAST: Query = Query { name: "last object", sql: "SELECT MAX(id) AS id FROM objects" };

/// The largest number of a column of type INT, which larger sizes are cut to where the server is not
/// strict (MySQL reference, "Out-of-Range and Overflow Handling").
const INT_MAX: u64 = 2_147_483_647;

/// [`ContentRepoDatabase`] on MySQL or MariaDB. Its sessions are read-only: the server refuses every
/// statement that writes.
pub struct MysqlContentRepo(pub(super) Tables);

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
        let rows = self.0.ask(BUCKETS, &[]).await?;
        let bucket = |row: &MySqlRow| {
            let name = text(row, "bucketName")?.unwrap_or_default();
            Ok(RepoBucket { id: key(row, "bucketId")?, name })
        };
        rows.iter().map(|row| self.0.read(bucket(row))).collect()
    }

    async fn objects(&self, after: RowId, limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        let rows = self.0.page(OBJECTS, after, limit).await?;
        rows.iter().map(|row| self.0.read(object(row))).collect()
    }

    async fn metadata(
        &self,
        after: RowId,
        limit: usize,
    ) -> Result<Vec<RepoMetadata>, DatabaseError> {
        let rows = self.0.page(METADATA, after, limit).await?;
        rows.iter().map(|row| self.0.read(metadata(row))).collect()
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        let last = self.0.id_tried_again(LAST, &[], false).await?;
        let mut extent = RepoExtent { last, ..RepoExtent::default() };
        let add = |row: &MySqlRow| {
            *extent.rows.entry(status(row)?).or_default() += present(row, "objects")?;
            Ok(())
        };
        self.0.count((FIRST, COUNT), RowId::START, add).await?;
        Ok(extent)
    }
}

fn object(row: &MySqlRow) -> Result<RepoObject, Error> {
    Ok(RepoObject {
        id: key(row, "id")?,
        bucket: id(row, "bucketId")?,
        key: text(row, "objkey")?.unwrap_or_default(),
        checksum: text(row, "checksum")?.unwrap_or_default(),
        size: size(row)?,
        content_type: text(row, "contentType")?,
        download_name: text(row, "downloadName")?,
        status: status(row)?,
        uuid: text(row, "uuid")?.unwrap_or_default(),
    })
}

fn metadata(row: &MySqlRow) -> Result<RepoMetadata, Error> {
    Ok(RepoMetadata {
        id: key(row, "id")?,
        bucket: id(row, "bucketId")?,
        key: text(row, "objkey")?.unwrap_or_default(),
        size: size(row)?,
        status: status(row)?,
        download_name: text(row, "downloadName")?,
        content_type: text(row, "contentType")?,
        tag: text(row, "tag")?,
        user_metadata: text(row, "userMetadata")?,
    })
}

/// The size, where the column can hold it.
fn size(row: &MySqlRow) -> Result<Option<ByteCount>, Error> {
    let size = optional(row, "size")?.filter(|size| *size != INT_MAX);
    Ok(size.map(ByteCount))
}

fn status(row: &MySqlRow) -> Result<RepoStatus, Error> {
    Ok(match number(row, "status")? {
        Number::Fit(0) => RepoStatus::Used,
        Number::Fit(1) => RepoStatus::Deleted,
        Number::Fit(2) => RepoStatus::Purged,
        Number::Fit(_) | Number::Negative(_) | Number::Null => RepoStatus::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use domain::limits;

    use super::*;

    #[test]
    fn one_character_more_is_read_than_s3_takes() {
        let read = format!("LEFT(userMetadata, {})", limits::METADATA_READ);
        assert!(METADATA.sql.contains(&read), "{}", METADATA.sql);
    }
}
