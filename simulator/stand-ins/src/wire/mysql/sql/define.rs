//! Statements about keys: `SHOW CREATE TABLE`, and an index that goes or comes by `ALTER TABLE`, with
//! or without `ALGORITHM` and `LOCK`, which change nothing here.

use super::parser::Parser;
use super::select::{Place, place};

/// A change of a table's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alter {
    /// The table.
    pub place: Place,
    /// The name of the key.
    pub key: String,
    /// What becomes of it.
    pub change: KeyChange,
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
    /// It goes.
    Drop,
    /// It comes, over these columns.
    Add(Vec<String>),
}

/// Reads what is behind `ALTER`.
pub(super) fn alter(parser: &mut Parser) -> Option<Alter> {
    parser.word("table").then_some(())?;
    let place = place(parser)?;
    let is_drop = parser.word("drop");
    (is_drop || parser.word("add")).then_some(())?;
    (parser.word("index") || parser.word("key")).then_some(())?;
    let key = parser.name()?;
    let change =
        if is_drop { KeyChange::Drop } else { KeyChange::Add(parser.in_brackets(Parser::name)?) };
    while parser.mark(',') {
        (parser.word("algorithm") || parser.word("lock")).then_some(())?;
        parser.mark('=');
        parser.any_word()?;
    }
    Some(Alter { place, key, change })
}

/// Reads what is behind `SHOW CREATE`.
pub(super) fn show_create(parser: &mut Parser) -> Option<Place> {
    parser.word("table").then_some(())?;
    place(parser)
}
