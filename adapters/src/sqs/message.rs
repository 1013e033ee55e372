//! Jobs as messages, which s3migrate reads and writes too.
//!
//! The body is JSON with exactly its three fields, `length`, `fid` and `dkey`: its reader fails on
//! a fourth. What is asked for is the message's attribute `action`; [`Hints`] travel as attributes
//! beside it. Both ways in, a received message and a record of a Lambda event, are read here.

use std::fmt::Write;

use domain::limits::LONGEST_RUN_BYTES;
use domain::{BadMessage, ByteCount, Fid, Hints, Job};
use serde_json::{Map, Value};

/// The attribute that tells what is asked for.
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

/// Characters of somebody else's text that an error quotes.
const QUOTED: usize = 80;

/// A job's body, to the byte what Python's `json.dumps` made of s3migrate's.
#[must_use]
pub fn body_of(job: &Job) -> String {
    let dkey = in_ascii(&Value::from(job.dkey.as_str()).to_string());
    format!(r#"{{"length": {}, "fid": {}, "dkey": {dkey}}}"#, job.length, job.fid)
}

/// A job's attributes, each a `String`; none is empty, which SQS would refuse.
#[must_use]
pub fn attributes_of(job: &Job) -> Vec<(&'static str, String)> {
    let Hints { route, failed_before, look_first, run, domain } = &job.hints;
    let mut attributes = vec![(ACTION, job.action.name().to_owned())];
    attributes.extend(route.map(|route| (ROUTE, route.name().to_owned())));
    attributes.extend(failed_before.then(|| (FAILED_BEFORE, true.to_string())));
    attributes.extend(look_first.then(|| (LOOK_FIRST, true.to_string())));
    for (name, text) in [(RUN, run), (DOMAIN, domain)] {
        let text = text.as_ref().filter(|text| !text.is_empty());
        attributes.extend(text.map(|text| (name, text.clone())));
    }
    attributes
}

/// The job of a message, whose attributes `attribute` gives by name, or what is wrong with it.
///
/// Fields and attributes that are not ours do not matter, nor do hints that we do not understand.
/// Everything that makes the job what it is must be there: an action that is none of ours is no
/// migrate.
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

/// The beginning of a text, fit for one line of a log.
fn quoted(text: &str) -> String {
    let beginning: String = text.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(QUOTED).is_some() { format!("{beginning}…") } else { beginning }
}

/// JSON with every other character escaped, as Python has it: some of them SQS does not take.
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
