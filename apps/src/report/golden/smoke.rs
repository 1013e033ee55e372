//! The reports of `smoke`.

use std::collections::BTreeMap;

use domain::smoke::{IngestEnd, SmokeFault, SmokeFinding, SmokeSummary, TableDrawn, Unlooked};
use serde_json::{Value, json};

use crate::report::smoke::{Mode, SmokeReport};

pub(super) fn reports() -> [(&'static str, Vec<Value>); 1] {
    let text = str::to_owned;
    let table =
        || TableDrawn { rows: BTreeMap::from([("*".to_owned(), 1)]), sampled: 1, ignored: 1 };
    let full = SmokeSummary {
        contentrepo: table(),
        rhino: Some(table()),
        nodes: BTreeMap::from([("*".to_owned(), "store".to_owned())]),
        ingested: vec![IngestEnd {
            node: text("n"),
            bucket: text("b"),
            key: text("k"),
            is_whole: true,
        }],
        findings: vec![SmokeFinding { kind: SmokeFault::Missing, at: text("a"), why: text("w") }],
        unlooked: vec![Unlooked { at: text("a"), why: text("w") }],
        ..SmokeSummary::default()
    };
    let away = anyhow::anyhow!("away");
    let reports = vec![
        json!(SmokeReport::new(Mode::CutOver, full, Some(7), &Ok(Some(1)))),
        json!(SmokeReport::new(Mode::Trial, SmokeSummary::default(), None, &Ok(None))),
        json!(SmokeReport::new(Mode::Trial, SmokeSummary::default(), None, &Err(away))),
    ];
    [("smoke", reports)]
}
