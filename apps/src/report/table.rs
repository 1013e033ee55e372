//! Classes of rows and files, in columns: name, files, bytes.

use std::fmt::{self, Write};

use domain::Tally;
use indicatif::{HumanBytes, HumanCount};

/// Writes one class a line, the numbers below each other.
pub struct Table<'a> {
    out: &'a mut String,
    name_width: usize,
}

impl<'a> Table<'a> {
    /// A table whose names are at most 24 characters long.
    pub const fn new(out: &'a mut String) -> Self {
        Self { out, name_width: 24 }
    }

    /// A table whose names are those of buckets.
    pub const fn of_buckets(out: &'a mut String) -> Self {
        Self { out, name_width: 32 }
    }

    /// A class whose bytes are known.
    pub fn tally(&mut self, name: &str, tally: Tally) -> fmt::Result {
        let (files, bytes) = (HumanCount(tally.files).to_string(), HumanBytes(tally.bytes));
        writeln!(self.out, "  {name:<width$} {files:>12}  {bytes}", width = self.name_width)
    }

    /// A class that has no bytes.
    pub fn count(&mut self, name: &str, count: u64) -> fmt::Result {
        let count = HumanCount(count).to_string();
        writeln!(self.out, "  {name:<width$} {count:>12}", width = self.name_width)
    }
}

/// Files that are worked on although the ledger has a proof. They are part of other classes.
pub fn write_proven_as_another(out: &mut String, tally: Tally) -> fmt::Result {
    if tally.files == 0 {
        return Ok(());
    }
    let files = HumanCount(tally.files);
    writeln!(
        out,
        "  ({files} of these files have a ledger record of another bucket or content: it does not count)"
    )
}

/// Files that are looked at because what was noted of them cannot be read. They are part of other
/// classes.
pub fn write_unreadable_failures(out: &mut String, tally: Tally) -> fmt::Result {
    if tally.files == 0 {
        return Ok(());
    }
    let files = HumanCount(tally.files);
    writeln!(
        out,
        "  ({files} of these files have a failure record that cannot be read: each counts as doubted)"
    )
}

/// Rows that are not part of any class.
pub fn write_other_domains(out: &mut String, rows: u64) -> fmt::Result {
    if rows == 0 {
        return Ok(());
    }
    writeln!(out, "  (and {} rows of other domains, not migrated)", HumanCount(rows))
}

/// Says so where a row or a job (`what`) is in no class, or in two: a defect of this program.
pub fn write_sums(out: &mut String, adds_up: bool, what: &str) -> fmt::Result {
    if adds_up {
        return Ok(());
    }
    writeln!(
        out,
        "THE SUMS DO NOT ADD UP: {what} are in no class above, or in two. This is a defect of \
         mogile2s3: please report it with this output."
    )
}
