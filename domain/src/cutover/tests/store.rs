//! A store whose clients write while it is watched.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;

use crate::cleanup::never;
use crate::cutover::*;
use crate::ports::*;
use crate::server_ids::ServerIds;
use crate::store_state::{NodeCounters, StoreState};
use crate::{BucketMap, ByteCount, Fid, IndexRow, Sha1, StorageClasses, Timestamp};

/// A store and its clients. What happens to it happens during a sleep.
#[derive(Default)]
pub(super) struct Store {
    pub(super) held: Mutex<Held>,
    /// What is done in each sleep of the clock, by its number from 1 on.
    pub(super) script: Mutex<Vec<(u64, Happening)>>,
    pub(super) sleeps: AtomicU64,
    /// What is done when this page of the index is read, counted from 1 on.
    pub(super) in_page: Mutex<Option<(u64, Happening)>>,
    pub(super) pages: AtomicU64,
}

pub(super) type Happening = fn(&mut Held);

#[derive(Clone, Default)]
pub(super) struct Held {
    pub(super) rows: Vec<IndexRow>,
    pub(super) uploads: u64,
    pub(super) objects: Vec<RepoStatus>,
    pub(super) repo_bucket: String,
    pub(super) files: Vec<Option<String>>,
    /// The `server_id` of MogileFS's database.
    pub(super) server: u8,
    /// When contentrepo's node started, and its writes since.
    pub(super) node: (&'static str, u64),
}

impl Store {
    /// Two files, an upload that nobody finished, and a row of an ignored bucket.
    pub(super) fn with(script: Vec<(u64, Happening)>) -> Arc<Self> {
        let held = Held {
            rows: vec![content(1), content(2), temporary(3), row(4, &dkey(4, "trash"))],
            uploads: 0,
            objects: vec![RepoStatus::Used, RepoStatus::Deleted],
            repo_bucket: "repo".to_owned(),
            files: vec![Some("repo".to_owned()), Some("else".to_owned()), None],
            server: 1,
            node: ("Mon", 3),
        };
        Arc::new(Self { held: Mutex::new(held), script: Mutex::new(script), ..Self::default() })
    }

    pub(super) fn held(&self) -> Held {
        self.held.lock().expect("no panic").clone()
    }

    pub(super) fn ports(self: &Arc<Self>) -> FreezePorts {
        FreezePorts {
            index: self.clone(),
            database: self.clone(),
            trackers: self.clone(),
            servers: vec!["db/mogile".to_owned()],
            database_servers: self.clone(),
            content_repo: self.clone(),
            rhino: self.clone(),
            nodes: Some(self.clone()),
            clock: self.clone(),
        }
    }
}

pub(super) fn dkey(number: u64, bucket: &str) -> String {
    format!("{}-{bucket}", Sha1::of(&number.to_be_bytes()))
}

pub(super) fn row(fid: u64, dkey: &str) -> IndexRow {
    let (dkey, length) = (Some(dkey.to_owned()), Some(ByteCount(fid)));
    IndexRow { fid: Fid(fid), dkey, length, replicas: Some(2), storage_class: None }
}

pub(super) fn content(fid: u64) -> IndexRow {
    row(fid, &dkey(fid, "repo"))
}

fn temporary(fid: u64) -> IndexRow {
    row(fid, "0b5a2f1e-0000-4000-8000-000000000001.tmp")
}

#[async_trait]
impl SourceIndex for Store {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        let number = self.pages.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some((_, happens)) =
            self.in_page.lock().expect("no panic").filter(|it| it.0 == number)
        {
            happens(&mut self.held.lock().expect("no panic"));
        }
        // Pages of two rows, however many are asked for.
        let rows = self.held().rows.into_iter().filter(|row| row.fid > after);
        let rows: Vec<_> = rows.take(limit.min(2)).collect();
        let next = rows.last().filter(|_| rows.len() == 2).map(|row| row.fid);
        Ok(RowPage { rows, next, ..RowPage::default() })
    }

    async fn row(&self, _fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        unreachable!("no row is asked for singly")
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(None)
    }

    fn domain(&self) -> &'static str {
        "plos_repo"
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        Ok(vec!["plos_repo".to_owned()])
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        Ok(StorageClasses::default())
    }
}

#[async_trait]
impl SurveyedDatabase for Store {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        Ok(DatabaseSurvey::default())
    }

    async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
        Ok(Timestamp(0))
    }
}

#[async_trait]
impl MogileDatabase for Store {
    async fn highest_fid(&self) -> Result<Option<Fid>, DatabaseError> {
        Ok(self.held().rows.iter().map(|row| row.fid).max())
    }

    async fn uploads_under_way(&self) -> Result<UploadsUnderWay, DatabaseError> {
        Ok(UploadsUnderWay { rows: self.held().uploads, newest: None })
    }
}

#[async_trait]
impl ContentRepoDatabase for Store {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        Ok(vec![RepoBucket { id: RowId(1), name: self.held().repo_bucket }])
    }

    async fn objects(&self, after: RowId, limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        let rows = (1..).map(RowId).zip(self.held().objects);
        let rows = rows.filter(|(id, _)| *id > after).take(limit);
        Ok(rows.map(|(id, status)| object(id, status)).collect())
    }

    async fn metadata(
        &self,
        _after: RowId,
        _limit: usize,
    ) -> Result<Vec<RepoMetadata>, DatabaseError> {
        unreachable!("a freeze reads no metadata")
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        let mut extent = RepoExtent::default();
        for (id, status) in (1..).map(RowId).zip(self.held().objects) {
            extent.last = Some(id);
            *extent.rows.entry(status).or_default() += 1;
        }
        Ok(extent)
    }
}

fn object(id: RowId, status: RepoStatus) -> RepoObject {
    RepoObject {
        id,
        bucket: Some(RowId(1)),
        key: String::new(),
        checksum: String::new(),
        size: None,
        content_type: None,
        download_name: None,
        status,
        uuid: String::new(),
    }
}

#[async_trait]
impl RhinoDatabase for Store {
    async fn files(&self, _after: RowId, _limit: usize) -> Result<Vec<ArticleFile>, DatabaseError> {
        unreachable!("a freeze counts rhino's rows")
    }

    async fn rows_by_bucket(
        &self,
    ) -> Result<std::collections::BTreeMap<Option<String>, u64>, DatabaseError> {
        let mut rows = std::collections::BTreeMap::new();
        self.held().files.into_iter().for_each(|bucket| *rows.entry(bucket).or_default() += 1);
        Ok(rows)
    }

    async fn rows_between(&self, _: RowId, _: RowId) -> Result<u64, DatabaseError> {
        unreachable!("a freeze counts all rows")
    }

    async fn last(&self) -> Result<Option<RowId>, DatabaseError> {
        let rows = self.held().files.len();
        Ok((rows > 0).then_some(RowId(rows as i128)))
    }
}

#[async_trait]
impl DatabaseServers for Store {
    async fn ids(&self) -> Result<Vec<ServerIds>, DatabaseError> {
        let server_id = Some(self.held().server.to_string());
        Ok(vec![ServerIds { server_id, server_uuid: None }])
    }

    async fn have_binlogs(&self) -> Result<Vec<bool>, DatabaseError> {
        unreachable!("a freeze changes nothing")
    }
}

#[async_trait]
impl RepoNodes for Store {
    async fn counters(&self) -> Result<Vec<NodeCounters>, RepoNodeError> {
        let (started, writes) = self.held().node;
        let url = "http://a/v1".to_owned();
        Ok(vec![NodeCounters { url, started: started.to_owned(), writes }])
    }
}

#[async_trait]
impl Clock for Store {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    async fn sleep(&self, _time: Duration) {
        let number = self.sleeps.fetch_add(1, Ordering::Relaxed) + 1;
        for (at, happens) in self.script.lock().expect("no panic").iter() {
            if *at == number {
                happens(&mut self.held.lock().expect("no panic"));
            }
        }
    }
}

pub(super) fn map() -> BucketMap {
    BucketMap::parse("repo:corpus", "trash").expect("valid")
}

pub(super) fn watched(store: &Arc<Store>, window: u64) -> Result<Watched, FreezeTrouble> {
    let (buckets, window) = (map(), Duration::from_secs(window));
    let plan = FreezePlan { buckets: &buckets, window, stop: never() };
    watch(&store.ports(), &plan, &|_| {}, &|_| {}).now_or_never().expect("nothing to wait for")
}

pub(super) fn state(store: &Arc<Store>) -> Result<StoreState, FreezeTrouble> {
    read_state(&store.ports(), &map(), &|_| {}).now_or_never().expect("nothing to wait for")
}
