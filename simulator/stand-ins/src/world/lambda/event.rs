use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::Serialize;

/// A message as an event source mapping hands it to a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchMessage {
    /// The queue's name for the message.
    pub message_id: String,
    /// Acknowledges this delivery of it.
    pub receipt_handle: String,
    /// Its body.
    pub body: String,
    /// What the queue says of it: `ApproximateReceiveCount`, `SentTimestamp` …
    pub attributes: BTreeMap<String, String>,
    /// What its sender said beside the body.
    pub message_attributes: BTreeMap<String, MessageAttribute>,
    /// The body's MD5, hex.
    pub md5_of_body: String,
    /// `aws:sqs`.
    pub event_source: String,
    /// The queue's ARN.
    #[serde(rename = "eventSourceARN")]
    pub event_source_arn: String,
    /// The queue's region.
    pub aws_region: String,
}

/// An attribute of a message, text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageAttribute {
    /// Its value.
    pub string_value: String,
    /// Always empty: Lambda has the field, queues do not use it.
    pub string_list_values: [(); 0],
    /// Always empty, likewise.
    pub binary_list_values: [(); 0],
    /// `String`.
    pub data_type: String,
}

impl MessageAttribute {
    /// A text attribute.
    #[must_use]
    pub fn text(value: impl Into<String>, data_type: impl Into<String>) -> Self {
        Self {
            string_value: value.into(),
            string_list_values: [],
            binary_list_values: [],
            data_type: data_type.into(),
        }
    }
}

/// The messages of one invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// In the order in which they were received.
    #[serde(rename = "Records")]
    pub records: Vec<BatchMessage>,
}

impl Batch {
    /// The event as JSON.
    #[must_use]
    pub fn event(&self) -> Bytes {
        // Texts and maps of texts always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// The messages' names.
    #[must_use]
    pub fn messages(&self) -> BTreeSet<&str> {
        self.records.iter().map(|record| record.message_id.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_looks_as_lambda_sends_it() {
        let record = BatchMessage {
            message_id: "059f36b4-87a3-44ab-83d2-661975830a7d".to_owned(),
            receipt_handle: "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".to_owned(),
            body: "Test message.".to_owned(),
            attributes: BTreeMap::from([("ApproximateReceiveCount".to_owned(), "1".to_owned())]),
            message_attributes: BTreeMap::from([(
                "myAttribute".to_owned(),
                MessageAttribute::text("myValue", "String"),
            )]),
            md5_of_body: "e4e68fb7bd0e697a0ae8f1bb342846b3".to_owned(),
            event_source: "aws:sqs".to_owned(),
            event_source_arn: "arn:aws:sqs:us-east-2:123456789012:my-queue".to_owned(),
            aws_region: "us-east-2".to_owned(),
        };
        // The record of the Developer Guide, "Example SQS event".
        let as_documented = serde_json::json!({"Records": [{
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": "Test message.",
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {"myAttribute": {
                "stringValue": "myValue",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String"
            }},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
            "awsRegion": "us-east-2"
        }]});
        let batch = Batch { records: vec![record] };
        let event: serde_json::Value = serde_json::from_slice(&batch.event()).expect("JSON");
        assert_eq!(event, as_documented);
    }
}
