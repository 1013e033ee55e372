//! Reads and changes the settings of queues.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::types::QueueAttributeName;
use domain::blueprint::{QueueChange, QueueState, Redrive};
use domain::ports::SiteError;
use serde_json::Value;

use super::refusal::{done, present};
use super::{AwsSite, System};

/// The codes of SQS's two protocols for a missing queue, without the older one's prefix.
const NO_QUEUE: &[&str] = &["QueueDoesNotExist", "NonExistentQueue"];

/// The codes for a queue that exists with other attributes. The caller reads these attributes next.
const OTHERWISE_THERE: &[&str] = &["QueueNameExists", "QueueAlreadyExists"];

impl AwsSite {
    pub(super) async fn look_at_queue(&self, name: &str) -> Result<Option<QueueState>, SiteError> {
        let Some(url) = self.queue_url(name).await? else { return Ok(None) };
        self.look_at_queue_url(url).await
    }

    pub(super) async fn look_at_queue_url(
        &self,
        url: String,
    ) -> Result<Option<QueueState>, SiteError> {
        let call = "GetQueueAttributes";
        let request = self.sqs.get_queue_attributes().queue_url(&url);
        let request = request.attribute_names(QueueAttributeName::All).send();
        let Some(answer) = present(self.answer(System::Sqs, call, request).await, NO_QUEUE)? else {
            return Ok(None);
        };
        let attributes = answer.attributes.unwrap_or_default();
        let state = read(url, &attributes);
        state.map(Some).map_err(|why| SiteError::Refused { call, why })
    }

    pub(super) async fn look_at_queue_arn(&self, url: &str) -> Result<String, SiteError> {
        let call = "GetQueueAttributes";
        let name = QueueAttributeName::QueueArn;
        let request = self.sqs.get_queue_attributes().queue_url(url).attribute_names(name.clone());
        let answer = self.answer(System::Sqs, call, request.send()).await.map_err(|it| it.error)?;
        let arn = answer.attributes.and_then(|mut attributes| attributes.remove(&name));
        arn.ok_or_else(|| SiteError::Refused { call, why: "the answer has no ARN".to_owned() })
    }

    async fn queue_url(&self, name: &str) -> Result<Option<String>, SiteError> {
        let request = self.sqs.get_queue_url().queue_name(name).send();
        let answer = self.answer(System::Sqs, "GetQueueUrl", request).await;
        Ok(present(answer, NO_QUEUE)?.and_then(|answer| answer.queue_url))
    }

    pub(super) async fn set_up_queue(
        &self,
        name: &str,
        change: &QueueChange,
    ) -> Result<(), SiteError> {
        let attributes = written(change);
        if let QueueChange::Create { .. } = change {
            let request = self.sqs.create_queue().queue_name(name);
            let request = request.set_attributes(Some(attributes)).send();
            return done(self.answer(System::Sqs, "CreateQueue", request).await, OTHERWISE_THERE);
        }
        let call = "SetQueueAttributes";
        let not_yet = || SiteError::NotYet { call, why: "the queue is not seen yet".to_owned() };
        let url = self.queue_url(name).await?.ok_or_else(not_yet)?;
        let request = self.sqs.set_queue_attributes().queue_url(url);
        let request = request.set_attributes(Some(attributes)).send();
        present(self.answer(System::Sqs, call, request).await, NO_QUEUE)?
            .map(drop)
            .ok_or_else(not_yet)
    }
}

fn written(change: &QueueChange) -> HashMap<QueueAttributeName, String> {
    let seconds = |time: Duration| time.as_secs().to_string();
    let mut attributes = HashMap::new();
    let (retention, visibility, redrive) = match change {
        QueueChange::Create { retention, visibility } => (Some(*retention), *visibility, None),
        QueueChange::Retention(retention) => (Some(*retention), None, None),
        QueueChange::Visibility(visibility) => (None, Some(*visibility), None),
        QueueChange::Redrive(redrive) => (None, None, Some(redrive)),
    };
    if let Some(time) = retention {
        attributes.insert(QueueAttributeName::MessageRetentionPeriod, seconds(time));
    }
    if let Some(time) = visibility {
        attributes.insert(QueueAttributeName::VisibilityTimeout, seconds(time));
    }
    if let Some(Redrive { to_arn, deliveries }) = redrive {
        let policy =
            serde_json::json!({ "deadLetterTargetArn": to_arn, "maxReceiveCount": deliveries });
        attributes.insert(QueueAttributeName::RedrivePolicy, policy.to_string());
    }
    attributes
}

/// Reads a queue's state from its attributes. The error names the attribute that is missing or
/// cannot be read.
fn read(
    url: String,
    attributes: &HashMap<QueueAttributeName, String>,
) -> Result<QueueState, String> {
    let text = |name: QueueAttributeName| {
        attributes.get(&name).map(String::as_str).ok_or(format!("the answer has no {name}"))
    };
    let time = |name: QueueAttributeName| {
        let seconds = text(name.clone())?.parse();
        seconds.map(Duration::from_secs).map_err(|error| format!("{name}: {error}"))
    };
    let redrive = attributes.get(&QueueAttributeName::RedrivePolicy);
    let redrive = redrive.filter(|policy| !policy.is_empty());
    Ok(QueueState {
        url,
        arn: text(QueueAttributeName::QueueArn)?.to_owned(),
        retention: time(QueueAttributeName::MessageRetentionPeriod)?,
        visibility: time(QueueAttributeName::VisibilityTimeout)?,
        redrive: redrive
            .map(|policy| {
                read_redrive(policy).ok_or_else(|| format!("a redrive policy like `{policy}`"))
            })
            .transpose()?,
    })
}

/// The count may be a number or a string: SQS returns the policy as it was written.
fn read_redrive(policy: &str) -> Option<Redrive> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let count = &policy["maxReceiveCount"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok())?;
    Some(Redrive {
        to_arn: policy["deadLetterTargetArn"].as_str()?.to_owned(),
        deliveries: u32::try_from(count).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redrive_policy_is_read_as_it_is_written() {
        let redrive = Redrive { to_arn: "arn:aws:sqs:r:1:dead".to_owned(), deliveries: 5 };
        let mut attributes = written(&QueueChange::Redrive(redrive.clone()));
        let policy = attributes.remove(&QueueAttributeName::RedrivePolicy).expect("written");
        assert_eq!(read_redrive(&policy), Some(redrive.clone()));
        let text = r#"{"maxReceiveCount":"5","deadLetterTargetArn":"arn:aws:sqs:r:1:dead"}"#;
        assert_eq!(read_redrive(text), Some(redrive));
        assert_eq!(read_redrive("{}"), None);
        assert_eq!(read_redrive(""), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let why = read("url".to_owned(), &HashMap::new()).expect_err("nothing to read");
        assert!(why.contains("QueueArn"), "{why}");
    }
}
