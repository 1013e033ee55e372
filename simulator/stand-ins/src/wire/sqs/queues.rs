//! The operations on queues as a whole.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::SqsBackend;
use super::refusal::Refusal;
use super::request::Fields;
use crate::world::queue::{ACCOUNT, SqsError};

/// Queues of one listing, at most.
const LISTED: u32 = 1000;

impl SqsBackend {
    /// A queue's URL.
    fn url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.endpoint)
    }

    pub(super) fn create_queue(&self, fields: &Fields) -> Result<Value, Refusal> {
        let name = fields.the_text("QueueName")?;
        self.world.create_queue(name, &fields.map("Attributes")?, fields.map("tags")?)?;
        Ok(json!({ "QueueUrl": self.url(name) }))
    }

    pub(super) fn delete_queue(&self, fields: &Fields) -> Result<Value, Refusal> {
        self.world.delete_queue(fields.queue()?)?;
        Ok(json!({}))
    }

    pub(super) fn queue_url(&self, fields: &Fields) -> Result<Value, Refusal> {
        let name = fields.the_text("QueueName")?;
        self.world.settings(name)?;
        Ok(json!({ "QueueUrl": self.url(name) }))
    }

    pub(super) fn list_queues(&self, fields: &Fields) -> Result<Value, Refusal> {
        let prefix = fields.text("QueueNamePrefix")?.unwrap_or_default();
        let mut queues = self.world.queues();
        queues.retain(|name| name.starts_with(prefix));
        self.page(fields, queues, "QueueUrls")
    }

    pub(super) fn list_dead_letter_sources(&self, fields: &Fields) -> Result<Value, Refusal> {
        let sources = self.world.dead_letter_sources(fields.queue()?)?;
        self.page(fields, sources, "queueUrls")
    }

    /// One page of a listing. Without `MaxResults` there is no next one, however many there are.
    fn page(
        &self,
        fields: &Fields,
        mut queues: Vec<String>,
        field: &'static str,
    ) -> Result<Value, Refusal> {
        let asked = fields.number("MaxResults")?;
        let most = asked.unwrap_or(LISTED);
        let invalid = |name, value: String| SqsError::InvalidParameterValue {
            name,
            value,
            why: "no listing has it".to_owned(),
        };
        if !(1..=LISTED).contains(&most) {
            return Err(invalid("MaxResults", most.to_string()).into());
        }
        if let Some(token) = fields.text("NextToken")? {
            let after = BASE64.decode(token.as_bytes()).ok();
            let after = after.and_then(|bytes| String::from_utf8(bytes).ok());
            let after = after.ok_or_else(|| invalid("NextToken", token.to_owned()))?;
            queues.retain(|name| *name > after);
        }
        let is_all = queues.len() <= most as usize;
        queues.truncate(most as usize);
        let mut answer = json!({});
        if let Some(last) = queues.last().filter(|_| asked.is_some() && !is_all) {
            answer["NextToken"] = BASE64.encode(last.as_bytes()).into();
        }
        if !queues.is_empty() {
            answer[field] = queues.iter().map(|name| self.url(name)).collect();
        }
        Ok(answer)
    }

    pub(super) fn queue_attributes(&self, fields: &Fields) -> Result<Value, Refusal> {
        let all = self.world.attributes(fields.queue()?)?;
        let names = fields.texts("AttributeNames")?;
        if let Some(unknown) = names.iter().find(|name| !ATTRIBUTES.contains(name)) {
            return Err(SqsError::InvalidAttributeName((*unknown).to_owned()).into());
        }
        let is_asked = |name: &str| names.iter().any(|asked| *asked == "All" || *asked == name);
        let asked: BTreeMap<_, _> = all.into_iter().filter(|(name, _)| is_asked(name)).collect();
        Ok(if asked.is_empty() { json!({}) } else { json!({ "Attributes": asked }) })
    }

    pub(super) fn set_queue_attributes(&self, fields: &Fields) -> Result<Value, Refusal> {
        self.world.set_attributes(fields.queue()?, &fields.map("Attributes")?)?;
        Ok(json!({}))
    }

    pub(super) fn purge_queue(&self, fields: &Fields) -> Result<Value, Refusal> {
        self.world.purge(fields.queue()?)?;
        Ok(json!({}))
    }

    pub(super) fn tag_queue(&self, fields: &Fields) -> Result<Value, Refusal> {
        let new = fields.map("Tags")?;
        self.world.tags(fields.queue()?, |tags| tags.extend(new))?;
        Ok(json!({}))
    }

    pub(super) fn untag_queue(&self, fields: &Fields) -> Result<Value, Refusal> {
        let keys = fields.texts("TagKeys")?;
        self.world.tags(fields.queue()?, |tags| tags.retain(|key, _| !keys.contains(&&**key)))?;
        Ok(json!({}))
    }

    pub(super) fn queue_tags(&self, fields: &Fields) -> Result<Value, Refusal> {
        let tags = self.world.tags(fields.queue()?, |tags| tags.clone())?;
        Ok(if tags.is_empty() { json!({}) } else { json!({ "Tags": tags }) })
    }
}

/// What may be asked of a queue.
const ATTRIBUTES: [&str; 22] = [
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "ContentBasedDeduplication",
    "CreatedTimestamp",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];
