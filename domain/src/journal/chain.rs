//! Whether a journal is as it was written.

use super::{Entry, Head, StoredEntry, StoredHead};
use crate::digest::Sha256;

/// Follows a journal from its first entry to its last, and tells what was changed. Give it the entries
/// in the order of their place: by number in the table, by line in a file.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    /// The migration that every entry must name; at first unknown, where nobody has said it.
    migration: Option<String>,
    last: Option<Head>,
}

/// A place at which a journal is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// The line cannot be read.
    #[error("entry {sequence} cannot be read as an entry: {why}")]
    Unreadable {
        /// The number under which it is stored.
        sequence: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Its hash is not the one that is stored beside it.
    #[error("entry {sequence} was changed: its hash is not the one that was written with it")]
    Changed {
        /// Its number.
        sequence: u64,
    },
    /// It has the number of another place.
    #[error("entry {sequence} stands at another place: there it says that it is entry {says}")]
    Moved {
        /// The number under which it is stored.
        sequence: u64,
        /// The number that it says.
        says: u64,
    },
    /// It comes behind an entry of a higher number, or of the same one.
    #[error("entry {sequence} comes behind entry {behind}: the order was changed")]
    OutOfOrder {
        /// Its number.
        sequence: u64,
        /// The number of the entry before it.
        behind: u64,
    },
    /// Entries are not there.
    #[error("{}", missing(*first, *last))]
    Missing {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// It does not continue the entry before it.
    #[error("entry {sequence} does not continue entry {}: one of the two was changed", sequence - 1)]
    Unlinked {
        /// Its number.
        sequence: u64,
    },
    /// It belongs to another migration.
    #[error("entry {sequence} is of the migration `{migration}`")]
    OtherMigration {
        /// Its number.
        sequence: u64,
        /// The migration's name.
        migration: String,
    },
    /// The head is missing, though there are entries.
    #[error("the journal's head is missing: entries behind entry {last} may be missing, too")]
    NoHead {
        /// The last entry that is there.
        last: u64,
    },
    /// The head cannot be read.
    #[error("the journal's head is damaged: {why}")]
    HeadDamaged {
        /// What is wrong with it.
        why: String,
    },
    /// The journal says of another entry that it is the last one.
    #[error("entry {last} is the last one that is there, and the journal names entry {head}")]
    OtherHead {
        /// The last entry that is there.
        last: u64,
        /// The number of the entry that should be the last one.
        head: u64,
    },
    /// The last entry is not the one that the journal was closed with.
    #[error("entry {sequence}, the last one, is not the one that the journal names")]
    HeadChanged {
        /// Its number.
        sequence: u64,
    },
}

impl Chain {
    /// The chain of this migration.
    #[must_use]
    pub fn of(migration: &str) -> Self {
        Self { migration: Some(migration.to_owned()), last: None }
    }

    /// Follows the chain by one entry. Returns the entry, where it can be read, and what is wrong.
    pub fn follow(&mut self, stored: &StoredEntry) -> (Option<Entry>, Vec<ChainFault>) {
        let sequence = stored.sequence;
        let hash = Sha256::of(stored.line.as_bytes());
        let mut faults = self.place(sequence);
        let is_next = faults.is_empty();
        let before = self.last.replace(Head { sequence, hash: stored.hash.unwrap_or(hash) });
        if stored.hash != Some(hash) {
            faults.push(ChainFault::Changed { sequence });
        }
        let entry = match Entry::parse(&stored.line) {
            Ok(entry) => entry,
            Err(error) => {
                faults.push(ChainFault::Unreadable { sequence, why: error.to_string() });
                return (None, faults);
            }
        };
        if entry.sequence != sequence {
            faults.push(ChainFault::Moved { sequence, says: entry.sequence });
        }
        // Behind a gap nobody knows what it should continue.
        if is_next && entry.previous != before.map(|head| head.hash) {
            faults.push(ChainFault::Unlinked { sequence });
        }
        let migration = self.migration.get_or_insert_with(|| entry.migration.clone());
        if *migration != entry.migration {
            let migration = entry.migration.clone();
            faults.push(ChainFault::OtherMigration { sequence, migration });
        }
        (Some(entry), faults)
    }

    /// Ends the chain. `head` is what the journal itself says of its last entry.
    #[must_use]
    pub fn end(&self, head: &StoredHead) -> Option<ChainFault> {
        ChainFault::of_end(self.last.as_ref(), head)
    }

    /// The last entry that was followed.
    #[must_use]
    pub const fn last(&self) -> Option<&Head> {
        self.last.as_ref()
    }

    /// The migration that every entry names, where it is known.
    #[must_use]
    pub fn migration(&self) -> Option<&str> {
        self.migration.as_deref()
    }

    /// What is wrong with the place of this number.
    fn place(&self, sequence: u64) -> Vec<ChainFault> {
        let behind = self.last.as_ref().map_or(0, |head| head.sequence);
        if sequence <= behind {
            return vec![ChainFault::OutOfOrder { sequence, behind }];
        }
        let (first, last) = (behind + 1, sequence - 1);
        if first <= last { vec![ChainFault::Missing { first, last }] } else { Vec::new() }
    }
}

impl ChainFault {
    /// What is wrong with the end of a journal whose entry of the highest number is `last`.
    #[must_use]
    pub fn of_end(last: Option<&Head>, head: &StoredHead) -> Option<Self> {
        match (last, head) {
            (_, StoredHead::Damaged { why }) => Some(Self::HeadDamaged { why: why.clone() }),
            (Some(last), StoredHead::Absent) => Some(Self::NoHead { last: last.sequence }),
            (None, StoredHead::Names(head)) => {
                Some(Self::Missing { first: 1, last: head.sequence })
            }
            (Some(last), StoredHead::Names(head)) if last.sequence < head.sequence => {
                Some(Self::Missing { first: last.sequence + 1, last: head.sequence })
            }
            (Some(last), StoredHead::Names(head)) if last.sequence > head.sequence => {
                Some(Self::OtherHead { last: last.sequence, head: head.sequence })
            }
            (Some(last), StoredHead::Names(head)) if last.hash != head.hash => {
                Some(Self::HeadChanged { sequence: last.sequence })
            }
            (None, StoredHead::Absent) | (Some(_), StoredHead::Names(_)) => None,
        }
    }
}

fn missing(first: u64, last: u64) -> String {
    if first == last {
        format!("entry {first} is missing")
    } else {
        format!("entries {first} to {last} are missing")
    }
}
