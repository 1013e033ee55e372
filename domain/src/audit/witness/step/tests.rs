//! Two reads of an index that changes between them, and listings that are no listings.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use roaring::RoaringTreemap;

use super::*;
use crate::audit::witness::{Computed, TaskRow};
use crate::content::VerifiedContent;
use crate::ports::{IndexError, ObjectContent, RowPage};
use crate::{
    BucketMap, ByteCount, ETag, Fid, FoundObject, IndexRow, ListPage, ListedObject, Misconfigured,
    ObjectAddress, Sha1, StorageClasses, StoredObject, Timestamp, WriteTarget,
};

/// What is outside.
struct World {
    /// The fids of each read of the index, one after the other.
    reads: Mutex<VecDeque<Vec<u64>>>,
    /// The index's answers when it is asked to count.
    counts: Mutex<VecDeque<Option<u64>>>,
    /// The pages of the listing.
    pages: Mutex<VecDeque<ListPage>>,
}

fn sha1(fid: u64) -> Sha1 {
    Sha1::of(&fid.to_be_bytes())
}

fn object(key: String) -> ListedObject {
    ListedObject {
        key: ObjectKey::new(key),
        length: ByteCount(8),
        etag: ETag("etag".to_owned()),
        last_modified: Some(Timestamp(0)),
        has_sha1: true,
        is_archived: false,
    }
}

fn page(keys: &[&str], more: bool) -> ListPage {
    ListPage { objects: keys.iter().map(|key| object((*key).to_owned())).collect(), more }
}

#[async_trait]
impl SourceIndex for World {
    async fn page(&self, _after: Fid, _limit: usize) -> Result<RowPage, IndexError> {
        let fids = self.reads.lock().expect("whole").pop_front().expect("a read too many");
        let row = |fid: u64| IndexRow {
            fid: Fid(fid),
            dkey: Some(format!("{}-repo", sha1(fid))),
            length: Some(ByteCount(8)),
            replicas: None,
            storage_class: None,
        };
        Ok(RowPage { rows: fids.into_iter().map(row).collect(), ..RowPage::default() })
    }

    async fn row(&self, fid: Fid) -> Result<Option<IndexRow>, IndexError> {
        panic!("nothing asks for row {fid}")
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        Ok(self.counts.lock().expect("whole").pop_front().flatten())
    }

    fn domain(&self) -> &'static str {
        "ours"
    }

    async fn domains(&self) -> Result<Vec<String>, IndexError> {
        Ok(vec!["ours".to_owned()])
    }

    async fn storage_classes(&self) -> Result<StorageClasses, IndexError> {
        panic!("nothing asks for storage classes")
    }
}

#[async_trait]
impl ObjectStore for World {
    async fn put(&self, to: &WriteTarget, _: VerifiedContent) -> Result<StoredObject, StoreError> {
        panic!("nothing writes {}", to.address)
    }

    async fn copy(&self, _: &ObjectKey, to: &WriteTarget) -> Result<StoredObject, StoreError> {
        panic!("nothing writes {}", to.address)
    }

    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        panic!("nothing looks at {at}")
    }

    async fn read(&self, at: &ObjectAddress, _: &ETag) -> Result<ObjectContent, StoreError> {
        panic!("nothing reads {at}")
    }

    async fn delete(&self, at: &ObjectAddress, _: &ETag) -> Result<(), StoreError> {
        panic!("nothing deletes {at}")
    }

    async fn list(
        &self,
        _bucket: &S3Bucket,
        _prefix: &str,
        _after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        Ok(self.pages.lock().expect("whole").pop_front().expect("a page too many"))
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    async fn sleep(&self, _time: Duration) {}
}

/// The summary of two reads of the index, between which one report proves files 1 and 2.
fn witnessed(
    reads: [&[u64]; 2],
    counts: &[Option<u64>],
    pages: Option<Vec<ListPage>>,
    excluded: &[u64],
) -> WitnessSummary {
    let mut keys: Vec<_> = [1, 2].map(|fid| sha1(fid).to_string()).into();
    keys.sort_unstable();
    let all = || vec![page(&keys.iter().map(String::as_str).collect::<Vec<_>>(), false)];
    let world = World {
        reads: Mutex::new(reads.map(<[u64]>::to_vec).into()),
        counts: Mutex::new(counts.iter().copied().collect()),
        pages: Mutex::new(pages.unwrap_or_else(all).into()),
    };
    let buckets = BucketMap::parse("repo:corpus", "").expect("a map");
    let plan = FilesPlan {
        buckets: &buckets,
        excluded: excluded.iter().copied().collect::<RoaringTreemap>(),
        only: BTreeSet::new(),
        selected: None,
    };
    let ports = WitnessPorts { index: &world, objects: &world, clock: &world };
    let read = Witness::read(ports, &plan, &|_| ());
    let mut witness = read.now_or_never().expect("no waits");
    if witness.summary.stopped.is_some() {
        return witness.summary;
    }
    let bucket = S3Bucket::new("corpus").expect("a name");
    let mut counts = witness.files.begin_report(Timestamp(60_000));
    for fid in [1, 2] {
        witness.files.line(&mut counts, &bucket, &sha1(fid));
    }
    for fid in [1, 2] {
        let computed = Computed { sha1: sha1(fid), etag: ETag("etag".to_owned()) };
        let (bucket_name, key) = (bucket.to_string(), sha1(fid).to_string());
        let row = TaskRow { bucket: bucket_name, key, result: Ok(computed) };
        witness.files.row(&mut counts, &bucket, &row);
    }
    witness.files.end_report(&mut counts, Some(2));
    witness.summary.reports.push(counts);
    witness.name_files(ports, &plan, &mut |_| ()).now_or_never().expect("no waits");
    witness.summary
}

#[test]
fn the_second_read_of_the_index_must_have_what_the_first_had() {
    for (second, counts, is_incomplete) in [
        (&[1, 2][..], &[Some(2), Some(2)][..], false),
        (&[1, 2], &[], false),
        // A row that was written meanwhile is in no class of the first read.
        (&[1, 2, 3], &[Some(2), Some(3)], true),
        // Deleted, says the index: once before the second read, and once after it.
        (&[1], &[Some(2), Some(1)], false),
        (&[1], &[Some(2), Some(2), Some(1)], false),
        // Still there, says the index.
        (&[1], &[Some(2), Some(2), Some(2)], true),
        // The index says nothing.
        (&[1], &[], true),
    ] {
        let summary = witnessed([&[1, 2], second], counts, None, &[]);
        assert_eq!(summary.stopped, None, "{second:?} {counts:?}");
        assert_eq!(summary.is_incomplete(), is_incomplete, "{second:?} {counts:?}: {summary:?}");
        assert!(!summary.differs() && summary.whole > 0, "{summary:?}");
    }
    let summary = witnessed([&[1, 2], &[1]], &[], None, &[]);
    assert_eq!(summary.fewer_files, 1);
}

#[test]
fn no_files_are_not_clean() {
    let reason = |reads, excluded| match witnessed(reads, &[], None, excluded).stopped {
        Some(Stopped::Misconfigured(Misconfigured::NothingJudged { excluded, .. })) => excluded,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason([&[1, 2], &[]], &[1, 2]), 2);
    let emptied = witnessed([&[1, 2], &[]], &[], None, &[]).stopped;
    assert!(matches!(emptied, Some(Stopped::Misconfigured(_))), "{emptied:?}");
}

#[test]
fn a_listing_that_may_lack_a_page_proves_nothing() {
    for (pages, words) in [
        (vec![page(&["b", "a"], false)], "not in the order of keys"),
        (vec![page(&["a", "a"], false)], "not in the order of keys"),
        (vec![page(&["a", "b"], true), page(&["b", "c"], false)], "not in the order of keys"),
        (vec![page(&["a"], true), page(&[], true)], "says that more follow"),
    ] {
        let stopped = witnessed([&[1, 2], &[]], &[], Some(pages), &[]).stopped;
        let Some(Stopped::Trouble(reason)) = &stopped else { panic!("{words}: {stopped:?}") };
        assert!(reason.to_string().contains(words), "{words}: {reason}");
    }
}
