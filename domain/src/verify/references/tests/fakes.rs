//! Two databases, an index and buckets in memory, in pages of any size.

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use crate::content::VerifiedContent;
use crate::ports::{
    ArticleFile, Clock, ContentRepoDatabase, DatabaseError, DatabaseSurvey, IndexError, KeyRanges,
    KeyedRow, Ledger, LedgerError, MogileDatabase, ObjectContent, ObjectStore, RepoBucket,
    RepoExtent, RepoMetadata, RepoObject, RepoStatus, RhinoDatabase, RowId, RowPage, Segment,
    SourceIndex, StoreError, SurveyedDatabase, UploadsUnderWay,
};
use crate::{
    ByteCount, ETag, Fid, FoundObject, IndexRow, LedgerItem, LedgerRecord, ListPage, ListedObject,
    ObjectAddress, ObjectKey, S3Bucket, Sha1, StorageClasses, StoredObject, Timestamp, WriteTarget,
};

/// Runs a future whose waits all end by themselves.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("it never ends");
}

/// An object: its bytes, and what is said of it.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    pub(super) has_sha1: bool,
    pub(super) is_archived: bool,
}

/// All that is outside.
#[derive(Default)]
pub(super) struct World {
    pub(super) buckets: Vec<RepoBucket>,
    pub(super) objects: Vec<RepoObject>,
    /// The same rows, as the second reading gives them; [`None`] for no change.
    pub(super) objects_later: Option<Vec<RepoObject>>,
    pub(super) files: Vec<ArticleFile>,
    /// rhino's rows when contentrepo's were read; [`None`] for no change.
    pub(super) files_later: Option<Vec<ArticleFile>>,
    /// Rows of rhino that go between their first count and their reading.
    pub(super) going: AtomicU64,
    /// Rows of rhino that are counted and not given.
    pub(super) hidden_files: u64,
    /// The fids of MogileFS's database and those that its trackers list.
    pub(super) highest: Option<Fid>,
    pub(super) listed_fids: Vec<Fid>,
    /// The question, counted from 1 on, at which the database has what the trackers list.
    pub(super) catches_up: Option<u64>,
    pub(super) highest_asked: AtomicU64,
    pub(super) tracker_asked: AtomicU64,
    /// What the ledger has; [`None`] of one that cannot be read.
    pub(super) ledger: Option<Vec<LedgerItem>>,
    pub(super) scans: AtomicU64,
    /// Rows of the index that appear when the trackers were asked.
    pub(super) index_later: BTreeMap<String, Fid>,
    /// The highest ids at the start.
    pub(super) last: [Option<RowId>; 2],
    /// Rows that the databases count beyond those that they give.
    pub(super) hidden: u64,
    pub(super) index: BTreeMap<String, Fid>,
    pub(super) stored: BTreeMap<(String, String), Object>,
    /// Objects that are there when they are looked at, and were not listed.
    pub(super) late: BTreeMap<(String, String), Object>,
    /// Objects of which HEAD says nothing.
    pub(super) silent: Vec<String>,
    pub(super) a_page: usize,
    /// Calls that succeed: pages of rows, listings, look-ups in the index. No later one does.
    pub(super) pages_left: Option<AtomicU64>,
    pub(super) lists_left: Option<AtomicU64>,
    pub(super) lookups_left: Option<AtomicU64>,
    /// No listing is answered.
    pub(super) hangs: bool,
    pub(super) heads: AtomicU64,
    pub(super) was_read: Mutex<bool>,
    /// Milliseconds that were slept.
    pub(super) passed: AtomicU64,
}

/// Whether one is left, which then is gone.
fn one_less(left: Option<&AtomicU64>) -> bool {
    left.is_none_or(|left| {
        let less = |left: u64| left.checked_sub(1);
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    })
}

impl World {
    fn page<T: Clone>(
        &self,
        rows: &[T],
        id: impl Fn(&T) -> RowId,
        after: RowId,
    ) -> Result<Vec<T>, DatabaseError> {
        if !one_less(self.pages_left.as_ref()) {
            let (at, cause) = ("fake".to_owned(), "away".into());
            return Err(DatabaseError::Unavailable { at, cause });
        }
        let rows = rows.iter().filter(|row| id(row) > after);
        Ok(rows.take(self.a_page.max(1)).cloned().collect())
    }

    fn files_now(&self) -> &[ArticleFile] {
        let was_read = *self.was_read.lock().expect("no test panicked");
        self.files_later.as_deref().filter(|_| was_read).unwrap_or(&self.files)
    }

    fn object(&self, at: &ObjectAddress) -> Option<&Object> {
        let key = (at.bucket.to_string(), at.key.to_string());
        self.stored.get(&key).or_else(|| self.late.get(&key))
    }
}

#[async_trait]
impl ContentRepoDatabase for World {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        Ok(self.buckets.clone())
    }

    async fn objects(&self, after: RowId, _limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        let mut was_read = self.was_read.lock().expect("no test panicked");
        let rows = match &self.objects_later {
            Some(later) if *was_read => later,
            _ => &self.objects,
        };
        let page = self.page(rows, |row| row.id, after)?;
        *was_read |= page.is_empty();
        Ok(page)
    }

    async fn metadata(&self, _: RowId, _: usize) -> Result<Vec<RepoMetadata>, DatabaseError> {
        panic!("nobody asks")
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        let rows = self.objects.len() as u64 + self.hidden;
        Ok(RepoExtent { last: self.last[0], rows: BTreeMap::from([(RepoStatus::Used, rows)]) })
    }
}

#[async_trait]
impl RhinoDatabase for World {
    async fn files(&self, after: RowId, _limit: usize) -> Result<Vec<ArticleFile>, DatabaseError> {
        self.page(self.files_now(), |row| row.id, after)
    }

    async fn rows_between(&self, after: RowId, last: RowId) -> Result<u64, DatabaseError> {
        let rows = self.files_now().iter().filter(|row| row.id > after && row.id <= last);
        let gone = if after == RowId::START { self.going.swap(0, Ordering::Relaxed) } else { 0 };
        Ok(rows.count() as u64 + gone + self.hidden_files)
    }

    async fn rows_by_bucket(&self) -> Result<BTreeMap<Option<String>, u64>, DatabaseError> {
        panic!("rows that come meanwhile are counted, too")
    }

    async fn last(&self) -> Result<Option<RowId>, DatabaseError> {
        Ok(self.last[1])
    }
}

#[async_trait]
impl KeyRanges for World {
    async fn rows_between(
        &self,
        from: Option<&str>,
        _end: Option<&str>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        if !one_less(self.lookups_left.as_ref()) {
            let (at, cause) = ("fake".to_owned(), "away".into());
            return Err(IndexError::Unavailable { at, cause });
        }
        // Blind to case, as most collations are.
        let from = from.unwrap_or_default().to_lowercase();
        let later = self.tracker_asked.load(Ordering::Relaxed) > 0;
        let later = self.index_later.iter().filter(|_| later);
        let mut behind: Vec<_> = self.index.iter().chain(later).collect();
        behind.retain(|(key, _)| key.to_lowercase() >= from);
        behind.sort_by_key(|(key, _)| key.to_lowercase());
        let row = |(key, fid): (&String, &Fid)| {
            let (dkey, length) = (Some(key.clone()), Some(ByteCount(1)));
            let row = IndexRow { fid: *fid, dkey, length, replicas: None, storage_class: None };
            KeyedRow::Read(row)
        };
        Ok(behind.into_iter().take(limit).map(row).collect())
    }

    async fn rows_without_key(&self, _: Fid, _: usize) -> Result<Vec<KeyedRow>, IndexError> {
        panic!("nobody asks")
    }
}

#[async_trait]
impl SourceIndex for World {
    async fn page(&self, after: Fid, _: usize) -> Result<RowPage, IndexError> {
        self.tracker_asked.fetch_add(1, Ordering::Relaxed);
        let fids = self.listed_fids.iter().filter(|fid| **fid > after);
        let row = |fid: &Fid| IndexRow {
            fid: *fid,
            dkey: None,
            length: None,
            replicas: None,
            storage_class: None,
        };
        Ok(RowPage { rows: fids.map(row).collect(), ..RowPage::default() })
    }

    async fn row(&self, _: Fid) -> Result<Option<IndexRow>, IndexError> {
        panic!("nobody asks")
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        panic!("nobody asks")
    }

    fn domain(&self) -> &'static str {
        "ours"
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        Ok(vec!["ours".to_owned()])
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        panic!("nobody asks")
    }
}

#[async_trait]
impl SurveyedDatabase for World {
    async fn survey(&self) -> Result<DatabaseSurvey, DatabaseError> {
        panic!("nobody asks")
    }

    async fn server_time(&self) -> Result<Timestamp, DatabaseError> {
        panic!("nobody asks")
    }
}

#[async_trait]
impl MogileDatabase for World {
    async fn highest_fid(&self) -> Result<Option<Fid>, DatabaseError> {
        let asked = self.highest_asked.fetch_add(1, Ordering::Relaxed) + 1;
        let is_there = self.catches_up.is_some_and(|question| asked >= question);
        Ok(if is_there { self.listed_fids.last().copied() } else { self.highest })
    }

    async fn uploads_under_way(&self) -> Result<UploadsUnderWay, DatabaseError> {
        panic!("nobody asks")
    }
}

#[async_trait]
impl Ledger for World {
    async fn record(&self, _: &[LedgerRecord]) -> Result<(), LedgerError> {
        panic!("a verification writes")
    }

    async fn read(&self, _: &[Fid]) -> Result<Vec<LedgerRecord>, LedgerError> {
        panic!("nobody asks")
    }

    async fn scan(
        &self,
        segment: Segment,
        each: &mut (dyn FnMut(LedgerItem) + Send),
    ) -> Result<(), LedgerError> {
        let Some(items) = &self.ledger else {
            return Err(LedgerError::NoTable { table: "ledger".to_owned() });
        };
        if segment.number > 0 {
            return Ok(());
        }
        self.scans.fetch_add(1, Ordering::Relaxed);
        items.iter().cloned().for_each(each);
        Ok(())
    }
}

fn etag(object: &Object) -> ETag {
    ETag(Sha1::of(&object.bytes).to_string())
}

#[async_trait]
impl ObjectStore for World {
    async fn put(&self, to: &WriteTarget, _: VerifiedContent) -> Result<StoredObject, StoreError> {
        panic!("a verification writes {}", to.address)
    }

    async fn copy(&self, _: &ObjectKey, to: &WriteTarget) -> Result<StoredObject, StoreError> {
        panic!("a verification writes {}", to.address)
    }

    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        self.heads.fetch_add(1, Ordering::Relaxed);
        if self.silent.contains(&at.key.to_string()) {
            return Err(StoreError::Denied { at: at.to_string(), why: "no".to_owned() });
        }
        Ok(self.object(at).map(|object| FoundObject {
            etag: etag(object),
            length: ByteCount(object.bytes.len() as u64),
            sha1: object.has_sha1.then(|| Sha1::of(&object.bytes)),
        }))
    }

    async fn read(&self, at: &ObjectAddress, _: &ETag) -> Result<ObjectContent, StoreError> {
        let object = self.object(at).ok_or_else(|| StoreError::NoSuchKey(at.to_string()))?;
        let bytes = object.bytes.clone();
        Ok(stream::iter([Ok(bytes.into())]).boxed())
    }

    async fn delete(&self, at: &ObjectAddress, _: &ETag) -> Result<(), StoreError> {
        panic!("a verification deletes {at}")
    }

    async fn list(
        &self,
        bucket: &S3Bucket,
        _prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        if self.hangs {
            pending::<()>().await;
        }
        if !one_less(self.lists_left.as_ref()) {
            return Err(StoreError::Busy { at: bucket.to_string(), why: "no more".to_owned() });
        }
        let after = after.map_or("", ObjectKey::as_str);
        let here = self
            .stored
            .iter()
            .filter(|((name, key), _)| name == bucket.as_str() && key.as_str() > after);
        let mut listed = here.map(|((_, key), object)| ListedObject {
            key: ObjectKey::new(key.clone()),
            length: ByteCount(object.bytes.len() as u64),
            etag: etag(object),
            last_modified: None,
            has_sha1: object.has_sha1,
            is_archived: object.is_archived,
        });
        let objects = listed.by_ref().take(self.a_page.max(1)).collect();
        Ok(ListPage { objects, more: listed.next().is_some() })
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(self.passed.load(Ordering::Relaxed))
    }

    async fn sleep(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.passed.fetch_add(time, Ordering::Relaxed);
    }
}
