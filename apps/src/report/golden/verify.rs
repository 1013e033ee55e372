//! The reports of `verify`.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::verify::{ContentRead, OtherObjects, VerifySummary};
use serde_json::{Value, json};

use super::reports::{sample, stopped, tally};
use crate::report::Cost;
use crate::report::list_file::ListEnd;
use crate::report::verify::{Allowed, Lists, SortedEnd, StateEnd, VerifyReport, Ways};

pub(super) fn reports() -> Vec<Value> {
    let samples = || BTreeMap::from([("*", sample())]);
    let others =
        || OtherObjects { tally: tally(), examples: BTreeSet::from(["corpus/0".to_owned()]) };
    let full = VerifySummary {
        changed: sample(),
        rows: 1,
        temporary: 1,
        ignored: 1,
        excluded: 1,
        rejected: samples(),
        accepted_rows: 1,
        files: tally(),
        whole: tally(),
        accepted: sample(),
        different: samples(),
        unseen: samples(),
        findings: samples(),
        found_by_head: 1,
        missing_by_listing: 1,
        objects: 1,
        extra: others(),
        intermediaries: others(),
        other_keys: others(),
        out_of_place: 1,
        ranges: 1,
        ranges_done: 1,
        content: ContentRead { deep: true, seed: 7, drawn: 1, read: tally() },
        counted_before: Some(1),
        counted_after: Some(1),
        uncounted: Some("refused".to_owned()),
        listed_by_fid: Some(1),
        stopped: stopped(),
        digest: None,
    };
    let end = |trouble: Option<&str>| {
        let trouble = trouble.map(str::to_owned);
        Some(ListEnd { file: "list".into(), lines: 1, trouble })
    };
    let lists = Lists { list: end(None), sha1sums: end(None), failures: end(Some("disk full")) };
    let other = Lists { list: end(Some("full")), sha1sums: end(Some("full")), failures: end(None) };
    let state = |trouble: Option<&str>| StateEnd {
        file: "state".into(),
        begun: Timestamp(1),
        continued: vec![Timestamp(2)],
        ranges_before: 1,
        ranges_kept: 1,
        trouble: trouble.map(str::to_owned),
    };
    let ways = |trouble| Ways {
        state: Some(state(trouble)),
        sorted: Some(SortedEnd { rows: 1, replaced: 1, bytes: 1 }),
    };
    let report = |summary, lists, ways| {
        json!(VerifyReport::new(summary, (lists, ways), Allowed::default(), Cost::default()))
    };
    vec![
        report(full.clone(), lists, ways(None)),
        report(full, other, ways(Some("full"))),
        report(VerifySummary::default(), Lists::default(), Ways::default()),
    ]
}
