//! The fields of a body of the type `multipart/form-data` (RFC 7578).

use std::collections::BTreeMap;

use bytes::Bytes;

/// The fields by their names; [`None`] of a body that is none, or that does not end as it must.
pub(super) fn fields(content_type: &str, body: &Bytes) -> Option<BTreeMap<String, Bytes>> {
    let kind = content_type.split(';').next()?.trim();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(content_type, "boundary")?;
    let delimiter = format!("--{boundary}");
    let mut rest = body.slice(find(body, delimiter.as_bytes())? + delimiter.len()..);
    let separator = format!("\r\n{delimiter}");
    let mut fields = BTreeMap::new();
    loop {
        if rest.starts_with(b"--") {
            return Some(fields);
        }
        let part = rest.strip_prefix(b"\r\n")?;
        let part = rest.slice_ref(part);
        let end = find(&part, separator.as_bytes())?;
        let (name, value) = field(&part.slice(..end))?;
        fields.entry(name).or_insert(value);
        rest = part.slice(end + separator.len()..);
    }
}

/// A part: its head, an empty line, its value.
fn field(part: &Bytes) -> Option<(String, Bytes)> {
    let blank = find(part, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&part[..blank]).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some((parameter(disposition, "name")?, part.slice(blank + 4..)))
}

/// A parameter of a header, without its quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        let is_it = key.trim().eq_ignore_ascii_case(name);
        is_it.then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"x\"";

    fn read(body: &'static str) -> Option<Vec<(String, Bytes)>> {
        fields(TYPE, &Bytes::from_static(body.as_bytes())).map(|it| it.into_iter().collect())
    }

    #[test]
    fn fields_have_their_bytes() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\na/b\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\n--y\r\n\r\n\r\n--x--\r\n";
        let expected = vec![
            ("file".to_owned(), Bytes::from_static(b"--y\r\n\r\n")),
            ("key".to_owned(), Bytes::from_static(b"a/b")),
        ];
        assert_eq!(read(body), Some(expected));
        assert_eq!(read("--x--\r\n"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in [
            "",
            "--x",
            "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nvalue",
            "--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--",
            "--x\r\nno head\r\n--x--",
        ] {
            assert_eq!(read(body), None, "{body:?}");
        }
        for content_type in ["application/json", "multipart/form-data", "text/plain; boundary=x"] {
            assert_eq!(fields(content_type, &Bytes::from_static(b"--x--")), None);
        }
    }
}
