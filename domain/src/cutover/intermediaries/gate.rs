//! Whether intermediaries may go at all.

use crate::BucketMap;
use crate::cutover::{Cutovers, Phase};
use crate::journal::ClientDatabase;

/// Why they may not; [`None`] where they may. While the way back is open an operator may migrate again, and copies
/// from intermediaries.
pub(super) fn why_not(cutovers: &Cutovers, buckets: &BucketMap) -> Option<String> {
    for database in [ClientDatabase::Contentrepo, ClientDatabase::Rhino] {
        let standing = cutovers.of(database);
        let why = match standing.phase() {
            Phase::CutOver => continue,
            Phase::UnderWay => "was begun and is not done".to_owned(),
            Phase::UnderWayBack => "is being taken back".to_owned(),
            Phase::Before => match standing.taken_back {
                Some(entry) => format!("was taken back (entry {entry})"),
                None => "is not done".to_owned(),
            },
        };
        return Some(format!("the journal says that the cut-over of {database} {why}"));
    }
    let renames = cutovers.contentrepo.run().map(|run| &run.begun.names.renames);
    let is_cut_over = |old: &str, new: &str| {
        let is = |renames: &Vec<_>| {
            renames
                .iter()
                .any(|rename: &crate::journal::NameRename| rename.from == old && rename.to == new)
        };
        old == new || renames.is_some_and(is)
    };
    let mut pairs = buckets.pairs().map(|(old, new)| (old.to_string(), new.to_string()));
    let (old, new) = pairs.find(|(old, new)| !is_cut_over(old, new))?;
    Some(format!(
        "BUCKETS has `{old}:{new}`, and the cut-over of contentrepo in the journal has no such pair: it is another \
         map than the one that was cut over"
    ))
}
