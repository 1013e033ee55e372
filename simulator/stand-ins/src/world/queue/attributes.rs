//! A queue's own attributes, by the names and texts that SQS has for them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{RedriveAllowPolicy, RedrivePolicy, SqsError};

/// The attributes that a queue's owner sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueAttributes {
    /// `VisibilityTimeout`: how long a delivery is invisible to others, if the receiver does not
    /// say otherwise.
    pub visibility_timeout_seconds: u32,
    /// `DelaySeconds`: how long a message cannot be received, if its sender does not say otherwise.
    pub delay_seconds: u32,
    /// `MessageRetentionPeriod`: how long messages are kept.
    pub retention_seconds: u32,
    /// `ReceiveMessageWaitTimeSeconds`: how long a receive waits, if it does not say otherwise.
    pub wait_seconds: u32,
    /// `MaximumMessageSize`.
    pub maximum_message_bytes: u32,
    /// `RedrivePolicy`.
    pub redrive: Option<RedrivePolicy>,
    /// `RedriveAllowPolicy`.
    pub redrive_allow: Option<RedriveAllowPolicy>,
    /// `Policy`, as it was given. Nobody is kept from anything by it.
    pub policy: Option<String>,
    /// `SqsManagedSseEnabled`.
    pub managed_sse: bool,
    /// `KmsMasterKeyId`.
    pub kms_key: Option<String>,
    /// `KmsDataKeyReusePeriodSeconds`.
    pub kms_reuse_seconds: u32,
}

impl Default for QueueAttributes {
    fn default() -> Self {
        Self {
            visibility_timeout_seconds: 30,
            delay_seconds: 0,
            retention_seconds: 4 * 24 * 3600,
            wait_seconds: 0,
            maximum_message_bytes: 1024 * 1024,
            redrive: None,
            redrive_allow: None,
            policy: None,
            managed_sse: true,
            kms_key: None,
            kms_reuse_seconds: 300,
        }
    }
}

impl QueueAttributes {
    /// These attributes with some set anew.
    pub(super) fn with(mut self, changes: &BTreeMap<String, String>) -> Result<Self, SqsError> {
        for (name, value) in changes {
            self.set(name, value)?;
        }
        Ok(self)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        let invalid = |why: String| SqsError::InvalidAttributeValue { name: name.to_owned(), why };
        let number = |range: RangeInclusive<u32>| {
            let number = value.parse().ok().filter(|number| range.contains(number));
            number.ok_or_else(|| {
                invalid(format!("`{value}` is not from {} to {}", range.start(), range.end()))
            })
        };
        let set = (!value.is_empty()).then_some(value);
        match name {
            "VisibilityTimeout" => self.visibility_timeout_seconds = number(0..=43_200)?,
            "DelaySeconds" => self.delay_seconds = number(0..=900)?,
            "MessageRetentionPeriod" => self.retention_seconds = number(60..=1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_seconds = number(0..=20)?,
            "MaximumMessageSize" => self.maximum_message_bytes = number(1024..=1_048_576)?,
            "KmsDataKeyReusePeriodSeconds" => self.kms_reuse_seconds = number(60..=86_400)?,
            "RedrivePolicy" => {
                self.redrive = set.map(RedrivePolicy::parse).transpose().map_err(invalid)?;
            }
            "RedriveAllowPolicy" => {
                let policy = set.map(RedriveAllowPolicy::parse).transpose();
                self.redrive_allow = policy.map_err(invalid)?;
            }
            "Policy" => self.policy = set.map(str::to_owned),
            "KmsMasterKeyId" => {
                self.kms_key = set.map(str::to_owned);
                self.managed_sse &= self.kms_key.is_none();
            }
            "SqsManagedSseEnabled" => {
                self.managed_sse = value
                    .parse()
                    .map_err(|_| invalid(format!("`{value}` is neither true nor false")))?;
                self.kms_key = self.kms_key.take().filter(|_| !self.managed_sse);
            }
            "FifoQueue" | "ContentBasedDeduplication" => {
                return Err(invalid("this world has standard queues only".to_owned()));
            }
            _ => return Err(SqsError::InvalidAttributeName(name.to_owned())),
        }
        Ok(())
    }

    /// All that are set, by name.
    pub(super) fn texts(&self) -> BTreeMap<&'static str, String> {
        let mut texts = BTreeMap::from([
            ("VisibilityTimeout", self.visibility_timeout_seconds.to_string()),
            ("DelaySeconds", self.delay_seconds.to_string()),
            ("MessageRetentionPeriod", self.retention_seconds.to_string()),
            ("ReceiveMessageWaitTimeSeconds", self.wait_seconds.to_string()),
            ("MaximumMessageSize", self.maximum_message_bytes.to_string()),
            ("SqsManagedSseEnabled", self.managed_sse.to_string()),
        ]);
        texts.extend(self.redrive.as_ref().map(|policy| ("RedrivePolicy", policy.to_text())));
        let allow = self.redrive_allow.as_ref();
        texts.extend(allow.map(|policy| ("RedriveAllowPolicy", policy.to_text())));
        texts.extend(self.policy.clone().map(|policy| ("Policy", policy)));
        if let Some(key) = self.kms_key.clone() {
            texts.insert("KmsMasterKeyId", key);
            texts.insert("KmsDataKeyReusePeriodSeconds", self.kms_reuse_seconds.to_string());
        }
        texts
    }

    /// How long a delivery is invisible to others, if the receiver does not say otherwise.
    #[must_use]
    pub fn visibility_timeout(&self) -> Duration {
        Duration::from_secs(self.visibility_timeout_seconds.into())
    }

    pub(super) fn retention(&self) -> Duration {
        Duration::from_secs(self.retention_seconds.into())
    }

    pub(super) fn delay(&self) -> Duration {
        Duration::from_secs(self.delay_seconds.into())
    }
}
