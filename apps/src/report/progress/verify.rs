//! The progress of a comparison.

use std::sync::atomic::Ordering;

use domain::Reason;
use domain::engine::OutageObserver;
use domain::verify::references::{NamedReference, ReferencesObserver};
use domain::verify::{Line, Mark, VerifyObserver};

use super::Progress;

impl ReferencesObserver for Progress {
    fn expect(&self, rows: u64) {
        self.shared.expected.store(rows, Ordering::Relaxed);
    }

    fn read(&self, rows: u64) {
        self.shared.rows.fetch_add(rows, Ordering::Relaxed);
        self.shared.files.fetch_add(rows, Ordering::Relaxed);
    }

    fn listed(&self, objects: u64) {
        self.shared.objects.fetch_add(objects, Ordering::Relaxed);
    }

    fn broken(&self, rows: u64) {
        self.shared.failures.fetch_add(rows, Ordering::Relaxed);
    }

    fn named(&self, _row: &NamedReference<'_>) {}
}

impl VerifyObserver for Progress {
    fn sorting(&self, rows: u64) {
        self.shared.sorted.store(rows, Ordering::Relaxed);
    }

    fn expect(&self, ranges: u64, done: u64) {
        self.shared.sorted.store(0, Ordering::Relaxed);
        self.shared.expected.store(ranges, Ordering::Relaxed);
        self.shared.rows.store(done, Ordering::Relaxed);
    }

    fn read(&self, rows: u64) {
        self.shared.files.fetch_add(rows, Ordering::Relaxed);
    }

    fn listed(&self, objects: u64) {
        self.shared.objects.fetch_add(objects, Ordering::Relaxed);
    }

    fn range_done(&self, _run: usize) {
        self.shared.rows.fetch_add(1, Ordering::Relaxed);
    }

    fn sampling(&self, files: u64) {
        self.shared.sampled.store(files, Ordering::Relaxed);
    }

    fn holding(&self, why: &Reason) {
        OutageObserver::holding(self, why);
    }

    fn going_on(&self) {
        OutageObserver::going_on(self);
    }

    fn line(&self, line: &Line<'_>) {
        match line.mark {
            Mark::Missing | Mark::Differs | Mark::Unseen => {
                self.shared.failures.fetch_add(1, Ordering::Relaxed);
            }
            Mark::Whole | Mark::Extra | Mark::Accepted => {}
        }
    }
}
