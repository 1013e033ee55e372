//! Items and their attributes: the one place that writes and reads them.

use std::collections::BTreeMap;

use dynoxide::AttributeValue;

/// An item, or the key of one.
pub type Item = BTreeMap<String, AttributeValue>;

/// A number as an attribute.
#[must_use]
pub fn number(name: &str, value: u64) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::N(value.to_string()))
}

/// A text as an attribute.
#[must_use]
pub fn text(name: &str, value: &str) -> (String, AttributeValue) {
    (name.to_owned(), AttributeValue::S(value.to_owned()))
}

/// The attributes of an item, as whoever parses it asks for them.
pub struct Fields<'a>(pub &'a Item);

impl<'a> Fields<'a> {
    /// A text, if there is such an attribute.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text.as_str())),
            Some(other) => Err(format!("{name} is {other:?}, not a string")),
        }
    }

    /// A number, if there is such an attribute.
    pub fn number(&self, name: &str) -> Result<Option<u64>, String> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => digits
                .parse::<u64>()
                .map(Some)
                .map_err(|error| format!("{name} `{digits}`: {error}")),
            Some(other) => Err(format!("{name} is {other:?}, not a number")),
        }
    }

    /// A number that must be there.
    pub fn the_number(&self, name: &str) -> Result<u64, String> {
        self.number(name)?.ok_or_else(|| format!("it has no {name}"))
    }

    /// A text that must be there.
    pub fn the_text(&self, name: &str) -> Result<&'a str, String> {
        self.text(name)?.ok_or_else(|| format!("it has no {name}"))
    }
}
