//! What a server says of itself: `SHOW [FULL] PROCESSLIST`,
//! `SHOW VARIABLES WHERE Variable_name IN ('…', …)`.

use super::parser::Parser;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The sessions.
    Processes,
    /// The variables of these names, as far as they are known.
    Variables(Vec<String>),
}

/// Whether one of them stands behind `SHOW`.
pub(super) fn is_next(parser: &Parser) -> bool {
    ["full", "processlist", "variables"].into_iter().any(|word| parser.is_word(word))
}

/// Reads what is behind `SHOW`.
pub(super) fn parse(parser: &mut Parser) -> Option<Shown> {
    if parser.word("variables") {
        parser.words(&["where", "variable_name", "in"]).then_some(())?;
        return parser.in_brackets(Parser::text).map(Shown::Variables);
    }
    parser.word("full");
    parser.word("processlist").then_some(Shown::Processes)
}
