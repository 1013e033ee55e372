//! What the function can be sent: a batch of a queue's messages, a question to its doctor, or the
//! question what it is.

use std::fmt;

use adapters::sqs::message::job_of;
use aws_lambda_events::sqs::SqsMessage;
use domain::{
    AttributeContent, BadMessage, Delivery, MessageAttribute, MessageContent, Receipt, Timestamp,
};
use serde_json::Value;

/// An event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The messages of a queue, none perhaps.
    Batch(Vec<Delivery>),
    /// `{"doctor": true}`, sent by hand.
    Doctor,
    /// `{"report": true}`, sent by `mogile2s3`: its version, formats, domain and buckets.
    Report,
}

/// An event that the function does nothing about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UnknownEvent {
    /// What it is instead.
    NotFromSqs(String),
    /// The record at this place could not be given back to the queue alone, so all of them are.
    NoMessageId(usize),
}

impl fmt::Display for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFromSqs(what) => write!(
                f,
                "nothing was done: this function accepts events of SQS, {{\"doctor\": true}} and \
                 {{\"report\": true}}, and this event is {what}"
            ),
            Self::NoMessageId(at) => write!(
                f,
                "nothing was done: record {at} of the event has no messageId, so that it could not \
                 go back to the queue alone"
            ),
        }
    }
}

impl Event {
    /// Reads an event. One record that makes no sense is a delivery that makes none, so that it
    /// fails alone.
    pub(super) fn read(event: Value) -> Result<Self, UnknownEvent> {
        let Value::Object(mut fields) = event else {
            return Err(UnknownEvent::NotFromSqs(kind(&event).to_owned()));
        };
        let asks = |name: &str| fields.get(name) == Some(&Value::Bool(true));
        if asks("doctor") {
            return Ok(Self::Doctor);
        }
        if asks("report") {
            return Ok(Self::Report);
        }
        match fields.remove("Records") {
            Some(Value::Array(records)) => {
                let records = records.into_iter().enumerate();
                records.map(|(at, record)| delivery(at, record)).collect::<Result<_, _>>()
            }
            Some(other) => Err(UnknownEvent::NotFromSqs(format!("`Records` of {}", kind(&other)))),
            None if fields.is_empty() => Ok(Vec::new()),
            None => {
                let names: Vec<_> = fields.keys().take(NAMED).map(String::as_str).collect();
                Err(UnknownEvent::NotFromSqs(format!("an object with `{}`", names.join("`, `"))))
            }
        }
        .map(Self::Batch)
    }
}

/// Fields of an unknown event that its error names.
const NAMED: usize = 8;

fn delivery(at: usize, record: Value) -> Result<Delivery, UnknownEvent> {
    // Some services write the field's name with a capital.
    let source = record.get("eventSource").or_else(|| record.get("EventSource"));
    match source.map(|source| source.as_str().unwrap_or_else(|| kind(source))) {
        // An event that was made by hand may lack it.
        Some("aws:sqs") | None => {}
        Some(other) => return Err(UnknownEvent::NotFromSqs(format!("a record of `{other}`"))),
    }
    let message = record["messageId"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let message = message.ok_or(UnknownEvent::NoMessageId(at))?;
    let record: SqsMessage = match serde_json::from_value(record) {
        Ok(record) => record,
        Err(error) => {
            let why = format!("its record cannot be read: {error}");
            let job = Err(BadMessage { fid: None, dkey: None, why });
            let (receipt, content) = (Receipt(String::new()), MessageContent::default());
            return Ok(Delivery { message, content, job, receipt, attempt: 1, sent_at: None });
        }
    };
    let number = |name: &str| record.attributes.get(name)?.parse::<u64>().ok();
    let attribute = |name: &str| record.message_attributes.get(name)?.string_value.as_deref();
    let job = match record.body.as_deref() {
        Some(body) => job_of(body, attribute),
        None => Err(BadMessage { fid: None, dkey: None, why: "it has no body".to_owned() }),
    };
    let content = content(&record);
    Ok(Delivery {
        message,
        content,
        job,
        attempt: number("ApproximateReceiveCount").and_then(|n| u32::try_from(n).ok()).unwrap_or(1),
        sent_at: number("SentTimestamp").map(Timestamp),
        receipt: Receipt(record.receipt_handle.unwrap_or_default()),
    })
}

/// What a message says, to be sent to another queue as it is.
fn content(record: &SqsMessage) -> MessageContent {
    let attributes = record.message_attributes.iter().filter_map(|(name, one)| {
        let value = match (&one.string_value, &one.binary_value) {
            (Some(text), _) => AttributeContent::Text(text.clone()),
            (None, Some(bytes)) => AttributeContent::Binary(bytes.0.clone()),
            (None, None) => return None,
        };
        let data_type = one.data_type.clone().unwrap_or_else(|| "String".to_owned());
        Some((name.clone(), MessageAttribute { data_type, value }))
    });
    let body = record.body.clone().unwrap_or_default();
    MessageContent { body, attributes: attributes.collect() }
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
