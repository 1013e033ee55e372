//! What the report says of `--state`, and of an index that was sorted first.

use std::fmt::{self, Write};
use std::path::PathBuf;

use domain::Timestamp;
use domain::ports::SortedRows;
use indicatif::{HumanBytes, HumanCount};
use serde::Serialize;

use crate::report::shell;

/// What became of the file of `--state`.
#[derive(Debug, Serialize)]
pub struct StateEnd {
    /// Where it is.
    pub file: PathBuf,
    /// When the comparison began.
    pub begun: Timestamp,
    /// When it was continued.
    pub continued: Vec<Timestamp>,
    /// Ranges that were done when it was continued last: their objects were not listed again.
    pub ranges_before: u64,
    /// Ranges that the file has.
    pub ranges_kept: u64,
    /// Why it could not be written last, if so.
    pub trouble: Option<String>,
}

/// The rows that were read by fid and sorted, where there was no database.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SortedEnd {
    /// How many.
    pub rows: u64,
    /// Rows whose key came again with a higher fid, and that were left out.
    pub replaced: u64,
    /// Their bytes on disk.
    pub bytes: u64,
}

impl From<&SortedRows> for SortedEnd {
    fn from(sorted: &SortedRows) -> Self {
        let SortedRows { rows: _, count, replaced, bytes } = sorted;
        Self { rows: *count, replaced: *replaced, bytes: *bytes }
    }
}

impl StateEnd {
    /// What was not looked at again, for what stands in the report is older than its end.
    pub(super) fn write_age(&self, out: &mut String) -> fmt::Result {
        let Some(last) = self.continued.last() else { return Ok(()) };
        let (times, ranges) = (self.continued.len(), HumanCount(self.ranges_before));
        let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
        writeln!(
            out,
            "The comparison began at {} and was continued {times}, last at {last}. Objects of the {ranges} \
             key ranges that were done by then were not listed again. Rows that came into these ranges \
             meanwhile are compared once all ranges are done.",
            self.begun
        )
    }

    /// How to go on with a comparison that is not complete.
    pub(super) fn write_next(&self, out: &mut String) -> fmt::Result {
        let (file, ranges) = (self.file.display().to_string(), HumanCount(self.ranges_kept));
        if let Some(trouble) = &self.trouble {
            writeln!(out, "THE STATE COULD NOT BE KEPT: {}", shell::printable(trouble))?;
        }
        writeln!(
            out,
            "The same command with --state {} goes on behind the {ranges} key ranges that it has.",
            shell::quoted(&file)
        )
    }
}

impl SortedEnd {
    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        let (rows, bytes) = (HumanCount(self.rows), HumanBytes(self.bytes));
        writeln!(out, "The trackers listed {rows} rows, which took {bytes} on disk to sort.")?;
        if self.replaced > 0 {
            let replaced = HumanCount(self.replaced);
            writeln!(
                out,
                "Of {replaced} rows the key came again with a higher fid, which counts."
            )?;
        }
        Ok(())
    }
}
