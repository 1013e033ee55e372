//! Whether the migration comes nearer to its end while ingest goes on.

use serde::Serialize;

use super::facts::{Facts, Recorded};
use crate::doctor::{Window, WindowSize};
use crate::journal::MigrationPlace;

/// How the number of files that are left to migrate changes from pass to pass.
///
/// Its figures come from the clocks of those who wrote the entries. Nothing is decided by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Convergence {
    /// The files that were left when the last pass began.
    pub left: u64,
    /// Those of them that failed in it.
    pub failed: u64,
    /// The files that were left when the pass before it began; [`None`] where there was one pass alone.
    pub left_before: Option<u64>,
    /// The seconds from the begin of one pass to the begin of the next.
    pub seconds_between: Option<u64>,
    /// The seconds that the files which are left take at this rate; [`None`] where their number does not fall.
    pub seconds_left: Option<u64>,
    /// How long the maintenance window would be with these files, by the figures of `plan`; [`None`] where no
    /// pass says how many rows there are.
    pub window_seconds: Option<u64>,
    /// Whether the number falls; [`None`] where it is not known.
    pub converges: Option<bool>,
}

impl Convergence {
    /// The number of files by which it fell from pass to pass, and in how many seconds.
    #[must_use]
    pub fn fall(&self) -> Option<(u64, u64)> {
        let fallen = self.left_before?.checked_sub(self.left)?;
        let seconds = self.seconds_between.filter(|seconds| *seconds > 0)?;
        (fallen > 0).then_some((fallen, seconds))
    }
}

/// The convergence of the last two passes over these systems.
pub(super) fn of(facts: &Facts, today: &MigrationPlace) -> Option<Convergence> {
    let is_of_today = |it: &&Recorded| it.evidence.stale(today, None).is_empty();
    let counts = |it: &&Recorded| it.counted("left").is_some();
    let mut passes = facts.passes.iter().rev().filter(is_of_today).filter(counts);
    let last = passes.next()?;
    let before = passes.next();
    let left = last.counted("left")?;
    // Behind a pass that had nothing to do there is nothing to compare with.
    let left_before = before.and_then(|it| it.counted("left")).filter(|left| *left > 0);
    let seconds_between = before.and_then(|it| begun(last).checked_sub(begun(it)));
    let mut found = Convergence {
        left,
        failed: last.counted("failed").unwrap_or_default(),
        left_before,
        seconds_between,
        seconds_left: None,
        window_seconds: last.counted("rows").map(|rows| window(rows, left)),
        converges: left_before.map(|before| left == 0 || left < before),
    };
    found.seconds_left = match found.fall() {
        _ if left == 0 => Some(0),
        Some((fallen, seconds)) => {
            let needed = u128::from(left) * u128::from(seconds) / u128::from(fallen);
            u64::try_from(needed).ok()
        }
        None => None,
    };
    Some(found)
}

/// When a pass began, in seconds.
fn begun(pass: &Recorded) -> u64 {
    (pass.at.0 / 1000).saturating_sub(pass.counted("seconds").unwrap_or_default())
}

fn window(rows: u64, ingested: u64) -> u64 {
    let size = WindowSize {
        index_rows: rows,
        files: rows,
        ingested,
        repo_rows: 0,
        by_trackers: false,
        rhino_rows: None,
    };
    Window::of(size).seconds
}
