//! The objects whose content is withdrawn, and why they may not be.

use std::collections::BTreeMap;

use super::compare::Comparison;
use super::index::UNREADABLE_ROW;
use super::summary::{AuditSummary, RecordsWithoutRow};
use super::without_row::WithdrawnObject;
use crate::{Coverage, ObjectAddress};

impl Comparison {
    /// The objects of the records that are *withdrawn*, ascending by address, each once. None of them is to
    /// be deleted, and they may not be all, where [`AuditSummary::why_withdrawn_is_incomplete`] says why.
    #[must_use]
    pub fn withdrawn(&self) -> BTreeMap<ObjectAddress, WithdrawnObject> {
        let mut objects = BTreeMap::new();
        for (fid, record) in self.without_row.iter().filter(|(_, record)| record.is_withdrawn) {
            let object = WithdrawnObject { fid: *fid, sha1: record.sha1 };
            objects.entry(record.address()).or_insert(object);
        }
        objects
    }
}

impl AuditSummary {
    /// Why the objects of withdrawn records are perhaps not all known, or not all withdrawn.
    #[must_use]
    pub fn why_withdrawn_is_incomplete(&self) -> Option<String> {
        if let Some(stopped) = &self.stopped {
            return Some(format!("the audit ended before its end: {stopped}"));
        }
        if let Some(why) = &self.without_row.content_repo_unread {
            return Some(format!("contentrepo's database was not read: {why}"));
        }
        self.unread_rows().or_else(|| self.without_row.doubt())
    }

    /// Which rows may name the same objects and were not compared. Those of other domains were: by their
    /// fids, and by the SHA-1s of their keys.
    fn unread_rows(&self) -> Option<String> {
        let Self { excluded_unreadable, of_another, rejected, .. } = self;
        let unread = rejected.get(UNREADABLE_ROW).map_or(0, |sample| sample.files);
        let unread = unread + excluded_unreadable;
        if let Coverage::Missing(rows) = self.coverage() {
            Some(format!("{rows} rows that the index counts were not read"))
        } else if unread > 0 {
            Some(format!("{unread} rows of the index cannot be read: what they name is not known"))
        } else if of_another.files > 0 {
            Some(format!(
                "{of_another} files have a record of another bucket or another SHA-1: BUCKETS may have changed",
                of_another = of_another.files
            ))
        } else {
            None
        }
    }
}

impl RecordsWithoutRow {
    fn doubt(&self) -> Option<String> {
        let Self { ingested_since, unmapped, not_judged, has_rows_since, .. } = self;
        if unmapped.files > 0 {
            Some(format!(
                "{} records name a bucket that is not in BUCKETS: which rows name their content is not known",
                unmapped.files
            ))
        } else if *ingested_since > 0 || *has_rows_since {
            Some(
                "files were stored while the audit ran, and they may have the same content"
                    .to_owned(),
            )
        } else if *not_judged > 0 {
            Some(format!("{not_judged} records are more than an audit judges"))
        } else {
            None
        }
    }
}
