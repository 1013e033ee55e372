//! Rows as contentrepo and rhino write them.

use anyhow::Context;
use rusqlite::{Transaction, params};

use super::{Database, Databases};

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It is in use.
    InUse = 0,
    /// It is deleted; its content is still referred to.
    Deleted = 1,
    /// Its content is gone, where nobody else refers to it.
    Purged = 2,
}

/// A row of `objects`.
#[derive(Debug, Clone, Copy)]
pub struct ObjectRow<'a> {
    /// The number of its bucket.
    pub bucket: i64,
    /// The name by which the publisher asks for it.
    pub key: &'a str,
    /// Counted from 0 for each key.
    pub version: u32,
    /// The SHA-1 of its content.
    pub sha1: &'a str,
    /// The length of its content.
    pub size: u64,
    /// The name under which it is to be saved.
    pub name: Option<&'a str>,
    /// The type of its content.
    pub content_type: Option<&'a str>,
    /// What became of it.
    pub status: Status,
    /// What rhino knows it by.
    pub uuid: &'a str,
}

/// A row of `collections`, with its objects.
#[derive(Debug, Clone, Copy)]
pub struct CollectionRow<'a> {
    /// The number of its bucket.
    pub bucket: i64,
    /// The name by which the publisher asks for it.
    pub key: &'a str,
    /// What rhino may know it by.
    pub uuid: &'a str,
    /// The numbers of its objects, no two alike.
    pub objects: &'a [i64],
}

/// A row of `articleFile`.
#[derive(Debug, Clone, Copy)]
pub struct ArticleFileRow<'a> {
    /// The ingestion that brought it.
    pub ingestion: i64,
    /// What it is a part of.
    pub item: Option<i64>,
    /// What kind of part.
    pub file_type: Option<&'a str>,
    /// The name of its bucket.
    pub bucket: &'a str,
    /// The key of the object.
    pub key: &'a str,
    /// The uuid of the object.
    pub uuid: &'a str,
    /// The length of the content.
    pub size: u64,
    /// Its name in the ingested archive.
    pub name: &'a str,
}

/// Both databases while they are filled.
#[derive(Debug)]
pub struct Planting<'a> {
    contentrepo: Transaction<'a>,
    rhino: Transaction<'a>,
}

impl Databases {
    /// Fills both databases, each in one transaction.
    pub fn plant(
        &self,
        fill: impl FnOnce(&Planting<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut contentrepo = self.open(Database::ContentRepo).context("opening contentrepo's")?;
        let mut rhino = self.open(Database::Rhino).context("opening rhino's")?;
        let planting =
            Planting { contentrepo: contentrepo.transaction()?, rhino: rhino.transaction()? };
        fill(&planting)?;
        planting.contentrepo.commit()?;
        planting.rhino.commit()?;
        Ok(())
    }
}

impl Planting<'_> {
    /// A bucket; returns its number.
    pub fn bucket(&self, name: &str) -> anyhow::Result<i64> {
        self.contentrepo.execute("INSERT INTO buckets (bucketName) VALUES (?)", [name])?;
        Ok(self.contentrepo.last_insert_rowid())
    }

    /// An object; returns its number.
    pub fn object(&self, row: &ObjectRow<'_>) -> anyhow::Result<i64> {
        let sql = "INSERT INTO objects (bucketId, objkey, versionNumber, checksum, size, \
                   downloadName, contentType, status, uuid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let ObjectRow { bucket, key, version, sha1, size, name, content_type, status, uuid } = row;
        // The column holds no more, and old servers cut silently.
        let size = (*size).min(i32::MAX.unsigned_abs().into());
        let size = i64::try_from(size)?;
        self.contentrepo.prepare_cached(sql)?.execute(params![
            bucket,
            key,
            version,
            sha1,
            size,
            name,
            content_type,
            *status as u8,
            uuid
        ])?;
        Ok(self.contentrepo.last_insert_rowid())
    }

    /// A collection of objects, in its first version.
    pub fn collection(&self, row: &CollectionRow<'_>) -> anyhow::Result<()> {
        let CollectionRow { bucket, key, uuid, objects } = row;
        let sql = "INSERT INTO collections (bucketId, collkey, versionNumber, uuid) \
                   VALUES (?, ?, 0, ?)";
        self.contentrepo.prepare_cached(sql)?.execute(params![bucket, key, uuid])?;
        let collection = self.contentrepo.last_insert_rowid();
        let sql = "INSERT INTO collectionObject (collectionId, objectId) VALUES (?, ?)";
        let mut insert = self.contentrepo.prepare_cached(sql)?;
        for object in *objects {
            insert.execute(params![collection, object])?;
        }
        Ok(())
    }

    /// A file of an article.
    pub fn article_file(&self, row: &ArticleFileRow<'_>) -> anyhow::Result<()> {
        let sql = "INSERT INTO articleFile (ingestionId, itemId, fileType, bucketName, crepoKey, \
                   crepoUuid, fileSize, ingestedFileName) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
        let ArticleFileRow { ingestion, item, file_type, bucket, key, uuid, size, name } = row;
        let size = i64::try_from(*size)?;
        self.rhino
            .prepare_cached(sql)?
            .execute(params![ingestion, item, file_type, bucket, key, uuid, size, name])?;
        Ok(())
    }
}
