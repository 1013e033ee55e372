//! Finds the newest files of a store.

use std::collections::VecDeque;

use crate::ports::{Clock, IndexError, RowPage, SourceIndex};
use crate::retried::retried;
use crate::{BucketMap, Fid, RowClass, SourceFile, limits};

/// The newest files that migrate, at most as many as are wanted, ascending by fid. Where many rows of
/// other kinds lie behind them it may find fewer.
pub(super) async fn newest_files(
    index: &dyn SourceIndex,
    clock: &dyn Clock,
    buckets: &BucketMap,
    wanted: usize,
) -> Result<Vec<SourceFile>, IndexError> {
    let store = Store { index, clock };
    let last = store.last_fid().await?;
    let (mut width, mut newest) = (2 * wanted as u64, VecDeque::new());
    loop {
        let after = last.saturating_sub(width);
        let Some(found) = store.files_behind(after, buckets, wanted).await? else { break };
        newest = found;
        if newest.len() >= wanted || after == 0 {
            break;
        }
        width *= 4;
    }
    Ok(newest.into())
}

struct Store<'a> {
    index: &'a dyn SourceIndex,
    clock: &'a dyn Clock,
}

impl Store<'_> {
    async fn page(&self, after: u64, limit: usize) -> Result<RowPage, IndexError> {
        retried(self.clock, after, || self.index.page(Fid(after), limit)).await
    }

    async fn has_rows_behind(&self, after: u64) -> Result<bool, IndexError> {
        let page = self.page(after, limits::SAMPLED_ROWS).await?;
        Ok(page.next.is_some() || !page.rows.is_empty() || !page.unreadable.is_empty())
    }

    /// The highest fid that has a row, or one near it.
    async fn last_fid(&self) -> Result<u64, IndexError> {
        let (mut end, mut beyond) = (0, 1);
        while beyond < u64::MAX / 2 && self.has_rows_behind(beyond).await? {
            (end, beyond) = (beyond, beyond * 2);
        }
        while beyond - end > 1 {
            let middle = end.midpoint(beyond);
            *(if self.has_rows_behind(middle).await? { &mut end } else { &mut beyond }) = middle;
        }
        Ok(beyond)
    }

    /// The last files that migrate behind a fid; [`None`] where too many rows are there.
    async fn files_behind(
        &self,
        after: u64,
        buckets: &BucketMap,
        wanted: usize,
    ) -> Result<Option<VecDeque<SourceFile>>, IndexError> {
        let (mut next, mut rows, mut files) = (Some(Fid(after)), 0, VecDeque::new());
        while let Some(Fid(after)) = next {
            let page = self.page(after, limits::PAGE_ROWS).await?;
            next = page.next;
            rows += page.rows.len() + page.unreadable.len();
            if rows > limits::NEWEST_ROWS {
                return Ok(None);
            }
            for row in page.rows {
                if let RowClass::Source(file) = row.classify(buckets) {
                    files.push_back(file);
                }
            }
            let many = files.len().saturating_sub(wanted);
            files.drain(..many);
        }
        Ok(Some(files))
    }
}
