//! The report of `audit`.

use std::collections::BTreeMap;

use domain::audit::{AuditSummary, RecordsWithoutRow};
use serde_json::{Value, json};

use super::reports::{sample, stopped};
use crate::report::audit::AuditReport;
use crate::report::list_file::ListEnd;

pub(super) fn audit() -> Vec<Value> {
    let without_row = RecordsWithoutRow {
        referenced: sample(),
        withdrawn: sample(),
        content_repo_unread: Some("refused".to_owned()),
        ..RecordsWithoutRow::default()
    };
    let full = AuditSummary {
        rejected: BTreeMap::from([("no-key", sample())]),
        without_record: sample(),
        passes: Some(1),
        counted_before: Some(1),
        counted_after: Some(1),
        uncounted: Some("refused".to_owned()),
        without_row,
        stopped: stopped(),
        ..AuditSummary::default()
    };
    let list = |trouble| Some(ListEnd { file: "audit.tsv".into(), lines: 1, trouble });
    let report = |summary, run, list| json!(AuditReport::new(summary, run, list, false));
    vec![
        report(full.clone(), Some("first"), list(Some("disk full".to_owned()))),
        report(full, Some("first"), list(None)),
        report(AuditSummary::default(), None, None),
    ]
}
