//! Old and new names of buckets, in rows that can be renamed again and again to the same end.

use std::collections::BTreeSet;

/// A bucket's name, and the one that it becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameChange {
    /// The name that rows bear.
    pub from: String,
    /// The name that they get.
    pub to: String,
}

/// Changes of names of which none touches what another has made: whatever part of them was made,
/// all of them made again lead to the same rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameChanges(Vec<NameChange>);

/// Why changes of names cannot be made together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameChangesError {
    /// There is no change.
    #[error("no bucket name is to be changed")]
    Empty,
    /// One old name has two new ones.
    #[error("the bucket name `{0}` is to be changed twice")]
    Twice(String),
    /// A new name is also an old one.
    #[error("the bucket name `{0}` is both an old name and a new one")]
    Chain(String),
}

impl NameChanges {
    /// Checks the changes.
    pub fn new(changes: Vec<NameChange>) -> Result<Self, NameChangesError> {
        if changes.is_empty() {
            return Err(NameChangesError::Empty);
        }
        let mut old = BTreeSet::new();
        if let Some(twice) = changes.iter().find(|change| !old.insert(change.from.as_str())) {
            return Err(NameChangesError::Twice(twice.from.clone()));
        }
        if let Some(chain) = changes.iter().find(|change| old.contains(change.to.as_str())) {
            return Err(NameChangesError::Chain(chain.to.clone()));
        }
        Ok(Self(changes))
    }

    /// The changes, in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[NameChange] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_that_would_touch_each_other_are_refused() {
        use NameChangesError::{Chain, Empty, Twice};
        let text = |name: &str| name.to_owned();
        for (changes, error) in [
            (&[][..], Some(Empty)),
            (&[("a", "b")], None),
            (&[("a", "x"), ("b", "x")], None),
            // Names that one collation or another takes for the same are two here.
            (&[("a", "A"), ("b", "b ")], None),
            (&[("a", "a")], Some(Chain(text("a")))),
            (&[("a", "b"), ("b", "c")], Some(Chain(text("b")))),
            (&[("b", "c"), ("a", "b")], Some(Chain(text("b")))),
            (&[("a", "b"), ("a", "c")], Some(Twice(text("a")))),
        ] {
            let change = |&(from, to): &(&str, &str)| NameChange { from: text(from), to: text(to) };
            let made = NameChanges::new(changes.iter().map(change).collect());
            assert_eq!(made.err(), error, "{changes:?}");
        }
    }
}
