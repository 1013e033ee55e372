use async_trait::async_trait;
use bytes::Bytes;

use crate::retry::{Cause, Classed, ErrorClass};
use crate::{ByteCount, ContentDigests, Sha1};

/// One node of contentrepo, asked by its HTTP API as its clients do.
#[async_trait]
pub trait RepoService: Send + Sync {
    /// Returns the URL of its API.
    fn url(&self) -> &str;

    /// Returns what it runs on, by its own words.
    async fn config(&self) -> Result<RepoConfig, RepoServiceError>;

    /// Returns the names of its buckets.
    async fn buckets(&self) -> Result<Vec<String>, RepoServiceError>;

    /// Reads an object in use to its end, and hashes its bytes. Content that goes on behind `longest` is
    /// [`RepoServiceError::TooLong`], and content that does not come in the time for `longest` is given up.
    async fn read(
        &self,
        object: &RepoVersion,
        longest: ByteCount,
    ) -> Result<ContentDigests, RepoServiceError>;

    /// Returns whether its database has a row in use of this version. The store is not asked.
    async fn has(&self, object: &RepoVersion) -> Result<bool, RepoServiceError>;

    /// Creates an object of a key that no object has. It is sent once: where no answer comes, the object may be
    /// there or not.
    async fn create(
        &self,
        bucket: &str,
        key: &str,
        content: Bytes,
    ) -> Result<RepoCreated, RepoServiceError>;

    /// Purges an object: its row stays, and its content goes where no other row refers to it. contentrepo may
    /// take minutes for it.
    async fn purge(&self, object: &RepoVersion) -> Result<(), RepoServiceError>;
}

/// The class of contentrepo's store on S3, with its package (PLOS/content-repo, `S3StoreService`).
pub const S3_STORE_CLASS: &str = "org.plos.repo.service.S3StoreService";

/// The name of a class as `/config` gives it: Java writes `class ` before it.
#[must_use]
pub fn store_class(backend: &str) -> &str {
    let backend = backend.trim();
    backend.strip_prefix("class ").unwrap_or(backend).trim_start()
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoConfig {
    /// The name of its store's class (`objectStoreBackend`).
    pub store: String,
    /// Whether it gives the store's own URLs to readers that ask for them (`hasXReproxy`).
    pub reproxies: bool,
}

impl RepoConfig {
    /// Whether it reads and writes S3.
    #[must_use]
    pub fn is_on_s3(&self) -> bool {
        store_class(&self.store) == S3_STORE_CLASS
    }
}

/// A version of an object, as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepoVersion {
    /// The name of its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its uuid; [`None`] stands for the first version of the key.
    pub uuid: Option<String>,
}

/// The answer to a creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoCreated {
    /// The uuid of the version.
    pub uuid: String,
    /// The SHA-1 that contentrepo computed; [`None`] where its answer has none.
    pub sha1: Option<Sha1>,
    /// The number of bytes that contentrepo counted.
    pub size: Option<ByteCount>,
}

/// A node of contentrepo did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RepoServiceError {
    /// It could not be reached, or gave no answer in time.
    #[error("contentrepo's node `{url}` does not answer: {cause}")]
    Unavailable {
        /// The URL that was asked.
        url: String,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It answers that it cannot, or will not. With 500 it answers where its store lacks the content or
    /// refuses.
    #[error("contentrepo's node `{url}` answers {status}: {why}")]
    Refused {
        /// The URL that was asked.
        url: String,
        /// The status of its answer.
        status: u16,
        /// The message of its answer.
        why: String,
    },
    /// The content began, and broke off.
    #[error("contentrepo's node `{url}` breaks the content off: {why}")]
    BrokeOff {
        /// The URL that was asked.
        url: String,
        /// What happened.
        why: String,
    },
    /// The content goes on behind the length that it must have.
    #[error("contentrepo's node `{url}` gives more than {} bytes", longest.0)]
    TooLong {
        /// The URL that was asked.
        url: String,
        /// The length.
        longest: ByteCount,
    },
    /// Its answer cannot be understood.
    #[error("`{url}` does not answer as contentrepo does: {why}")]
    BadAnswer {
        /// The URL that was asked.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Classed for RepoServiceError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::Unavailable { .. } | Self::BrokeOff { .. } => ErrorClass::Retry,
            Self::Refused { .. } => ErrorClass::GiveUp,
            Self::TooLong { .. } | Self::BadAnswer { .. } => ErrorClass::Corrupt,
        }
    }
}
