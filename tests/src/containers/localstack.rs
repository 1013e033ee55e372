//! LocalStack: S3, SQS and DynamoDB on one port.

use testcontainers::core::{IntoContainerPort, WaitFor};

/// The last image that runs without an account token.
const IMAGE: &str = "localstack/localstack:4.14.0";

/// A LocalStack, gone when dropped.
pub struct Localstack(super::Running);

impl Localstack {
    /// Starts one from `LOCALSTACK_IMAGE`, by default `localstack/localstack:4.14.0`. The first
    /// call to each service takes some seconds more.
    pub async fn start() -> anyhow::Result<Self> {
        let image = super::image("LOCALSTACK_IMAGE", IMAGE);
        let ready = WaitFor::message_on_stdout("Ready.");
        let services = [("SERVICES", "s3,sqs,dynamodb")];
        Ok(Self(super::start(image, 4566.tcp(), ready, &services).await?))
    }

    /// The endpoint of every service; queue URLs that it gives name another host.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port)
    }
}
