//! What a change of rhino's database is expected to take.

use std::time::Duration;

use crate::limits::assumed;
use crate::ports::RhinoFacts;
use crate::{ByteCount, limits};

/// What a change is expected to take. These are estimates from one measurement on another server (see
/// [`assumed::RENAMED_ROWS_A_SECOND`]): nothing depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RhinoEstimate {
    /// Rows that get other names.
    pub rows: u64,
    /// Rows of the whole table, of which the index is made.
    pub table_rows: u64,
    /// Statements, those of the index among them.
    pub statements: u64,
    /// The time for all of them, in seconds.
    pub seconds: u64,
    /// What the binary log grows by; [`None`] where the server writes none.
    pub binlog: Option<ByteCount>,
}

impl RhinoEstimate {
    /// The estimate for a table of `table_rows` rows, of which `rows` get other names.
    pub(super) fn new(facts: &RhinoFacts, rows: u64, table_rows: u64, has_index: bool) -> Self {
        let changes_index = has_index && rows > 0;
        let ranges =
            if rows == 0 { 0 } else { table_rows.div_ceil(limits::CHUNK_ROWS_MOST as u64) };
        let statements = ranges + if changes_index { 2 } else { 0 };
        let renaming = rows / assumed::RENAMED_ROWS_A_SECOND;
        let indexing = if changes_index { table_rows / assumed::INDEXED_ROWS_A_SECOND } else { 0 };
        let is = |value: &Option<String>, wanted: &str| {
            value.as_deref().is_some_and(|value| value.eq_ignore_ascii_case(wanted))
        };
        let bytes = if is(&facts.binlog_format, "STATEMENT") {
            statements * assumed::BINLOG_BYTES_A_STATEMENT
        } else if is(&facts.binlog_row_image, "MINIMAL") {
            rows * assumed::BINLOG_BYTES_A_MINIMAL_ROW
        } else {
            rows * assumed::BINLOG_BYTES_A_ROW
        };
        Self {
            rows,
            table_rows,
            statements,
            seconds: renaming + indexing + 1,
            binlog: facts.has_binlog.then_some(ByteCount(bytes)),
        }
    }

    /// The time for all statements.
    #[must_use]
    pub const fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cutover::rhino::tests::facts;

    /// Rows to rename, all rows, the log's format and row image; then statements, seconds and megabytes.
    #[test]
    fn ten_million_rows_take_minutes_and_gigabytes() {
        for (rows, all, format, image, statements, seconds, megabytes) in [
            (10_000_000, 10_000_000, Some("ROW"), Some("FULL"), 202, 126, Some(3_490)),
            (10_000_000, 10_000_000, Some("MIXED"), None, 202, 126, Some(3_490)),
            (10_000_000, 10_000_000, Some("ROW"), Some("minimal"), 202, 126, Some(300)),
            (10_000_000, 10_000_000, Some("STATEMENT"), Some("FULL"), 202, 126, Some(0)),
            (1_000_000, 10_000_000, Some("ROW"), Some("FULL"), 202, 36, Some(349)),
            (0, 10_000_000, Some("ROW"), Some("FULL"), 0, 1, Some(0)),
            (1_000_000, 1_000_000, None, None, 22, 13, None),
        ] {
            let mut facts = facts();
            facts.has_binlog = format.is_some();
            facts.binlog_format = format.map(str::to_owned);
            facts.binlog_row_image = image.map(str::to_owned);
            let estimate = RhinoEstimate::new(&facts, rows, all, true);
            let found = estimate.binlog.map(|bytes| bytes.0 / 1_000_000);
            assert_eq!(
                (estimate.statements, estimate.seconds, found),
                (statements, seconds, megabytes)
            );
        }
    }
}
