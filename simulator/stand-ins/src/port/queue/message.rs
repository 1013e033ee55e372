//! Jobs as messages, as s3migrate wrote them: the world's own reading of its format, which shares
//! no line with the one that is rehearsed.

use domain::{
    BadMessage, ByteCount, ContentType, DownloadName, Fid, Hints, Job, MessageContent, S3Bucket,
    TypeAndName,
};
use serde_json::Value;

use crate::world::queue::{AttributeContent, Message, MessageAttribute, MessageAttributes};

/// Its three fields, in its order.
pub(super) fn body_of(job: &Job) -> String {
    let dkey = Value::from(job.dkey.as_str()).to_string();
    let mut ascii = String::new();
    for c in dkey.chars() {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            ascii.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    format!("{{\"length\": {}, \"fid\": {}, \"dkey\": {ascii}}}", job.length.0, job.fid)
}

/// What is asked for, and what is known beside.
pub(super) fn attributes_of(job: &Job) -> MessageAttributes {
    let mut attributes = MessageAttributes::new();
    let mut add = |name: &str, value: &str| {
        attributes.insert(name.to_owned(), MessageAttribute::text(value));
    };
    add("action", job.action.name());
    if let Some(route) = job.hints.route {
        add("route", route.name());
    }
    if job.hints.failed_before {
        add("failed_before", "true");
    }
    if job.hints.look_first {
        add("look_first", "true");
    }
    for (name, text) in [("run", &job.hints.run), ("domain", &job.hints.domain)] {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            add(name, text);
        }
    }
    if let Some(bucket) = &job.hints.bucket {
        attributes.insert("bucket".to_owned(), MessageAttribute::text(bucket.as_str()));
    }
    let TypeAndName { content_type, download_name } = &job.hints.type_and_name;
    if let Some(of) = content_type {
        attributes.insert("content_type".to_owned(), MessageAttribute::text(of.as_str()));
    }
    if let Some(name) = download_name {
        attributes.insert("download_name".to_owned(), MessageAttribute::text(name.as_str()));
    }
    attributes
}

/// The fid of a message, if it has one.
pub(super) fn fid_of(message: &Message) -> Option<Fid> {
    fid_of_body(&message.body)
}

/// The fid of what a message says, if it has one.
pub(super) fn fid_of_content(content: &MessageContent) -> Option<Fid> {
    fid_of_body(&content.body)
}

fn fid_of_body(body: &str) -> Option<Fid> {
    let body: Value = serde_json::from_str(body).ok()?;
    body.get("fid")?.as_u64().map(Fid)
}

/// What a message says, as the port has it.
pub(super) fn content_of(message: &Message) -> MessageContent {
    let attribute = |attribute: &MessageAttribute| domain::MessageAttribute {
        data_type: attribute.data_type.clone(),
        value: match &attribute.content {
            AttributeContent::Text(text) => domain::AttributeContent::Text(text.clone()),
            AttributeContent::Binary(bytes) => domain::AttributeContent::Binary(bytes.to_vec()),
        },
    };
    let attributes = message.attributes.iter().map(|(name, one)| (name.clone(), attribute(one)));
    MessageContent { body: message.body.clone(), attributes: attributes.collect() }
}

/// Body and attributes as the world has them.
pub(super) fn as_it_is(content: &MessageContent) -> (String, MessageAttributes) {
    let attribute = |attribute: &domain::MessageAttribute| MessageAttribute {
        data_type: attribute.data_type.clone(),
        content: match &attribute.value {
            domain::AttributeContent::Text(text) => AttributeContent::Text(text.clone()),
            domain::AttributeContent::Binary(bytes) => {
                AttributeContent::Binary(bytes.clone().into())
            }
        },
    };
    let attributes = content.attributes.iter().map(|(name, one)| (name.clone(), attribute(one)));
    (content.body.clone(), attributes.collect())
}

/// The job of a message, or what is wrong with it.
pub(super) fn job_of(message: &Message) -> Result<Job, BadMessage> {
    let attribute = |name: &str| message.attributes.get(name).and_then(MessageAttribute::as_text);
    let body: Option<Value> = serde_json::from_str(&message.body).ok();
    let field = |name: &str| body.as_ref().and_then(|body| body.get(name));
    let (fid, length) = (fid_of(message), field("length").and_then(Value::as_u64));
    let dkey = field("dkey").and_then(Value::as_str).map(str::to_owned);
    let bad = |why: &str| BadMessage { fid, dkey: dkey.clone(), why: why.to_owned() };
    if !body.as_ref().is_some_and(Value::is_object) {
        return Err(bad("its body cannot be read"));
    }
    let action = attribute("action").ok_or_else(|| bad("it has no attribute `action`"))?;
    let run = attribute("run").filter(|run| !run.is_empty());
    if run.is_some_and(|run| run.len() > LONGEST_RUN) {
        return Err(bad("its `run` is too long"));
    }
    Ok(Job {
        action: action.parse().map_err(|_| bad("its action is none of ours"))?,
        fid: fid.ok_or_else(|| bad("its body has no `fid`"))?,
        length: ByteCount(length.ok_or_else(|| bad("its body has no `length`"))?),
        hints: Hints {
            route: attribute("route").and_then(|route| route.parse().ok()),
            failed_before: attribute("failed_before") == Some("true"),
            look_first: attribute("look_first") == Some("true"),
            run: run.map(str::to_owned),
            domain: attribute("domain").filter(|text| !text.is_empty()).map(str::to_owned),
            bucket: attribute("bucket").and_then(S3Bucket::new),
            type_and_name: TypeAndName {
                content_type: attribute("content_type").and_then(ContentType::parse),
                download_name: attribute("download_name").and_then(DownloadName::parse),
            },
        },
        dkey: dkey.clone().ok_or_else(|| bad("its body has no `dkey`"))?,
    })
}

/// The longest name of a run, in bytes: it is a key in the verifications table.
const LONGEST_RUN: usize = 256;
