//! A statement as words, names, texts, numbers and marks.

use super::VERSION;

/// One of them, with where it ends in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword, or a name without quotes, as it is written.
    Word(String),
    /// A name between backticks.
    Name(String),
    /// A text between quotes.
    Text(String),
    /// A whole number.
    Number(i128),
    /// A variable of the server, without its `@@` and its scope.
    Variable(String),
    /// A `?`.
    Parameter,
    /// Any other character.
    Mark(char),
    /// `<=`.
    AtMost,
    /// `>=`.
    AtLeast,
}

/// A statement and its tokens.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    pub(super) sql: &'a str,
    pub(super) tokens: Vec<Token>,
}

/// Reads a whole statement; `None` where a quote or a comment has no end.
pub(super) fn tokens(sql: &str) -> Option<Tokens<'_>> {
    let mut reader = Reader { sql, at: 0, comments: 0 };
    let mut tokens = Vec::new();
    while let Some((kind, start)) = reader.next()? {
        tokens.push(Token { kind, start, end: reader.at });
    }
    (reader.comments == 0).then_some(Tokens { sql, tokens })
}

struct Reader<'a> {
    sql: &'a str,
    at: usize,
    /// Comments that are read as a part of the statement and have not ended.
    comments: usize,
}

impl Reader<'_> {
    /// The next token with its start. `Some(None)` is the end, `None` a statement that is none.
    #[expect(clippy::option_option, reason = "a failure and the end are two things")]
    fn next(&mut self) -> Option<Option<(TokenKind, usize)>> {
        self.skip_blanks_and_comments()?;
        let start = self.at;
        let Some(first) = self.rest().chars().next() else { return Some(None) };
        let kind = match first {
            '\'' | '"' => TokenKind::Text(self.quoted(first)?),
            '`' => TokenKind::Name(self.quoted(first)?),
            '0'..='9' => TokenKind::Number(self.take_while(|c| c.is_ascii_digit()).parse().ok()?),
            '@' if self.skip("@@") => {
                let name = self.take_while(|c| is_word(c) || c == '.').to_lowercase();
                let scopes = ["session.", "local."];
                let bare = scopes.iter().find_map(|scope| name.strip_prefix(scope));
                TokenKind::Variable(bare.unwrap_or(&name).to_owned())
            }
            '?' => self.mark(first, TokenKind::Parameter),
            '<' if self.skip("<=") => TokenKind::AtMost,
            '>' if self.skip(">=") => TokenKind::AtLeast,
            first if is_word(first) => TokenKind::Word(self.take_while(is_word).to_owned()),
            mark => self.mark(mark, TokenKind::Mark(mark)),
        };
        Some(Some((kind, start)))
    }

    fn rest(&self) -> &str {
        &self.sql[self.at..]
    }

    fn skip(&mut self, prefix: &str) -> bool {
        let is_next = self.rest().starts_with(prefix);
        if is_next {
            self.at += prefix.len();
        }
        is_next
    }

    fn mark(&mut self, mark: char, kind: TokenKind) -> TokenKind {
        self.at += mark.len_utf8();
        kind
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &str {
        let start = self.at;
        let length = self.rest().find(|letter| !is_part(letter));
        self.at += length.unwrap_or(self.rest().len());
        &self.sql[start..self.at]
    }

    /// A text up to the same quote; a quote in it is doubled or behind a backslash.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        let mut letters = self.rest().char_indices().skip(1).peekable();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                if letters.next_if(|(_, next)| *next == quote).is_none() {
                    self.at += at + quote.len_utf8();
                    return Some(text);
                }
            } else if letter == '\\' && quote != '`' {
                let (_, escaped) = letters.next()?;
                text.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    other => other,
                });
                continue;
            }
            text.push(letter);
        }
        None
    }

    /// A comment with a version that this server has is a part of the statement; MariaDB's own
    /// (`/*M!`) never are.
    fn skip_blanks_and_comments(&mut self) -> Option<()> {
        loop {
            self.take_while(char::is_whitespace);
            if self.comments > 0 && self.skip("*/") {
                self.comments -= 1;
            } else if self.skip("/*!") {
                let version = self.take_while(|c| c.is_ascii_digit());
                let is_ours = version.is_empty() || version.parse::<u32>().ok()? <= VERSION;
                if is_ours {
                    self.comments += 1;
                } else {
                    self.skip_past("*/")?;
                }
            } else if self.skip("/*") {
                self.skip_past("*/")?;
            } else if self.skip("#") || self.skip("-- ") {
                self.take_while(|letter| letter != '\n');
            } else {
                return Some(());
            }
        }
    }

    fn skip_past(&mut self, end: &str) -> Option<()> {
        self.at += self.rest().find(end)? + end.len();
        Some(())
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(sql: &str) -> Option<Vec<TokenKind>> {
        Some(tokens(sql)?.tokens.into_iter().map(|token| token.kind).collect())
    }

    #[test]
    fn quotes_end_where_the_server_ends_them() {
        for (sql, text) in [
            (r"'a''b'", "a'b"),
            (r"'a\'b\\'", r"a'b\"),
            (r#""a'b""#, "a'b"),
            (r"'a\nb\%'", "a\nb%"),
            ("'é'", "é"),
        ] {
            assert_eq!(kinds(sql), Some(vec![TokenKind::Text(text.to_owned())]), "{sql}");
        }
        assert_eq!(kinds("`a``b`"), Some(vec![TokenKind::Name("a`b".to_owned())]));
        for sql in ["'a", r"'a\'", "`a", "\""] {
            assert_eq!(kinds(sql), None, "{sql}");
        }
    }

    #[test]
    fn comments_count_by_their_version() {
        let word = |word: &str| TokenKind::Word(word.to_owned());
        for (sql, words) in [
            ("a /*!50708 b */ c", vec!["a", "b", "c"]),
            ("a /*!99999 b */ c", vec!["a", "c"]),
            ("a /*M!100101 b */ c", vec!["a", "c"]),
            ("a /* b */ -- c\nd # e", vec!["a", "d"]),
        ] {
            assert_eq!(kinds(sql), Some(words.into_iter().map(word).collect()), "{sql}");
        }
        assert_eq!(kinds("a /*!50708 b"), None);
    }
}
