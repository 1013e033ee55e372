//! Pages of a bucket's keys, as `ListObjectsV2` gives them.

use std::collections::BTreeMap;
use std::ops::Bound;

use data_encoding::BASE64URL_NOPAD;

use super::{Object, StoreError};

/// S3 gives no more than this many keys a page, whatever is asked for.
pub const MAX_KEYS: usize = 1000;

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only keys that start so.
    pub prefix: String,
    /// Only keys after this one; a continuation token overrides it.
    pub start_after: Option<String>,
    /// Goes on where an earlier page ended.
    pub continuation_token: Option<String>,
    /// Keys that are equal up to its first occurrence after the prefix are one common prefix.
    pub delimiter: Option<String>,
    /// The page's size; [`MAX_KEYS`] without, and at most.
    pub max_keys: Option<usize>,
}

/// One page, in the order of the keys' bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// Keys and their objects.
    pub objects: Vec<(String, Object)>,
    /// What the delimiter rolled up; each counts as one key.
    pub common_prefixes: Vec<String>,
    /// Where the next page begins; none on the last.
    pub next_token: Option<String>,
}

/// Where a page ended.
enum Cursor {
    Key(String),
    CommonPrefix(String),
}

impl Cursor {
    /// Clients may only hand a token back, so it is not to be mistaken for a key.
    fn token(&self) -> String {
        let (kind, text) = match self {
            Self::Key(text) => ('k', text),
            Self::CommonPrefix(text) => ('p', text),
        };
        BASE64URL_NOPAD.encode(format!("{kind}{text}").as_bytes())
    }

    fn parse(token: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64URL_NOPAD.decode(token.as_bytes()).ok()?).ok()?;
        match text.split_at_checked(1)? {
            ("k", key) => Some(Self::Key(key.to_owned())),
            ("p", prefix) => Some(Self::CommonPrefix(prefix.to_owned())),
            _ => None,
        }
    }

    /// Whether a key comes after it.
    fn precedes(&self, key: &str) -> bool {
        match self {
            Self::Key(last) => last.as_str() < key,
            Self::CommonPrefix(last) => last.as_str() < key && !key.starts_with(last.as_str()),
        }
    }
}

pub(super) fn page(
    objects: &BTreeMap<String, Object>,
    request: &ListRequest,
) -> Result<ListPage, StoreError> {
    let mut cursor = match &request.continuation_token {
        Some(token) => Some(Cursor::parse(token).ok_or(StoreError::InvalidToken)?),
        None => request.start_after.clone().map(Cursor::Key),
    };
    let limit = request.max_keys.unwrap_or(MAX_KEYS).min(MAX_KEYS);
    let mut page = ListPage::default();
    if limit == 0 {
        return Ok(page);
    }
    let start = match &cursor {
        Some(Cursor::Key(last) | Cursor::CommonPrefix(last)) => last.max(&request.prefix),
        None => &request.prefix,
    };
    let range = objects.range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded));
    for (key, object) in range.take_while(|(key, _)| key.starts_with(&request.prefix)) {
        if cursor.as_ref().is_some_and(|cursor| !cursor.precedes(key)) {
            continue;
        }
        if page.objects.len() + page.common_prefixes.len() == limit {
            page.next_token = cursor.as_ref().map(Cursor::token);
            break;
        }
        cursor = Some(if let Some(common) = common_prefix(key, request) {
            page.common_prefixes.push(common.to_owned());
            Cursor::CommonPrefix(common.to_owned())
        } else {
            page.objects.push((key.clone(), object.clone()));
            Cursor::Key(key.clone())
        });
    }
    Ok(page)
}

fn common_prefix<'key>(key: &'key str, request: &ListRequest) -> Option<&'key str> {
    let delimiter = request.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
    let at = key[request.prefix.len()..].find(delimiter)?;
    Some(&key[..request.prefix.len() + at + delimiter.len()])
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::{Attributes, Content};
    use super::*;

    fn bucket(keys: &[&str]) -> BTreeMap<String, Object> {
        let object = Object::new(Content::of("x"), Attributes::default(), SystemTime::UNIX_EPOCH);
        keys.iter().map(|&key| (key.to_owned(), object.clone())).collect()
    }

    /// All pages of a request: keys and common prefixes as they came, a `|` between pages.
    fn check(request: &ListRequest, expected: &str) {
        let objects = bucket(&["0/1/a", "0/1/b", "0/2/c", "0/d", "1", "é"]);
        let mut request = request.clone();
        let mut pages = Vec::new();
        loop {
            let page = page(&objects, &request).unwrap();
            let keys = page.objects.iter().map(|(key, _)| key.as_str());
            let names: Vec<&str> =
                page.common_prefixes.iter().map(String::as_str).chain(keys).collect();
            pages.push(names.join(" "));
            match page.next_token {
                Some(token) => request.continuation_token = Some(token),
                None => break,
            }
        }
        assert_eq!(pages.join(" | "), expected, "{request:?}");
    }

    #[test]
    fn pages_cover_every_key_once() {
        let all = ListRequest::default();
        check(&all, "0/1/a 0/1/b 0/2/c 0/d 1 é");
        check(&ListRequest { max_keys: Some(2), ..all.clone() }, "0/1/a 0/1/b | 0/2/c 0/d | 1 é");
        check(&ListRequest { max_keys: Some(0), ..all.clone() }, "");
        check(&ListRequest { prefix: "0/1/".into(), ..all.clone() }, "0/1/a 0/1/b");
        check(&ListRequest { start_after: Some("0/2/c".into()), ..all.clone() }, "0/d 1 é");
        check(
            &ListRequest { prefix: "0/".into(), start_after: Some("0/1/a".into()), ..all.clone() },
            "0/1/b 0/2/c 0/d",
        );
        check(&ListRequest { prefix: "2".into(), ..all }, "");
    }

    #[test]
    fn a_delimiter_rolls_keys_up_over_pages() {
        let request = ListRequest { delimiter: Some("/".into()), ..ListRequest::default() };
        check(&request, "0/ 1 é");
        check(&ListRequest { max_keys: Some(1), ..request.clone() }, "0/ | 1 | é");
        let inside = ListRequest { prefix: "0/".into(), ..request };
        check(&inside, "0/1/ 0/2/ 0/d");
        check(&ListRequest { max_keys: Some(1), ..inside }, "0/1/ | 0/2/ | 0/d");
    }

    #[test]
    fn a_token_of_someone_else_is_refused() {
        for token in ["", "!", "0/1/a", &BASE64URL_NOPAD.encode("é".as_bytes())] {
            let request =
                ListRequest { continuation_token: Some(token.to_owned()), ..Default::default() };
            assert_eq!(page(&bucket(&[]), &request), Err(StoreError::InvalidToken), "{token}");
        }
    }
}
