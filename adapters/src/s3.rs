//! Implements the domain's object store on Amazon S3.

mod body;
mod canary;
mod error;
mod multipart;
mod read;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::ChecksumType;
use aws_smithy_types::error::display::DisplayErrorContext;
use domain::content::VerifiedContent;
use domain::ports::{ObjectContent, ObjectStore, StoreError};
use domain::{
    ETag, FoundObject, ListPage, ObjectAddress, ObjectKey, S3Bucket, Sha1, StoredObject,
    WriteTarget,
};
use tokio::time::timeout;

use crate::aws::{self, Timeouts};
use crate::calls::{Calls, System};

pub use multipart::Parts;

/// Whether the endpoint keeps S3's promises about conditional COPY and DELETE
/// (`S3_CONDITIONAL_COPY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditionals {
    /// It keeps them, as Amazon S3 does.
    Sound,
    /// It does not (`LocalStack` 4.14): a refused COPY may still have overwritten the object, and
    /// DELETE ignores conditions. So a HEAD goes before each of them. A write of another program
    /// between the two requests is not noticed.
    Unsound,
}

/// [`ObjectStore`] on Amazon S3, or on a service with the same protocol.
pub struct S3ObjectStore {
    client: Client,
    conditionals: Conditionals,
    parts: Parts,
    timeouts: Timeouts,
    calls: Arc<Calls>,
    address: String,
}

impl S3ObjectStore {
    /// With shared settings from [`crate::aws::load`].
    #[must_use]
    pub fn new(
        config: &SdkConfig,
        conditionals: Conditionals,
        parts: Parts,
        calls: Arc<Calls>,
    ) -> Self {
        let timeouts = Timeouts::default();
        let address = aws::address(config, "S3");
        Self { client: client(config), conditionals, parts, timeouts, calls, address }
    }

    /// Replaces the default time-outs, which are production's.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Waits for an answer no longer than `limit`, translates its error and counts the call.
    async fn answer<T, E>(
        &self,
        operation: &'static str,
        at: &(dyn std::fmt::Display + Sync),
        limit: Duration,
        call: impl Future<Output = Result<T, SdkError<E>>> + Send,
    ) -> Result<T, StoreError>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        // The content may wait for its source as long as for S3.
        let moving = limit.saturating_sub(self.timeouts.request * 2);
        let waiting = self.calls.begin_long(System::S3, operation, moving / 2);
        let answer = match timeout(limit, call).await {
            Ok(answer) => answer.map_err(|error| error::translate(&error, at)),
            Err(_) => Err(StoreError::Uncertain {
                at: at.to_string(),
                cause: format!("no answer within {} s", limit.as_secs()).into(),
            }),
        };
        waiting.end(answer.map_err(|error| self.with_address(error)))
    }

    /// An error of reaching S3 names where it was looked for.
    fn with_address(&self, error: StoreError) -> StoreError {
        let StoreError::Uncertain { at, cause } = error else { return error };
        StoreError::Uncertain { at, cause: aws::from_address(&cause, &self.address) }
    }

    /// Returns the object at the key where the endpoint is unsound, and [`None`] where it is sound:
    /// a sound one checks the condition itself.
    async fn look_first(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        match self.conditionals {
            Conditionals::Sound => Ok(None),
            Conditionals::Unsound => self.look(at).await,
        }
    }
}

/// The SDK's client, as all requests of ours go through it. An endpoint other than the region's is
/// addressed by path: one of one's own has no DNS names for buckets, and one in a VPC takes both.
#[must_use]
pub fn client(config: &SdkConfig) -> Client {
    Client::from_conf(settings(config).build())
}

/// The same for requests that nobody signs, as readers without keys send them.
#[must_use]
pub fn client_without_keys(config: &SdkConfig) -> Client {
    let mut config = config.to_builder();
    config.set_credentials_provider(None);
    Client::from_conf(settings(&config.build()).allow_no_auth().build())
}

fn settings(config: &SdkConfig) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::config::Builder::from(config)
        .force_path_style(aws::has_other_s3_endpoint(config))
        // Every write carries the SHA-1 of the content already, or none is wanted.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        // The SDK checks no checksum of what it reads: we hash downloaded content ourselves.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}

#[async_trait]
impl ObjectStore for S3ObjectStore {
    async fn put(
        &self,
        target: &WriteTarget,
        content: VerifiedContent,
    ) -> Result<StoredObject, StoreError> {
        if self.parts.take(content.length().0) {
            return self.put_in_parts(target, content).await;
        }
        self.put_content(target, content).await
    }

    async fn copy(
        &self,
        source: &ObjectKey,
        target: &WriteTarget,
    ) -> Result<StoredObject, StoreError> {
        if self.look_first(&target.address).await?.is_some() {
            return Err(StoreError::Occupied(target.address.to_string()));
        }
        self.copy_object(source, target).await
    }

    async fn head(&self, at: &ObjectAddress) -> Result<Option<FoundObject>, StoreError> {
        self.look(at).await
    }

    async fn read(&self, at: &ObjectAddress, etag: &ETag) -> Result<ObjectContent, StoreError> {
        self.read_content(at, etag).await
    }

    async fn delete(&self, at: &ObjectAddress, etag: &ETag) -> Result<(), StoreError> {
        let condition = match self.conditionals {
            Conditionals::Sound => Some(etag),
            Conditionals::Unsound => match self.look(at).await? {
                None => return Ok(()),
                Some(found) if found.etag != *etag => {
                    return Err(StoreError::Occupied(at.to_string()));
                }
                Some(_) => None,
            },
        };
        self.delete_object(at, condition).await
    }

    async fn list(
        &self,
        bucket: &S3Bucket,
        prefix: &str,
        after: Option<&ObjectKey>,
    ) -> Result<ListPage, StoreError> {
        self.list_objects(bucket, prefix, after).await
    }
}

/// Returns the SHA-1 in an answer if it is that of the whole content. A composite checksum (`…-3`)
/// is not.
fn full_sha1(sha1: Option<&str>, kind: Option<&ChecksumType>) -> Option<Sha1> {
    if kind.is_some_and(|kind| *kind != ChecksumType::FullObject) {
        return None;
    }
    Sha1::from_base64(sha1?).ok()
}

/// Reads an `ETag` and removes the quotes that it has on the wire.
fn etag(quoted: Option<&str>) -> ETag {
    ETag(quoted.unwrap_or_default().trim_matches('"').to_owned())
}

fn quoted(etag: &ETag) -> String {
    format!("\"{etag}\"")
}

/// Returns an SDK error and all its causes in one line.
fn in_full<E: std::error::Error>(error: &E) -> String {
    DisplayErrorContext(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_object_sha1_counts() {
        let sha1 = "2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
        let full = Some(&ChecksumType::FullObject);
        assert!(full_sha1(Some(sha1), full).is_some());
        assert!(full_sha1(Some(sha1), None).is_some());
        assert!(full_sha1(Some(sha1), Some(&ChecksumType::Composite)).is_none());
        assert!(full_sha1(Some("2jmj7l5rSw0yVb/vlWAYkK/YBwk=-2"), full).is_none());
        assert!(full_sha1(None, full).is_none());
    }

    #[test]
    fn etags_lose_and_regain_their_quotes() {
        assert_eq!(etag(Some("\"abc-2\"")), ETag("abc-2".into()));
        assert_eq!(quoted(&ETag("abc-2".into())), "\"abc-2\"");
    }
}
