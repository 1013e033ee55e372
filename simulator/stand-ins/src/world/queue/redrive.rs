//! What becomes of messages that are delivered in vain.

use serde_json::{Value, json};

use super::queues::{arn_of, name_of_arn};

/// Where a queue's dead letters go, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedrivePolicy {
    /// The dead-letter queue's name.
    pub dead_letter_queue: String,
    /// So many deliveries are made; a receive that would be another one makes a dead letter.
    pub max_receive_count: u32,
}

impl RedrivePolicy {
    /// From `{"deadLetterTargetArn": …, "maxReceiveCount": …}`, the number perhaps as a text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let policy = object(text)?;
        let arn = policy.get("deadLetterTargetArn").and_then(Value::as_str);
        let arn = arn.ok_or("it has no deadLetterTargetArn")?;
        let queue = name_of_arn(arn).ok_or_else(|| format!("{arn} is no queue of this world"))?;
        let count = policy.get("maxReceiveCount").ok_or("it has no maxReceiveCount")?;
        let count = count.as_str().map_or_else(|| count.as_u64(), |text| text.parse().ok());
        let count = count.and_then(|count| u32::try_from(count).ok());
        let count = count.filter(|count| (1..=1000).contains(count));
        Ok(Self {
            dead_letter_queue: queue.to_owned(),
            max_receive_count: count.ok_or("maxReceiveCount must be from 1 to 1000")?,
        })
    }

    pub(super) fn to_text(&self) -> String {
        json!({
            "deadLetterTargetArn": arn_of(&self.dead_letter_queue),
            "maxReceiveCount": self.max_receive_count,
        })
        .to_string()
    }
}

/// Which queues may have a queue as their dead-letter queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum RedriveAllowPolicy {
    /// All.
    #[default]
    AllowAll,
    /// None.
    DenyAll,
    /// Those of these ARNs.
    ByQueue(Vec<String>),
}

impl RedriveAllowPolicy {
    /// From `{"redrivePermission": …}`, with `sourceQueueArns` where it is `byQueue`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let policy = object(text)?;
        let arns = policy.get("sourceQueueArns").and_then(Value::as_array);
        match (policy.get("redrivePermission").and_then(Value::as_str), arns) {
            (Some("allowAll"), None) => Ok(Self::AllowAll),
            (Some("denyAll"), None) => Ok(Self::DenyAll),
            (Some("byQueue"), Some(arns)) if (1..=10).contains(&arns.len()) => {
                let arns = arns.iter().map(|arn| arn.as_str().map(str::to_owned));
                let arns: Option<Vec<String>> = arns.collect();
                arns.map(Self::ByQueue).ok_or_else(|| "an ARN is no text".to_owned())
            }
            (Some("byQueue"), _) => Err("byQueue goes with 1 to 10 sourceQueueArns".to_owned()),
            (Some("allowAll" | "denyAll"), Some(_)) => {
                Err("sourceQueueArns go with byQueue only".to_owned())
            }
            (Some(_) | None, _) => {
                Err("redrivePermission must be allowAll, denyAll or byQueue".to_owned())
            }
        }
    }

    pub(super) fn to_text(&self) -> String {
        match self {
            Self::AllowAll => json!({ "redrivePermission": "allowAll" }),
            Self::DenyAll => json!({ "redrivePermission": "denyAll" }),
            Self::ByQueue(arns) => {
                json!({ "redrivePermission": "byQueue", "sourceQueueArns": arns })
            }
        }
        .to_string()
    }

    pub(super) fn allows(&self, queue: &str) -> bool {
        match self {
            Self::AllowAll => true,
            Self::DenyAll => false,
            Self::ByQueue(arns) => arns.contains(&arn_of(queue)),
        }
    }
}

fn object(text: &str) -> Result<serde_json::Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))
}
