//! Under which names the clients have each bucket.

use std::fmt::{self, Write};

use domain::verify::references::{BothNames, TableCounts};
use indicatif::HumanCount;

use super::ReferencesReport;
use crate::report::shell;

impl ReferencesReport {
    /// How many rows bear the old name of a bucket, and how many the new one.
    pub(super) fn write_names(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        for (old, new) in self.wishes.buckets.pairs() {
            let of =
                |table: &TableCounts, name: &str| table.by_name.get(name).copied().unwrap_or(0);
            let both = |table: &TableCounts| {
                let (before, after) = (of(table, old.as_str()), of(table, new.as_str()));
                format!("{} and {}", HumanCount(before), HumanCount(after))
            };
            if old.as_str() == new.as_str() {
                continue;
            }
            write!(out, "Rows under `{old}` and `{new}`: contentrepo {}", both(&summary.objects))?;
            match &summary.article_files {
                Some(files) => writeln!(out, "; rhino {}", both(files))?,
                None => writeln!(out)?,
            }
        }
        for both in &summary.both_names {
            let BothNames { client, old, rows_old, new, rows_new } = both;
            writeln!(
                out,
                "HALF CUT OVER: {client} has {} rows under `{}` and {} under `{}`: its cut-over began and did not \
                 come to its end.\n  → finish the cut-over of {client}, or take it back; then run this again",
                HumanCount(*rows_old),
                shell::printable(old),
                HumanCount(*rows_new),
                shell::printable(new),
            )?;
        }
        if summary.half_cut_over == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "HALF CUT OVER: {} rows of rhino name a bucket that contentrepo has under its other name, so that \
             rhino's reads fail.\n  → finish the cut-over of the other database, or take back the one that is \
             done; then run this again",
            HumanCount(summary.half_cut_over)
        )
    }
}
