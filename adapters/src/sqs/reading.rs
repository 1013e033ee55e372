//! Reads SQS's answers into the port's types.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use domain::{
    AttributeContent, Delivery, MessageAttribute, MessageContent, QueueDepth, Receipt, Timestamp,
};

use super::message::job_of;

/// Reads a delivery. [`None`] for a message without a receipt, since it could not be acknowledged.
pub(super) fn delivery(message: &Message) -> Option<Delivery> {
    let system = message.attributes();
    let told = |name| system.and_then(|attributes| attributes.get(&name));
    let attribute = |name: &str| message.message_attributes()?.get(name)?.string_value();
    Some(Delivery {
        message: message.message_id().unwrap_or_default().to_owned(),
        content: content(message),
        job: job_of(message.body().unwrap_or_default(), attribute),
        receipt: Receipt(message.receipt_handle()?.to_owned()),
        attempt: told(MessageSystemAttributeName::ApproximateReceiveCount)
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
        sent_at: told(MessageSystemAttributeName::SentTimestamp)
            .and_then(|time| time.parse().ok())
            .map(Timestamp),
    })
}

/// Reads a message's body and attributes, so that it can be sent to another queue unchanged.
fn content(message: &Message) -> MessageContent {
    let attributes =
        message.message_attributes().into_iter().flatten().filter_map(|(name, one)| {
            let value = match (one.string_value(), one.binary_value()) {
                (Some(text), _) => AttributeContent::Text(text.to_owned()),
                (None, Some(bytes)) => AttributeContent::Binary(bytes.as_ref().to_vec()),
                (None, None) => return None,
            };
            let data_type = one.data_type().to_owned();
            Some((name.clone(), MessageAttribute { data_type, value }))
        });
    let body = message.body().unwrap_or_default().to_owned();
    MessageContent { body, attributes: attributes.collect() }
}

/// Reads the queue's depth. The error names the number that the answer lacks.
pub(super) fn depth(
    attributes: &HashMap<QueueAttributeName, String>,
) -> Result<QueueDepth, String> {
    use QueueAttributeName as Name;
    let number = |name: Name| {
        let number = attributes.get(&name).and_then(|number| number.parse().ok());
        number.ok_or_else(|| format!("its answer has no number `{name}`"))
    };
    let policy = attributes.get(&Name::RedrivePolicy);
    Ok(QueueDepth {
        visible: number(Name::ApproximateNumberOfMessages)?,
        in_flight: number(Name::ApproximateNumberOfMessagesNotVisible)?,
        delayed: number(Name::ApproximateNumberOfMessagesDelayed)?,
        visibility_timeout: Duration::from_secs(number(Name::VisibilityTimeout)?),
        deliveries: policy.and_then(|policy| deliveries(policy)),
    })
}

/// Reads how many deliveries a redrive policy allows. The policy may have the number as a number or
/// as text.
fn deliveries(policy: &str) -> Option<u32> {
    let policy: serde_json::Value = serde_json::from_str(policy).ok()?;
    let count = policy.get("maxReceiveCount")?;
    match count.as_str() {
        Some(text) => text.parse().ok(),
        None => count.as_u64()?.try_into().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use QueueAttributeName as Name;
    use aws_sdk_sqs::types::MessageAttributeValue;
    use domain::{Fid, JobAction};

    fn attributes(policy: Option<&str>) -> HashMap<Name, String> {
        let mut attributes = HashMap::from([
            (Name::ApproximateNumberOfMessages, "3".to_owned()),
            (Name::ApproximateNumberOfMessagesNotVisible, "2".to_owned()),
            (Name::ApproximateNumberOfMessagesDelayed, "1".to_owned()),
            (Name::VisibilityTimeout, "120".to_owned()),
        ]);
        attributes.extend(policy.map(|policy| (Name::RedrivePolicy, policy.to_owned())));
        attributes
    }

    #[test]
    fn a_policy_counts_in_numbers_or_in_text() {
        for (policy, expected) in [
            (None, None),
            (
                Some(r#"{"deadLetterTargetArn":"arn:aws:sqs:x:1:dead","maxReceiveCount":5}"#),
                Some(5),
            ),
            (
                Some(r#"{"deadLetterTargetArn":"arn:aws:sqs:x:1:dead","maxReceiveCount":"5"}"#),
                Some(5),
            ),
            (Some(r#"{"redrivePermission":"denyAll"}"#), None),
            (Some(""), None),
        ] {
            let depth = depth(&attributes(policy)).expect("all numbers");
            assert_eq!((depth.visible, depth.in_flight, depth.delayed), (3, 2, 1));
            assert_eq!(depth.visibility_timeout, Duration::from_mins(2));
            assert_eq!(depth.deliveries, expected, "{policy:?}");
        }
    }

    #[test]
    fn an_answer_without_a_number_is_no_empty_queue() {
        for name in attributes(None).into_keys() {
            let mut attributes = attributes(None);
            attributes.remove(&name);
            let why = depth(&attributes).expect_err("a number is missing");
            assert!(why.contains(name.as_str()), "{why}");
        }
    }

    #[test]
    fn a_message_tells_its_attempt_and_its_first_sending() {
        let action = MessageAttributeValue::builder().data_type("String").string_value("verify");
        let message = Message::builder()
            .message_id("m")
            .receipt_handle("r")
            .body(r#"{"length": 7, "fid": 1, "dkey": "k"}"#)
            .message_attributes("action", action.build().expect("a type"))
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "3")
            .attributes(MessageSystemAttributeName::SentTimestamp, "1767225600123");
        let read = delivery(&message.build()).expect("a receipt");
        assert_eq!((read.message.as_str(), read.receipt.0.as_str(), read.attempt), ("m", "r", 3));
        assert_eq!(read.sent_at, Some(Timestamp(1_767_225_600_123)));
        let job = read.job.expect("a job");
        assert_eq!((job.action, job.fid), (JobAction::Verify, Fid(1)));
    }

    #[test]
    fn a_message_without_anything_is_a_bad_one() {
        let read = delivery(&Message::builder().receipt_handle("r").build()).expect("a receipt");
        assert_eq!((read.attempt, read.sent_at), (1, None));
        assert!(read.job.is_err());
        assert_eq!(delivery(&Message::builder().body("x").build()), None);
    }
}
