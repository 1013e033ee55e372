//! Requests' fields, by the names and types that SQS has for them.

use std::collections::BTreeMap;
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::world::queue::{
    ACCOUNT, AttributeContent, MessageAttribute, MessageAttributes, Outgoing, SqsError, name_of_arn,
};

/// The fields of a request, or of one entry of a batch.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map(Self).map_err(|error| {
            Refusal::unreadable(format!("the request's body is no JSON object: {error}"))
        })
    }

    fn of<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| Refusal::unreadable(format!("{name} is no {kind}: {value}"))),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        self.of(name, "string", Value::as_str)
    }

    pub(super) fn the_text(&self, name: &'static str) -> Result<&str, Refusal> {
        Ok(self.text(name)?.ok_or(SqsError::MissingParameter(name))?)
    }

    pub(super) fn number(&self, name: &'static str) -> Result<Option<u32>, Refusal> {
        let Some(number) = self.of(name, "integer", Value::as_i64)? else { return Ok(None) };
        let why = || SqsError::InvalidParameterValue {
            name,
            value: number.to_string(),
            why: "it is out of range".to_owned(),
        };
        Ok(Some(u32::try_from(number).map_err(|_| why())?))
    }

    pub(super) fn seconds(&self, name: &'static str) -> Result<Option<Duration>, Refusal> {
        Ok(self.number(name)?.map(|seconds| Duration::from_secs(seconds.into())))
    }

    /// A list of strings; an absent one is empty.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&str>, Refusal> {
        let texts = self.of(name, "list of strings", |value| {
            value.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()
        });
        Ok(texts?.unwrap_or_default())
    }

    /// A map of strings; an absent one is empty.
    pub(super) fn map(&self, name: &str) -> Result<BTreeMap<String, String>, Refusal> {
        let entry =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        let read = |value: &Value| value.as_object()?.iter().map(entry).collect::<Option<_>>();
        Ok(self.of(name, "map of strings", read)?.unwrap_or_default())
    }

    /// The entries of a batch; an absent list is empty.
    pub(super) fn entries(&self) -> Result<Vec<Self>, Refusal> {
        let entry = |value: &Value| value.as_object().cloned().map(Self);
        let read = |value: &Value| value.as_array()?.iter().map(entry).collect::<Option<_>>();
        Ok(self.of("Entries", "list of structures", read)?.unwrap_or_default())
    }

    /// The name of the queue of `QueueUrl`.
    pub(super) fn queue(&self) -> Result<&str, Refusal> {
        let url = self.the_text("QueueUrl")?;
        let mut parts = url.rsplit('/');
        let (name, account) = (parts.next().unwrap_or_default(), parts.next());
        if account == Some(ACCOUNT) { Ok(name) } else { Err(SqsError::QueueDoesNotExist.into()) }
    }

    /// The name of the queue of an ARN.
    pub(super) fn queue_of_arn(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        let Some(arn) = self.text(name)? else { return Ok(None) };
        let why = || format!("the queue {arn} does not exist");
        let queue = name_of_arn(arn).ok_or_else(|| SqsError::ResourceNotFoundException(why()))?;
        Ok(Some(queue))
    }

    /// The message of a request or entry that sends one.
    pub(super) fn outgoing(&self) -> Result<Outgoing, Refusal> {
        for name in ["MessageSystemAttributes", "MessageDeduplicationId", "MessageGroupId"] {
            if self.0.get(name).is_some_and(|value| !value.is_null()) {
                let why = format!("{name} is not kept in this world");
                return Err(SqsError::UnsupportedOperation(why).into());
            }
        }
        Ok(Outgoing {
            body: self.the_text("MessageBody")?.to_owned(),
            attributes: self.message_attributes()?,
            delay: self.seconds("DelaySeconds")?,
        })
    }

    fn message_attributes(&self) -> Result<MessageAttributes, Refusal> {
        let given = self.of("MessageAttributes", "map", Value::as_object)?;
        let mut attributes = MessageAttributes::new();
        for (name, value) in given.into_iter().flatten() {
            let fields = value.as_object().cloned().map(Self);
            let wrong = || Refusal::unreadable(format!("the attribute {name} is no structure"));
            attributes.insert(name.clone(), fields.ok_or_else(wrong)?.message_attribute(name)?);
        }
        Ok(attributes)
    }

    fn message_attribute(&self, name: &str) -> Result<MessageAttribute, Refusal> {
        let invalid = |why: &str| SqsError::InvalidParameterValue {
            name: "MessageAttributes",
            value: name.to_owned(),
            why: why.to_owned(),
        };
        let data_type = self.text("DataType")?.ok_or_else(|| invalid("it has no DataType"))?;
        let content = match (self.text("StringValue")?, self.text("BinaryValue")?) {
            (Some(text), None) => AttributeContent::Text(text.to_owned()),
            (None, Some(encoded)) => {
                let bytes = BASE64.decode(encoded.as_bytes());
                let wrong = |_| Refusal::unreadable(format!("the value of {name} is no base64"));
                AttributeContent::Binary(bytes.map_err(wrong)?.into())
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(invalid("it has not exactly one value").into());
            }
        };
        Ok(MessageAttribute { data_type: data_type.to_owned(), content })
    }
}
