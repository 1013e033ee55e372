//! What a story needs of its world beside the commands, whatever that world is made of.

use std::time::Instant;

use anyhow::Context;
use async_trait::async_trait;
use oracle::state::{EndState, MogileState};
use stand_ins::embedded::{BUCKETS, DOMAIN, EmbeddedWorld};
use stand_ins::world::content_repo::{Signature, Store};
use stand_ins::world::databases::{ArticleFileRow, Database, ObjectRow, Status};
use stand_ins::world::dynamodb::{self, Item};
use stand_ins::world::mogile::Fid;

use crate::corpus::CorpusFile;
use crate::end_state::{end_state, mogile_state};

/// The number of the domain that is migrated.
pub(crate) const DMID: u64 = 1;

/// A file of an article that is published later: a row of either application.
pub(crate) struct LateRow<'a> {
    /// `objkey` and `crepoKey`.
    pub(crate) key: &'a str,
    /// `uuid` and `crepoUuid`.
    pub(crate) uuid: &'a str,
    /// `ingestionId`.
    pub(crate) ingestion: i64,
    /// The content.
    pub(crate) file: &'a CorpusFile,
}

/// A row of rhino's.
pub(crate) struct Article<'a> {
    /// `ingestionId`.
    pub(crate) ingestion: i64,
    /// `bucketName`.
    pub(crate) bucket: &'a str,
    /// `crepoKey`.
    pub(crate) key: &'a str,
    /// `crepoUuid`.
    pub(crate) uuid: &'a str,
    /// `fileSize`.
    pub(crate) size: u64,
}

/// When a server failed on purpose. It is up again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure {
    /// From then on it was certainly down.
    pub(crate) down: Instant,
    /// Whether its command may end before that: it is too short to be sure.
    pub(crate) may_come_late: bool,
}

/// A world.
#[async_trait]
pub(crate) trait Site: Send + Sync {
    /// Stores a file under a key as an upload does. Returns its fid.
    async fn store(&self, key: &str, file: &CorpusFile) -> anyhow::Result<u64>;

    /// Gives a file another key, as an ingest does.
    async fn rename(&self, from: &str, to: &str) -> anyhow::Result<()>;

    /// Deletes a file, as a purge does.
    async fn delete(&self, key: &str) -> anyhow::Result<()>;

    /// Loses every replica of a file.
    async fn lose(&self, fid: u64) -> anyhow::Result<()>;

    /// The items of a table of DynamoDB.
    async fn items(&self, table: &str) -> anyhow::Result<Vec<Item>>;

    /// Writes an item there.
    async fn put(&self, table: &str, item: Item) -> anyhow::Result<()>;

    /// MogileFS's rows and replicas.
    async fn mogile_state(&self) -> anyhow::Result<MogileState>;

    /// All that the oracle judges.
    async fn end_state(&self) -> anyhow::Result<EndState>;

    /// The rows of a question that `SQLite` and MySQL both understand, each value as a text.
    async fn texts(&self, database: Database, sql: &str) -> anyhow::Result<Vec<Vec<String>>>;

    /// The names of the indexes of rhino's table, in their order, and what else is known of them.
    async fn rhino_indexes(&self) -> anyhow::Result<Vec<Vec<String>>>;

    /// Publishes a file that was stored in the first bucket.
    async fn publish(&self, row: &LateRow<'_>) -> anyhow::Result<()>;

    /// rhino refers to an object of contentrepo's.
    async fn refer(&self, article: &Article<'_>) -> anyhow::Result<()>;

    /// The URL of contentrepo's API.
    fn content_repo_url(&self) -> &str;

    /// Fails while this command runs, where this world is to fail then.
    async fn strike(&self, _command: &str) -> anyhow::Result<Option<Failure>> {
        Ok(None)
    }

    /// Starts contentrepo with its S3 store, and rhino with the new bucket names; or both as they were before.
    fn clients_start(&self, on_s3: bool) -> anyhow::Result<()>;
}

#[async_trait]
impl Site for EmbeddedWorld {
    async fn store(&self, key: &str, file: &CorpusFile) -> anyhow::Result<u64> {
        let (one, other) = self.devices.split_at(self.devices.len() / 2);
        let devices = [one[0], other[0]];
        Ok(self.mogile.store(self.dmid, key, &file.content, &devices).0)
    }

    async fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        self.mogile.rename(DOMAIN, from, to).context("renaming a file")
    }

    async fn delete(&self, key: &str) -> anyhow::Result<()> {
        self.mogile.delete(DOMAIN, key).context("purging a file")?;
        self.mogile.run_delete_worker();
        Ok(())
    }

    async fn lose(&self, fid: u64) -> anyhow::Result<()> {
        for device in &self.devices {
            self.mogile.remove_replica(Fid(fid), *device);
        }
        Ok(())
    }

    async fn items(&self, table: &str) -> anyhow::Result<Vec<Item>> {
        Ok(dynamodb::items(&self.database, table)?)
    }

    async fn put(&self, table: &str, item: Item) -> anyhow::Result<()> {
        Ok(dynamodb::put(&self.database, table, item)?)
    }

    async fn mogile_state(&self) -> anyhow::Result<MogileState> {
        Ok(mogile_state(self))
    }

    async fn end_state(&self) -> anyhow::Result<EndState> {
        Ok(end_state(self))
    }

    async fn texts(&self, database: Database, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        self.databases.texts(database, sql)
    }

    async fn rhino_indexes(&self) -> anyhow::Result<Vec<Vec<String>>> {
        let indexes = "SELECT replace(name, 'articleFile.', '') FROM sqlite_master \
                       WHERE type = 'index' ORDER BY name";
        self.databases.texts(Database::Rhino, indexes)
    }

    async fn publish(&self, row: &LateRow<'_>) -> anyhow::Result<()> {
        let LateRow { key, uuid, ingestion, file } = row;
        let name = BUCKETS[0].0;
        let id = format!("SELECT bucketId FROM buckets WHERE bucketName = '{name}'");
        let id = self.databases.texts(Database::ContentRepo, &id)?;
        let bucket = id.first().and_then(|row| row.first()).context("a bucket")?.parse()?;
        let (sha1, size) = (file.sha1.as_str(), file.content.length());
        self.databases.plant(|rows| {
            rows.object(&ObjectRow {
                bucket,
                key,
                version: 0,
                sha1,
                size,
                name: None,
                content_type: None,
                status: Status::InUse,
                uuid,
            })?;
            Ok(())
        })?;
        self.refer(&Article { ingestion: *ingestion, bucket: name, key, uuid, size }).await
    }

    async fn refer(&self, article: &Article<'_>) -> anyhow::Result<()> {
        let Article { ingestion, bucket, key, uuid, size } = *article;
        self.databases.plant(|rows| {
            rows.article_file(&ArticleFileRow {
                ingestion,
                item: None,
                file_type: None,
                bucket,
                key,
                uuid,
                size,
                name: "late.bin",
            })
        })
    }

    fn content_repo_url(&self) -> &str {
        &self.content_repo_url
    }

    fn clients_start(&self, on_s3: bool) -> anyhow::Result<()> {
        let store = if on_s3 {
            Store::S3 { signs: Signature::V4, has_valid_keys: true }
        } else {
            self.content_repo_on_mogile()
        };
        self.content_repo.restart(|settings| settings.store = store)?;
        self.rhino.restart(|settings| {
            let [corpus, editorial] =
                BUCKETS.map(|(old, new)| if on_s3 { new } else { old }.to_owned());
            settings.corpus.bucket = corpus;
            if let Some(endpoint) = &mut settings.editorial {
                endpoint.bucket = editorial;
            }
        });
        Ok(())
    }
}
