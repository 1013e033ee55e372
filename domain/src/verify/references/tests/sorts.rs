//! Sorts in memory, and a list of what was named.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::ports::{RecordSort, RecordSorts, SortError, SortRecord, SortedRecords};
use crate::verify::references::{Broken, NamedReference, ReferencesObserver};

/// Sorts in memory.
#[derive(Default)]
pub(super) struct Sorts {
    /// Whether it is full.
    pub(super) is_full: bool,
    /// Sorts that were begun.
    pub(super) begun: AtomicU64,
}

struct InMemory(VecDeque<SortRecord>, bool);

#[async_trait]
impl RecordSorts for Sorts {
    async fn begin(&self) -> Result<Box<dyn RecordSort>, SortError> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(InMemory(VecDeque::new(), self.is_full)))
    }
}

#[async_trait]
impl RecordSort for InMemory {
    async fn add(&mut self, records: Vec<SortRecord>) -> Result<(), SortError> {
        if self.1 {
            return Err(SortError { at: "/spool".to_owned(), why: "disk full".to_owned() });
        }
        self.0.extend(records);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<Box<dyn SortedRecords>, SortError> {
        self.0.make_contiguous().sort_unstable();
        Ok(self)
    }
}

#[async_trait]
impl SortedRecords for InMemory {
    async fn next(&mut self, _limit: usize) -> Result<Vec<SortRecord>, SortError> {
        let few = self.0.len().min(2);
        Ok(self.0.drain(..few).collect())
    }
}

/// Each row that was named: its table, its id, what is wrong, and its fid.
pub(super) type Told = Vec<(&'static str, i128, &'static str, Option<u64>)>;

/// Keeps every name.
#[derive(Default)]
pub(super) struct Names(pub(super) Mutex<Told>);

impl ReferencesObserver for Names {
    fn expect(&self, _rows: u64) {}
    fn read(&self, _rows: u64) {}
    fn listed(&self, _objects: u64) {}
    fn broken(&self, _rows: u64) {}

    fn named(&self, row: &NamedReference<'_>) {
        let broken = row.broken.map_or("", Broken::name);
        let told = (row.table, row.id.0, broken, row.fid.map(|fid| fid.0));
        self.0.lock().expect("no test panicked").push(told);
    }
}
