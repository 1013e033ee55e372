//! The reports of `verify --references`.

use std::collections::BTreeMap;

use domain::BucketMap;
use domain::verify::references::{
    AllowedCounts, BothNames, Lacking, ReferencesSummary, RowSample, TableCounts,
};
use serde_json::{Value, json};

use super::reports::stopped;
use crate::report::Cost;
use crate::report::list_file::ListEnd;
use crate::report::references::{AllowedList, Lists, ReferencesReport, Wishes};

pub(super) fn reports() -> Vec<Value> {
    let example = || "row 1".to_owned();
    let sample = RowSample {
        rows: 1,
        first_ids: vec![1],
        example: example(),
        first_fids: vec![1],
        has_more_fids: false,
    };
    let counts = || TableCounts {
        rows: 1,
        since: 1,
        counted: Some(1),
        missed: 1,
        sound: 1,
        unknown_size: 1,
        purged: 1,
        ignored: 1,
        broken: BTreeMap::from([("*", sample.clone())]),
        changed: 1,
        by_name: BTreeMap::from([("*".to_owned(), 1)]),
        by_other_names: 1,
    };
    let both = BothNames {
        client: "rhino",
        old: "repo".to_owned(),
        rows_old: 1,
        new: "corpus".to_owned(),
        rows_new: 1,
    };
    let full = ReferencesSummary {
        objects: counts(),
        article_files: Some(counts()),
        half_cut_over: 1,
        both_names: vec![both],
        allowed: AllowedCounts { names: 1, ..AllowedCounts::default() },
        lacking: vec![Lacking::NoLedger],
        unreadable_records: 1,
        listed: 1,
        looked_at: 1,
        unseen_because: Some(example()),
        mogile_asked: true,
        without_rows: vec!["corpus".to_owned()],
        stopped: stopped(),
    };
    let end = |trouble: Option<&str>| {
        let trouble = trouble.map(str::to_owned);
        Some(ListEnd { file: "list".into(), lines: 1, trouble })
    };
    let report = |summary, lists| {
        let buckets = BucketMap::parse("repo:corpus", "").expect("a map");
        let allowed = Some(AllowedList { file: "list".into(), others: 1 });
        let wishes = Wishes { allowed, without_rhino: false, buckets };
        json!(ReferencesReport::new(summary, wishes, lists, Cost::default()))
    };
    vec![
        report(full.clone(), Lists { list: end(None), failures: end(Some("disk full")) }),
        report(full, Lists { list: end(Some("disk full")), failures: end(None) }),
        report(ReferencesSummary::default(), Lists::default()),
    ]
}
