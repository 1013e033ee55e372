//! What came of a worker's deliveries: each in exactly one class, and sums that must add up.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::summary::{Sample, Stopped, Tally};
use crate::{ByteCount, Failure, Fid, Finding, Route};

/// What came of the deliveries that a worker took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WorkSummary {
    /// Messages that were delivered.
    pub deliveries: u64,
    /// Migrated by copying intermediaries.
    pub by_copy: Tally,
    /// Migrated by streaming from MogileFS.
    pub by_mogile: Tally,
    /// Found at their final key, and proven there.
    pub already_there: Tally,
    /// Verified: found whole at their final key.
    pub verified: Tally,
    /// Gone from MogileFS since their jobs were sent.
    pub gone: u64,
    /// Jobs about `{uuid}.tmp` rows.
    pub temporary: u64,
    /// Jobs about files of ignored buckets.
    pub ignored: u64,
    /// Deliveries of a job that was in hand already; they share its end.
    pub merged: u64,
    /// Given back to the queue, by reason.
    pub failed: BTreeMap<&'static str, Sample>,
    /// Worth a look, by kind; these files are counted above as what they became.
    pub findings: BTreeMap<&'static str, Sample>,
    /// Done, but the queue did not take the acknowledgement: these are delivered once more.
    pub unacknowledged: u64,
    /// Given back, but the failures table did not take why.
    pub unexplained: u64,
    /// Why the worker ended before its end, if it did.
    pub stopped: Option<Stopped>,
}

impl WorkSummary {
    /// Counts a file that is proven and recorded.
    pub fn add_proven(&mut self, route: Option<Route>, length: ByteCount) {
        match route {
            Some(Route::Copy) => self.by_copy.add(length),
            Some(Route::Mogile) => self.by_mogile.add(length),
            None => self.already_there.add(length),
        }
    }

    /// Counts a delivery that is given back.
    pub fn add_failed(&mut self, fid: Fid, failure: &Failure) {
        self.failed.entry(failure.reason.kind.name()).or_default().add(fid, failure);
    }

    /// Notes a finding.
    pub fn add_finding(&mut self, fid: Fid, finding: &Finding) {
        self.findings.entry(finding.kind.name()).or_default().add(fid, &finding.detail);
    }

    /// All deliveries that were given back.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().map(|sample| sample.files).sum()
    }

    /// Whether every delivery is in exactly one class.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let files = [self.by_copy, self.by_mogile, self.already_there, self.verified];
        let counted = files.iter().map(|tally| tally.files).sum::<u64>()
            + self.gone
            + self.temporary
            + self.ignored
            + self.merged
            + self.failures();
        counted == self.deliveries
    }

    /// Whether nothing was given back and nothing ended early.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.adds_up() && self.failed.is_empty() && self.stopped.is_none()
    }
}
