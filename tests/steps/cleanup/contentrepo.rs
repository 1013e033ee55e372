//! contentrepo's database, as far as the clean-up asks it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use domain::ByteCount;
use domain::ports::{
    ContentRepoDatabase, DatabaseError, RepoBucket, RepoExtent, RepoMetadata, RepoObject,
    RepoStatus, RowId,
};

/// Rows of `objects`; a bucket of each name. It gives one row a page.
#[derive(Default)]
pub struct ContentRepo {
    rows: Mutex<BTreeMap<RowId, RepoObject>>,
    /// Whether it is away.
    pub away: std::sync::atomic::AtomicBool,
    meanwhile: Mutex<Option<Box<dyn Fn() + Send>>>,
}

const BUCKETS: [&str; 5] = ["repo", "trash", "unnamed", "new-repo", "REPO "];

impl ContentRepo {
    /// Refers to some content from the bucket of this name, or from none.
    pub fn refer(&self, checksum: &str, bucket: Option<&str>, status: RepoStatus) {
        let id = RowId(self.rows.lock().expect("not poisoned").len() as i128 + 1);
        self.refer_at(id, checksum, bucket, status);
    }

    /// The same, of a row with this id.
    pub fn refer_at(&self, id: RowId, checksum: &str, bucket: Option<&str>, status: RepoStatus) {
        let mut rows = self.rows.lock().expect("not poisoned");
        let place = |name| BUCKETS.iter().position(|bucket| *bucket == name).expect("a bucket");
        let row = RepoObject {
            id,
            bucket: bucket.map(|name| RowId(place(name) as i128)),
            key: format!("object-{id}"),
            checksum: checksum.to_owned(),
            size: Some(ByteCount(1)),
            content_type: None,
            download_name: None,
            status,
            uuid: "uuid".to_owned(),
        };
        rows.insert(id, row);
    }

    /// This happens each time that its objects are read.
    pub fn when_read(&self, happens: impl Fn() + Send + 'static) {
        *self.meanwhile.lock().expect("not poisoned") = Some(Box::new(happens));
    }

    fn answer(&self) -> Result<(), DatabaseError> {
        if self.away.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(DatabaseError::Unavailable { at: "db".to_owned(), cause: "away".into() });
        }
        Ok(())
    }
}

#[async_trait]
impl ContentRepoDatabase for ContentRepo {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        self.answer()?;
        let bucket = |(id, name): (i128, &str)| RepoBucket { id: RowId(id), name: name.to_owned() };
        Ok((0..).zip(BUCKETS).map(bucket).collect())
    }

    async fn objects(&self, after: RowId, _limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        self.answer()?;
        self.meanwhile.lock().expect("not poisoned").iter().for_each(|happens| happens());
        let rows = self.rows.lock().expect("not poisoned");
        Ok(rows.values().find(|row| row.id > after).cloned().into_iter().collect())
    }

    async fn metadata(&self, _: RowId, _: usize) -> Result<Vec<RepoMetadata>, DatabaseError> {
        panic!("nobody asks")
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        panic!("nobody asks")
    }
}
