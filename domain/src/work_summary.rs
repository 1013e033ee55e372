//! The counts of a worker's deliveries. Each delivery is in exactly one class, and the sums must
//! add up.

use roaring::RoaringTreemap;
use serde::{Serialize, Serializer};

use crate::Tally;
use crate::summary::{Outcomes, Sample, Stopped};

/// The outcomes of the deliveries that a worker took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WorkSummary {
    /// Messages that were delivered.
    pub deliveries: u64,
    /// The outcomes of the files of migrations, and of all jobs that failed and went back to the
    /// queue.
    #[serde(flatten)]
    pub ends: Outcomes,
    /// Files that a verification found whole at their final key.
    pub verified: Tally,
    /// Jobs about `{uuid}.tmp` rows.
    pub temporary: u64,
    /// Jobs about files of ignored buckets.
    pub ignored: u64,
    /// Deliveries of a job on which the worker was already working. They share its end.
    pub merged: u64,
    /// Jobs that are done and whose acknowledgement the queue did not take. The queue delivers them
    /// once more.
    pub unacknowledged: u64,
    /// Jobs that went back to the queue and whose failure the failures table did not take.
    pub unexplained: u64,
    /// Jobs that failed by themselves for the last time: the dead-letter queue has them now.
    pub dead_letters: u64,
    /// Jobs that the dead-letter queue did not take. They stay in the queue and come back.
    pub unmoved: Sample,
    /// Files that a verification found missing or wrong, and whose doubt the failures table did not
    /// take. A migration passes over them as proven until another verification finds them again.
    #[serde(serialize_with = "as_count")]
    pub unnoted_doubts: RoaringTreemap,
    /// Why the worker stopped early; [`None`] when it did not.
    pub stopped: Option<Stopped>,
}

impl WorkSummary {
    /// Whether every delivery is in exactly one class.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let counted =
            self.ends.files() + self.verified.files + self.temporary + self.ignored + self.merged;
        counted == self.deliveries
    }

    /// Whether the sums add up, no job failed, no failure record is out of date, and the worker did
    /// not stop early.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.adds_up()
            && self.ends.failed.is_empty()
            && self.ends.uncleared.files == 0
            && self.stopped.is_none()
    }
}

fn as_count<S: Serializer>(fids: &RoaringTreemap, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(fids.len())
}
