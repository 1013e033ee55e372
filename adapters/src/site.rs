//! Sets up buckets, queues and tables in one AWS account and region.

mod anonymous;
mod bucket;
mod consumers;
mod guards;
mod lifecycle;
mod queue;
mod refusal;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use domain::S3Bucket;
use domain::blueprint::{
    BucketChange, BucketState, ExpiryRule, ObjectLock, QueueChange, QueueState, TableChange,
    TableKey, TableState,
};
use domain::ports::{Site, SiteError, SiteLooks};
use tokio::time::timeout;

use crate::aws::Timeouts;
use crate::calls::{Calls, System};
use refusal::Refusal;

/// [`Site`] on Amazon Web Services, or on services with the same protocols.
pub struct AwsSite {
    s3: aws_sdk_s3::Client,
    s3_without_keys: aws_sdk_s3::Client,
    /// Whether S3 is the region's public one, whose buckets have names in DNS.
    is_at_amazon: bool,
    sqs: aws_sdk_sqs::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    lambda: aws_sdk_lambda::Client,
    region: String,
    addresses: [(System, String); 4],
    timeouts: Timeouts,
    calls: Arc<Calls>,
}

impl AwsSite {
    /// Takes the shared settings of [`crate::aws::load`], which must name a region.
    #[must_use]
    pub fn new(config: &SdkConfig, calls: Arc<Calls>) -> Self {
        Self {
            s3: crate::s3::client(config),
            s3_without_keys: crate::s3::client_without_keys(config),
            is_at_amazon: !crate::aws::has_other_s3_endpoint(config),
            sqs: aws_sdk_sqs::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            addresses: [System::S3, System::DynamoDb, System::Sqs, System::Lambda]
                .map(|system| (system, crate::aws::address(config, &system.to_string()))),
            timeouts: Timeouts::default(),
            calls,
        }
    }

    /// Replaces the default time-outs, which are production's.
    #[must_use]
    pub const fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Waits for an answer no longer than a request may take, and counts the call.
    async fn answer<T, E>(
        &self,
        system: System,
        call: &'static str,
        request: impl Future<Output = Result<T, SdkError<E>>> + Send,
    ) -> Result<T, Refusal>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let waiting = self.calls.begin(system, call);
        let answer = match timeout(self.timeouts.request, request).await {
            Ok(answer) => answer.map_err(|error| Refusal::of(call, &error)),
            Err(_) => Err(Refusal::no_answer(call, self.timeouts.request)),
        };
        let address = self.addresses.iter().find(|(of, _)| *of == system);
        let address = address.map_or("", |(_, address)| address);
        let answer = answer.map_err(|refusal| refusal.with_address(address));
        waiting.end_by(answer, |refusal| &refusal.error)
    }
}

#[async_trait]
impl Site for AwsSite {
    async fn bucket(&self, name: &S3Bucket) -> Result<Option<BucketState>, SiteError> {
        self.look_at_bucket(name.as_str()).await
    }

    async fn replicas(&self, name: &S3Bucket) -> Result<Vec<String>, SiteError> {
        self.look_at_replicas(name.as_str()).await
    }

    async fn change_bucket(&self, name: &S3Bucket, change: &BucketChange) -> Result<(), SiteError> {
        self.set_up_bucket(name.as_str(), change).await
    }

    async fn queue(&self, name: &str) -> Result<Option<QueueState>, SiteError> {
        self.look_at_queue(name).await
    }

    async fn change_queue(&self, name: &str, change: &QueueChange) -> Result<(), SiteError> {
        self.set_up_queue(name, change).await
    }

    async fn table(&self, name: &str) -> Result<Option<TableState>, SiteError> {
        self.look_at_table(name).await
    }

    async fn change_table(&self, name: &str, change: &TableChange) -> Result<(), SiteError> {
        self.set_up_table(name, change).await
    }
}

#[async_trait]
impl SiteLooks for AwsSite {
    async fn expiry_rules(&self, bucket: &S3Bucket) -> Result<Vec<ExpiryRule>, SiteError> {
        let rules = self.lifecycle_if_known(bucket.as_str()).await?;
        Ok(lifecycle::expiry_rules(rules.as_ref()))
    }

    async fn object_lock(&self, bucket: &S3Bucket) -> Result<Option<ObjectLock>, SiteError> {
        self.look_at_lock(bucket.as_str()).await
    }

    async fn table_key(&self, name: &str) -> Result<Option<TableKey>, SiteError> {
        Ok(self.describe_table(name).await?.map(|(_, key)| key))
    }

    async fn queue_at(&self, url: &str) -> Result<Option<QueueState>, SiteError> {
        self.look_at_queue_url(url.to_owned()).await
    }

    async fn queue_arn(&self, url: &str) -> Result<String, SiteError> {
        self.look_at_queue_arn(url).await
    }
}
