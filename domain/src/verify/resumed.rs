//! What a comparison does at its end when it has gone on from a state: rows may have come into the ranges
//! that were done, and files that could not be looked at may be looked at now.

use futures_util::{StreamExt, stream};

use super::comparison::{Comparison, trouble};
use super::join::ExpectedFile;
use super::look::{How, Looked};
use super::ranges::{KeyRange, runs};
use super::rows::{read_keyless, read_range};
use super::tally::Counting;
use crate::ports::KeyedRow;
use crate::retried::retried;
use crate::{Reason, ReasonKind, Stopped, limits};

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
        for (run, done) in all.iter().zip(done) {
            for range in run.iter().take(*done) {
                self.rows_since_in(range).await?;
            }
        }
        if done.last().is_some_and(|keyless| *keyless > 0) {
            let mut take = |row: KeyedRow| self.counting.take(None, &row, &NOWHERE, &mut []);
            let read = read_keyless(self.ports.rows, self.looks.patience, &mut take).await;
            read.map_err(|error| trouble(&error))?;
        }
        self.count_again().await
    }

    /// Looks at the files that could not be looked at before this comparison went on.
    pub(super) async fn look_again(&self) -> Result<(), Stopped> {
        if self.plan.resume.is_none() {
            return Ok(());
        }
        let is_read = self.is_deep();
        let looks = stream::iter(self.counting.take_unseen())
            .map(async |(bucket, file)| {
                let how = if is_read { How::ByBytes(None) } else { How::ByHead };
                let looked = self.looks.look(self.counting.buckets[bucket], &file, how).await;
                self.looks.patience.require_use(&looked)?;
                self.counting.looked_again(bucket, &file, is_read, &looked);
                Ok(())
            })
            .buffer_unordered(limits::SAMPLE_READS_AT_ONCE);
        self.all(looks).await
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
        let now = if let Some(counted) = self.plan.counted {
            Some(counted)
        } else {
            let counted = retried(self.ports.clock, 0, || self.ports.index.count()).await;
            counted.map_err(|error| trouble(&error))?
        };
        let summary = &mut self.counting.parts().done.summary;
        let read_fewer = summary.counted_before.is_some_and(|before| summary.rows < before);
        summary.counted_after = now.filter(|now| *now != summary.rows || read_fewer);
        Ok(())
    }
}

impl Counting<'_> {
    /// Takes out of the counts the files that an earlier comparison could not look at. None where the
    /// state does not have all of them: those stay unseen.
    fn take_unseen(&self) -> Vec<(usize, ExpectedFile)> {
        let done = &mut self.parts().done;
        if done.unseen.len() as u64 != done.summary.unseen_files() {
            return Vec::new();
        }
        done.summary.unseen.clear();
        std::mem::take(&mut done.unseen)
    }

    /// Counts a file that an earlier comparison could not look at, and that has had its line.
    fn looked_again(&self, bucket: usize, file: &ExpectedFile, is_read: bool, looked: &Looked) {
        let is_accepted = self.accepts(bucket, file, looked);
        self.parts().done.summary.count(file, is_read, (looked, is_accepted));
        self.tell_looked(None, bucket, file, (looked, is_accepted), true);
    }
}
