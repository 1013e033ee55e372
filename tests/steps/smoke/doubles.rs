//! A node of contentrepo that refuses what it has done, and a database beside that of the node.

use std::sync::Arc;

use adapters::mysql::MysqlContentRepo;
use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{
    ContentRepoDatabase, DatabaseError, RepoBucket, RepoConfig, RepoCreated, RepoExtent,
    RepoMetadata, RepoObject, RepoService, RepoServiceError, RepoVersion, RowId,
};
use domain::{ByteCount, ContentDigests, Sha1};
use stand_ins::world::bucket::{Content, PutRequest, S3World};

/// A node that refuses each creation after its content is in S3.
pub struct Refusing {
    pub node: Arc<dyn RepoService>,
    pub s3: Arc<S3World>,
    /// The status of its answer.
    pub status: u16,
}

#[async_trait]
impl RepoService for Refusing {
    fn url(&self) -> &str {
        self.node.url()
    }

    async fn config(&self) -> Result<RepoConfig, RepoServiceError> {
        self.node.config().await
    }

    async fn buckets(&self) -> Result<Vec<String>, RepoServiceError> {
        self.node.buckets().await
    }

    async fn read(
        &self,
        object: &RepoVersion,
        longest: ByteCount,
    ) -> Result<ContentDigests, RepoServiceError> {
        self.node.read(object, longest).await
    }

    async fn has(&self, object: &RepoVersion) -> Result<bool, RepoServiceError> {
        self.node.has(object).await
    }

    async fn create(
        &self,
        bucket: &str,
        _: &str,
        content: Bytes,
    ) -> Result<RepoCreated, RepoServiceError> {
        let key = Sha1::of(&content).to_string();
        let put = PutRequest::new(Content::of(content.to_vec()));
        self.s3.put(bucket, &key, put).expect("written");
        let (url, why) = (self.url().to_owned(), "no".to_owned());
        Err(RepoServiceError::Refused { url, status: self.status, why })
    }

    async fn purge(&self, object: &RepoVersion) -> Result<(), RepoServiceError> {
        self.node.purge(object).await
    }
}

/// The rows of today's contentrepo beside those of the second one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Today {
    /// The same: both have one database.
    Same,
    /// Others.
    Other,
    /// None.
    Empty,
}

/// The database of today's contentrepo.
pub struct OfToday {
    pub content_repo: MysqlContentRepo,
    pub rows: Today,
}

#[async_trait]
impl ContentRepoDatabase for OfToday {
    async fn buckets(&self) -> Result<Vec<RepoBucket>, DatabaseError> {
        self.content_repo.buckets().await
    }

    async fn objects(&self, after: RowId, limit: usize) -> Result<Vec<RepoObject>, DatabaseError> {
        let mut rows = self.content_repo.objects(after, limit).await?;
        match self.rows {
            Today::Same => {}
            Today::Other => rows.iter_mut().for_each(|row| row.key += "-other"),
            Today::Empty => rows.clear(),
        }
        Ok(rows)
    }

    async fn metadata(&self, _: RowId, _: usize) -> Result<Vec<RepoMetadata>, DatabaseError> {
        unreachable!("no smoke test asks for it")
    }

    async fn extent(&self) -> Result<RepoExtent, DatabaseError> {
        unreachable!("no smoke test asks for it")
    }
}
