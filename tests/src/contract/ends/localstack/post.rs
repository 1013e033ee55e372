//! Its SQS.

use std::sync::Arc;
use std::time::Duration;

use adapters::aws::SdkConfig;
use adapters::calls::Calls;
use adapters::sqs::{QueueUrl, SqsJobQueue};
use anyhow::Context;
use async_trait::async_trait;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use domain::ports::{JobQueue, QueueRole};

use crate::contract::job_queue::{DELIVERIES, Post, VISIBILITY};

/// A queue of a LocalStack and its dead-letter queue, by the adapter.
pub struct LocalstackPost {
    queue: SqsJobQueue,
    dead_letters: SqsJobQueue,
    client: aws_sdk_sqs::Client,
    url: String,
}

impl LocalstackPost {
    /// Makes both.
    pub async fn new(config: &SdkConfig, name: &str) -> anyhow::Result<Self> {
        let client = aws_sdk_sqs::Client::new(config);
        let made = client.create_queue().queue_name(format!("{name}-dead")).send().await;
        let dead_letters_url = made.context("making a queue")?.queue_url.context("its URL")?;
        let arn = QueueAttributeName::QueueArn;
        let told = client.get_queue_attributes().queue_url(&dead_letters_url);
        let told = told.attribute_names(arn.clone()).send().await.context("asking for its ARN")?;
        let told = told.attributes.unwrap_or_default();
        let arn = told.get(&arn).context("its ARN")?;
        let policy =
            format!(r#"{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": "{DELIVERIES}"}}"#);
        let made = client
            .create_queue()
            .queue_name(name)
            .attributes(QueueAttributeName::VisibilityTimeout, VISIBILITY.as_secs().to_string())
            .attributes(QueueAttributeName::RedrivePolicy, policy);
        let made = made.send().await.context("making a queue with dead letters")?;
        let url = made.queue_url.context("its URL")?;
        let calls = Arc::new(Calls::default());
        let queue = |url: &str, role| {
            let url: QueueUrl = url.parse()?;
            anyhow::Ok(SqsJobQueue::new(config, url, role, calls.clone()))
        };
        Ok(Self {
            queue: queue(&url, QueueRole::Jobs)?,
            dead_letters: queue(&dead_letters_url, QueueRole::DeadLetters)?,
            client,
            url,
        })
    }

    /// The queue's URL, as LocalStack tells it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

#[async_trait]
impl Post for LocalstackPost {
    fn queue(&self) -> &dyn JobQueue {
        &self.queue
    }

    fn dead_letters(&self) -> &dyn JobQueue {
        &self.dead_letters
    }

    async fn plant(&self, body: &str, attributes: &[(&str, &str)]) -> anyhow::Result<()> {
        let mut message = self.client.send_message().queue_url(&self.url).message_body(body);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value);
            message = message.message_attributes(*name, value.build()?);
        }
        message.send().await.map(drop).context("planting a message")
    }

    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
