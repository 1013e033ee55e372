use std::time::Duration;

use async_trait::async_trait;

use super::SiteError;

/// The functions to which Lambda hands the messages of a queue. The port only reads.
#[async_trait]
pub trait QueueConsumers: Send + Sync {
    /// Returns the mappings of a queue, by its ARN, whether they are enabled or not.
    async fn consumers(&self, queue_arn: &str) -> Result<Vec<QueueConsumer>, SiteError>;

    /// Returns how long a function may take for one event, by its name or ARN; [`None`] where Lambda does
    /// not say.
    async fn function_time(&self, function: &str) -> Result<Option<Duration>, SiteError>;
}

/// One event source mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueConsumer {
    /// The mapping's own name, by which it is disabled.
    pub uuid: String,
    /// The function's name, without account and version.
    pub function: String,
    /// Whether it takes messages.
    pub enabled: bool,
    /// Whether the function may give single messages of a batch back (`ReportBatchItemFailures`).
    pub returns_single_messages: bool,
}

impl QueueConsumer {
    /// Whether it is the function of this name or ARN, whatever the version.
    #[must_use]
    pub fn is_of(&self, function: &str) -> bool {
        // `arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION` → `NAME`
        let name = function.split_once(":function:").map_or(function, |(_, name)| name);
        name.split(':').next() == Some(self.function.as_str())
    }
}
