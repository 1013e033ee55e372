use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{DatabaseError, RowId};
use crate::{ByteCount, Sha1};

/// contentrepo's database: the names of its buckets, and the objects that refer to content. The port
/// only reads it.
///
/// Nothing in it is checked: a checksum may be no SHA-1, and a name may have any characters. Bytes that
/// are no text become the replacement character.
#[async_trait]
pub trait ContentRepoDatabase: Send + Sync {
    /// Returns all buckets, ascending by id.
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError>;

    /// Returns the next objects behind the row id `after`, of every status, ascending by id and at most
    /// `limit` of them. The first page is behind [`RowId::START`], and an empty page is the end.
    async fn objects(&self, after: RowId, limit: usize) -> Result<Vec<RepoObject>, DatabaseError>;

    /// Returns what the next objects behind the row id `after` say about themselves, as
    /// [`objects`](Self::objects) does.
    async fn metadata(
        &self,
        after: RowId,
        limit: usize,
    ) -> Result<Vec<RepoMetadata>, DatabaseError>;

    /// Returns how far the objects have come. It reads every row, which may take minutes, and tries each of
    /// its queries again by itself: the caller does not repeat it.
    async fn extent(&self) -> Result<RepoExtent, DatabaseError>;
}

/// A row of the table `buckets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoBucket {
    /// The column `bucketId`.
    pub id: RowId,
    /// The column `bucketName`.
    pub name: String,
}

/// A row of the table `objects`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoObject {
    /// The column `id`. Of several rows for one content the newest has the highest.
    pub id: RowId,
    /// The column `bucketId`. The table lets it be NULL, and nothing makes sure that the bucket is
    /// there.
    pub bucket: Option<RowId>,
    /// The column `objkey`.
    pub key: String,
    /// The column `checksum`, where the SHA-1 should be.
    pub checksum: String,
    /// The column `size`; [`None`] where it is NULL, or as large as the column can hold: larger sizes
    /// were cut to that.
    pub size: Option<ByteCount>,
    /// The column `contentType`.
    pub content_type: Option<String>,
    /// The column `downloadName`.
    pub download_name: Option<String>,
    /// The column `status`.
    pub status: RepoStatus,
    /// The column `uuid`, by which rhino refers to this row.
    pub uuid: String,
}

/// What a row of the table `objects` has beside its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoMetadata {
    /// The column `id`.
    pub id: RowId,
    /// The column `bucketId`.
    pub bucket: Option<RowId>,
    /// The column `objkey`.
    pub key: String,
    /// The column `size`, as in [`RepoObject::size`].
    pub size: Option<ByteCount>,
    /// The column `status`.
    pub status: RepoStatus,
    /// The column `downloadName`.
    pub download_name: Option<String>,
    /// The column `contentType`.
    pub content_type: Option<String>,
    /// The column `tag`.
    pub tag: Option<String>,
    /// The column `userMetadata`: of a long one only the first
    /// [`METADATA_READ`](crate::limits::METADATA_READ) characters.
    pub user_metadata: Option<String>,
}

impl RepoObject {
    /// The SHA-1 of its content, where the column has one. A client may have written its hex in
    /// capitals, or with blanks.
    #[must_use]
    pub fn content(&self) -> Option<Sha1> {
        Sha1::from_hex(&self.checksum.trim().to_ascii_lowercase()).ok()
    }
}

/// What contentrepo says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RepoStatus {
    /// 0: in use.
    Used,
    /// 1: deleted, and still referring to its content.
    Deleted,
    /// 2: purged. Its content may be gone.
    Purged,
    /// Another number, or none: nobody knows what it means.
    Unknown,
}

/// How far the table `objects` has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepoExtent {
    /// The highest row id; none of an empty table.
    pub last: Option<RowId>,
    /// The number of rows by status.
    pub rows: BTreeMap<RepoStatus, u64>,
}
