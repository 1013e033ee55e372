//! The trackers' line protocol, as recorded from a real one.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

/// What stands as it is in a value; a space becomes `+`, all else `%XX`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b',')
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'\\')
    .remove(b':');

/// A tracker's answer to one request. The order of its fields is random.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// `OK`, with its fields.
    Ok(BTreeMap<String, String>),
    /// `ERR`, with code and text.
    Err { code: String, text: String },
}

/// One request, with its line end.
pub(super) fn request(command: &str, arguments: &[(&str, &str)]) -> String {
    let arguments: Vec<_> =
        arguments.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("{command} {}\r\n", arguments.join("&"))
}

/// Parses a reply's line, without its line end. [`None`] when it is neither `OK` nor `ERR`.
pub(super) fn parse_reply(line: &[u8]) -> Option<Reply> {
    let (status, rest) = split_at_space(line);
    match status {
        b"OK" => Some(Reply::Ok(fields(rest))),
        b"ERR" => {
            let (code, text) = split_at_space(rest);
            Some(Reply::Err { code: decode(code), text: decode(text) })
        }
        _ => None,
    }
}

fn fields(text: &[u8]) -> BTreeMap<String, String> {
    text.split(|&byte| byte == b'&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            // A value is cut at a second `=`: real ones are encoded.
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
    // A `%` of the value is itself encoded, so every `%20` that is there now was a space.
    utf8_percent_encode(value, ENCODED).to_string().replace("%20", "+")
}

/// An invalid `%ZZ` stays as it is; bytes that are not UTF-8 become the replacement character,
/// which no key of ours has.
fn decode(value: &[u8]) -> String {
    let spaced: Vec<u8> =
        value.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(fields: &[(&str, &str)]) -> Option<Reply> {
        let owned = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Some(Reply::Ok(owned.collect()))
    }

    #[test]
    fn recorded_replies() {
        assert_eq!(parse_reply(b"OK "), ok(&[]));
        assert_eq!(parse_reply(b"OK fid_count=0"), ok(&[("fid_count", "0")]));
        assert_eq!(
            parse_reply(b"OK path1=http://127.0.0.1:7500/dev1/0/000/000/0000000003.fid&paths=1"),
            ok(
                &[("paths", "1"), ("path1", "http://127.0.0.1:7500/dev1/0/000/000/0000000003.fid"),]
            )
        );
        assert_eq!(parse_reply(b"OK a=b=c&d=%ZZ+%2B&e&=f&&g="), {
            ok(&[("a", "b"), ("d", "%ZZ +"), ("e", ""), ("", "f"), ("g", "")])
        });
        for (line, code, text) in [
            ("ERR unknown_key unknown_key", "unknown_key", "unknown_key"),
            ("ERR no_domain No+domain+provided", "no_domain", "No domain provided"),
            (
                "ERR key_exists Target+key+name+already+exists%3B+can%27t+overwrite.",
                "key_exists",
                "Target key name already exists; can't overwrite.",
            ),
            ("ERR failure Operation+failed", "failure", "Operation failed"),
            ("ERR failure", "failure", ""),
        ] {
            let (code, text) = (code.to_owned(), text.to_owned());
            assert_eq!(parse_reply(line.as_bytes()), Some(Reply::Err { code, text }), "{line}");
        }
        for garbage in ["", "ok x=1", "HTTP/1.1 400 Bad Request", "OKAY", "ERRunknown_key"] {
            assert_eq!(parse_reply(garbage.as_bytes()), None, "{garbage}");
        }
    }

    #[test]
    fn a_recorded_request() {
        let key = "4cb6 =&%-repo";
        assert_eq!(
            request("get_paths", &[("domain", "plos_repo"), ("key", key), ("noverify", "1")]),
            "get_paths domain=plos_repo&key=4cb6+%3D%26%25-repo&noverify=1\r\n"
        );
    }

    proptest! {
        #[test]
        fn every_value_comes_back_in_any_order(
            fields in prop::collection::btree_map("[a-z0-9_]{1,8}", any::<String>(), 0..8),
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
            prop_assert_eq!(parse_reply(line.as_bytes()), Some(Reply::Ok(fields)));
        }

        #[test]
        fn garbage_is_parsed_or_refused(line in prop::collection::vec(any::<u8>(), 0..256)) {
            let _ = parse_reply(&line);
        }
    }
}
