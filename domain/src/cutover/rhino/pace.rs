//! How fast rows are renamed.

use std::time::Duration;

use crate::limits;
use crate::ports::{ReplicaLag, ServerLoad};

/// How fast rows are renamed.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// When to pause, for a server that goes on serving meanwhile; [`None`]: never.
    pub online: Option<Online>,
    /// How many rows one statement renames.
    pub chunk: ChunkRows,
}

/// What a server must not exceed while rows are renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Online {
    /// Statements under way at once.
    pub threads_running: u64,
    /// How far a replica may be behind.
    pub replica_lag: Duration,
}

impl Default for Online {
    fn default() -> Self {
        Self {
            threads_running: limits::ONLINE_THREADS_RUNNING,
            replica_lag: limits::ONLINE_REPLICA_LAG,
        }
    }
}

impl Online {
    /// Why the next statement must wait, where it must.
    #[must_use]
    pub fn exceeded(&self, load: &ServerLoad) -> Option<String> {
        if load.threads_running > self.threads_running {
            let (now, most) = (load.threads_running, self.threads_running);
            return Some(format!(
                "the server carries out {now} statements at once, of at most {most}"
            ));
        }
        load.replicas.iter().find_map(|ReplicaLag { at, lag }| match lag {
            None => Some(format!("replication to `{at}` has stopped: start it again there")),
            Some(lag) if *lag > self.replica_lag => {
                let (now, most) = (lag.as_secs(), self.replica_lag.as_secs());
                Some(format!("the replica `{at}` is {now} s behind, of at most {most} s"))
            }
            Some(_) => None,
        })
    }
}

/// The number of rows of one statement, by the time that the ones before it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRows {
    least: usize,
    most: usize,
    now: usize,
}

impl Default for ChunkRows {
    fn default() -> Self {
        Self::between(limits::CHUNK_ROWS_LEAST, limits::CHUNK_ROWS_MOST)
    }
}

impl ChunkRows {
    /// From the least on, with at least one row.
    #[must_use]
    pub const fn between(least: usize, most: usize) -> Self {
        let least = if least == 0 { 1 } else { least };
        let most = if most < least { least } else { most };
        Self { least, most, now: least }
    }

    /// Rows of the next statement.
    #[must_use]
    pub const fn rows(self) -> usize {
        self.now
    }

    /// A statement with this number of rows took that time: the next one aims at [`limits::CHUNK_TIME`], with
    /// at most twice as many rows, or half as many.
    pub fn took(&mut self, rows: usize, time: Duration) {
        let aim = limits::CHUNK_TIME.as_millis();
        let fitting = (rows as u128 * aim).checked_div(time.as_millis());
        let fitting =
            fitting.map_or(usize::MAX, |rows| usize::try_from(rows).unwrap_or(usize::MAX));
        self.set(fitting.clamp(self.now / 2, self.now.saturating_mul(2)));
    }

    /// A statement did not get its locks.
    pub fn was_blocked(&mut self) {
        self.set(self.now / 2);
    }

    fn set(&mut self, rows: usize) {
        self.now = rows.clamp(self.least, self.most);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chunks_grow_to_half_a_second() {
        let mut chunk = ChunkRows::default();
        // The rate of the measurement: 100 rows a millisecond.
        let took = |rows: usize| Duration::from_millis(rows as u64 / 100);
        let mut seen = Vec::new();
        for _ in 0..8 {
            seen.push(chunk.rows());
            chunk.took(chunk.rows(), took(chunk.rows()));
        }
        assert_eq!(seen, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 50_000, 50_000]);
        chunk.took(50_000, Duration::from_secs(9));
        assert_eq!(chunk.rows(), 25_000);
        chunk.was_blocked();
        assert_eq!(chunk.rows(), 12_500);
        // The last range of a table says little of a large one.
        chunk.took(10, Duration::from_millis(5));
        assert_eq!(chunk.rows(), 6_250);
    }

    proptest! {
        #[test]
        fn chunks_stay_in_their_bounds(all in prop::collection::vec((0_usize..60_000, 0_u64..9_000), 0..40)) {
            let mut chunk = ChunkRows::default();
            for (rows, milliseconds) in all {
                let before = chunk.rows();
                chunk.took(rows, Duration::from_millis(milliseconds));
                prop_assert!(chunk.rows() <= before * 2 && chunk.rows() * 2 + 1 >= before);
                prop_assert!((limits::CHUNK_ROWS_LEAST..=limits::CHUNK_ROWS_MOST).contains(&chunk.rows()));
            }
        }
    }

    #[test]
    fn a_busy_server_and_a_late_replica_are_waited_for() {
        let online = Online { threads_running: 10, replica_lag: Duration::from_secs(2) };
        let replica = |seconds: Option<u64>| ReplicaLag {
            at: "replica:3306/rhino".to_owned(),
            lag: seconds.map(Duration::from_secs),
        };
        for (threads_running, replicas, words) in [
            (10, vec![], None),
            (11, vec![], Some("11 statements at once, of at most 10")),
            (1, vec![replica(Some(2))], None),
            (1, vec![replica(Some(0)), replica(Some(3))], Some("3 s behind, of at most 2 s")),
            (1, vec![replica(None)], Some("replication to `replica:3306/rhino` has stopped")),
        ] {
            let why = online.exceeded(&ServerLoad { threads_running, replicas });
            assert_eq!(why.is_some(), words.is_some(), "{why:?}");
            assert!(why.unwrap_or_default().contains(words.unwrap_or_default()));
        }
    }
}
