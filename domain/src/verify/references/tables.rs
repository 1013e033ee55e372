//! The two tables, page by page, each row in its class.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::kinds::Broken;
use super::records::{NameHash, Wanted};
use crate::ports::{
    ArticleFile, Clock, ContentRepoDatabase, DatabaseError, RepoObject, RepoStatus, RhinoDatabase,
    RowId,
};
use crate::retried::retried;
use crate::{BucketMap, MogileBucket, RepoBucketName, S3Bucket, limits};

/// contentrepo's table.
pub(super) const OBJECTS: &str = "objects";

/// rhino's table.
pub(super) const ARTICLE_FILES: &str = "articleFile";

/// A row of either table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: RowId,
    /// The name of its bucket, as the database has it.
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
    pub(super) uuid: Option<String>,
    /// contentrepo's checksum.
    pub(super) checksum: Option<String>,
    /// How rhino names it, where its bucket is mapped.
    pub(super) name: Option<NameHash>,
    pub(super) class: Class,
}

/// What a row is to the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Its bucket is to be ignored.
    Ignored,
    /// contentrepo has purged it.
    Purged,
    /// It must have this object.
    Object(Wanted),
    /// It must name a row of contentrepo.
    Reference(NameHash),
    /// It refers to nothing that could be looked for.
    Broken(Broken),
}

impl Class {
    /// To see whether a row is still the one that was read.
    pub(super) fn print(&self) -> u64 {
        match self {
            Self::Object(wanted) => wanted.print(),
            Self::Reference(name) => name.print(),
            Self::Ignored | Self::Purged | Self::Broken(_) => 0,
        }
    }
}

/// A table whose rows come by their ids.
#[async_trait]
pub(super) trait Table: Sync {
    /// The table's name.
    fn name(&self) -> &'static str;

    /// Whether nothing is read behind the last row of the start.
    fn ends_at_last(&self) -> bool;

    /// The next rows behind an id; none at the end.
    async fn page(&self, after: RowId) -> Result<Vec<Row>, DatabaseError>;
}

/// The mapped buckets; an S3 bucket's number is its place here.
pub(super) struct Mapped<'a> {
    map: &'a BucketMap,
    pub(super) pairs: Vec<(&'a MogileBucket, &'a S3Bucket)>,
}

impl<'a> Mapped<'a> {
    pub(super) fn new(map: &'a BucketMap) -> Self {
        Self { map, pairs: map.pairs().collect() }
    }

    /// The number of the S3 bucket of a bucket of the clients, which has its old name before the cut-over
    /// and its new one behind it.
    fn number(&self, name: &str) -> Result<u16, Class> {
        let old = match self.map.repo_bucket(name) {
            RepoBucketName::Mapped(old) | RepoBucketName::Renamed(old) => old,
            RepoBucketName::Ignored => return Err(Class::Ignored),
            RepoBucketName::Unmapped => return Err(Class::Broken(Broken::UnmappedBucket)),
        };
        let place = self.pairs.iter().position(|(other, _)| *other == old);
        let place = place.and_then(|place| u16::try_from(place).ok());
        place.ok_or(Class::Broken(Broken::UnmappedBucket))
    }

    fn name_hash(&self, number: u16, key: &str, uuid: &str) -> NameHash {
        let (_, new) = self.pairs[usize::from(number)];
        NameHash::of(new.as_str(), key, uuid)
    }
}

/// contentrepo's table `objects`.
pub(super) struct Objects<'a> {
    pub(super) database: &'a dyn ContentRepoDatabase,
    pub(super) clock: &'a dyn Clock,
    pub(super) mapped: &'a Mapped<'a>,
    /// The names of its buckets.
    pub(super) names: BTreeMap<RowId, String>,
}

#[async_trait]
impl Table for Objects<'_> {
    fn name(&self) -> &'static str {
        OBJECTS
    }

    fn ends_at_last(&self) -> bool {
        false
    }

    async fn page(&self, after: RowId) -> Result<Vec<Row>, DatabaseError> {
        let read = || self.database.objects(after, limits::PAGE_ROWS);
        let page = retried(self.clock, 0, read).await?;
        Ok(page.into_iter().map(|row| self.row(row)).collect())
    }
}

impl Objects<'_> {
    fn row(&self, row: RepoObject) -> Row {
        let bucket = row.bucket.and_then(|bucket| self.names.get(&bucket)).cloned();
        let number = match &bucket {
            Some(name) => self.mapped.number(name),
            None => Err(Class::Broken(Broken::NoBucket)),
        };
        // A NULL of either column comes as nothing, and no row of rhino can mean that.
        let has_name = !row.key.is_empty() && !row.uuid.is_empty();
        let name = number.as_ref().ok().filter(|_| has_name);
        let name = name.map(|number| self.mapped.name_hash(*number, &row.key, &row.uuid));
        // What is purged refers to nothing any more, wherever it was.
        let class = match (row.status, number) {
            (RepoStatus::Purged, _) => Class::Purged,
            (_, Err(class)) => class,
            (RepoStatus::Unknown, Ok(_)) => Class::Broken(Broken::UnknownStatus),
            (RepoStatus::Used | RepoStatus::Deleted, Ok(bucket)) => match row.content() {
                // contentrepo asks for the column as it is, and a key of S3 is compared byte for byte.
                Some(sha1) if row.checksum != sha1.to_string() => Class::Broken(Broken::OtherKey),
                Some(sha1) => Class::Object(Wanted { bucket, sha1, id: row.id, size: row.size }),
                None => Class::Broken(Broken::NoChecksum),
            },
        };
        let RepoObject { id, key, uuid, checksum, .. } = row;
        let (key, uuid, checksum) = (Some(key), Some(uuid), Some(checksum));
        Row { id, bucket, key, uuid, checksum, name, class }
    }
}

/// rhino's table `articleFile`.
pub(super) struct ArticleFiles<'a> {
    pub(super) database: &'a dyn RhinoDatabase,
    pub(super) clock: &'a dyn Clock,
    pub(super) mapped: &'a Mapped<'a>,
}

#[async_trait]
impl Table for ArticleFiles<'_> {
    fn name(&self) -> &'static str {
        ARTICLE_FILES
    }

    fn ends_at_last(&self) -> bool {
        true
    }

    async fn page(&self, after: RowId) -> Result<Vec<Row>, DatabaseError> {
        let read = || self.database.files(after, limits::PAGE_ROWS);
        let page = retried(self.clock, 0, read).await?;
        Ok(page.into_iter().map(|row| self.row(row)).collect())
    }
}

impl ArticleFiles<'_> {
    fn row(&self, row: ArticleFile) -> Row {
        let ArticleFile { id, bucket, key, uuid, size: _ } = row;
        let number = bucket.as_deref().map(|bucket| self.mapped.number(bucket));
        let class = match (number, &key, &uuid) {
            (Some(Err(class)), _, _) => class,
            (Some(Ok(number)), Some(key), Some(uuid)) => {
                Class::Reference(self.mapped.name_hash(number, key, uuid))
            }
            (None, _, _) | (_, None, _) | (_, _, None) => Class::Broken(Broken::NullColumn),
        };
        Row { id, bucket, key, uuid, checksum: None, name: None, class }
    }
}
