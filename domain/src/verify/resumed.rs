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
use crate::{Stopped, limits};

impl Comparison<'_> {
    /// Reads again the rows of the ranges that were done when this comparison went on: `done` of each run.
    /// Rows that no earlier one has seen are put aside, to be looked at by themselves. Does nothing where the
    /// comparison went on from no state.
    ///
    /// # Errors
    /// With an index that cannot be read, and with more new rows than are kept in memory.
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
            let mut take = |row: KeyedRow| self.take_late(&row);
            let read = read_keyless(self.ports.rows, self.looks.patience, &mut take).await;
            read.map_err(|error| trouble(&error))?;
        }
        Ok(())
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
        let mut take = |row: KeyedRow| self.take_late(&row);
        let (rows, patience) = (self.ports.rows, self.looks.patience);
        let read = read_range(rows, patience, range, self.plan.page_rows, &mut take).await;
        read.map_err(|error| trouble(&error))?;
        self.require_few_late("came into key ranges that were compared before it was interrupted")
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
