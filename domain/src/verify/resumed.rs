//! What a comparison does at its end when it has gone on from a state: rows may have come into the ranges
//! that were done.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::comparison::{Comparison, trouble};
use super::patience::Asked;
use super::ranges::{KeyRange, runs};
use super::rows::{read_keyless, read_range};
use crate::ports::KeyedRow;
use crate::{Reason, ReasonKind, Stopped, System, limits};

/// A range that has no key: a row that is taken in it is looked at by itself.
const NOWHERE: KeyRange = KeyRange { from: None, end: Some(String::new()) };

impl Comparison<'_> {
    /// Reads again the rows of the ranges that were done when this comparison went on: `done` of each run.
    /// Rows that no earlier one has seen are put aside, to be looked at by themselves. Then it counts the
    /// index: the state's count is of before. Does nothing where the comparison went on from no state.
    ///
    /// # Errors
    /// With an index that cannot be read or counted, and with more new rows than are kept in memory.
    pub(super) async fn rows_since(&self, done: &[usize]) -> Result<(), Stopped> {
        if self.plan.resume.is_none() {
            return Ok(());
        }
        let all = runs(self.counting.parts().place.digits);
        let ranges = all.iter().zip(done).flat_map(|(run, done)| run.iter().take(*done));
        stream::iter(ranges.collect::<Vec<_>>())
            .map(|range| self.rows_since_in(range))
            .buffer_unordered(limits::RANGES_AT_ONCE)
            .try_collect::<()>()
            .await?;
        if done.last().is_some_and(|keyless| *keyless > 0) {
            let mut take = |row: KeyedRow| self.counting.take(None, &row, &NOWHERE, &mut []);
            let read = read_keyless(self.ports.rows, self.looks.patience, &mut take).await;
            read.map_err(|error| trouble(&error))?;
        }
        self.count_again().await
    }

    async fn rows_since_in(&self, range: &KeyRange) -> Result<(), Stopped> {
        let mut take = |row: KeyedRow| self.counting.take(None, &row, &NOWHERE, &mut []);
        let (rows, patience) = (self.ports.rows, self.looks.patience);
        let read = read_range(rows, patience, range, self.plan.page_rows, &mut take).await;
        read.map_err(|error| trouble(&error))?;
        if self.counting.parts().done.aside.len() < limits::KEPT_ASIDE {
            return Ok(());
        }
        let text = format!(
            "{} rows or more came into key ranges that were compared before this comparison was interrupted: \
             it is too old to go on with. Begin a new one with another --state file and new lists",
            limits::KEPT_ASIDE
        );
        Err(Stopped::Trouble(Reason::new(ReasonKind::IndexUnreadable, text)))
    }

    async fn count_again(&self) -> Result<(), Stopped> {
        let now = match self.plan.counted {
            Some(counted) => Some(counted),
            None => {
                let count = || self.ports.index.count();
                let counted =
                    self.looks.patience.ask(System::Index, Asked::ForAll, 0, count).await;
                counted.map_err(|error| trouble(&error))?
            }
        };
        let summary = &mut self.counting.parts().done.summary;
        let read_fewer = summary.counted_before.is_some_and(|before| summary.rows < before);
        summary.counted_after = now.filter(|now| *now != summary.rows || read_fewer);
        Ok(())
    }
}
