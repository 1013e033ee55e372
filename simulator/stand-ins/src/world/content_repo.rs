//! contentrepo's service as plain state: its settings, its counters, and the operations of its HTTP API on
//! its database and its store. The wire face is in [`crate::wire::content_repo`].
//!
//! It follows contentrepo's source (PLOS/content-repo: `RepoService`, `RepoInfoService`, `S3StoreService`,
//! `MogileStoreService`). Bucket names are read from the database for each request, as there.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::OptionalExtension;
use serde_json::{Value, json};

use super::bucket::S3World;
use super::databases::{Database, Databases};
use super::mogile::{DeviceId, Dmid, MogileFs};

mod error;
mod objects;
mod rows;
mod store;
#[cfg(test)]
mod tests;

pub use error::RepoRefusal;
pub use objects::{NewObject, Read};
pub use rows::{Filter, RepoRow};

/// What contentrepo's `context.xml`, and the class path beside it, decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRepoSettings {
    /// The store that it reads and writes.
    pub store: Store,
    /// Whether it gives the store's own URLs to a proxy that asks for them.
    pub reproxies: bool,
}

/// A store of contentrepo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// `MogileStoreFactory`.
    MogileFs {
        /// The domain.
        domain: String,
        /// Its number.
        dmid: Dmid,
        /// The devices for new files.
        devices: Vec<DeviceId>,
    },
    /// `S3StoreFactory`.
    S3 {
        /// How it signs its requests.
        signs: Signature,
        /// Whether S3 knows its keys. contentrepo meets unknown ones at the first request, not at its start.
        has_valid_keys: bool,
    },
}

/// A version of the signatures of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// Version 2, contentrepo's own way. Buckets that were made after 2020-06-24 refuse it.
    V2,
    /// Version 4, by a class-path resource beside contentrepo. It works in us-east-1 only.
    V4,
}

/// A contentrepo that is running. Share it as an `Arc`.
#[derive(Debug)]
pub struct ContentRepo {
    databases: Arc<Databases>,
    mogile: Arc<MogileFs>,
    s3: Arc<S3World>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    settings: ContentRepoSettings,
    starts: u32,
    reads: u64,
    writes: u64,
    uuids: u64,
}

impl ContentRepo {
    /// Starts it on this database and these stores.
    pub fn start(
        databases: Arc<Databases>,
        mogile: Arc<MogileFs>,
        s3: Arc<S3World>,
        settings: ContentRepoSettings,
    ) -> rusqlite::Result<Self> {
        let state = State { settings, starts: 0, reads: 0, writes: 0, uuids: 0 };
        let repo = Self { databases, mogile, s3, state: Mutex::new(state) };
        repo.started()?;
        Ok(repo)
    }

    /// Changes the settings and starts again, as an edited `context.xml` and a restart of Tomcat do.
    pub fn restart(&self, change: impl FnOnce(&mut ContentRepoSettings)) -> rusqlite::Result<()> {
        self.state(|state| change(&mut state.settings));
        self.started()
    }

    /// The settings as they are.
    #[must_use]
    pub fn settings(&self) -> ContentRepoSettings {
        self.state(|state| state.settings.clone())
    }

    /// The answer of `GET /config`.
    #[must_use]
    pub fn config(&self) -> Value {
        let settings = self.settings();
        let store = match settings.store {
            Store::MogileFs { .. } => "class org.plos.repo.service.MogileStoreService",
            Store::S3 { .. } => "class org.plos.repo.service.S3StoreService",
        };
        json!({
            "version": "1.7.0 (rehearsal)",
            "objectStoreBackend": store,
            "sqlServiceBackend": "class org.plos.repo.service.MysqlService",
            "hasXReproxy": settings.reproxies,
        })
    }

    /// The answer of `GET /status`. The time of the start is no time here, but another text for each start.
    pub fn status(&self) -> Result<Value, RepoRefusal> {
        let buckets = self.buckets()?.len();
        Ok(self.state(|state| {
            json!({
                "bucketCount": buckets,
                "serviceStarted": format!("start number {}", state.starts),
                "readsSinceStart": state.reads,
                "writesSinceStart": state.writes,
            })
        }))
    }

    /// The names of its buckets with their numbers.
    pub fn buckets(&self) -> Result<Vec<(i64, String)>, RepoRefusal> {
        let connection = self.databases.open(Database::ContentRepo)?;
        let sql = "SELECT bucketId, bucketName FROM buckets ORDER BY bucketId";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The answer of `GET /buckets/{name}`, with the number of its objects: of all, and of those in use.
    pub fn bucket(&self, name: &str) -> Result<Value, RepoRefusal> {
        let connection = self.databases.open(Database::ContentRepo)?;
        let sql = "SELECT bucketId, bucketName FROM buckets WHERE bucketName = ?";
        let found = connection
            .query_row(sql, [name], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        let (id, name) = found.ok_or(RepoRefusal::BucketNotFound)?;
        let count = |sql: &str| connection.query_row(sql, [id], |row| row.get::<_, i64>(0));
        let of_bucket = "SELECT COUNT(*) FROM objects WHERE bucketId = ? AND status";
        Ok(json!({
            "bucketId": id,
            "bucketName": name,
            "totalObjects": count(&format!("{of_bucket} IN (0, 1)"))?,
            "activeObjects": count(&format!("{of_bucket} = 0"))?,
        }))
    }

    /// Each start leaves a row in a table of its own, and counts from nothing.
    fn started(&self) -> rusqlite::Result<()> {
        self.state(|state| {
            state.starts += 1;
            (state.reads, state.writes) = (0, 0);
        });
        let connection = self.databases.open(Database::ContentRepo)?;
        let sql = "INSERT INTO CREPO_SCHEMA_INFO (schema_ver) VALUES ('1.7.0')";
        connection.execute(sql, []).map(|_| ())
    }

    fn state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
