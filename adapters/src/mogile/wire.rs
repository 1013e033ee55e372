//! The trackers' line protocol, as recorded from a real one.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// The bytes of a value that are encoded: a space becomes `+`, and every other one `%XX`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b',')
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'\\')
    .remove(b':');

/// The fields of an `OK` by name. A tracker sends them in random order.
pub(super) type Fields = BTreeMap<String, String>;

/// The code and the text of an `ERR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) code: String,
    pub(super) text: String,
}

/// A tracker's answer to one request, with the request's `callid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) outcome: Result<Fields, Rejection>,
    /// The request's `callid`, if the tracker repeats it.
    pub(super) callid: Option<String>,
}

const CALLID: &str = "callid";

/// Builds the line of one request, with its line end. By its `callid` the answer is recognised.
pub(super) fn request(command: &str, arguments: &[(&str, &str)], callid: &str) -> String {
    let callid = [(CALLID, callid)];
    let all = arguments.iter().chain(&callid);
    let encoded: Vec<_> = all.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("{command} {}\r\n", encoded.join("&"))
}

/// The request that renames a file, as a person sends it to a tracker: without its line end.
#[must_use]
pub fn rename_request(domain: &str, from: &str, to: &str) -> String {
    let (domain, from, to) = (encode(domain), encode(from), encode(to));
    format!("rename domain={domain}&from_key={from}&to_key={to}")
}

/// The request for the fid of a key, as a person sends it to a tracker.
#[must_use]
pub fn info_request(domain: &str, key: &str) -> String {
    format!("file_info domain={}&key={}", encode(domain), encode(key))
}

/// The request that deletes the file of a key, as a person sends it to a tracker.
#[must_use]
pub fn delete_request(domain: &str, key: &str) -> String {
    format!("delete domain={}&key={}", encode(domain), encode(key))
}

/// Parses a reply's line, without its line end. [`None`] when it is neither `OK` nor `ERR`.
pub(super) fn parse_reply(line: &[u8]) -> Option<Reply> {
    let (status, rest) = split_at_space(line);
    match status {
        b"OK" => {
            let mut fields = fields(rest);
            let callid = fields.remove(CALLID);
            Some(Reply { outcome: Ok(fields), callid })
        }
        b"ERR" => {
            let (code, rest) = split_at_space(rest);
            let (text, callid) = split_at_space(rest);
            let rejection = Rejection { code: decode(code), text: decode(text) };
            let callid = (!callid.is_empty()).then(|| decode(callid));
            Some(Reply { outcome: Err(rejection), callid })
        }
        _ => None,
    }
}

fn fields(text: &[u8]) -> Fields {
    text.split(|&byte| byte == b'&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            // A value ends at a second `=`: trackers encode that character in values.
            let mut parts = field.splitn(3, |&byte| byte == b'=');
            let mut part = || decode(parts.next().unwrap_or_default());
            (part(), part())
        })
        .collect()
}

fn split_at_space(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == b' ') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

fn encode(value: &str) -> String {
    // A `%` in the value is encoded as `%25`, so every `%20` here was a space.
    utf8_percent_encode(value, ENCODED).to_string().replace("%20", "+")
}

/// Decodes a value. An invalid `%ZZ` stays as it is. Bytes that are not UTF-8 become the
/// replacement character, which no valid dkey contains.
fn decode(value: &[u8]) -> String {
    // Most values have nothing to decode.
    if !value.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return String::from_utf8_lossy(value).into_owned();
    }
    let spaced: Vec<u8> =
        value.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(fields: &[(&str, &str)], callid: Option<&str>) -> Reply {
        let owned = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Reply { outcome: Ok(owned.collect()), callid: callid.map(str::to_owned) }
    }

    fn err(code: &str, text: &str, callid: Option<&str>) -> Reply {
        let rejection = Rejection { code: code.to_owned(), text: text.to_owned() };
        Reply { outcome: Err(rejection), callid: callid.map(str::to_owned) }
    }

    #[test]
    fn recorded_replies() {
        let path = "http://127.0.0.1:7500/dev1/0/000/000/0000000003.fid";
        for (line, reply) in [
            ("OK ", ok(&[], None)),
            ("OK", ok(&[], None)),
            ("OK callid=x+y", ok(&[], Some("x y"))),
            ("OK fid_count=0", ok(&[("fid_count", "0")], None)),
            (
                "OK path1=http://127.0.0.1:7500/dev1/0/000/000/0000000003.fid&callid=7&paths=1",
                ok(&[("paths", "1"), ("path1", path)], Some("7")),
            ),
            (
                "OK a=b=c&d=%ZZ+%2B&e&=f&&g=",
                ok(&[("a", "b"), ("d", "%ZZ +"), ("e", ""), ("", "f"), ("g", "")], None),
            ),
            ("ERR unknown_key unknown_key", err("unknown_key", "unknown_key", None)),
            ("ERR unknown_key unknown_key 9", err("unknown_key", "unknown_key", Some("9"))),
            ("ERR no_domain No+domain+provided", err("no_domain", "No domain provided", None)),
            (
                "ERR key_exists Target+key+name+already+exists%3B+can%27t+overwrite.",
                err("key_exists", "Target key name already exists; can't overwrite.", None),
            ),
            ("ERR failure", err("failure", "", None)),
        ] {
            assert_eq!(parse_reply(line.as_bytes()), Some(reply), "{line}");
        }
        for garbage in ["", "ok x=1", "HTTP/1.1 400 Bad Request", "OKAY", "ERRunknown_key", "."] {
            assert_eq!(parse_reply(garbage.as_bytes()), None, "{garbage}");
        }
    }

    #[test]
    fn a_recorded_request() {
        let arguments = [("domain", "plos_repo"), ("key", "4cb6 =&%-repo"), ("noverify", "1")];
        assert_eq!(
            request("get_paths", &arguments, "7"),
            "get_paths domain=plos_repo&key=4cb6+%3D%26%25-repo&noverify=1&callid=7\r\n"
        );
        assert_eq!(request("noop", &[], "8"), "noop callid=8\r\n");
        assert_eq!(rename_request("d", "a b", "c&"), "rename domain=d&from_key=a+b&to_key=c%26");
        assert_eq!(info_request("d", "a b"), "file_info domain=d&key=a+b");
    }

    proptest! {
        #[test]
        fn every_value_comes_back_in_any_order(
            fields in prop::collection::btree_map("[a-z0-9_]{1,5}", any::<String>(), 0..8),
            rotate in 0usize..8,
        ) {
            let mut encoded: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
            if !encoded.is_empty() {
                let by = rotate % encoded.len();
                encoded.rotate_left(by);
            }
            let line = format!("OK {}", encoded.join("&"));
            prop_assert!(!line.contains(['\r', '\n']));
            let reply = Reply { outcome: Ok(fields), callid: None };
            prop_assert_eq!(parse_reply(line.as_bytes()), Some(reply));
        }

        #[test]
        fn garbage_is_parsed_or_refused(line in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = parse_reply(&line);
        }
    }
}
