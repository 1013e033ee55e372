//! The format of jobs as messages. s3migrate reads and writes the same format.
//!
//! The body is JSON with exactly the three fields `length`, `fid` and `dkey`: s3migrate's reader
//! fails on a fourth. The message's attribute `action` names the work, and [`Hints`] are attributes
//! beside it. Received messages and records of Lambda events are both read here.

use std::fmt::Write;

use domain::limits::LONGEST_RUN_BYTES;
use domain::{
    BadMessage, ByteCount, ContentType, DownloadName, Fid, Hints, Job, S3Bucket, TypeAndName,
};
use serde_json::{Map, Value};

/// The attribute with the action: `migrate` or `verify`.
pub const ACTION: &str = "action";

/// The attribute of [`Hints::route`].
pub const ROUTE: &str = "route";

/// The attribute of [`Hints::failed_before`]: `true`, or absent.
pub const FAILED_BEFORE: &str = "failed_before";

/// The attribute of [`Hints::look_first`]: `true`, or absent.
pub const LOOK_FIRST: &str = "look_first";

/// The attribute of [`Hints::run`].
pub const RUN: &str = "run";

/// The attribute of [`Hints::domain`].
pub const DOMAIN: &str = "domain";

/// The attribute of [`Hints::bucket`].
pub const BUCKET: &str = "bucket";

/// The attribute of the content type in [`Hints::type_and_name`].
pub const CONTENT_TYPE: &str = "content_type";

/// The attribute of the download name there.
pub const DOWNLOAD_NAME: &str = "download_name";

/// The most characters of a foreign text that an error quotes.
const QUOTED: usize = 80;

/// Returns a job's body, byte for byte as Python's `json.dumps` wrote it for s3migrate.
#[must_use]
pub fn body_of(job: &Job) -> String {
    let dkey = in_ascii(&Value::from(job.dkey.as_str()).to_string());
    format!(r#"{{"length": {}, "fid": {}, "dkey": {dkey}}}"#, job.length, job.fid)
}

/// Returns a job's attributes, each of type `String`. None has an empty value, since SQS refuses
/// that.
#[must_use]
pub fn attributes_of(job: &Job) -> Vec<(&'static str, String)> {
    let Hints { route, failed_before, look_first, run, domain, bucket, type_and_name } = &job.hints;
    let mut attributes = vec![(ACTION, job.action.name().to_owned())];
    attributes.extend(route.map(|route| (ROUTE, route.name().to_owned())));
    attributes.extend(failed_before.then(|| (FAILED_BEFORE, true.to_string())));
    attributes.extend(look_first.then(|| (LOOK_FIRST, true.to_string())));
    for (name, text) in [(RUN, run), (DOMAIN, domain)] {
        let text = text.as_ref().filter(|text| !text.is_empty());
        attributes.extend(text.map(|text| (name, text.clone())));
    }
    attributes.extend(bucket.as_ref().map(|bucket| (BUCKET, bucket.to_string())));
    let TypeAndName { content_type, download_name } = type_and_name;
    attributes.extend(content_type.iter().map(|of| (CONTENT_TYPE, of.as_str().to_owned())));
    attributes.extend(download_name.iter().map(|of| (DOWNLOAD_NAME, of.as_str().to_owned())));
    attributes
}

/// Reads the job of a message. `attribute` returns the message's attribute of a name. The error
/// says what is wrong with the message.
///
/// Unknown fields, unknown attributes and hints with unknown values are ignored. `action`, `fid`,
/// `dkey` and `length` must be there, and an unknown action is an error. A `run` that is too long
/// is an error, too.
pub fn job_of<'a>(
    body: &str,
    attribute: impl Fn(&str) -> Option<&'a str>,
) -> Result<Job, BadMessage> {
    let nothing = |why| BadMessage { fid: None, dkey: None, why };
    let fields = fields_of(body).map_err(nothing)?;
    let (fid, dkey) = (number(&fields, "fid"), text(&fields, "dkey"));
    let bad = |why| BadMessage {
        fid: fid.as_ref().ok().copied().map(Fid),
        dkey: dkey.as_ref().ok().cloned(),
        why,
    };
    let action = attribute(ACTION).ok_or_else(|| bad(format!("it has no attribute `{ACTION}`")))?;
    let unknown = |_| bad(format!("its action `{}` is none of ours", quoted(action)));
    let action = action.parse().map_err(unknown)?;
    let length = number(&fields, "length").map_err(bad)?;
    let run = attribute(RUN).filter(|run| !run.is_empty());
    if let Some(run) = run.filter(|run| run.len() > LONGEST_RUN_BYTES) {
        let bytes = run.len();
        return Err(bad(format!(
            "its `{RUN}` has {bytes} bytes, {LONGEST_RUN_BYTES} at most can be"
        )));
    }
    let hints = Hints {
        route: attribute(ROUTE).and_then(|name| name.parse().ok()),
        failed_before: attribute(FAILED_BEFORE) == Some("true"),
        look_first: attribute(LOOK_FIRST) == Some("true"),
        run: run.map(str::to_owned),
        domain: attribute(DOMAIN).filter(|domain| !domain.is_empty()).map(str::to_owned),
        bucket: attribute(BUCKET).and_then(S3Bucket::new),
        type_and_name: TypeAndName {
            content_type: attribute(CONTENT_TYPE).and_then(ContentType::parse),
            download_name: attribute(DOWNLOAD_NAME).and_then(DownloadName::parse),
        },
    };
    let fid = Fid(*fid.as_ref().map_err(|why| bad(why.clone()))?);
    let dkey = dkey.clone().map_err(bad)?;
    Ok(Job { action, fid, dkey, length: ByteCount(length), hints })
}

fn fields_of(body: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(format!("its body `{}` is no JSON object", quoted(body))),
        Err(error) => Err(format!("its body `{}` is not JSON: {error}", quoted(body))),
    }
}

fn number(fields: &Map<String, Value>, name: &str) -> Result<u64, String> {
    let value = fields.get(name).ok_or_else(|| format!("its body has no `{name}`"))?;
    value.as_u64().ok_or_else(|| {
        let value = value.to_string();
        format!("its `{name}` is `{}`, which is no whole number of 64 bits", quoted(&value))
    })
}

fn text(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    let value = fields.get(name).ok_or_else(|| format!("its body has no `{name}`"))?;
    value.as_str().map(str::to_owned).ok_or_else(|| {
        let value = value.to_string();
        format!("its `{name}` is `{}`, which is no text", quoted(&value))
    })
}

/// Returns the beginning of a text, escaped so that it fits on one line of a log.
fn quoted(text: &str) -> String {
    let beginning: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED).is_some() { format!("{beginning}…") } else { beginning }
}

/// Escapes every character of JSON outside ASCII, as Python does. SQS refuses some of these
/// characters.
fn in_ascii(json: &str) -> String {
    let mut ascii = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            write!(ascii, "\\u{unit:04x}").expect("strings take everything");
        }
    }
    ascii
}

#[cfg(test)]
mod tests;
