//! The content type and the download name of a file, as contentrepo's database has them, and the
//! headers that S3 gives to readers for them.
//!
//! Both are texts of a database that nobody checked. What no header can carry is no type and no name:
//! a request with it would be refused, or would say something else than it should.

use std::fmt::Write;

use crate::ObjectMeta;

/// The content type and the download name of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeAndName {
    /// The type, where there is a usable one.
    pub content_type: Option<ContentType>,
    /// The name, where there is a usable one.
    pub download_name: Option<DownloadName>,
}

/// A media type that a header can carry (RFC 9110, section 8.3.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentType(String);

/// A name under which to save a file, and that a header can carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownloadName(String);

/// The most bytes of a content type. contentrepo's column has 200 characters.
const LONGEST_TYPE_BYTES: usize = 255;

/// The most bytes of a `Content-Disposition`. S3 refuses more than 2 KB of system-defined metadata in a
/// PUT, names and values together (Amazon S3 User Guide, "Making direct REST API calls"): the type, and
/// the 31 bytes of both headers' names, take their part.
const LONGEST_DISPOSITION_BYTES: usize = 1700;

impl ContentType {
    /// A text as a content type; [`None`] when it is none. Where it has empty parameters, or tabs around
    /// its parameters, which RFC 9110 allows (section 5.6.6), these are left out; else it stays as it is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t']);
        let mut parts = Parts(text);
        let is_type = parts.token() && parts.take('/') && parts.token();
        let named = &text[..text.len() - parts.0.len()];
        let parameters = parts.parameters().filter(|_| is_type)?;
        let is_plain = !text.contains('\t') && !parameters.contains(&"");
        let written = if is_plain {
            text.to_owned()
        } else {
            let given = parameters.into_iter().filter(|parameter| !parameter.is_empty());
            std::iter::once(named).chain(given).collect::<Vec<_>>().join("; ")
        };
        (written.len() <= LONGEST_TYPE_BYTES).then_some(Self(written))
    }

    /// As a header has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is left of a header to read.
struct Parts<'a>(&'a str);

impl<'a> Parts<'a> {
    fn take(&mut self, expected: char) -> bool {
        let rest = self.0.strip_prefix(expected);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn token(&mut self) -> bool {
        let is_other = |c: char| !c.is_ascii_alphanumeric() && !"!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(is_other).unwrap_or(self.0.len());
        self.0 = &self.0[end..];
        end > 0
    }

    /// The parameters, each as `name=value`, or empty where nothing stands between two semicolons or behind
    /// the last one; [`None`] where there is anything else.
    fn parameters(&mut self) -> Option<Vec<&'a str>> {
        let mut parameters = Vec::new();
        while !self.0.is_empty() {
            self.blanks();
            if !self.take(';') {
                return None;
            }
            self.blanks();
            let begun = self.0;
            let is_empty = begun.is_empty() || begun.starts_with(';');
            if !is_empty && !(self.token() && self.take('=') && (self.token() || self.quoted())) {
                return None;
            }
            parameters.push(&begun[..begun.len() - self.0.len()]);
        }
        Some(parameters)
    }

    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn quoted(&mut self) -> bool {
        let is_text = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
        let Some(rest) = self.0.strip_prefix('"') else { return false };
        let Some((text, rest)) = rest.split_once('"') else { return false };
        self.0 = rest;
        text.chars().all(is_text)
    }
}

impl DownloadName {
    /// A text as a download name; [`None`] when no header can carry it: it is blank, has control
    /// characters or such that turn the direction of writing, was no text once, or is too long.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_unusable = |c: char| {
            c.is_control()
                || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                || matches!(c, '\u{fffd}'..='\u{ffff}')
        };
        let name = Self(text.to_owned());
        let is_usable = !text.trim().is_empty() && !text.chars().any(is_unusable);
        (is_usable && name.disposition().len() <= LONGEST_DISPOSITION_BYTES).then_some(name)
    }

    /// As the database has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of `Content-Disposition`, which shows the file in a browser as contentrepo's own
    /// answers do: with the name as it stands where every reader understands that, and otherwise once
    /// more in full (RFC 6266, RFC 8187). Where both are too long for S3, in full alone.
    #[must_use]
    pub fn disposition(&self) -> String {
        let plain = self.plain();
        if plain == self.0 {
            return format!("inline; filename=\"{plain}\"");
        }
        let mut extended = String::new();
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                extended.push(char::from(byte));
            } else {
                write!(extended, "%{byte:02X}").expect("strings take everything");
            }
        }
        let both = format!("inline; filename=\"{plain}\"; filename*=UTF-8''{extended}");
        if both.len() <= LONGEST_DISPOSITION_BYTES {
            return both;
        }
        format!("inline; filename*=UTF-8''{extended}")
    }

    /// The name in letters that readers agree about: they differ in how they read a `\` or a `%` (RFC
    /// 6266, appendix D), and two blanks become one where a request is signed.
    fn plain(&self) -> String {
        let mut plain = String::new();
        for c in self.0.chars() {
            match c {
                ' ' if plain.ends_with(' ') => {}
                '"' | '\\' | '%' | '/' => plain.push('_'),
                ' '..='~' => plain.push(c),
                _ => plain.push('_'),
            }
        }
        plain
    }
}

impl From<&TypeAndName> for ObjectMeta {
    fn from(TypeAndName { content_type, download_name }: &TypeAndName) -> Self {
        Self {
            content_type: content_type.as_ref().map(|of| of.as_str().to_owned()),
            content_disposition: download_name.as_ref().map(DownloadName::disposition),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_are_such_as_headers_can_carry() {
        for (text, is_type) in [
            ("application/pdf", true),
            ("text/xml; charset=utf-8", true),
            ("text/plain;charset=\"utf-8\"", true),
            ("application/vnd.ms-excel.sheet+xml", true),
            (" image/tiff ", true),
            ("Image/TIFF", true),
            ("", false),
            ("pdf", false),
            ("no type at all", false),
            ("text/", false),
            ("/pdf", false),
            ("text/html; charset", false),
            ("text/html; charset=", false),
            ("text/html charset=utf-8", false),
            ("text/html; a=\"b", false),
            ("text/html; a=\"b\\\"c\"", false),
            ("text/html,text/plain", false),
            ("text/html\r\nx-amz-acl: public-read", false),
            ("text/html; a=\"\r\nx: y\"", false),
            ("te\u{a0}xt/html", false),
            ("text/h\u{e4}", false),
        ] {
            let parsed = ContentType::parse(text);
            let expected = is_type.then(|| text.trim());
            assert_eq!(parsed.as_ref().map(ContentType::as_str), expected, "{text:?}");
        }
        assert!(ContentType::parse(&format!("text/{}", "x".repeat(250))).is_some());
        assert!(ContentType::parse(&format!("text/{}", "x".repeat(251))).is_none());
    }

    #[test]
    fn empty_parameters_and_tabs_are_left_out() {
        for (text, written) in [
            ("text/html;", "text/html"),
            ("text/html ; ", "text/html"),
            ("text/html\t;\tcharset=utf-8", "text/html; charset=utf-8"),
            ("text/html;; charset=utf-8 ;", "text/html; charset=utf-8"),
            ("a/b;c=\"d ; e\";f=g;", "a/b; c=\"d ; e\"; f=g"),
        ] {
            let parsed = ContentType::parse(text);
            assert_eq!(parsed.as_ref().map(ContentType::as_str), Some(written), "{text:?}");
        }
        assert_eq!(ContentType::parse("text/html; a=\"b\tc\""), None, "S3 signs no tab");
        assert_eq!(ContentType::parse(";"), None);
    }

    #[test]
    fn names_are_said_so_that_every_reader_understands_them() {
        for (name, disposition) in [
            ("article.pdf", "inline; filename=\"article.pdf\""),
            ("pone.0012345 (1).tif", "inline; filename=\"pone.0012345 (1).tif\""),
            (
                "gr\u{f6}\u{df}e \u{2192} 7.tif",
                "inline; filename=\"gr__e _ 7.tif\"; \
                 filename*=UTF-8''gr%C3%B6%C3%9Fe%20%E2%86%92%207.tif",
            ),
            (
                "a \"quoted\" name.xml",
                "inline; filename=\"a _quoted_ name.xml\"; \
                 filename*=UTF-8''a%20%22quoted%22%20name.xml",
            ),
            ("a\\b.txt", "inline; filename=\"a_b.txt\"; filename*=UTF-8''a%5Cb.txt"),
            ("../a.txt", "inline; filename=\".._a.txt\"; filename*=UTF-8''..%2Fa.txt"),
            ("50%25.txt", "inline; filename=\"50_25.txt\"; filename*=UTF-8''50%2525.txt"),
            ("two  blanks", "inline; filename=\"two blanks\"; filename*=UTF-8''two%20%20blanks"),
            ("a;b='c'", "inline; filename=\"a;b='c'\""),
        ] {
            let parsed = DownloadName::parse(name).expect("a name");
            assert_eq!((parsed.as_str(), parsed.disposition().as_str()), (name, disposition));
        }
    }

    #[test]
    fn names_that_no_header_can_carry_are_none() {
        for text in [
            "",
            "  ",
            "tab\there.txt",
            "a\r\nx-amz-acl: public-read",
            "nul\0",
            "c1\u{85}",
            "turned\u{202e}fdp.exe",
            "was no text \u{fffd}",
            "\u{ffff}",
        ] {
            assert_eq!(DownloadName::parse(text), None, "{text:?}");
        }
        // The column has a thousand characters.
        assert!(DownloadName::parse(&"x".repeat(1000)).is_some());
        // Six bytes a letter: both forms, the full one alone, neither.
        for (letters, forms) in [(200, Some(2)), (270, Some(1)), (300, None)] {
            let name = DownloadName::parse(&"\u{f6}".repeat(letters));
            let said = name.map(|name| name.disposition().matches("filename").count());
            assert_eq!(said, forms, "{letters}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_out_of_its_header(text in any::<String>()) {
            let meta = ObjectMeta::from(&TypeAndName {
                content_type: ContentType::parse(&text),
                download_name: DownloadName::parse(&text),
            });
            let lengths = [&meta.content_type, &meta.content_disposition].map(|header| {
                header.as_ref().map_or(0, String::len)
            });
            prop_assert!(31 + lengths.iter().sum::<usize>() <= 2048, "S3 refuses more");
            for header in [meta.content_type, meta.content_disposition].into_iter().flatten() {
                prop_assert!(header.chars().all(|c| matches!(c, ' '..='~')), "{header}");
            }
        }

        #[test]
        fn the_name_is_in_the_header(name in "\\PC{1,40}") {
            let Some(parsed) = DownloadName::parse(&name) else { return Ok(()) };
            let said = parsed.disposition();
            let (plain, extended) = said.split_once("; filename*=UTF-8''").unwrap_or((&said, ""));
            if let Some(extended) = said.strip_prefix("inline; filename*=UTF-8''") {
                prop_assert_eq!(decoded(extended), name);
                return Ok(());
            }
            let plain = plain.strip_prefix("inline; filename=\"").and_then(|it| it.strip_suffix('"'));
            let plain = plain.expect("a quoted name");
            prop_assert!(!plain.contains(['"', '\\', '%']) && !plain.contains("  "));
            if extended.is_empty() {
                prop_assert_eq!(plain, name);
            } else {
                prop_assert_eq!(decoded(extended), name);
            }
        }
    }

    fn decoded(extended: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = extended.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                bytes.push(byte);
                continue;
            }
            let digits = [rest.next().expect("a digit"), rest.next().expect("another")];
            let digits = std::str::from_utf8(&digits).expect("ASCII");
            bytes.push(u8::from_str_radix(digits, 16).expect("hex"));
        }
        String::from_utf8(bytes).expect("UTF-8")
    }
}
