//! Judges MogileFS: the migration must not have changed it.

use crate::expected::{Expectation, Outcome};
use crate::state::{MogileState, Row};

/// Only rows of purged files may be missing. Only renamed files may have another key, and must have it.
/// No row may be new or changed otherwise, and every replica must have its old bytes.
pub(super) fn judge(expectation: &Expectation, now: &MogileState, problems: &mut Vec<String>) {
    let before = &expectation.mogile;
    let purged = expectation.files.iter().filter(|file| file.outcome == Outcome::Gone);
    let purged: Vec<u64> = purged.map(|file| file.fid).collect();
    for (fid, row) in &before.rows {
        let key = expectation.renamed.get(fid).or(row.key.as_ref());
        match now.rows.get(fid) {
            Some(same) if *same == (Row { key: key.cloned(), ..row.clone() }) => {}
            Some(_) => problems.push(format!("MogileFS: the row of fid {fid} was changed")),
            None if purged.binary_search(fid).is_ok() && !expectation.renamed.contains_key(fid) => {
            }
            None => problems.push(format!("MogileFS: the row of fid {fid} is away")),
        }
    }
    let new = now.rows.keys().filter(|fid| !before.rows.contains_key(fid));
    problems.extend(new.map(|fid| format!("MogileFS: fid {fid} is new")));
    for (place @ (fid, device), replica) in &before.replicas {
        if now.replicas.get(place) != Some(replica) {
            problems.push(format!("MogileFS: fid {fid} has other bytes on device {device}"));
        }
    }
}
