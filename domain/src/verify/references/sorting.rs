//! Records on their way to this machine's disk, and back in order.

use std::collections::VecDeque;

use crate::ports::{RecordSort, RecordSorts, SortError, SortRecord, SortedRecords};

/// Records that are handed over at a time.
const AT_ONCE: usize = 4_096;

/// Gathers records.
pub(super) struct Gathering {
    sort: Box<dyn RecordSort>,
    held: Vec<SortRecord>,
}

impl Gathering {
    pub(super) async fn begin(sorts: &dyn RecordSorts) -> Result<Self, SortError> {
        Ok(Self { sort: sorts.begin().await?, held: Vec::new() })
    }

    pub(super) async fn add(&mut self, record: SortRecord) -> Result<(), SortError> {
        self.held.push(record);
        if self.held.len() < AT_ONCE {
            return Ok(());
        }
        self.sort.add(std::mem::take(&mut self.held)).await
    }

    /// All records in order.
    pub(super) async fn finish(mut self) -> Result<InOrder, SortError> {
        self.sort.add(self.held).await?;
        Ok(InOrder { sorted: self.sort.finish().await?, held: VecDeque::new(), is_over: false })
    }
}

/// Records in order.
pub(super) struct InOrder {
    sorted: Box<dyn SortedRecords>,
    held: VecDeque<SortRecord>,
    is_over: bool,
}

impl InOrder {
    /// Returns the next record where it is one of these, and leaves it there where it is not.
    pub(super) async fn next_if(
        &mut self,
        is: impl Fn(&SortRecord) -> bool,
    ) -> Result<Option<SortRecord>, SortError> {
        if self.held.is_empty() && !self.is_over {
            self.held = self.sorted.next(AT_ONCE).await?.into();
            self.is_over = self.held.is_empty();
        }
        Ok(self.held.pop_front_if(|record| is(record)))
    }
}
