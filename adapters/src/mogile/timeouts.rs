//! The time limits for trackers and storage nodes.

use std::time::Duration;

use domain::limits;

/// How long trackers and storage nodes may take. The defaults are production's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to a tracker.
    pub tracker_connect: Duration,
    /// From a request to a tracker to the end of the line that answers it. A tracker whose
    /// database hangs does not answer at all.
    pub tracker_answer: Duration,
    /// How long a tracker that failed is asked only after the others.
    pub tracker_rest: Duration,
    /// Between the two times that a tracker must fail at a row, and answer another page, before the
    /// row counts as unreadable.
    pub unreadable_proof: Duration,
    /// MogileFS's table `host` is read again no sooner than this after the last read, for a storage
    /// node that it does not have.
    pub hosts_again: Duration,
    /// For a connection to a storage node.
    pub node_connect: Duration,
    /// From a request to a storage node to the head of its answer.
    pub node_answer: Duration,
    /// A connection to a storage node that was idle for longer is not used again: the nodes close
    /// theirs after 31 s.
    pub node_idle: Duration,
    /// Content that is on average slower than this is given up.
    pub slowest_bytes_per_second: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tracker_connect: Duration::from_secs(3),
            tracker_answer: Duration::from_secs(10),
            tracker_rest: Duration::from_secs(15),
            unreadable_proof: Duration::from_secs(10),
            hosts_again: Duration::from_secs(15),
            node_connect: Duration::from_secs(5),
            node_answer: limits::REQUEST_TIME,
            node_idle: Duration::from_secs(20),
            slowest_bytes_per_second: limits::SLOWEST_BYTES_PER_SECOND,
        }
    }
}

impl Timeouts {
    /// How long we wait in all for content of `bytes` bytes: the time for the head of an answer,
    /// and the time that the slowest allowed flow takes.
    #[must_use]
    pub fn content(&self, bytes: u64) -> Duration {
        self.node_answer + Duration::from_secs(bytes / self.slowest_bytes_per_second.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_may_take_what_the_limits_say() {
        for bytes in [0, 1, 1 << 20, 20 << 30, u64::MAX] {
            assert_eq!(Timeouts::default().content(bytes), limits::time_for(bytes));
        }
    }
}
