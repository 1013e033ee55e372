//! A message and its digests.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use md5::{Digest, Md5};

use super::SqsError;
use super::limits::MESSAGE_ATTRIBUTES;

/// Attributes by name.
pub type MessageAttributes = BTreeMap<String, MessageAttribute>;

/// One attribute of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageAttribute {
    /// `String`, `Number` or `Binary`, perhaps with a label of the sender's: `Number.fid`.
    pub data_type: String,
    /// What it holds.
    pub content: AttributeContent,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeContent {
    /// Of the types `String` and `Number`.
    Text(String),
    /// Of the type `Binary`.
    Binary(Bytes),
}

impl MessageAttribute {
    /// A `String`.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), content: AttributeContent::Text(text.into()) }
    }

    /// Its text, if it has one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.content {
            AttributeContent::Text(text) => Some(text),
            AttributeContent::Binary(_) => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.content {
            AttributeContent::Text(text) => text.as_bytes(),
            AttributeContent::Binary(bytes) => bytes,
        }
    }

    fn check(&self, name: &str) -> Result<(), SqsError> {
        let invalid = |why: &str| SqsError::InvalidParameterValue {
            name: "MessageAttributes",
            value: name.to_owned(),
            why: why.to_owned(),
        };
        let kind = self.data_type.split('.').next().unwrap_or_default();
        let fits = match &self.content {
            AttributeContent::Text(text) => {
                if !text.chars().all(is_allowed) {
                    return Err(SqsError::InvalidMessageContents);
                }
                matches!(kind, "String" | "Number")
            }
            AttributeContent::Binary(_) => kind == "Binary",
        };
        if !fits {
            return Err(invalid("its type is not that of its value"));
        }
        if self.bytes().is_empty() {
            return Err(invalid("its value is empty"));
        }
        if kind == "Number" && self.as_text().is_some_and(|text| text.parse::<f64>().is_err()) {
            return Err(invalid("its value is no number"));
        }
        Ok(())
    }
}

/// Where a message stands in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Sent, and not to be received before this moment.
    Delayed(SystemTime),
    /// To be received.
    Waiting,
    /// Received, and invisible to others until this moment.
    InFlight(SystemTime),
    /// Deleted, and to be received once more at this moment.
    Deleted(SystemTime),
}

/// A message as the queue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name, the same in the dead-letter queue.
    pub id: String,
    /// Its body.
    pub body: String,
    /// Its attributes.
    pub attributes: MessageAttributes,
    /// When it was sent; to a dead-letter queue it comes with the moment of its first sending.
    pub sent: SystemTime,
    /// When it was received first.
    pub first_received: Option<SystemTime>,
    /// How often it was delivered, in the queues before this one too.
    pub receive_count: u32,
    /// Where it stands.
    pub standing: Standing,
    /// The queue that it is a dead letter of.
    pub dead_letter_of: Option<String>,
    /// How often it was delivered in the queues before this one.
    pub(super) received_before: u32,
    /// The number of its last delivery, and its moment.
    pub(super) delivery: Option<(u64, SystemTime)>,
    /// So often it is delivered and waits on all the same.
    pub(super) copies: u32,
    /// So long after it was deleted it comes once more.
    pub(super) returns_after: Option<Duration>,
}

impl Message {
    /// When it was sent, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn sent_millis(&self) -> u64 {
        millis(self.sent)
    }

    /// When it was received first, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn first_received_millis(&self) -> Option<u64> {
        self.first_received.map(millis)
    }

    /// The digest of its body, in hex.
    #[must_use]
    pub fn body_md5(&self) -> String {
        body_md5(&self.body)
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn millis(moment: SystemTime) -> u64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The digest of a body, in hex.
pub(super) fn body_md5(body: &str) -> String {
    HEXLOWER.encode(&Md5::digest(body.as_bytes()))
}

/// The digest of attributes, in hex, where there are any: of each in the order of their names its
/// name, type and value, each behind its length (SQS's developer guide, "calculating the MD5
/// message digest for message attributes").
#[must_use]
pub fn attributes_md5(attributes: &MessageAttributes) -> Option<String> {
    if attributes.is_empty() {
        return None;
    }
    let mut digest = Md5::new();
    let field = |digest: &mut Md5, bytes: &[u8]| {
        digest.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        digest.update(bytes);
    };
    for (name, attribute) in attributes {
        field(&mut digest, name.as_bytes());
        field(&mut digest, attribute.data_type.as_bytes());
        let transport = match attribute.content {
            AttributeContent::Text(_) => 1,
            AttributeContent::Binary(_) => 2,
        };
        digest.update([transport]);
        field(&mut digest, attribute.bytes());
    }
    Some(HEXLOWER.encode(&digest.finalize()))
}

/// What counts of a message towards limits.
pub(super) fn size(body: &str, attributes: &MessageAttributes) -> usize {
    let of = |(name, attribute): (&String, &MessageAttribute)| {
        name.len() + attribute.data_type.len() + attribute.bytes().len()
    };
    body.len() + attributes.iter().map(of).sum::<usize>()
}

/// Checks everything but the size.
pub(super) fn check(body: &str, attributes: &MessageAttributes) -> Result<(), SqsError> {
    if body.is_empty() {
        return Err(SqsError::MissingParameter("MessageBody"));
    }
    if !body.chars().all(is_allowed) {
        return Err(SqsError::InvalidMessageContents);
    }
    if attributes.len() > MESSAGE_ATTRIBUTES {
        return Err(SqsError::InvalidParameterValue {
            name: "MessageAttributes",
            value: attributes.len().to_string(),
            why: format!("a message has {MESSAGE_ATTRIBUTES} attributes at most"),
        });
    }
    for (name, attribute) in attributes {
        check_name(name)?;
        attribute.check(name)?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), SqsError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let lower = name.to_ascii_lowercase();
    let reserved = lower.starts_with("aws.") || lower.starts_with("amazon.");
    let dots = name.starts_with('.') || name.ends_with('.') || name.contains("..");
    if (1..=256).contains(&name.len()) && name.chars().all(plain) && !reserved && !dots {
        return Ok(());
    }
    Err(SqsError::InvalidParameterValue {
        name: "MessageAttributes",
        value: name.to_owned(),
        why: "no attribute may be named so".to_owned(),
    })
}

/// The characters of XML 1.0, which are all that SQS takes.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
