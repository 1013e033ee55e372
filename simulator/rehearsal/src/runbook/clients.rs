//! The rows of both applications, as the oracle reads them, and what is ingested.

use anyhow::Context;
use oracle::readers::{ArticleFile, ClientRows, RepoObject};
use stand_ins::embedded::{BUCKETS, EmbeddedWorld};
use stand_ins::world::databases::{ArticleFileRow, Database, ObjectRow, Status};

use crate::corpus::CorpusFile;

/// The rows of both applications.
pub(super) fn rows_of(world: &EmbeddedWorld) -> anyhow::Result<ClientRows> {
    let files = "SELECT bucketName, crepoKey, crepoUuid FROM articleFile";
    let files = world.databases.texts(Database::Rhino, files)?.into_iter().map(|row| {
        let [bucket, key, uuid] = columns(row)?;
        anyhow::Ok(ArticleFile { bucket, key, uuid })
    });
    let objects = "SELECT b.bucketName, o.objkey, o.uuid, o.checksum, o.size, o.status FROM objects o \
                   JOIN buckets b USING (bucketId)";
    let objects = world.databases.texts(Database::ContentRepo, objects)?.into_iter().map(|row| {
        let [bucket, key, uuid, sha1, size, status] = columns(row)?;
        let (size, is_purged) = (size.parse()?, status == "2");
        anyhow::Ok(RepoObject { bucket, key, uuid, sha1, size, is_purged })
    });
    Ok(ClientRows {
        files: files.collect::<Result<_, _>>()?,
        objects: objects.collect::<Result<_, _>>()?,
    })
}

fn columns<const N: usize>(row: Vec<String>) -> anyhow::Result<[String; N]> {
    row.try_into().map_err(|row| anyhow::anyhow!("a row of other columns: {row:?}"))
}

/// All that names may change in, and the indexes: byte for byte what a way back must restore.
pub(super) fn dump(world: &EmbeddedWorld) -> anyhow::Result<Vec<Vec<String>>> {
    let rows = |database, sql| world.databases.texts(database, sql);
    Ok([
        rows(Database::ContentRepo, "SELECT * FROM buckets ORDER BY bucketId")?,
        rows(Database::ContentRepo, "SELECT * FROM objects ORDER BY id")?,
        rows(Database::Rhino, "SELECT * FROM articleFile ORDER BY fileId")?,
        rows(Database::Rhino, "SELECT name FROM sqlite_master WHERE type = 'index' ORDER BY name")?,
    ]
    .concat())
}

/// Writes the rows of a file that came into the first bucket beside contentrepo's API.
pub(super) fn late_rows(
    world: &EmbeddedWorld,
    file: &CorpusFile,
    number: u32,
) -> anyhow::Result<()> {
    let name = BUCKETS[0].0;
    let id = "SELECT bucketId FROM buckets WHERE bucketName = '";
    let id = world.databases.texts(Database::ContentRepo, &format!("{id}{name}'"))?;
    let id: i64 = id.first().and_then(|row| row.first()).context("a bucket")?.parse()?;
    let (key, uuid) =
        (format!("10.1371/late.{number}"), format!("5d1c8d3e-0000-4000-8000-{number:012}"));
    world.databases.plant(|rows| {
        rows.object(&ObjectRow {
            bucket: id,
            key: &key,
            version: 0,
            sha1: &file.sha1,
            size: file.content.length(),
            name: None,
            content_type: None,
            status: Status::InUse,
            uuid: &uuid,
        })?;
        rows.article_file(&ArticleFileRow {
            ingestion: 9_000_000 + i64::from(number),
            item: None,
            file_type: None,
            bucket: name,
            key: &key,
            uuid: &uuid,
            size: file.content.length(),
            name: "late.bin",
        })
    })
}
