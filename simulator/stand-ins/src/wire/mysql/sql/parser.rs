//! Takes a statement's tokens one after the other.

use super::tokens::{TokenKind, Tokens};
use crate::wire::mysql::value::Value;

/// A statement that is being read. What returns a `bool` or an `Option` takes tokens only where they
/// are what was asked for.
pub(super) struct Parser<'a> {
    tokens: Tokens<'a>,
    database: Option<&'a str>,
    at: usize,
    parameters: usize,
}

impl<'a> Parser<'a> {
    pub(super) const fn new(tokens: Tokens<'a>, database: Option<&'a str>) -> Self {
        Self { tokens, database, at: 0, parameters: 0 }
    }

    /// `DATABASE()`, as its value.
    pub(super) fn current_database(&mut self) -> Option<Value> {
        let start = self.at;
        if self.word("database") && self.mark('(') && self.mark(')') {
            return Some(self.database.map_or(Value::Null, |name| Value::Text(name.to_owned())));
        }
        self.at = start;
        None
    }

    /// The parameters so far.
    pub(super) const fn parameters(&self) -> usize {
        self.parameters
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.tokens.tokens.len()
    }

    /// Whether a `FROM` is still to come.
    pub(super) fn reads_a_table(&self) -> bool {
        let rest = self.tokens.tokens.get(self.at..).unwrap_or_default();
        rest.iter().any(|token| is_the_word(&token.kind, "from"))
    }

    pub(super) fn peek(&self) -> Option<&TokenKind> {
        Some(&self.tokens.tokens.get(self.at)?.kind)
    }

    pub(super) fn next_if(&mut self, is_wanted: impl Fn(&TokenKind) -> bool) -> bool {
        let is_next = self.peek().is_some_and(is_wanted);
        if is_next {
            self.at += 1;
        }
        is_next
    }

    fn next_map<T>(&mut self, map: impl Fn(&TokenKind) -> Option<T>) -> Option<T> {
        let value = map(self.peek()?)?;
        self.at += 1;
        Some(value)
    }

    /// A keyword, in any case.
    pub(super) fn word(&mut self, word: &str) -> bool {
        self.next_if(|kind| is_the_word(kind, word))
    }

    /// Several keywords in this order, or none of them.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        let are_next = words.iter().all(|word| self.word(word));
        if !are_next {
            self.at = start;
        }
        are_next
    }

    /// Any word, in lower case.
    pub(super) fn any_word(&mut self) -> Option<String> {
        self.next_map(|kind| {
            if let TokenKind::Word(word) = kind { Some(word.to_lowercase()) } else { None }
        })
    }

    /// A name, with backticks or without.
    pub(super) fn name(&mut self) -> Option<String> {
        self.next_map(|kind| {
            if let TokenKind::Word(name) | TokenKind::Name(name) = kind {
                Some(name.clone())
            } else {
                None
            }
        })
    }

    pub(super) fn name_or_text(&mut self) -> Option<String> {
        self.name().or_else(|| self.text())
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.next_map(
            |kind| if let TokenKind::Text(text) = kind { Some(text.clone()) } else { None },
        )
    }

    pub(super) fn variable(&mut self) -> Option<String> {
        self.next_map(
            |kind| if let TokenKind::Variable(name) = kind { Some(name.clone()) } else { None },
        )
    }

    /// A whole number, with a minus before it or without.
    pub(super) fn number(&mut self) -> Option<i128> {
        let start = self.at;
        let sign = if self.mark('-') { -1 } else { 1 };
        let number = self.next_map(|kind| {
            if let TokenKind::Number(number) = kind { number.checked_mul(sign) } else { None }
        });
        if number.is_none() {
            self.at = start;
        }
        number
    }

    /// `?`: returns how many came before it.
    pub(super) fn parameter(&mut self) -> Option<usize> {
        self.next_if(|kind| *kind == TokenKind::Parameter).then(|| {
            self.parameters += 1;
            self.parameters - 1
        })
    }

    pub(super) fn mark(&mut self, mark: char) -> bool {
        self.next_if(|kind| *kind == TokenKind::Mark(mark))
    }

    /// `1`, `0`, `ON` or `OFF`.
    pub(super) fn switch(&mut self) -> Option<bool> {
        match self.number() {
            Some(number) => (0..=1).contains(&number).then_some(number == 1),
            None => match self.any_word()?.as_str() {
                "on" | "true" => Some(true),
                "off" | "false" => Some(false),
                _ => None,
            },
        }
    }

    /// One or more of what `read` takes, with commas between, in brackets.
    pub(super) fn in_brackets<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.mark('(').then_some(())?;
        let mut all = vec![read(self)?];
        while self.mark(',') {
            all.push(read(self)?);
        }
        self.mark(')').then_some(all)
    }

    /// A value of any kind: one token, or what is between brackets.
    pub(super) fn skip_value(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            if self.mark('(') {
                open += 1;
            } else if open > 0 && self.mark(')') {
                open -= 1;
            } else {
                let is_mark = |kind: &TokenKind| matches!(kind, TokenKind::Mark('-' | '+' | ','));
                let is_value = |kind: &TokenKind| {
                    use TokenKind::{Number, Text, Variable, Word};
                    matches!(kind, Word(_) | Text(_) | Number(_) | Variable(_))
                };
                let is_value = self.next_if(|kind| is_value(kind) || open > 0 && is_mark(kind));
                is_value.then_some(())?;
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// What `read` takes, with its name in the answer: that behind `AS`, or the text itself.
    pub(super) fn labelled<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<(String, T)> {
        let first = self.at;
        let value = read(self)?;
        let tokens = &self.tokens.tokens;
        let (start, end) = (tokens.get(first)?.start, tokens.get(self.at.checked_sub(1)?)?.end);
        let written = self.tokens.sql.get(start..end)?.to_owned();
        let label = if self.word("as") { self.name_or_text()? } else { written };
        Some((label, value))
    }
}

fn is_the_word(kind: &TokenKind, word: &str) -> bool {
    matches!(kind, TokenKind::Word(written) if written.eq_ignore_ascii_case(word))
}
