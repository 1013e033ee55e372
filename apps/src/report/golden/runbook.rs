//! The reports of the runbook's check-list.

use domain::Timestamp;
use domain::checklist::{
    CheckList, CommandLine, Convergence, Next, State, Step, StepProof, StepState,
};
use domain::digest::Sha256;
use domain::journal::Head;
use serde_json::{Value, json};

use crate::report::runbook::{DoneReport, NextReport, StatusReport};

pub(super) fn reports() -> [(&'static str, Vec<Value>); 4] {
    let migration = || "ledger".to_owned();
    let next_reports = |list: &CheckList| {
        [next(Some(Step::Verify)), next(None)].map(|it| NextReport::new(migration(), list, it))
    };
    let lists = [full(), empty(), CheckList { convergence: None, ..empty() }];
    let status = lists.iter().map(|list| {
        let next = next(list.steps.first().map(|it| it.step));
        json!(StatusReport::new(migration(), 1, list, next))
    });
    let run = lists.iter().flat_map(next_reports).map(|it| json!(it.refused())).collect();
    let head = Head { sequence: 1, hash: Sha256::of(b"") };
    [
        ("runbook status", status.collect()),
        ("runbook next", lists.iter().flat_map(next_reports).map(|it| json!(it)).collect()),
        ("runbook run", run),
        ("runbook done", done(&head)),
    ]
}

fn done(head: &Head) -> Vec<Value> {
    let (names, list) = (("ledger", "ledger-journal"), full());
    let now = || (&list, next(Some(Step::Verify)));
    let proof = list.steps.iter().find_map(|it| it.proof.as_ref()).expect("a proof");
    vec![
        json!(DoneReport::written(names, Step::KeepMogile, head, now())),
        json!(DoneReport::already(names, Step::KeepMogile, proof, now())),
    ]
}

fn full() -> CheckList {
    let proof = |note: Option<&str>| StepProof {
        entry: 1,
        at: Timestamp(0),
        by: "ann".to_owned(),
        what: "doctor".to_owned(),
        counted: [("*".to_owned(), 1)].into(),
        note: note.map(str::to_owned),
    };
    let step = |step, proof| {
        let why = vec!["words".to_owned()];
        StepState { step, state: State::Stale, why, proof }
    };
    let steps = vec![
        step(Step::Build, Some(proof(None))),
        step(Step::Sync, Some(proof(Some("not needed")))),
        step(Step::BadData, None),
    ];
    let convergence = Convergence {
        left: 1,
        failed: 0,
        left_before: Some(2),
        seconds_between: Some(1),
        seconds_left: Some(1),
        window_seconds: Some(1),
        converges: Some(true),
    };
    CheckList {
        steps,
        convergence: Some(convergence),
        clients_must_stay_stopped: false,
        unknown_entries: 0,
    }
}

fn empty() -> CheckList {
    let convergence = Convergence {
        left: 1,
        failed: 0,
        left_before: None,
        seconds_between: None,
        seconds_left: None,
        window_seconds: None,
        converges: None,
    };
    let list = CheckList {
        steps: Vec::new(),
        convergence: None,
        clients_must_stay_stopped: false,
        unknown_entries: 0,
    };
    CheckList { convergence: Some(convergence), ..list }
}

fn next(step: Option<Step>) -> Next {
    let words = vec!["doctor".to_owned()];
    Next {
        step,
        why: vec!["words".to_owned()],
        commands: vec![CommandLine { words, automatic: true, purpose: "see" }],
        open: vec![Step::Build],
        way_back: step.map(Step::way_back),
    }
}
