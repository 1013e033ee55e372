//! What a server says of itself: `SHOW [FULL] PROCESSLIST`,
//! `SHOW VARIABLES WHERE Variable_name IN ('…', …)`, `SHOW GLOBAL STATUS LIKE '…'`.

use super::parser::Parser;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The sessions.
    Processes,
    /// The variables of these names, as far as they are known.
    Variables(Vec<String>),
    /// The counter of this name, where it is known.
    Status(String),
}

/// Whether one of them stands behind `SHOW`.
pub(super) fn is_next(parser: &Parser) -> bool {
    ["full", "processlist", "variables", "global"].into_iter().any(|word| parser.is_word(word))
}

/// Reads what is behind `SHOW`.
pub(super) fn parse(parser: &mut Parser) -> Option<Shown> {
    if parser.word("variables") {
        parser.words(&["where", "variable_name", "in"]).then_some(())?;
        return parser.in_brackets(Parser::text).map(Shown::Variables);
    }
    if parser.words(&["global", "status", "like"]) {
        return parser.text().map(Shown::Status);
    }
    parser.word("full");
    parser.word("processlist").then_some(Shown::Processes)
}
