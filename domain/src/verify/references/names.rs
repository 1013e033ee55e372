//! Under which names the clients have each bucket. Before the cut-over all names are old, and after it all are
//! new.

use serde::Serialize;

use super::summary::{ReferencesSummary, TableCounts};
use crate::BucketMap;

/// A table that has rows under both names of a bucket: its cut-over is neither done nor taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BothNames {
    /// `contentrepo` or `rhino`.
    pub client: &'static str,
    /// The old name.
    pub old: String,
    /// Rows under it.
    pub rows_old: u64,
    /// The new name.
    pub new: String,
    /// Rows under it.
    pub rows_new: u64,
}

impl ReferencesSummary {
    /// Compares the rows that were counted by the names of their buckets.
    pub(super) fn compare_names(&mut self, map: &BucketMap) {
        let rows = |table: &TableCounts, name: &str| table.by_name.get(name).copied().unwrap_or(0);
        let (mut both, mut half) = (Vec::new(), 0);
        let tables = [("contentrepo", Some(&self.objects)), ("rhino", self.article_files.as_ref())];
        for (old, new) in map.pairs().filter(|(old, new)| old.as_str() != new.as_str()) {
            let of = |table: &TableCounts| (rows(table, old.as_str()), rows(table, new.as_str()));
            for (client, table) in tables {
                let (rows_old, rows_new) = table.map(of).unwrap_or_default();
                if rows_old > 0 && rows_new > 0 {
                    let (old, new) = (old.to_string(), new.to_string());
                    both.push(BothNames { client, old, rows_old, new, rows_new });
                }
            }
            let rhino = self.article_files.as_ref().map(of).unwrap_or_default();
            half += match of(&self.objects) {
                (0, 1..) => rhino.0,
                (1.., 0) => rhino.1,
                (0, 0) | (1.., 1..) => 0,
            };
        }
        (self.both_names, self.half_cut_over) = (both, half);
    }
}
