//! Whether the rows at the end are those of before.

use std::collections::BTreeMap;
use std::fmt;

use crate::journal::{Direction, NamesBefore};
use crate::limits;
use crate::ports::BackupRow;

/// What was compared at the end of a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Rows that were compared with the backup, one by one; 0 where they were only counted.
    pub rows: u64,
    /// Names of which another number of rows is there than before.
    pub counts: Vec<CountDifference>,
    /// Rows that are not those of the backup: their number.
    pub other_rows: u64,
    /// The first of them.
    pub named: Vec<RowDifference>,
}

impl Verified {
    /// Whether all is as it was before.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.counts.is_empty() && self.other_rows == 0
    }

    /// Adds a row that is another one.
    pub(super) fn add(&mut self, difference: RowDifference) {
        self.other_rows += 1;
        if self.named.len() < limits::ROWS_NAMED {
            self.named.push(difference);
        }
    }
}

/// A bucket name that another number of rows bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountDifference {
    /// The name; [`None`] for NULL.
    pub name: Option<String>,
    /// The number that it must be.
    pub expected: u64,
    /// The number that it is.
    pub found: u64,
}

impl fmt::Display for CountDifference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, expected, found } = self;
        match name {
            Some(name) => write!(out, "{name:?} has {found} rows, and must have {expected}"),
            None => write!(out, "NULL has {found} rows, and must have {expected}"),
        }
    }
}

/// A row that is not that of the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowDifference {
    /// The backup has it, and the table does not.
    Gone(BackupRow),
    /// The table has it, and the backup does not.
    New(BackupRow),
    /// It bears another name.
    OtherName {
        /// In the backup.
        before: BackupRow,
        /// In the table.
        now: BackupRow,
    },
}

/// Counts of rows by their names.
pub(super) type Counts = BTreeMap<Option<String>, u64>;

/// The counts that the whole table must have behind a change.
pub(super) fn expected(names: &NamesBefore, direction: Direction) -> Counts {
    let mut counts = before(names);
    if direction == Direction::ToS3 {
        for rename in &names.renames {
            let renamed = counts.remove(&Some(rename.from.clone())).unwrap_or_default();
            *counts.entry(Some(rename.to.clone())).or_default() += renamed;
        }
    }
    counts.retain(|_, rows| *rows > 0);
    counts
}

/// The counts of before.
pub(super) fn before(names: &NamesBefore) -> Counts {
    let rows = names.rows.iter().map(|(name, rows)| (Some(name.clone()), *rows));
    rows.chain((names.nameless > 0).then_some((None, names.nameless))).collect()
}

/// The names with other numbers.
pub(super) fn differences(expected: &Counts, found: &Counts) -> Vec<CountDifference> {
    let names: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let of = |counts: &Counts, name: &Option<String>| counts.get(name).copied().unwrap_or_default();
    let each = names.into_iter().map(|name| CountDifference {
        name: name.clone(),
        expected: of(expected, name),
        found: of(found, name),
    });
    each.filter(|difference| difference.expected != difference.found).collect()
}

/// What is left of `all` without `part`.
pub(super) fn without(mut all: Counts, part: &Counts) -> Counts {
    for (name, rows) in part {
        if let Some(left) = all.get_mut(name) {
            *left = left.saturating_sub(*rows);
        }
    }
    all.retain(|_, rows| *rows > 0);
    all
}
