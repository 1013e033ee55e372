//! The reports of `freeze` and `freeze check`.

use std::collections::BTreeMap;

use domain::cutover::{CurrentFreeze, FreezeEnded, Movement, Watched};
use domain::store_state::{ClientState, Freeze, StateChange, StoreState};
use domain::{Fid, Timestamp};
use serde_json::{Value, json};

use crate::report::freeze::{CheckReport, FreezeReport};

pub(super) fn reports() -> [(&'static str, Vec<Value>); 2] {
    [("freeze", freeze()), ("freeze check", check())]
}

fn state() -> StoreState {
    let client = |class: &str| ClientState {
        last: Some("7".to_owned()),
        rows: BTreeMap::from([(class.to_owned(), 1)]),
    };
    StoreState {
        domain: "domain".to_owned(),
        buckets: vec!["old:new".to_owned()],
        highest_fid: Some(Fid(7)),
        contentrepo: client("*"),
        rhino: client("all"),
        ..StoreState::default()
    }
}

fn freeze() -> Vec<Value> {
    let report =
        |watched, entry| json!(FreezeReport::new("cron is off".to_owned(), 600, watched, entry));
    let moved = vec![
        Movement::Fid(Some(Fid(7))),
        Movement::Fid(None),
        Movement::Upload { before: 0, now: 1 },
        Movement::ContentrepoRow("7".to_owned()),
        Movement::RhinoRow("7".to_owned()),
    ];
    vec![
        report(Watched::Still(Box::new(state())), Some(1)),
        report(Watched::Moving(moved), None),
        report(Watched::Changed(vec![StateChange::Content]), None),
        report(Watched::Interrupted, None),
    ]
}

fn check() -> Vec<Value> {
    let freeze = Freeze { means: "cron is off".to_owned(), window_seconds: 600, state: state() };
    let current = CurrentFreeze {
        sequence: 1,
        at: Timestamp(1),
        by: "alice".to_owned(),
        freeze,
        ended: Some(FreezeEnded { sequence: 2, fid: Fid(7) }),
    };
    let empty = StoreState::default();
    let holding = CurrentFreeze { ended: None, ..current.clone() };
    let reports = [
        CheckReport::of(current.clone(), empty.clone()),
        CheckReport::of(current, state()),
        CheckReport::of(holding, state()),
        CheckReport::none(),
    ];
    reports.map(|report| json!(report)).into()
}
