//! The reports of `freeze` and `freeze check`.

use std::collections::BTreeMap;

use domain::cutover::{CurrentFreeze, DeletedSince, FreezeCheck, FreezeEnded, Movement, Watched};
use domain::server_ids::ServerIds;
use domain::store_state::{ClientState, Freeze, NodeCounters, StateChange, StoreState};
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
        servers: vec!["host:3306/db".to_owned()],
        server_ids: vec![ServerIds {
            server_id: Some("1".to_owned()),
            server_uuid: Some("5e57e4aa-0000-4000-8000-000000000000".to_owned()),
        }],
        highest_fid: Some(Fid(7)),
        contentrepo: client("*"),
        rhino: client("all"),
        nodes: vec![NodeCounters {
            url: "http://a/v1".to_owned(),
            started: "Mon".to_owned(),
            writes: 7,
        }],
        ..StoreState::default()
    }
}

fn freeze() -> Vec<Value> {
    let report =
        |watched, entry| json!(FreezeReport::new("cron is off".to_owned(), 600, watched, entry));
    let moved = movements();
    vec![
        report(Watched::Still(Box::new(state())), Some(1)),
        report(Watched::Moving(moved), None),
        report(Watched::Changed(vec![StateChange::Content]), None),
        report(Watched::Interrupted, None),
    ]
}

fn movements() -> Vec<Movement> {
    let fid = Some(Fid(7));
    vec![
        Movement::Uploads { rows: 1, newest: fid },
        Movement::Uploads { rows: 1, newest: None },
        Movement::HighestFid { before: fid, now: None },
        Movement::HighestFid { before: None, now: fid },
        Movement::TrackersAhead(Fid(7)),
        Movement::ContentrepoRow("7".to_owned()),
        Movement::RhinoRow("7".to_owned()),
        Movement::NodeWrites { node: "http://a/v1".to_owned(), before: 1, now: 2 },
        Movement::NodeRestarted("http://a/v1".to_owned()),
    ]
}

fn check() -> Vec<Value> {
    let freeze = Freeze { means: "cron is off".to_owned(), window_seconds: 600, state: state() };
    let (at, by, sequence) = (Timestamp(1), "alice".to_owned(), 1);
    let freeze = {
        let (ended, deleted) = (None, DeletedSince::default());
        CurrentFreeze { sequence, at, by, freeze, ended, deleted }
    };
    let ended = Some(FreezeEnded { sequence: 2, writer: 7, fid: Fid(7) });
    let (now, changes, movements) =
        (StoreState::default(), vec![StateChange::Content], movements());
    let checks = [
        FreezeCheck::Compared { freeze: freeze.clone(), now: state(), changes, movements },
        FreezeCheck::OtherSettings { freeze: freeze.clone(), now },
        FreezeCheck::Ended(CurrentFreeze { ended, ..freeze }),
        FreezeCheck::None,
        FreezeCheck::Overtaken,
    ];
    checks.map(|check| json!(CheckReport::new(check))).into()
}
