//! The rows of `objects`, as contentrepo's `SqlService` reads and writes them.

use rusqlite::{Connection, OptionalExtension, Row, named_params};
use serde_json::{Value, json};

use super::RepoRefusal;

/// Which version of a key is meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The one with this number.
    pub version: Option<i64>,
    /// The one with this uuid.
    pub uuid: Option<String>,
    /// The one with this tag.
    pub tag: Option<String>,
}

impl Filter {
    /// Whether it names nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.version.is_none() && self.uuid.is_none() && self.tag.is_none()
    }
}

/// A row of `objects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoRow {
    /// The column `id`.
    pub id: i64,
    /// The column `bucketId`.
    pub bucket: i64,
    /// The name of its bucket, by the table `buckets`.
    pub bucket_name: String,
    /// The column `objkey`.
    pub key: String,
    /// The column `checksum`.
    pub sha1: String,
    /// The column `downloadName`.
    pub download_name: Option<String>,
    /// The column `contentType`.
    pub content_type: Option<String>,
    /// The column `size`.
    pub size: u64,
    /// The column `tag`.
    pub tag: Option<String>,
    /// The column `versionNumber`.
    pub version: i64,
    /// The column `status`.
    pub status: i64,
    /// The column `timestamp`.
    pub timestamp: String,
    /// The column `creationDate`.
    pub creation_date: String,
    /// The column `userMetadata`.
    pub user_metadata: Option<String>,
    /// The column `uuid`.
    pub uuid: String,
}

const COLUMNS: &str = "obj.id, obj.bucketId, b.bucketName, obj.objkey, obj.checksum, \
     obj.downloadName, obj.contentType, obj.size, obj.tag, obj.versionNumber, obj.status, \
     obj.timestamp, obj.creationDate, obj.userMetadata, obj.uuid";

impl RepoRow {
    /// The newest row of a key that the filter means, of those in use, or of the deleted too. The real one
    /// goes by the date alone; rows of one date have no order there.
    pub(super) fn find(
        connection: &Connection,
        bucket: &str,
        key: &str,
        filter: &Filter,
        highest_status: i64,
    ) -> Result<Option<Self>, RepoRefusal> {
        let sql = format!(
            "SELECT {COLUMNS} FROM objects obj JOIN buckets b ON obj.bucketId = b.bucketId \
             WHERE b.bucketName = :bucket AND obj.objkey = :key AND obj.status <= :status \
             AND (:version IS NULL OR obj.versionNumber = :version) \
             AND (:uuid IS NULL OR obj.uuid = :uuid) AND (:tag IS NULL OR obj.tag = :tag) \
             ORDER BY obj.creationDate DESC, obj.id DESC LIMIT 1"
        );
        let wanted = named_params! {
            ":bucket": bucket, ":key": key, ":status": highest_status,
            ":version": filter.version, ":uuid": filter.uuid, ":tag": filter.tag,
        };
        Ok(connection.query_row(&sql, wanted, Self::read).optional()?)
    }

    /// Writes a new row of a key, in its next version.
    pub(super) fn insert(self, connection: &Connection) -> Result<Self, RepoRefusal> {
        let sql = "INSERT INTO objects (bucketId, objkey, checksum, downloadName, contentType, size, \
                   tag, status, versionNumber, creationDate, userMetadata, uuid) VALUES (:bucket, \
                   :key, :sha1, :name, :type, :size, :tag, 0, :version, CURRENT_TIMESTAMP, :meta, :uuid)";
        let row = named_params! {
            ":bucket": self.bucket, ":key": self.key, ":sha1": self.sha1,
            ":name": self.download_name, ":type": self.content_type,
            ":size": i64::try_from(self.size).unwrap_or(i64::MAX), ":tag": self.tag,
            ":version": self.version, ":meta": self.user_metadata, ":uuid": self.uuid,
        };
        connection.execute(sql, row)?;
        let id = connection.last_insert_rowid();
        let sql = format!(
            "SELECT {COLUMNS} FROM objects obj JOIN buckets b ON obj.bucketId = b.bucketId \
             WHERE obj.id = ?"
        );
        Ok(connection.query_row(&sql, [id], Self::read)?)
    }

    /// The number of a key's next version. Those of purged rows stay used.
    pub(super) fn next_version(
        connection: &Connection,
        bucket: i64,
        key: &str,
    ) -> Result<i64, RepoRefusal> {
        let sql = "SELECT COALESCE(MAX(versionNumber) + 1, 0) FROM objects \
                   WHERE bucketId = ? AND objkey = ?";
        Ok(connection.query_row(sql, rusqlite::params![bucket, key], |row| row.get(0))?)
    }

    /// Sets the status of this row.
    pub(super) fn mark(&self, connection: &Connection, status: i64) -> Result<(), RepoRefusal> {
        let sql = "UPDATE objects SET status = ?, timestamp = CURRENT_TIMESTAMP WHERE id = ?";
        connection.execute(sql, [status, self.id])?;
        Ok(())
    }

    /// Whether a row that is not purged refers to the same content.
    pub(super) fn is_referred_to(&self, connection: &Connection) -> Result<bool, RepoRefusal> {
        let sql = "SELECT COUNT(*) FROM objects WHERE bucketId = ? AND checksum = ? AND status < 2";
        let wanted = rusqlite::params![self.bucket, self.sha1];
        let count: i64 = connection.query_row(sql, wanted, |row| row.get(0))?;
        Ok(count > 0)
    }

    /// As `POST /objects` and `GET /objects/meta` answer it, with the store's own URLs where there are any.
    #[must_use]
    pub fn json(&self, urls: Option<&[String]>) -> Value {
        let mut value = json!({
            "key": self.key,
            "checksum": self.sha1,
            "timestamp": self.timestamp,
            "downloadName": self.download_name,
            "contentType": self.content_type,
            "size": self.size,
            "tag": self.tag,
            "versionNumber": self.version,
            "status": self.status_name(),
            "creationDate": self.creation_date,
            "userMetadata": self.user_metadata,
            "uuid": self.uuid,
        });
        if let Some(urls) = urls {
            value["reproxyURL"] = json!(urls);
        }
        value
    }

    /// The word for its status.
    pub(super) const fn status_name(&self) -> &'static str {
        match self.status {
            0 => "USED",
            1 => "DELETED",
            _ => "PURGED",
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            bucket: row.get(1)?,
            bucket_name: row.get(2)?,
            key: row.get(3)?,
            sha1: row.get(4)?,
            download_name: row.get(5)?,
            content_type: row.get(6)?,
            size: row.get::<_, i64>(7)?.unsigned_abs(),
            tag: row.get(8)?,
            version: row.get(9)?,
            status: row.get(10)?,
            timestamp: row.get(11)?,
            creation_date: row.get(12)?,
            user_metadata: row.get(13)?,
            uuid: row.get(14)?,
        })
    }
}
