//! An index in any order of keys, buckets in pages of any size, and answers that come in any order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::Bound;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use crate::content::VerifiedContent;
use crate::ports::{
    Clock, IndexError, KeyRanges, KeyedRow, ObjectContent, ObjectStore, RowPage, SourceIndex,
    StoreError,
};
use crate::retry::mix;
use crate::{
    ByteCount, ContentHasher, ETag, Fid, FoundObject, IndexRow, ListPage, ListedObject,
    ObjectAddress, ObjectKey, S3Bucket, Sha1, StorageClasses, StoredObject, Timestamp, WriteTarget,
};

/// Runs a future whose waits all end by themselves.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..10_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("it never ends");
}

/// How an index compares keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By bytes.
    Binary,
    /// Blind to case, to accents and to spaces at the end.
    Blind,
    /// `aa` is one letter behind all others.
    Danish,
    /// In no order that a person would see.
    Shuffled(u64),
}

impl Order {
    fn weights(self, key: &str) -> Vec<u64> {
        match self {
            Self::Binary => key.bytes().map(u64::from).collect(),
            Self::Blind => {
                let plain = |char| if char == 'é' { 'e' } else { char };
                let key = key.trim_end_matches(' ').to_lowercase();
                key.chars().map(|char| u64::from(plain(char) as u32)).collect()
            }
            Self::Danish => {
                let key = key.to_lowercase().replace("aa", "\u{10ffff}");
                key.chars().map(|char| u64::from(char as u32)).collect()
            }
            Self::Shuffled(seed) => {
                let hash = key.bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
                vec![hash]
            }
        }
    }

    pub(super) fn compare(self, one: &str, other: &str) -> Ordering {
        self.weights(one).cmp(&self.weights(other))
    }
}

/// An object: its bytes, and what is said of it.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bytes: Vec<u8>,
    /// The SHA-1 that HEAD tells.
    pub(super) stored: Option<Sha1>,
    pub(super) is_archived: bool,
    /// Its `ETag`, where that is not the MD5 of its bytes.
    pub(super) etag: Option<String>,
}

pub(super) fn md5(bytes: &[u8]) -> String {
    let mut hasher = ContentHasher::with_md5();
    hasher.update(bytes);
    hasher.finish().md5.expect("it was wanted").to_string()
}

impl Object {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let (bytes, stored) = (bytes.to_vec(), Some(Sha1::of(bytes)));
        Self { bytes, stored, is_archived: false, etag: None }
    }
}

/// Index and buckets.
pub(super) struct World {
    pub(super) order: Order,
    pub(super) rows: Vec<IndexRow>,
    pub(super) objects: BTreeMap<(String, String), Object>,
    /// Keys on a page of a listing.
    pub(super) listed_at_a_time: usize,
    /// The number of rows that the index tells.
    pub(super) count: Option<u64>,
    /// Counts that fail.
    pub(super) failing_counts: AtomicU64,
    /// The most rows of a page, whatever is asked for, as a limit of the server has it.
    pub(super) most_rows: usize,
    /// Whether the rows can be read by fid.
    pub(super) refuses_fids: bool,
    /// Decides how long each answer takes.
    pub(super) seed: Mutex<u64>,
    /// Objects that are gone when they are looked at.
    pub(super) gone: Vec<String>,
    /// An object whose bytes never come, though HEAD finds it.
    pub(super) broken: Option<String>,
    /// Objects that no listing has: they were written a moment later.
    pub(super) late: Vec<String>,
    /// Pages that come: of rows, and of listings. No later one does.
    pub(super) rows_left: AtomicU64,
    pub(super) lists_left: AtomicU64,
    /// HEADs that come.
    pub(super) heads: AtomicU64,
    /// Requests for an object that fail, from the first on; the others come.
    pub(super) failing_reads: AtomicU64,
    /// Requests for an object, by their numbers, that fail: S3 goes away while the comparison runs.
    pub(super) away: std::ops::Range<u64>,
    /// Requests for an object that were made.
    pub(super) asked: AtomicU64,
    /// Whether a read that fails is denied, and not unanswered.
    pub(super) is_denied: bool,
    /// Milliseconds that have passed in pauses.
    pub(super) passed: AtomicU64,
}

impl World {
    pub(super) fn new(order: Order, rows: Vec<IndexRow>) -> Self {
        let count = Some(rows.len() as u64);
        let (objects, seed) = (BTreeMap::new(), Mutex::new(1));
        let left = || AtomicU64::new(u64::MAX);
        Self {
            order,
            rows,
            objects,
            listed_at_a_time: 3,
            count,
            failing_counts: AtomicU64::new(0),
            most_rows: usize::MAX,
            refuses_fids: false,
            seed,
            gone: Vec::new(),
            broken: None,
            late: Vec::new(),
            heads: AtomicU64::new(0),
            failing_reads: AtomicU64::new(0),
            away: 0..0,
            asked: AtomicU64::new(0),
            is_denied: false,
            passed: AtomicU64::new(0),
            rows_left: left(),
            lists_left: left(),
        }
    }

    /// Answers behind a few others, or before them.
    async fn wait(&self) {
        let mut turns = {
            let mut seed = self.seed.lock().unwrap_or_else(PoisonError::into_inner);
            *seed = mix(seed.wrapping_add(0x9e37_79b9));
            *seed % 4
        };
        poll_fn(|context| {
            if turns == 0 {
                return Poll::Ready(());
            }
            turns -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

#[async_trait]
impl KeyRanges for World {
    async fn rows_between(
        &self,
        from: Option<&str>,
        end: Option<&str>,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        self.wait().await;
        if !one_less(&self.rows_left) {
            let (at, cause) = ("fake".to_owned(), "no more".into());
            return Err(IndexError::Unavailable { at, cause });
        }
        let key = |row: &IndexRow| row.dkey.clone().unwrap_or_default();
        let mut rows: Vec<_> = self.rows.iter().filter(|row| row.dkey.is_some()).collect();
        rows.retain(|row| {
            from.is_none_or(|from| self.order.compare(&key(row), from).is_ge())
                && end.is_none_or(|end| self.order.compare(&key(row), end).is_lt())
        });
        rows.sort_by(|one, other| self.order.compare(&key(one), &key(other)));
        let limit = limit.min(self.most_rows);
        Ok(rows.into_iter().take(limit).cloned().map(KeyedRow::Read).collect())
    }

    async fn rows_without_key(
        &self,
        after: Fid,
        limit: usize,
    ) -> Result<Vec<KeyedRow>, IndexError> {
        self.wait().await;
        let mut rows: Vec<_> =
            self.rows.iter().filter(|row| row.dkey.is_none() && row.fid > after).collect();
        rows.sort_by_key(|row| row.fid);
        Ok(rows.into_iter().take(limit).cloned().map(KeyedRow::Read).collect())
    }
}

#[async_trait]
impl SourceIndex for World {
    async fn page(&self, after: Fid, limit: usize) -> Result<RowPage, IndexError> {
        if self.refuses_fids {
            let (at, why) = ("fake".to_owned(), "no".to_owned());
            return Err(IndexError::Refused { at, why });
        }
        let mut rows: Vec<_> = self.rows.iter().filter(|row| row.fid > after).cloned().collect();
        rows.sort_by_key(|row| row.fid);
        rows.truncate(limit.min(self.most_rows));
        let next = rows.last().map(|row| row.fid);
        Ok(RowPage { rows, next, ..RowPage::default() })
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        Ok(self.rows.iter().find(|row| row.fid == fid).cloned())
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        if one_less(&self.failing_counts) {
            let (at, why) = ("fake".to_owned(), "it takes too long".to_owned());
            return Err(IndexError::Refused { at, why });
        }
        Ok(self.count)
    }

    fn domain(&self) -> &'static str {
        "ours"
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        Ok(vec!["ours".to_owned()])
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        panic!("a verification compares no replicas")
    }
}

#[async_trait]
impl ObjectStore for World {
    async fn put(
        &self,
        target: &WriteTarget,
        _content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        panic!("a verification writes {}", target.address)
    }

    async fn copy(
        &self,
        _source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError> {
        panic!("a verification writes {}", target.address)
    }

    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        self.wait().await;
        self.heads.fetch_add(1, Atomic::Relaxed);
        if !self.is_denied {
            self.fail_reads(at)?;
        }
        let found = self.object(at).map(|object| FoundObject {
            etag: etag(object),
            length: ByteCount(object.bytes.len() as u64),
            sha1: object.stored,
        });
        Ok(found)
    }

    async fn read(&self, at: &ObjectAddress, is: &ETag) -> Result<ObjectContent, StoreError> {
        self.wait().await;
        self.fail_reads(at)?;
        if self.broken.as_deref() == Some(at.key.as_str()) {
            return Err(StoreError::Busy { at: at.to_string(), why: "it breaks off".to_owned() });
        }
        let Some(object) = self.object(at) else {
            return Err(StoreError::NoSuchKey(at.to_string()));
        };
        if etag(object) != *is {
            return Err(StoreError::Occupied(at.to_string()));
        }
        let bytes = object.bytes.clone();
        Ok(stream::iter([Ok(bytes.into())]).boxed())
    }

    async fn delete(&self, at: &ObjectAddress, _etag: &ETag) -> Result<(), StoreError> {
        panic!("a verification deletes {at}")
    }

    async fn list(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        self.wait().await;
        assert_eq!(prefix, "", "a range has no prefix");
        if !one_less(&self.lists_left) {
            return Err(StoreError::Busy { at: bucket.to_string(), why: "no more".to_owned() });
        }
        let after = after.map_or("", ObjectKey::as_str).to_owned();
        let begin = Bound::Excluded((bucket.to_string(), after));
        let here = self.objects.range((begin, Bound::Unbounded));
        let mut here =
            here.filter(|((name, key), _)| name == bucket.as_str() && !self.late.contains(key));
        let listed = |((_, key), object): (&(String, String), &Object)| ListedObject {
            key: ObjectKey::new(key.clone()),
            length: ByteCount(object.bytes.len() as u64),
            etag: etag(object),
            last_modified: None,
            has_sha1: false,
            is_archived: object.is_archived,
        };
        let objects = here.by_ref().take(self.listed_at_a_time).map(listed).collect();
        Ok(ListPage { objects, more: here.next().is_some() })
    }
}

impl World {
    fn fail_reads(&self, at: &ObjectAddress) -> Result<(), StoreError> {
        let is_away = self.away.contains(&self.asked.fetch_add(1, Atomic::Relaxed));
        if !is_away && !one_less(&self.failing_reads) {
            return Ok(());
        }
        let (at, why) = (at.to_string(), "no".to_owned());
        let denied = self.is_denied;
        Err(if denied { StoreError::Denied { at, why } } else { StoreError::Busy { at, why } })
    }

    fn object(&self, at: &ObjectAddress) -> Option<&Object> {
        let key = (at.bucket.to_string(), at.key.to_string());
        self.objects.get(&key).filter(|_| !self.gone.contains(&key.1))
    }
}

/// Whether one is left, which then is gone.
fn one_less(left: &AtomicU64) -> bool {
    left.fetch_update(Atomic::Relaxed, Atomic::Relaxed, |left| left.checked_sub(1)).is_ok()
}

fn etag(object: &Object) -> ETag {
    object.etag.clone().map_or_else(|| ETag(md5(&object.bytes)), ETag)
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(self.passed.load(Atomic::Relaxed))
    }

    async fn sleep(&self, time: Duration) {
        self.wait().await;
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.passed.fetch_add(time, Atomic::Relaxed);
    }
}
