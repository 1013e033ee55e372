//! MogileFS must be as it was before.

use std::collections::BTreeMap;

use crate::hazard::Outcome;
use crate::planting::Planted;
use stand_ins::embedded::EmbeddedWorld;
use stand_ins::world::mogile::{Content, DeviceId, Fid, FileRow};

/// A MogileFS as it was: its rows, and what the devices held of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    rows: BTreeMap<Fid, FileRow>,
    replicas: BTreeMap<(Fid, DeviceId), Content>,
}

impl Snapshot {
    /// Takes it.
    #[must_use]
    pub fn of(world: &EmbeddedWorld) -> Self {
        let rows = world.mogile.rows_after(Fid(0), usize::MAX);
        let mut replicas = BTreeMap::new();
        for row in &rows {
            for device in &row.devids {
                if let Some(content) = world.mogile.replica(row.fid, *device) {
                    replicas.insert((row.fid, *device), content);
                }
            }
        }
        Self { rows: rows.into_iter().map(|row| (row.fid, row)).collect(), replicas }
    }

    /// How many rows there were, of all domains.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The fids of all rows, ascending.
    pub fn fids(&self) -> impl Iterator<Item = u64> {
        self.rows.keys().map(|fid| fid.0)
    }
}

/// Nothing but the files that were to be purged may be away, nothing may be new or other.
pub(super) fn judge(
    world: &EmbeddedWorld,
    planted: &Planted,
    before: &Snapshot,
    problems: &mut Vec<String>,
) {
    let mut now = Snapshot::of(world);
    let purged = planted.expected.iter().filter(|file| file.outcome() == Outcome::Gone);
    let purged: Vec<u64> = purged.map(|file| file.fid).collect();
    for (fid, row) in &before.rows {
        match now.rows.remove(fid) {
            Some(same) if same == *row => {}
            Some(_) => problems.push(format!("MogileFS: the row of fid {fid} was changed")),
            None if purged.binary_search(&fid.0).is_ok() => {}
            None => problems.push(format!("MogileFS: the row of fid {fid} is away")),
        }
    }
    let new = now.rows.keys().map(|fid| format!("MogileFS: fid {fid} is new"));
    problems.extend(new);
    for ((fid, device), content) in &before.replicas {
        if world.mogile.replica(*fid, *device).as_ref() != Some(content) {
            problems.push(format!("MogileFS: fid {fid} has other bytes on device {device}"));
        }
    }
}
