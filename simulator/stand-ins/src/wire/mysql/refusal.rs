//! The errors that the server answers with: a number, a class of five letters, a text.

use std::fmt;

use super::packet::Malformed;

/// An error packet's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// MySQL's number of the error.
    pub number: u16,
    /// The text for people.
    pub text: String,
}

impl Refusal {
    /// An error of this number.
    pub fn new(number: u16, text: impl Into<String>) -> Self {
        Self { number, text: text.into() }
    }

    /// What is not on the list of statements. It names the statement.
    pub fn not_on_the_list(sql: &str) -> Self {
        let shown: String = sql.chars().take(SHOWN).collect();
        let more = if shown.len() < sql.len() { "…" } else { "" };
        Self::new(
            1064,
            format!(
                "You have an error in your SQL syntax, or this statement is not on the list of \
                 those that the rehearsal's server answers: {shown}{more}"
            ),
        )
    }

    /// The SQLSTATE of the number (MySQL error reference, "Server Error Message Reference").
    pub const fn state(&self) -> &'static str {
        match self.number {
            1040 => "08004",
            1048 | 1062 => "23000",
            1264 => "22003",
            1044 | 1049 | 1061 | 1064 | 1072 | 1091 | 1142 | 1203 | 1226 | 1227 => "42000",
            1045 => "28000",
            1046 => "3D000",
            1047 | 1053 | 1153 | 1156 | 1159 => "08S01",
            1054 => "42S22",
            1146 => "42S02",
            1213 => "40001",
            1317 => "70100",
            1792 => "25006",
            _ => "HY000",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error {} ({}): {}", self.number, self.state(), self.text)
    }
}

impl From<Malformed> for Refusal {
    fn from(why: Malformed) -> Self {
        Self::new(1835, why.to_string())
    }
}

/// Letters of a statement that an error repeats.
const SHOWN: usize = 200;
