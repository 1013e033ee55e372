//! The report of `audit`.

use std::collections::BTreeMap;

use domain::audit::{AcceptedRows, AuditSummary, RecordsWithoutRow};
use serde_json::{Value, json};

use super::reports::{sample, stopped};
use crate::report::audit::{AuditFiles, AuditReport, ListEnd, WithdrawnEnd};

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
        accepted: AcceptedRows { files: sample(), without_record: 1, rejected: sample() },
        acceptance_ended: sample(),
        acceptance_unsure: sample(),
        unreadable_failures: sample(),
        stopped: stopped(),
        ..AuditSummary::default()
    };
    let list = |trouble| Some(ListEnd { file: "audit.tsv".into(), lines: 1, trouble });
    let withdrawn = |why: Option<&str>| WithdrawnEnd {
        file: "withdrawn.tsv".into(),
        objects: 1,
        incomplete: why.map(str::to_owned),
        trouble: why.map(str::to_owned),
    };
    let report = |summary, run, list: Option<ListEnd>| {
        let why = list.as_ref().and_then(|list| list.trouble.as_deref());
        let withdrawn = list.is_some().then(|| withdrawn(why));
        json!(AuditReport::new(summary, run, AuditFiles { list, withdrawn }, false))
    };
    vec![
        report(full.clone(), Some("first"), list(Some("disk full".to_owned()))),
        report(full, Some("first"), list(None)),
        report(AuditSummary::default(), None, None),
    ]
}
