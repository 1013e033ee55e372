//! The rows of both applications, as the oracle reads them, and what is ingested.

use oracle::readers::{ArticleFile, ClientRows, RepoObject};
use stand_ins::world::databases::Database;

use crate::corpus::CorpusFile;
use crate::site::{LateRow, Site};

/// The rows of both applications.
pub(crate) async fn rows_of(world: &dyn Site) -> anyhow::Result<ClientRows> {
    let files = "SELECT bucketName, crepoKey, crepoUuid FROM articleFile";
    let files = world.texts(Database::Rhino, files).await?.into_iter().map(|row| {
        let [bucket, key, uuid] = columns(row)?;
        anyhow::Ok(ArticleFile { bucket, key, uuid })
    });
    let objects = "SELECT b.bucketName, o.objkey, o.uuid, o.checksum, o.size, o.status FROM objects o \
                   JOIN buckets b USING (bucketId)";
    let objects = world.texts(Database::ContentRepo, objects).await?.into_iter().map(|row| {
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
pub(super) async fn dump(world: &dyn Site) -> anyhow::Result<Vec<Vec<String>>> {
    let contentrepo = Database::ContentRepo;
    Ok([
        world.texts(contentrepo, "SELECT * FROM buckets ORDER BY bucketId").await?,
        world.texts(contentrepo, "SELECT * FROM objects ORDER BY id").await?,
        world.texts(Database::Rhino, "SELECT * FROM articleFile ORDER BY fileId").await?,
        world.rhino_indexes().await?,
    ]
    .concat())
}

/// Writes the rows of a file that came into the first bucket beside contentrepo's API.
pub(super) async fn late_rows(
    world: &dyn Site,
    file: &CorpusFile,
    number: u32,
) -> anyhow::Result<()> {
    let (key, uuid) =
        (format!("10.1371/late.{number}"), format!("5d1c8d3e-0000-4000-8000-{number:012}"));
    let ingestion = 9_000_000 + i64::from(number);
    world.publish(&LateRow { key: &key, uuid: &uuid, ingestion, file }).await
}
