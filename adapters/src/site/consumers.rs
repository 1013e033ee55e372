//! Reads which functions Lambda hands a queue's messages to, and how long they may take.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionResponseType};
use domain::ports::{QueueConsumer, QueueConsumers, SiteError};

use super::{AwsSite, System};

/// A page has up to 100 mappings, and a queue has a few.
const PAGES: usize = 10;

#[async_trait]
impl QueueConsumers for AwsSite {
    async fn consumers(&self, queue_arn: &str) -> Result<Vec<QueueConsumer>, SiteError> {
        let (mut all, mut marker) = (Vec::new(), None);
        for _ in 0..PAGES {
            let request = self.lambda.list_event_source_mappings().event_source_arn(queue_arn);
            let request = request.set_marker(marker.take()).send();
            let call = "ListEventSourceMappings";
            let page = self.answer(System::Lambda, call, request).await.map_err(|it| it.error)?;
            all.extend(page.event_source_mappings().iter().map(consumer));
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                break;
            }
        }
        Ok(all)
    }

    async fn function_time(&self, function: &str) -> Result<Option<Duration>, SiteError> {
        let request = self.lambda.get_function_configuration().function_name(function).send();
        let call = "GetFunctionConfiguration";
        let answer = self.answer(System::Lambda, call, request).await.map_err(|it| it.error)?;
        let seconds = answer.timeout.and_then(|seconds| u64::try_from(seconds).ok());
        Ok(seconds.map(Duration::from_secs))
    }
}

fn consumer(mapping: &EventSourceMappingConfiguration) -> QueueConsumer {
    let arn = mapping.function_arn().unwrap_or_default();
    let name = arn.split_once(":function:").map_or(arn, |(_, name)| name);
    QueueConsumer {
        uuid: mapping.uuid().unwrap_or_default().to_owned(),
        function: name.split(':').next().unwrap_or(name).to_owned(),
        // `Creating`, `Enabling` and `Updating` become `Enabled`.
        enabled: !matches!(mapping.state(), Some("Disabled" | "Disabling" | "Deleting")),
        returns_single_messages: mapping
            .function_response_types()
            .contains(&FunctionResponseType::ReportBatchItemFailures),
    }
}
