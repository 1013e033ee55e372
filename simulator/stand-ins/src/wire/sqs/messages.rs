//! The operations on single messages, and what is told of them.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::SqsBackend;
use super::refusal::Refusal;
use super::request::Fields;
use crate::world::queue::{
    ACCOUNT, AttributeContent, Message, MessageAttribute, MessageAttributes, ReceiveRequest,
    Received, Sent, SqsError, arn_of, attributes_md5,
};

impl SqsBackend {
    pub(super) fn send_message(&self, fields: &Fields) -> Result<Value, Refusal> {
        let sent = self.world.send(fields.queue()?, fields.outgoing()?)?;
        Ok(Value::Object(told_of(sent)))
    }

    pub(super) async fn receive_message(&self, fields: &Fields) -> Result<Value, Refusal> {
        let request = ReceiveRequest {
            most: fields.number("MaxNumberOfMessages")?.unwrap_or(1) as usize,
            visibility: fields.seconds("VisibilityTimeout")?,
            wait: fields.seconds("WaitTimeSeconds")?,
        };
        let wanted = Wanted {
            system: [fields.texts("AttributeNames")?, fields.texts("MessageSystemAttributeNames")?]
                .concat(),
            senders: fields.texts("MessageAttributeNames")?,
        };
        let queue = fields.queue()?;
        let received = self.world.poll(queue, &request, tokio::time::sleep).await?;
        if received.is_empty() {
            return Ok(json!({}));
        }
        let messages: Vec<_> = received.into_iter().map(|one| wanted.of(one)).collect();
        Ok(json!({ "Messages": messages }))
    }

    pub(super) fn delete_message(&self, fields: &Fields) -> Result<Value, Refusal> {
        self.world.delete(fields.queue()?, fields.the_text("ReceiptHandle")?)?;
        Ok(json!({}))
    }

    pub(super) fn change_visibility(&self, fields: &Fields) -> Result<Value, Refusal> {
        let time = fields.seconds("VisibilityTimeout")?;
        let time = time.ok_or(SqsError::MissingParameter("VisibilityTimeout"))?;
        let receipt = fields.the_text("ReceiptHandle")?;
        self.world.change_visibility(fields.queue()?, receipt, time)?;
        Ok(json!({}))
    }
}

/// What the sender of a message is told of it.
pub(super) fn told_of(sent: Sent) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("MessageId".to_owned(), sent.id.into());
    told.insert("MD5OfMessageBody".to_owned(), sent.body_md5.into());
    if let Some(md5) = sent.attributes_md5 {
        told.insert("MD5OfMessageAttributes".to_owned(), md5.into());
    }
    told
}

/// The attributes that a receiver asked for.
struct Wanted<'a> {
    system: Vec<&'a str>,
    senders: Vec<&'a str>,
}

impl Wanted<'_> {
    /// A delivery as the receiver gets it. Attributes that were not asked for are not there.
    fn of(&self, received: Received) -> Value {
        let message = received.message;
        let mut told = json!({
            "MessageId": message.id,
            "ReceiptHandle": received.receipt,
            "MD5OfBody": message.body_md5(),
            "Body": message.body,
        });
        let system = self.system_attributes(&message);
        if !system.is_empty() {
            told["Attributes"] = json!(system);
        }
        let attributes: MessageAttributes =
            message.attributes.into_iter().filter(|(name, _)| self.wants(name)).collect();
        if let Some(md5) = attributes_md5(&attributes) {
            let attributes = attributes.iter().map(|(name, value)| (name.clone(), shape_of(value)));
            told["MessageAttributes"] = Value::Object(attributes.collect());
            told["MD5OfMessageAttributes"] = md5.into();
        }
        told
    }

    fn system_attributes(&self, message: &Message) -> BTreeMap<&'static str, String> {
        let first = message.first_received_millis().unwrap_or_default();
        let mut all = BTreeMap::from([
            ("SenderId", ACCOUNT.to_owned()),
            ("SentTimestamp", message.sent_millis().to_string()),
            ("ApproximateReceiveCount", message.receive_count.to_string()),
            ("ApproximateFirstReceiveTimestamp", first.to_string()),
        ]);
        let source = message.dead_letter_of.as_deref();
        all.extend(source.map(|queue| ("DeadLetterQueueSourceArn", arn_of(queue))));
        all.retain(|name, _| self.system.iter().any(|asked| *asked == "All" || asked == name));
        all
    }

    /// By name, by the beginning of a name and `.*`, or all.
    fn wants(&self, name: &str) -> bool {
        self.senders.iter().any(|asked| match asked.strip_suffix(".*") {
            Some(prefix) => name.starts_with(prefix),
            None => *asked == "All" || *asked == name,
        })
    }
}

fn shape_of(attribute: &MessageAttribute) -> Value {
    match &attribute.content {
        AttributeContent::Text(text) => {
            json!({ "DataType": attribute.data_type, "StringValue": text })
        }
        AttributeContent::Binary(bytes) => {
            json!({ "DataType": attribute.data_type, "BinaryValue": BASE64.encode(bytes) })
        }
    }
}
