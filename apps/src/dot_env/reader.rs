//! The grammar, binding by binding.

use super::DotEnvError;

/// One binding of a file.
pub(super) struct Binding<'a> {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    pub(super) name: &'a str,
    /// None where no `=` follows the name.
    pub(super) value: Option<String>,
    /// As it stands in the file, without what follows the value.
    pub(super) original: &'a str,
}

pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// What Python's `\s` matches in a text: it counts four separators that Rust does not.
pub(super) fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next binding; none at the end of the file. An error names the line and, where it is
    /// known, the variable.
    pub(super) fn binding(&mut self) -> Result<Option<Binding<'a>>, DotEnvError> {
        loop {
            self.pass(is_blank);
            if self.rest().is_empty() {
                return Ok(None);
            }
            let (begin, line) = (self.at, self.line());
            self.pass_export();
            if self.rest().starts_with('#') {
                self.pass_comment();
                self.pass_end_of_line();
                continue;
            }
            let Some(name) = self.name() else {
                let what = "is not NAME=value: it begins with no name";
                return Err(DotEnvError(format!(".env line {line} {what}")));
            };
            self.pass_blanks();
            let mut value = None;
            if self.rest().starts_with('=') {
                self.at += 1;
                self.pass_blanks();
                let read = self.value().map_err(|what| {
                    DotEnvError(format!(".env line {line}: the value of `{name}` {what}"))
                });
                value = Some(read?);
            }
            let original = &self.text[begin..self.at];
            self.pass_comment();
            if !self.pass_end_of_line() {
                let what = match value {
                    Some(_) => format!("something follows the closing quote of `{name}`"),
                    None => format!("something else than `=` follows the name `{name}`"),
                };
                return Err(DotEnvError(format!(".env line {line}: {what}")));
            }
            return Ok(Some(Binding { line, name, value, original }));
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn line(&self) -> usize {
        1 + self.text[..self.at].matches('\n').count()
    }

    fn pass(&mut self, is_passed: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|letter| !is_passed(letter)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn pass_blanks(&mut self) {
        self.pass(|letter| is_blank(letter) && letter != '\n');
    }

    /// `export` counts where a blank follows it; else it begins a name.
    fn pass_export(&mut self) {
        let before = self.at;
        if self.rest().starts_with("export") {
            self.at += "export".len();
            let behind = self.at;
            self.pass_blanks();
            if self.at == behind {
                self.at = before;
            }
        }
    }

    /// ` # …`: blanks count only where a comment follows them.
    fn pass_comment(&mut self) {
        let before = self.at;
        self.pass_blanks();
        if self.rest().starts_with('#') {
            self.pass(|letter| letter != '\n');
        } else {
            self.at = before;
        }
    }

    /// Whether the line, or the file, ends here.
    fn pass_end_of_line(&mut self) -> bool {
        self.pass_blanks();
        let is_end = self.rest().is_empty();
        let is_end_of_line = self.rest().starts_with('\n');
        self.at += usize::from(is_end_of_line);
        is_end || is_end_of_line
    }

    fn name(&mut self) -> Option<&'a str> {
        let name = if let Some(quoted) = self.rest().strip_prefix('\'') {
            let name = &quoted[..quoted.find('\'')?];
            self.at += name.len() + 2;
            name
        } else {
            self.pass(|letter| !matches!(letter, '=' | '#') && !is_blank(letter))
        };
        (!name.is_empty()).then_some(name)
    }

    fn value(&mut self) -> Result<String, &'static str> {
        match self.rest().chars().next() {
            Some('\'') => Ok(unescaped(self.quoted('\'')?, single)),
            Some('"') => Ok(unescaped(self.quoted('"')?, double)),
            _ => {
                let line = self.rest().split('\n').next().unwrap_or_default();
                let value = without_comment(line);
                self.at += value.len();
                Ok(value.to_owned())
            }
        }
    }

    /// What stands between the quotes. A quote behind a backslash does not close, except where no
    /// other quote follows in the whole file: so does Python's regular expression.
    fn quoted(&mut self, quote: char) -> Result<&'a str, &'static str> {
        let inner = &self.rest()[1..];
        let (mut end, mut is_escaped) = (None, false);
        for (at, letter) in inner.char_indices() {
            if letter == quote {
                end = Some(at);
                if !is_escaped {
                    break;
                }
            }
            is_escaped = letter == '\\';
        }
        let Some(end) = end else {
            return Err("begins with a quote that is never closed");
        };
        self.at += end + 2;
        Ok(&inner[..end])
    }
}

/// Without a `#` behind a blank and what follows it, and without blanks at its end.
fn without_comment(value: &str) -> &str {
    let mut before = None;
    for (at, letter) in value.char_indices() {
        if letter == '#' && before.is_some_and(is_blank) {
            return value[..at].trim_end_matches(is_blank);
        }
        before = Some(letter);
    }
    value.trim_end_matches(is_blank)
}

fn unescaped(text: &str, meant: impl Fn(char) -> Option<char>) -> String {
    let mut value = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let escaped = letters.peek().filter(|_| letter == '\\').copied().and_then(&meant);
        if escaped.is_some() {
            letters.next();
        }
        value.push(escaped.unwrap_or(letter));
    }
    value
}

/// What a letter behind a backslash means in single quotes.
const fn single(letter: char) -> Option<char> {
    match letter {
        '\\' | '\'' => Some(letter),
        _ => None,
    }
}

/// What a letter behind a backslash means in double quotes.
const fn double(letter: char) -> Option<char> {
    Some(match letter {
        '\\' | '\'' | '"' => letter,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        _ => return None,
    })
}
