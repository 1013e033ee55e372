//! Outcomes for the suites: the world behind either of its faces, and a LocalStack.

#[cfg(feature = "containers")]
mod localstack;
mod world;

use adapters::aws::{self, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};

#[cfg(feature = "containers")]
pub use localstack::{LocalstackEnd, LocalstackPost, LocalstackTable, number, settings_of, text};
pub use world::{WorldEnd, WorldPost, WorldTable, dynamodb_of, s3_of, sqs_of};

/// Production's own settings, but for the endpoint and the keys, which come from no environment
/// here.
pub async fn settings(endpoint: &str, access_key: &str, secret_key: &str) -> SdkConfig {
    let keys = Credentials::new(access_key, secret_key, None, None, "tests");
    aws::load(Some("us-east-1".to_owned()))
        .await
        .into_builder()
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .build()
}
