//! What stands behind the number of rows that were read: the index's own count, or, where it gives none, all
//! of its rows once more.

use super::by_fid::RowsByFid;
use super::comparison::Comparison;
use super::ranges::{KeyRange, digits};
use super::state::Place;
use crate::ports::{IndexError, KeyedRow};
use crate::retried::retried;
use crate::{Reason, ReasonKind, Stopped, limits};

/// A range that has no key: a row that is taken in it is looked at by itself.
const NOWHERE: KeyRange = KeyRange { from: None, end: Some(String::new()) };

impl Comparison<'_> {
    /// Where the comparison begins: the ranges of each run that are done. It asks the index for its
    /// count, unless another comparison goes on here. A count that fails stops nothing.
    pub(super) async fn begin(&self) -> Vec<usize> {
        if self.plan.resume.is_none() {
            let counted = self.count().await;
            let mut parts = self.counting.parts();
            let summary = &mut parts.done.summary;
            summary.uncounted = counted.as_ref().err().map(ToString::to_string);
            summary.counted_before = counted.unwrap_or_default();
            parts.place = Place::begin(digits(summary.counted_before, self.is_deep()));
        }
        self.counting.parts().place.done.clone()
    }

    /// Counts the index behind its last row. Where it gives no count, or counts more rows than were read, all
    /// of its rows are read by fid, and those that no range gave are put aside, to be looked at by themselves.
    /// So every row that the index has was read, or the comparison is not complete.
    ///
    /// A count is a second witness against a page of rows that was cut short, and against rows of a range that
    /// came when it was done. The pages by fid are the same: they go along another index of the table, to a
    /// page that has no row.
    ///
    /// # Errors
    /// With rows by fid that cannot be read, and with more new rows than are kept in memory.
    pub(super) async fn back_rows(&self) -> Result<(), Stopped> {
        let counted = self.count().await;
        let is_backed = {
            let summary = &mut self.counting.parts().done.summary;
            summary.uncounted = counted.as_ref().err().map(ToString::to_string);
            summary.counted_after = counted.unwrap_or_default();
            summary.counted_after.is_some_and(|now| now <= summary.rows)
        };
        // Rows that were sorted come from there alone: the index gave each of them by its fid.
        if is_backed || self.plan.counted.is_some() {
            return Ok(());
        }
        let mut pages = RowsByFid::new(self.ports.index, self.looks.patience);
        let mut listed = 0;
        while let Some(rows) = pages.page().await? {
            listed += rows.len() as u64;
            for row in &rows {
                self.take_late(row);
            }
            self.require_few_late("were passed over in their key ranges")?;
        }
        self.counting.parts().done.summary.listed_by_fid = Some(listed);
        Ok(())
    }

    /// Takes a row behind its range: one that was not seen before is put aside.
    pub(super) fn take_late(&self, row: &KeyedRow) {
        self.counting.take(None, row, &NOWHERE, &mut []);
    }

    /// Errors with more rows aside than are kept in memory.
    pub(super) fn require_few_late(&self, what: &str) -> Result<(), Stopped> {
        if self.counting.parts().done.aside.len() < limits::KEPT_ASIDE {
            return Ok(());
        }
        let text = format!(
            "{} rows or more {what}: they are too many to be looked at one by one. Begin a new comparison, with \
             another --state file and new lists",
            limits::KEPT_ASIDE
        );
        Err(Stopped::Trouble(Reason::new(ReasonKind::IndexUnreadable, text)))
    }

    async fn count(&self) -> Result<Option<u64>, IndexError> {
        match self.plan.counted {
            Some(counted) => Ok(Some(counted)),
            None => retried(self.ports.clock, 0, || self.ports.index.count()).await,
        }
    }
}
