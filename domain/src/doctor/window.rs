//! How long the maintenance window is in which the clients are cut over, gate by gate.

use std::collections::BTreeMap;

use serde::Serialize;

use super::types_planned::is_of_store;
use crate::limits::assumed;
use crate::ports::{DatabaseError, RhinoDatabase};
use crate::{BucketMap, Destination, MogileBucket};

/// What the length of the window depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowSize {
    /// Rows of MogileFS's index.
    pub index_rows: u64,
    /// Files to be migrated, each with a record in the ledger.
    pub files: u64,
    /// Files that came since the migration before the window.
    pub ingested: u64,
    /// Rows of contentrepo's table `objects`, which the migration reads for types and names; none where it
    /// does not.
    pub repo_rows: u64,
    /// Whether the index is read through the trackers. Nobody knows how fast that is.
    pub by_trackers: bool,
    /// Rows of rhino's table `articleFile` whose bucket name changes, where they were counted.
    pub rhino_rows: Option<u64>,
}

/// Where a gate's time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// By a rate that was measured.
    Measured,
    /// Never measured.
    Estimate,
}

/// One gate of the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowGate {
    /// What is done.
    pub name: &'static str,
    /// How long it takes.
    pub seconds: u64,
    /// The formula.
    pub formula: &'static str,
    /// Where its figures come from.
    pub basis: Basis,
}

/// The window, gate by gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// In their order.
    pub gates: Vec<WindowGate>,
    /// All gates together.
    pub seconds: u64,
    /// Files that came since the migration before the window, as was assumed.
    pub ingested: u64,
    /// Whether the index is read through the trackers: then the gates that read it take an unknown time,
    /// and these seconds are those of the database.
    pub by_trackers: bool,
    /// Rows of rhino that change.
    pub rhino_rows: u64,
    /// Whether these were counted; otherwise one row for each file is assumed.
    pub rhino_counted: bool,
    /// What the update writes into the binary log, where it holds whole rows.
    pub binlog_bytes: u64,
    /// The most that it writes with `binlog_row_image=MINIMAL`.
    pub binlog_bytes_minimal: u64,
}

/// Rows of contentrepo's table `objects` read in a second: as the index's rows. Not measured on a server.
const REPO_ROWS_A_SECOND: u64 = 33_000;

/// Files migrated or verified in a second, from one machine. Not measured on S3.
const FILES_A_SECOND: u64 = 200;

/// The update of a million rows in chunks of 5,000 without the index, the drop and the creation of the
/// index: measured on MariaDB 10.11 with a million rows of the whole schema in memory, within 30 %.
/// Where tables and index do not fit in memory it takes longer, which was not measured.
const UPDATE_MILLISECONDS_A_MILLION: u64 = 7_000;
const DROP_MILLISECONDS_A_MILLION: u64 = 100;
const CREATE_MILLISECONDS_A_MILLION: u64 = 2_900;

/// Bytes of the binary log for each row of that update: with whole rows, and at most with
/// `binlog_row_image=MINIMAL` (16 to 30). Measured in the same place.
const BINLOG_BYTES_A_ROW: u64 = 349;
const BINLOG_BYTES_A_ROW_MINIMAL: u64 = 30;

impl Window {
    /// The window for a store of this size.
    #[must_use]
    pub fn of(size: WindowSize) -> Self {
        use Basis::{Estimate, Measured};
        let WindowSize { index_rows, files, ingested, rhino_rows: counted, .. } = size;
        let rows = counted.unwrap_or(files);
        let read = index_rows.div_ceil(assumed::INDEX_ROWS_A_SECOND);
        let scanned = files.div_ceil(assumed::LEDGER_ITEMS_A_SECOND);
        let typed = size.repo_rows.div_ceil(REPO_ROWS_A_SECOND);
        let moved = ingested.div_ceil(FILES_A_SECOND);
        let of_rows = |a_million: u64| rows.saturating_mul(a_million).div_ceil(1_000_000_000);
        let create = of_rows(CREATE_MILLISECONDS_A_MILLION);
        let gates = [
            ("freeze", 600 + 2 * read, "10 min + 2 × index rows ÷ 33,000/s", Estimate),
            (
                "last migrate",
                read + scanned + typed + moved,
                "index rows ÷ 33,000/s + files ÷ 100,000/s + contentrepo's rows ÷ 33,000/s + ingested ÷ \
                 200/s",
                Estimate,
            ),
            (
                "verify what came since",
                read + scanned + moved,
                "index rows ÷ 33,000/s + files ÷ 100,000/s + ingested ÷ 200/s",
                Estimate,
            ),
            ("contentrepo's configuration", 300, "5 min", Estimate),
            ("contentrepo's buckets", 60, "1 min", Estimate),
            (
                "rhino: drop the index",
                60 + of_rows(DROP_MILLISECONDS_A_MILLION),
                "1 min for locks + rows × 0.1 s ÷ million",
                Estimate,
            ),
            (
                "rhino: update the rows",
                of_rows(UPDATE_MILLISECONDS_A_MILLION),
                "rows × 7.0 s ÷ million",
                Measured,
            ),
            ("rhino: create the index", create, "rows × 2.9 s ÷ million", Measured),
            ("rhino: the same on a replica", create, "rows × 2.9 s ÷ million", Estimate),
            ("smoke", 600, "10 min", Estimate),
            ("start the clients again", 600, "10 min", Estimate),
        ];
        let gates: Vec<_> = gates
            .into_iter()
            .map(|(name, seconds, formula, basis)| WindowGate { name, seconds, formula, basis })
            .collect();
        Self {
            seconds: gates.iter().map(|gate| gate.seconds).sum(),
            gates,
            ingested,
            by_trackers: size.by_trackers,
            rhino_rows: rows,
            rhino_counted: counted.is_some(),
            binlog_bytes: rows.saturating_mul(BINLOG_BYTES_A_ROW),
            binlog_bytes_minimal: rows.saturating_mul(BINLOG_BYTES_A_ROW_MINIMAL),
        }
    }
}

/// The rows of rhino by what becomes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RhinoRows {
    /// Those whose bucket name changes.
    pub changing: u64,
    /// Those in buckets that the map names, by their old names or by their new ones. Where there are none
    /// it is most likely the rhino of another store.
    pub of_store: u64,
    /// Those in buckets that neither setting names, by that name. They stop the cut-over.
    pub unmapped: BTreeMap<String, u64>,
}

/// Counts the rows of rhino. It reads each of them, which may take minutes.
pub async fn count_rhino_rows(
    database: &dyn RhinoDatabase,
    buckets: &BucketMap,
) -> Result<RhinoRows, DatabaseError> {
    let mut rows = RhinoRows::default();
    for (name, count) in database.rows_by_bucket().await? {
        // A row without a bucket refers to nothing.
        let Some(name) = name else { continue };
        let is_of_store = is_of_store(&name, buckets);
        rows.of_store += if is_of_store { count } else { 0 };
        let bucket = MogileBucket::new(&name);
        match bucket.map_or(Destination::Unmapped, |it| buckets.destination(&it)) {
            Destination::Bucket(new) if new.as_str() != name => rows.changing += count,
            Destination::Bucket(_) | Destination::Ignored => {}
            // By another run, which had come so far.
            Destination::Unmapped if is_of_store => {}
            Destination::Unmapped => *rows.unmapped.entry(name).or_default() += count,
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_the_sum_of_its_gates_by_their_formulas() {
        let size = WindowSize {
            index_rows: 9_900_000,
            files: 8_000_000,
            ingested: 10_000,
            repo_rows: 0,
            by_trackers: false,
            rhino_rows: Some(10_000_000),
        };
        let window = Window::of(size);
        let seconds: Vec<_> = window.gates.iter().map(|gate| gate.seconds).collect();
        // 300 s for the index, 80 s for the ledger, 50 s for the files; 7.0 s and 2.9 s a million.
        assert_eq!(seconds, [1_200, 430, 430, 300, 60, 61, 70, 29, 29, 600, 600]);
        assert_eq!(window.seconds, seconds.iter().sum::<u64>());
        assert_eq!(
            (window.binlog_bytes, window.binlog_bytes_minimal),
            (3_490_000_000, 300_000_000)
        );
        // With types and names all rows of contentrepo's objects are read once more.
        let typed = Window::of(WindowSize { repo_rows: 3_300_000, ..size });
        assert_eq!(typed.gates[1].seconds, 430 + 100);
        assert_eq!(typed.seconds, window.seconds + 100);
        let assumed = Window::of(WindowSize { rhino_rows: None, ..size });
        assert_eq!((assumed.rhino_rows, assumed.rhino_counted), (8_000_000, false));
    }
}
