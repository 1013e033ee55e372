//! contentrepo's API over the MySQL server and LocalStack, for `freeze`, `smoke` and `config`. The real one has no
//! image; this one follows the stand-in of the embedded world.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sqlx::Row as _;
use sqlx::mysql::{MySqlPool, MySqlRow};
use stand_ins::embedded::DOMAIN;
use stand_ins::wire::content_repo::RepoService;
use stand_ins::world::content_repo::{Filter, NewObject, Read, RepoRefusal, RepoRow};

use super::mogile::Mogile;

/// A contentrepo. Share it as an `Arc`.
pub struct ServedRepo {
    database: MySqlPool,
    s3: aws_sdk_s3::Client,
    mogile: Mogile,
    reads_s3: AtomicBool,
    starts: AtomicU64,
    reads: AtomicU64,
    writes: AtomicU64,
}

const COLUMNS: &str = "SELECT obj.id, obj.bucketId, b.bucketName, obj.objkey, obj.checksum, \
     obj.downloadName, obj.contentType, obj.size, obj.tag, obj.versionNumber, obj.status, \
     CAST(obj.timestamp AS CHAR), CAST(obj.creationDate AS CHAR), obj.userMetadata, obj.uuid \
     FROM objects obj JOIN buckets b ON obj.bucketId = b.bucketId WHERE ";

impl ServedRepo {
    /// One that was started once, with its MogileFS store.
    pub fn new(database: MySqlPool, s3: aws_sdk_s3::Client, mogile: Mogile) -> Arc<Self> {
        let zero = AtomicU64::default;
        let (reads_s3, starts) = (AtomicBool::new(false), AtomicU64::new(1));
        Arc::new(Self { database, s3, mogile, reads_s3, starts, reads: zero(), writes: zero() })
    }

    /// Starts again, with the S3 store or that of MogileFS.
    pub fn restart(&self, on_s3: bool) {
        self.reads_s3.store(on_s3, Ordering::Relaxed);
        self.starts.fetch_add(1, Ordering::Relaxed);
        self.reads.store(0, Ordering::Relaxed);
        self.writes.store(0, Ordering::Relaxed);
    }

    async fn find(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
        highest_status: i64,
    ) -> Result<Option<RepoRow>, RepoRefusal> {
        let sql = format!(
            "{COLUMNS} b.bucketName = ? AND obj.objkey = ? AND obj.status <= ? \
             AND (? IS NULL OR obj.versionNumber = ?) AND (? IS NULL OR obj.uuid = ?) \
             AND (? IS NULL OR obj.tag = ?) ORDER BY obj.creationDate DESC, obj.id DESC LIMIT 1"
        );
        let found =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(bucket).bind(key).bind(highest_status);
        let found = found.bind(of.version).bind(of.version).bind(&of.uuid).bind(&of.uuid);
        let found = found.bind(&of.tag).bind(&of.tag).fetch_optional(&self.database).await;
        found.map_err(failed)?.as_ref().map(row_of).transpose().map_err(failed)
    }

    async fn content(&self, row: &RepoRow) -> Result<Bytes, RepoRefusal> {
        if !self.reads_s3.load(Ordering::Relaxed) {
            return self
                .mogile
                .read(DOMAIN, &dkey(row))
                .await
                .map_err(|_| RepoRefusal::ContentNotFound);
        }
        // Every refusal of S3 is an exception of contentrepo's library, a missing object too.
        let object = self.s3.get_object().bucket(&row.bucket_name).key(&row.sha1).send().await;
        let body = object.map_err(|_| RepoRefusal::ServerError)?.body.collect().await;
        Ok(body.map_err(|_| RepoRefusal::ServerError)?.into_bytes())
    }

    /// Writes the content of a new row.
    async fn save(&self, row: &RepoRow, content: Bytes) -> Result<(), RepoRefusal> {
        if self.reads_s3.load(Ordering::Relaxed) {
            let put = self.s3.put_object().bucket(&row.bucket_name).key(&row.sha1);
            let put = put.content_type("application/octet-stream").body(content.into());
            return put.send().await.map(drop).map_err(|_| RepoRefusal::ServerError);
        }
        let (upload, key) = (format!("{}.tmp", row.uuid), dkey(row));
        let stored = async {
            self.mogile.store(DOMAIN, &upload, None, &content).await?;
            let names = [("domain", DOMAIN), ("from_key", &upload), ("to_key", &key)];
            self.mogile.ask("rename", &names).await
        };
        stored.await.map(drop).map_err(|_| RepoRefusal::ServerError)
    }

    async fn audit(&self, row: &RepoRow, operation: &str) -> Result<(), RepoRefusal> {
        let sql = "INSERT INTO audit (bucketName, keyValue, operation, uuid) VALUES (?, ?, ?, ?)";
        let insert = sqlx::query(sql).bind(&row.bucket_name).bind(&row.key).bind(operation);
        insert.bind(&row.uuid).execute(&self.database).await.map(drop).map_err(failed)
    }

    async fn mark(&self, row: &RepoRow, status: i64) -> Result<(), RepoRefusal> {
        let update = sqlx::query("UPDATE objects SET status = ? WHERE id = ?");
        let update = update.bind(status).bind(row.id).execute(&self.database).await;
        update.map(drop).map_err(failed)
    }

    async fn insert(&self, row: &RepoRow) -> Result<u64, RepoRefusal> {
        let insert = sqlx::query(
            "INSERT INTO objects (bucketId, objkey, checksum, downloadName, contentType, size, \
             tag, status, versionNumber, creationDate, userMetadata, uuid) \
             VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, CURRENT_TIMESTAMP, ?, ?)",
        )
        .bind(row.bucket)
        .bind(&row.key)
        .bind(&row.sha1)
        .bind(&row.download_name)
        .bind(&row.content_type)
        .bind(row.size)
        .bind(&row.tag)
        .bind(row.version)
        .bind(&row.user_metadata)
        .bind(&row.uuid);
        Ok(insert.execute(&self.database).await.map_err(failed)?.last_insert_id())
    }

    async fn number(
        &self,
        sql: &'static str,
        row: &RepoRow,
        text: &str,
    ) -> Result<i64, RepoRefusal> {
        let counted = sqlx::query_scalar(sql).bind(row.bucket).bind(text);
        counted.fetch_one(&self.database).await.map_err(failed)
    }
}

#[async_trait]
impl RepoService for ServedRepo {
    fn config(&self) -> Value {
        let store = if self.reads_s3.load(Ordering::Relaxed) {
            "class org.plos.repo.service.S3StoreService"
        } else {
            "class org.plos.repo.service.MogileStoreService"
        };
        json!({
            "version": "1.7.0",
            "objectStoreBackend": store,
            "sqlServiceBackend": "class org.plos.repo.service.MysqlService",
            "hasXReproxy": false,
        })
    }

    async fn status(&self) -> Result<Value, RepoRefusal> {
        Ok(json!({
            "bucketCount": self.buckets().await?.len(),
            "serviceStarted": format!("start number {}", self.starts.load(Ordering::Relaxed)),
            "readsSinceStart": self.reads.load(Ordering::Relaxed),
            "writesSinceStart": self.writes.load(Ordering::Relaxed),
        }))
    }

    async fn buckets(&self) -> Result<Vec<(i64, String)>, RepoRefusal> {
        let sql = "SELECT bucketId, bucketName FROM buckets ORDER BY bucketId";
        let rows = sqlx::query(sql).fetch_all(&self.database).await.map_err(failed)?;
        let bucket = |row: &MySqlRow| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.iter().map(bucket).collect::<sqlx::Result<_>>().map_err(failed)
    }

    async fn bucket(&self, name: &str) -> Result<Value, RepoRefusal> {
        let buckets = self.buckets().await?;
        let found = buckets.into_iter().find(|(_, it)| it == name);
        let (id, name) = found.ok_or(RepoRefusal::BucketNotFound)?;
        Ok(json!({"bucketId": id, "bucketName": name}))
    }

    async fn metadata(&self, bucket: &str, key: &str, of: &Filter) -> Result<RepoRow, RepoRefusal> {
        self.find(bucket, key, of, 0).await?.ok_or(RepoRefusal::ObjectNotFound)
    }

    async fn read(&self, bucket: &str, key: &str, of: &Filter) -> Result<Read, RepoRefusal> {
        let row = self.metadata(bucket, key, of).await?;
        self.count_read();
        let content = self.content(&row).await?;
        Ok(Read { row, content, breaks_off: false })
    }

    async fn reproxied(
        &self,
        _: &str,
        _: &str,
        _: &Filter,
    ) -> Result<Option<Vec<String>>, RepoRefusal> {
        Ok(None)
    }

    fn count_read(&self) {
        self.reads.fetch_add(1, Ordering::Relaxed);
    }

    async fn create(&self, new: NewObject) -> Result<RepoRow, RepoRefusal> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let key = new.key.ok_or(RepoRefusal::NoKeyEntered)?;
        let bucket = new.bucket.ok_or(RepoRefusal::NoBucketEntered)?;
        let existing = self.find(&bucket, &key, &Filter::default(), 0).await?;
        let create = new.create.ok_or(RepoRefusal::NoCreationMethod)?.to_ascii_uppercase();
        match (create.as_str(), &existing) {
            ("NEW", Some(_)) => return Err(RepoRefusal::KeyIsUsed),
            ("VERSION", None) => return Err(RepoRefusal::NoOriginal),
            ("NEW" | "VERSION" | "AUTO", _) => {}
            _ => return Err(RepoRefusal::InvalidCreationMethod),
        }
        let known = self.buckets().await?.into_iter().find(|(_, name)| *name == bucket);
        let (id, bucket_name) = known.ok_or(RepoRefusal::BucketNotFound)?;
        let content = new.file.ok_or(RepoRefusal::NoFileEntered)?;
        if content.is_empty() {
            return Err(RepoRefusal::ObjectDataEmpty);
        }
        let mut row = RepoRow {
            id: 0,
            bucket: id,
            bucket_name,
            key,
            sha1: data_encoding::HEXLOWER.encode(&Sha1::digest(&content)),
            download_name: new.download_name,
            content_type: new.content_type,
            size: content.len() as u64,
            tag: new.tag,
            version: 0,
            status: 0,
            timestamp: String::new(),
            creation_date: String::new(),
            user_metadata: new.user_metadata,
            uuid: uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string(),
        };
        // Numbers of purged rows stay used.
        let version = "SELECT CAST(COALESCE(MAX(versionNumber) + 1, 0) AS SIGNED) FROM objects \
                       WHERE bucketId = ? AND objkey = ?";
        row.version = self.number(version, &row, &row.key).await?;
        if self.content(&row).await.is_err() {
            self.save(&row, content).await?;
        }
        row.id = self.insert(&row).await?.try_into().map_err(|_| RepoRefusal::ServerError)?;
        self.audit(&row, "CREATE_OBJECT").await?;
        let of = Filter { uuid: Some(row.uuid.clone()), ..Filter::default() };
        self.metadata(&row.bucket_name, &row.key, &of).await
    }

    async fn delete(
        &self,
        bucket: &str,
        key: &str,
        of: &Filter,
        purge: bool,
    ) -> Result<(), RepoRefusal> {
        if of.is_empty() {
            return Err(RepoRefusal::NoFilterEntered);
        }
        let row = self.find(bucket, key, of, i64::from(purge)).await?;
        let row = row.ok_or(RepoRefusal::ObjectNotFound)?;
        if !purge {
            self.mark(&row, 1).await?;
            return self.audit(&row, "DELETE_OBJECT").await;
        }
        self.content(&row).await?;
        self.mark(&row, 2).await?;
        self.audit(&row, "PURGE_OBJECT").await?;
        let referring = "SELECT COUNT(*) FROM objects WHERE bucketId = ? AND checksum = ? \
                         AND status < 2";
        if self.number(referring, &row, &row.sha1).await? == 0 {
            if !self.reads_s3.load(Ordering::Relaxed) {
                let names = [("domain", DOMAIN), ("key", &dkey(&row))];
                let gone = self.mogile.ask("delete", &names).await;
                return gone.map(drop).map_err(|_| RepoRefusal::ObjectNotFound);
            }
            let gone = self.s3.delete_object().bucket(&row.bucket_name).key(&row.sha1).send();
            gone.await.map_err(|_| RepoRefusal::ObjectNotFound)?;
        }
        Ok(())
    }
}

fn dkey(row: &RepoRow) -> String {
    format!("{}-{}", row.sha1, row.bucket_name)
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: sqlx::Error) -> RepoRefusal {
    eprintln!("contentrepo's database: {error:#}");
    RepoRefusal::ServerError
}

fn row_of(row: &MySqlRow) -> sqlx::Result<RepoRow> {
    Ok(RepoRow {
        id: row.try_get(0)?,
        bucket: row.try_get(1)?,
        bucket_name: row.try_get(2)?,
        key: row.try_get(3)?,
        sha1: row.try_get(4)?,
        download_name: row.try_get(5)?,
        content_type: row.try_get(6)?,
        size: row.try_get::<i64, _>(7)?.unsigned_abs(),
        tag: row.try_get(8)?,
        version: row.try_get(9)?,
        status: row.try_get(10)?,
        timestamp: row.try_get(11)?,
        creation_date: row.try_get(12)?,
        user_metadata: row.try_get(13)?,
        uuid: row.try_get(14)?,
    })
}
