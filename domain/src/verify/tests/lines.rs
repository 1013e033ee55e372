//! Keeps what a comparison says while it goes on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Reason;
use crate::verify::{Line, Mark, StateKeeper, VerifyObserver, VerifyState};

/// Each line: its mark, `bucket/key`, the fid, and the name of what is wrong.
pub(super) type Told = Vec<(Mark, String, Option<u64>, String)>;

/// Keeps every line of the ranges that are done, and every state with the lines up to it.
#[derive(Default)]
pub(super) struct Lines(Mutex<Kept>);

#[derive(Default)]
pub(super) struct Kept {
    pub(super) told: Told,
    under_way: BTreeMap<usize, Told>,
    /// States as JSON.
    pub(super) states: Vec<(Vec<u8>, Told)>,
    /// How often a system was away, and came back.
    pub(super) outages: (usize, usize),
}

impl Lines {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept, with the lines of ranges that were not done.
    pub(super) fn finish(self) -> Kept {
        let mut kept = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let left: Vec<_> = std::mem::take(&mut kept.under_way).into_values().flatten().collect();
        kept.told.extend(left);
        kept.told.sort();
        kept
    }
}

impl VerifyObserver for Lines {
    fn sorting(&self, _rows: u64) {}
    fn expect(&self, _ranges: u64, _done: u64) {}
    fn read(&self, _rows: u64) {}
    fn listed(&self, _objects: u64) {}
    fn sampling(&self, _files: u64) {}

    fn range_done(&self, run: usize) {
        let mut kept = self.kept();
        let done = kept.under_way.remove(&run).unwrap_or_default();
        kept.told.extend(done);
    }

    fn holding(&self, _why: &Reason) {
        self.kept().outages.0 += 1;
    }

    fn going_on(&self) {
        self.kept().outages.1 += 1;
    }

    fn line(&self, line: &Line<'_>) {
        let Line { run, mark, bucket, key, fid, trouble: (name, _), is_correction } = line;
        let again = if *is_correction { "corrected " } else { "" };
        let line =
            (*mark, format!("{bucket}/{key}"), fid.map(|fid| fid.0), format!("{again}{name}"));
        let kept = &mut *self.kept();
        match run {
            Some(run) => kept.under_way.entry(*run).or_default().push(line),
            None => kept.told.push(line),
        }
    }
}

impl StateKeeper for Lines {
    fn is_due(&self) -> bool {
        true
    }

    fn keep(&self, state: &VerifyState) {
        let mut kept = self.kept();
        let told = kept.told.clone();
        kept.states.push((state.write(), told));
    }
}
