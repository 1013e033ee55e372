//! The progress of a comparison.

use std::sync::atomic::Ordering;

use domain::verify::{Line, Mark, VerifyObserver};

use super::Progress;

impl VerifyObserver for Progress {
    fn expect(&self, ranges: u64) {
        self.shared.expected.store(ranges, Ordering::Relaxed);
    }

    fn read(&self, rows: u64) {
        self.shared.files.fetch_add(rows, Ordering::Relaxed);
    }

    fn listed(&self, objects: u64) {
        self.shared.objects.fetch_add(objects, Ordering::Relaxed);
    }

    fn range_done(&self) {
        self.shared.rows.fetch_add(1, Ordering::Relaxed);
    }

    fn sampling(&self, files: u64) {
        self.shared.sampled.store(files, Ordering::Relaxed);
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
