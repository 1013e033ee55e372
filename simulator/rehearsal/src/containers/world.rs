//! The servers as the world of a story.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::types::ChecksumMode;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use oracle::state::{Bucket, EndState, Headers, MogileState, Object, Replica, Row};
use sqlx::{AssertSqlSafe, Row as _};
use stand_ins::embedded::{BUCKETS, DOMAIN, LEDGER};
use stand_ins::world::databases::Database;
use stand_ins::world::dynamodb::Item;

use super::copy_out::NO_TYPE;
use super::mogile;
use super::servers::Servers;
use crate::corpus::CorpusFile;
use crate::end_state::as_item;
use crate::site::{Article, Failure, LateRow, Site};

/// Requests under way at once, when the end is looked at.
const AT_ONCE: usize = 8;

#[async_trait]
impl Site for Servers {
    async fn store(&self, key: &str, file: &CorpusFile) -> anyhow::Result<u64> {
        self.mogile.store(DOMAIN, key, None, &file.content.read()?).await
    }

    async fn rename(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let arguments = [("domain", DOMAIN), ("from_key", from), ("to_key", to)];
        self.mogile.ask("rename", &arguments).await.map(drop)
    }

    async fn delete(&self, key: &str) -> anyhow::Result<()> {
        self.mogile.ask("delete", &[("domain", DOMAIN), ("key", key)]).await.map(drop)
    }

    async fn lose(&self, fid: u64) -> anyhow::Result<()> {
        let state = self.rows().await?;
        for device in &state.get(&fid).context("a file")?.devices {
            mogile::delete(&self.replica(*device, fid)?).await?;
        }
        Ok(())
    }

    async fn items(&self, table: &str) -> anyhow::Result<Vec<Item>> {
        let pages = self.dynamodb.scan().table_name(table).consistent_read(true);
        let mut items = pages.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(item) = items.next().await {
            let item = item.with_context(|| format!("reading the table `{table}`"))?;
            let fields = item.into_iter().map(|(name, value)| Ok((name, stored(value)?)));
            found.push(fields.collect::<anyhow::Result<_>>()?);
        }
        Ok(found)
    }

    async fn put(&self, table: &str, item: Item) -> anyhow::Result<()> {
        let mut put = self.dynamodb.put_item().table_name(table);
        for (name, value) in item {
            put = put.item(name, sent(value)?);
        }
        put.send().await.with_context(|| format!("writing to the table `{table}`"))?;
        Ok(())
    }

    async fn mogile_state(&self) -> anyhow::Result<MogileState> {
        let rows = self.rows().await?;
        let places: Vec<_> = rows
            .iter()
            .flat_map(|(fid, row)| row.devices.iter().map(|device| (*fid, *device)))
            .collect();
        let read = |place: (u64, u64)| async move {
            let bytes = mogile::get(&self.replica(place.1, place.0)?).await?;
            anyhow::Ok((place, bytes.map(Replica::Bytes)))
        };
        let replicas: Vec<_> =
            stream::iter(places.into_iter().map(read)).buffered(AT_ONCE).try_collect().await?;
        let replicas = replicas.into_iter().filter_map(|(place, it)| Some((place, it?))).collect();
        Ok(MogileState { rows, replicas })
    }

    async fn end_state(&self) -> anyhow::Result<EndState> {
        let mut buckets = BTreeMap::new();
        for (_, name) in BUCKETS {
            let bucket = self.bucket(name).await.map_err(|error| format!("{error:#}"));
            buckets.insert(name.to_owned(), bucket);
        }
        let ledger = self.items(LEDGER).await.map_err(|error| format!("{error:#}"));
        let ledger = ledger.map(|items| items.iter().map(as_item).collect());
        Ok(EndState { buckets, ledger, mogile: self.mogile_state().await? })
    }

    async fn texts(&self, database: Database, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        let pool = match database {
            Database::ContentRepo => &self.contentrepo,
            Database::Rhino => &self.rhino,
        };
        // In the text protocol every value is a text.
        let rows = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(pool).await?;
        let texts = |row: &sqlx::mysql::MySqlRow| {
            let text = |at| {
                let text = row.try_get_unchecked::<Option<String>, _>(at)?;
                anyhow::Ok(text.unwrap_or_else(|| "NULL".to_owned()))
            };
            (0..row.len()).map(text).collect::<anyhow::Result<Vec<_>>>()
        };
        rows.iter().map(texts).collect()
    }

    async fn rhino_indexes(&self) -> anyhow::Result<Vec<Vec<String>>> {
        let indexes = "SELECT INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE FROM \
                       information_schema.STATISTICS WHERE TABLE_SCHEMA = 'rhino' AND \
                       TABLE_NAME = 'articleFile' AND INDEX_NAME != 'PRIMARY' ORDER BY INDEX_NAME, SEQ_IN_INDEX";
        self.texts(Database::Rhino, indexes).await
    }

    async fn publish(&self, row: &LateRow<'_>) -> anyhow::Result<()> {
        let LateRow { key, uuid, ingestion, file } = row;
        let (bucket, size) = (BUCKETS[0].0, file.content.length());
        sqlx::query(
            "INSERT INTO objects (bucketId, objkey, versionNumber, checksum, size, status, uuid) \
             SELECT bucketId, ?, 0, ?, ?, 0, ? FROM buckets WHERE bucketName = ?",
        )
        .bind(key)
        .bind(&file.sha1)
        .bind(size)
        .bind(uuid)
        .bind(bucket)
        .execute(&self.contentrepo)
        .await?;
        self.refer(&Article { ingestion: *ingestion, bucket, key, uuid, size }).await
    }

    async fn refer(&self, article: &Article<'_>) -> anyhow::Result<()> {
        // What rhino's row refers to is in tables that this world does not fill.
        let mut rhino = self.rhino.acquire().await?;
        sqlx::query("SET SESSION foreign_key_checks = 0").execute(&mut *rhino).await?;
        sqlx::query(
            "INSERT INTO articleFile (ingestionId, bucketName, crepoKey, crepoUuid, fileSize, \
             ingestedFileName) VALUES (?, ?, ?, ?, ?, 'late.bin')",
        )
        .bind(article.ingestion)
        .bind(article.bucket)
        .bind(article.key)
        .bind(article.uuid)
        .bind(article.size)
        .execute(&mut *rhino)
        .await?;
        Ok(())
    }

    async fn strike(&self, command: &str) -> anyhow::Result<Option<Failure>> {
        self.strike(command).await
    }

    fn content_repo_url(&self) -> &str {
        &self.clients.repo_url
    }

    fn clients_start(&self, on_s3: bool) -> anyhow::Result<()> {
        self.clients.restart(on_s3);
        Ok(())
    }
}

impl Servers {
    /// The rows of `file`, with those of `file_on`.
    async fn rows(&self) -> anyhow::Result<BTreeMap<u64, Row>> {
        let files = "SELECT fid, dmid, dkey, length, classid FROM file";
        let mut rows = BTreeMap::new();
        for row in sqlx::query(files).fetch_all(&self.mogilefs).await? {
            let (domain, class): (u16, u8) = (row.try_get(1)?, row.try_get(4)?);
            let file = Row {
                domain: domain.into(),
                key: row.try_get(2)?,
                length: row.try_get(3)?,
                class: class.into(),
                devices: Vec::new(),
            };
            rows.insert(row.try_get(0)?, file);
        }
        let replicas = "SELECT fid, devid FROM file_on ORDER BY fid, devid";
        for row in sqlx::query(replicas).fetch_all(&self.mogilefs).await? {
            let (fid, device): (u64, u32) = (row.try_get(0)?, row.try_get(1)?);
            if let Some(file) = rows.get_mut(&fid) {
                file.devices.push(device.into());
            }
        }
        Ok(rows)
    }

    async fn bucket(&self, name: &str) -> anyhow::Result<Bucket> {
        let mut keys = Vec::new();
        let mut pages = self.s3.list_objects_v2().bucket(name).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.with_context(|| format!("listing `{name}`"))?;
            keys.extend(page.contents().iter().filter_map(|it| it.key().map(str::to_owned)));
        }
        let read = |key: String| async move {
            let object = self.object(name, &key).await;
            object.map(|object| (key.clone(), object)).with_context(|| format!("reading `{key}`"))
        };
        let objects =
            stream::iter(keys.into_iter().map(read)).buffered(AT_ONCE).try_collect().await?;
        let uploads = self.s3.list_multipart_uploads().bucket(name).send().await;
        let uploads = uploads.context("listing uploads")?.uploads().len();
        Ok(Bucket { objects, uploads })
    }

    async fn object(&self, bucket: &str, key: &str) -> anyhow::Result<Object> {
        let get = self.s3.get_object().bucket(bucket).key(key);
        let object = get.checksum_mode(ChecksumMode::Enabled).send().await?;
        // What S3 says where nothing was said.
        let content_type = object.content_type().filter(|it| *it != NO_TYPE);
        let headers = Headers {
            content_type: content_type.map(str::to_owned),
            disposition: object.content_disposition().map(str::to_owned),
        };
        let etag = object.e_tag().unwrap_or_default().trim_matches('"').to_owned();
        let details = format!("SHA-1 {}", object.checksum_sha1().unwrap_or("none"));
        let content: Bytes = object.body.collect().await?.into_bytes();
        Ok(Object { content, etag, headers, details })
    }
}

/// An attribute as the stand-in stores it. Our tables have no others.
fn stored(value: AttributeValue) -> anyhow::Result<dynoxide::AttributeValue> {
    if let AttributeValue::S(text) = value {
        Ok(dynoxide::AttributeValue::S(text))
    } else if let AttributeValue::N(digits) = value {
        Ok(dynoxide::AttributeValue::N(digits))
    } else {
        bail!("an attribute of another type: {value:?}")
    }
}

fn sent(value: dynoxide::AttributeValue) -> anyhow::Result<AttributeValue> {
    if let dynoxide::AttributeValue::S(text) = value {
        Ok(AttributeValue::S(text))
    } else if let dynoxide::AttributeValue::N(digits) = value {
        Ok(AttributeValue::N(digits))
    } else {
        bail!("an attribute of another type: {value:?}")
    }
}
