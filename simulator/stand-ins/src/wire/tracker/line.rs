//! The lines of the tracker's protocol: a request with its arguments, and a reply.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;

use super::encoding::{decode, encode};

/// A request line, taken apart. Nothing is refused here: what is no command has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// In lower case; of an admin command with its `!`.
    pub(super) command: String,
    pub(super) arguments: Arguments,
}

/// The arguments of a request by name. The readers answer for one that is missing, or is not what
/// it should be, as Perl does: with the empty text, 0, and false.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Arguments(BTreeMap<String, String>);

impl Request {
    /// Takes a line apart: `cmd k=v&k=v`, or `!cmd …`.
    pub(super) fn parse(line: &[u8]) -> Self {
        let line = line.trim_ascii_start();
        let is_admin = line.first() == Some(&b'!');
        let word = line.iter().skip(usize::from(is_admin));
        let letters = word.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
        let (command, rest) = line.split_at(letters.count() + usize::from(is_admin));
        Self {
            command: String::from_utf8_lossy(command).to_ascii_lowercase(),
            arguments: Arguments::parse(rest.trim_ascii_start()),
        }
    }

    /// What the client wants to see again in the reply.
    pub(super) fn callid(&self) -> Option<&str> {
        self.arguments.0.get("callid").map(String::as_str)
    }
}

impl Arguments {
    fn parse(encoded: &[u8]) -> Self {
        let mut arguments = BTreeMap::new();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            // What follows a second `=` is lost.
            let mut parts = pair.split(|byte| *byte == b'=');
            let [name, value] = [parts.next(), parts.next()].map(|part| {
                String::from_utf8_lossy(&decode(part.unwrap_or_default())).into_owned()
            });
            // As Perl's `.=` does, with a NUL behind what is true.
            arguments
                .entry(name)
                .and_modify(|earlier: &mut String| {
                    if is_true(earlier) {
                        earlier.push('\0');
                    }
                    earlier.push_str(&value);
                })
                .or_insert(value);
        }
        Self(arguments)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The number that the text begins with.
    pub(super) fn number(&self, name: &str) -> i64 {
        let text = self.text(name).trim_start();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let digits = digits.bytes().take_while(u8::is_ascii_digit);
        let magnitude = digits.fold(0_i64, |number, digit| {
            number.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
        });
        sign * magnitude
    }

    /// The number, or 0 for a negative one.
    pub(super) fn count(&self, name: &str) -> u64 {
        u64::try_from(self.number(name)).unwrap_or(0)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        is_true(self.text(name))
    }

    /// Whether the database can hold every key that is named: its table is latin1, as many are.
    pub(super) fn keys_fit(&self) -> bool {
        ["key", "from_key", "to_key"].iter().all(|name| self.text(name).is_ascii())
    }
}

fn is_true(text: &str) -> bool {
    !matches!(text, "" | "0")
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Ok(Vec<(String, String)>),
    Err {
        code: String,
        text: String,
    },
    /// The lines of an admin command's answer.
    Admin(&'static [&'static str]),
}

impl Reply {
    /// The bytes of the reply, its keys in random order as the real tracker's are: a client that
    /// relies on an order must fail here.
    pub(super) fn render(self, callid: Option<&str>) -> Vec<u8> {
        let line = match self {
            Self::Ok(mut pairs) => {
                pairs.extend(callid.map(|callid| ("callid".to_owned(), callid.to_owned())));
                pairs.shuffle(&mut rand::rng());
                let pairs: Vec<String> = pairs
                    .iter()
                    .map(|(name, value)| {
                        format!("{}={}", encode(name.as_bytes()), encode(value.as_bytes()))
                    })
                    .collect();
                format!("OK {}\r\n", pairs.join("&"))
            }
            Self::Err { code, text } => {
                let text = encode(text.as_bytes());
                let callid = callid.map(|callid| format!(" {}", encode(callid.as_bytes())));
                format!("ERR {code} {text}{}\r\n", callid.unwrap_or_default())
            }
            Self::Admin(lines) => {
                lines.iter().chain(&["."]).flat_map(|line| [*line, "\r\n"]).collect()
            }
        };
        line.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn parse(line: &str) -> Request {
        Request::parse(line.as_bytes())
    }

    #[test]
    fn a_line_comes_apart() {
        for (line, command, name, value) in [
            ("GET_Paths key=a+b%2fc&x=1", "get_paths", "key", "a b/c"),
            ("  noop   key=v", "noop", "key", "v"),
            ("noop key=a=b=c", "noop", "key", "a"),
            ("noop key==b", "noop", "key", ""),
            ("noop &&key&", "noop", "key", ""),
            ("noop k%65y=v", "noop", "key", "v"),
            ("!Version", "!version", "key", ""),
            ("???", "", "key", ""),
            ("", "", "key", ""),
        ] {
            let request = parse(line);
            assert_eq!(request.command, command, "{line}");
            assert_eq!(request.arguments.text(name), value, "{line}");
        }
    }

    #[test]
    fn numbers_and_truth_are_perls() {
        for (text, number, truth) in [
            ("3", 3, true),
            ("-2x", -2, true),
            ("+7", 7, true),
            ("x", 0, true),
            ("", 0, false),
            ("0", 0, false),
            ("99999999999999999999", i64::MAX, true),
        ] {
            let arguments = parse(&format!("noop n={}", encode(text.as_bytes()))).arguments;
            assert_eq!((arguments.number("n"), arguments.is_true("n")), (number, truth), "{text}");
        }
    }

    #[test]
    fn replies_have_the_recorded_form() {
        let render = |reply: Reply, callid| String::from_utf8(reply.render(callid)).unwrap();
        assert_eq!(render(Reply::Ok(Vec::new()), None), "OK \r\n");
        assert_eq!(render(Reply::Ok(Vec::new()), Some("x y")), "OK callid=x+y\r\n");
        let unknown = Reply::Err { code: "no_key".to_owned(), text: "no key".to_owned() };
        assert_eq!(render(unknown.clone(), None), "ERR no_key no+key\r\n");
        assert_eq!(render(unknown, Some("x")), "ERR no_key no+key x\r\n");
        assert_eq!(render(Reply::Admin(&["2.73"]), Some("x")), "2.73\r\n.\r\n");
    }

    #[test]
    fn keys_come_in_no_fixed_order() {
        let pairs = ["a", "b", "c"].map(|name| (name.to_owned(), "1".to_owned()));
        let replies = (0..200).map(|_| Reply::Ok(pairs.to_vec()).render(None));
        assert_eq!(replies.collect::<BTreeSet<_>>().len(), 6);
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line: Vec<u8>) {
            let request = Request::parse(&line);
            request.arguments.number("n");
        }

        #[test]
        fn a_value_survives_the_line(name in "[a-z]{1,8}", value: String) {
            let line = format!("noop {name}={}&callid=1", encode(value.as_bytes()));
            let request = parse(&line);
            prop_assert_eq!(request.arguments.text(&name), value);
        }
    }
}
