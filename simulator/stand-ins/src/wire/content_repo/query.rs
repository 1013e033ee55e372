//! The fields of a query, form-urlencoded.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The fields. Of two with one name the first counts.
pub(in crate::wire) fn fields(query: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        fields.entry(decoded(name)).or_insert_with(|| decoded(value));
    }
    fields
}

/// A part of a path, in which `+` is itself.
pub(in crate::wire) fn decoded_path(text: &str) -> String {
    String::from_utf8_lossy(&unescaped(text.as_bytes())).into_owned()
}

/// A text as `java.net.URLEncoder` writes it.
pub(in crate::wire) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                out.push(byte.into());
            }
            b' ' => out.push('+'),
            _ => {
                // Writing to a String never fails.
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out
    })
}

fn decoded(text: &str) -> String {
    let spaced: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    String::from_utf8_lossy(&unescaped(&spaced)).into_owned()
}

fn unescaped(mut rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%');
        let byte = hex.and_then(|hex| data_encoding::HEXLOWER_PERMISSIVE.decode(hex).ok());
        bytes.push(byte.as_ref().map_or(*first, |byte| byte[0]));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_forms_write_them() {
        let fields = fields("key=10.1371%2Fjournal+a%2B&uuid=&key=second&flag");
        let texts: Vec<_> = fields.iter().map(|(name, text)| (&**name, &**text)).collect();
        assert_eq!(texts, [("flag", ""), ("key", "10.1371/journal a+"), ("uuid", "")]);
        assert_eq!(decoded_path("a%20b+c"), "a b+c");
        assert_eq!(encoded("a b/ä.png"), "a+b%2F%C3%A4.png");
    }
}
