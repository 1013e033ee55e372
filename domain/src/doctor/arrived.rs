use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::contents::{Arrival, Contents};
use super::estimate::{RequestsNeeded, WriteSizes};
use crate::summary::Sample;
use crate::{FileStanding, SourceFile, Tally};

/// What of the files to be migrated is in S3 already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Arrived {
    /// The files by S3 bucket.
    pub buckets: BTreeMap<String, BucketArrivals>,
    /// Files that the ledger has as proven, and that have no object at their final key. `migrate` passes
    /// over them.
    pub proven_and_absent: Sample,
    /// The requests of a migration of what is left.
    pub requests_left: RequestsNeeded,
    /// The requests that the listings took.
    pub lists: u64,
    /// The items of the ledger; [`None`] where no table was named, or there is none yet.
    pub ledger_items: Option<u64>,
    /// Buckets of the map that do not exist.
    pub absent_buckets: BTreeSet<String>,
}

/// The files of one bucket. Each is in one of the first three classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BucketArrivals {
    /// Those with an object at their final key.
    pub at_final_key: Tally,
    /// Those without, whose intermediary is in the bucket.
    pub intermediary_only: Tally,
    /// Those with neither.
    pub absent: Tally,
    /// Of those at their final key: those that `migrate` passes over. The ledger has a proof of today's
    /// content in today's bucket, and no verification has doubted it since.
    pub proven: Tally,
    /// Those whose intermediary is in the bucket, with an object at their final key or without.
    pub synced: Tally,
    /// Those that are not both at their final key and proven: what is left to migrate.
    pub left: Tally,
}

impl BucketArrivals {
    fn count(&mut self, arrival: Arrival, file: &SourceFile) {
        let class = match arrival {
            Arrival { at_final_key: true, .. } => &mut self.at_final_key,
            Arrival { intermediary: Some(true), .. } => &mut self.intermediary_only,
            Arrival { .. } => &mut self.absent,
        };
        class.add(file.length);
        if arrival.at_final_key && arrival.standing == FileStanding::Proven {
            self.proven.add(file.length);
        } else {
            self.left.add(file.length);
        }
        if arrival.intermediary == Some(true) {
            self.synced.add(file.length);
        }
    }
}

/// Counts the files of one page after the other.
pub(super) struct Arrivals<'a> {
    contents: &'a Contents,
    sizes: WriteSizes,
    arrived: Arrived,
}

impl<'a> Arrivals<'a> {
    pub(super) fn new(contents: &'a Contents, sizes: WriteSizes) -> Self {
        let arrived = Arrived {
            lists: contents.lists,
            ledger_items: contents.ledger_items,
            absent_buckets: contents.absent_buckets.iter().map(ToString::to_string).collect(),
            ..Arrived::default()
        };
        Self { contents, sizes, arrived }
    }

    /// Counts the files of one page of rows.
    pub(super) fn add_page(&mut self, files: &[SourceFile]) {
        let mut left = Vec::new();
        for file in files {
            let arrival = self.contents.arrival(file);
            let buckets = &mut self.arrived.buckets;
            match buckets.get_mut(file.bucket.as_str()) {
                Some(bucket) => bucket.count(arrival, file),
                None => buckets.entry(file.bucket.to_string()).or_default().count(arrival, file),
            }
            if arrival.standing == FileStanding::Proven {
                if arrival.at_final_key {
                    continue;
                }
                self.arrived.proven_and_absent.add(file.fid, &file.dkey);
            }
            left.push((file, arrival));
        }
        self.arrived.requests_left.add_page(&left, self.sizes);
    }

    /// How these files stood before the first of them was migrated.
    pub(super) fn at_the_start(&self, file: &SourceFile) -> Arrival {
        self.contents.arrival(file).at_the_start()
    }

    pub(super) fn into_arrived(self) -> Arrived {
        self.arrived
    }
}
