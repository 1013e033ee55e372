//! `docs/OPERATING.md` has the gates of the maintenance window as `plan --window` computes them.

use domain::doctor::{Window, WindowSize};
use serde_json::json;

use super::page::tables_of;

const PAGE: &str = include_str!("../../../docs/OPERATING.md");

#[test]
fn the_gates_of_the_window_are_those_of_the_page() {
    let tables = tables_of(PAGE);
    let table = tables.iter().find(|table| table.columns[0] == "gate").expect("a table");
    let page: Vec<_> = ["gate", "formula", "basis"]
        .map(|column| table.column(column).map(str::to_owned).collect::<Vec<_>>())
        .into();
    let size = WindowSize {
        index_rows: 1,
        files: 1,
        ingested: 1,
        repo_rows: 1,
        by_trackers: false,
        rhino_rows: None,
    };
    let gates = Window::of(size).gates;
    let basis =
        |gate: &domain::doctor::WindowGate| json!(gate.basis).as_str().expect("a word").to_owned();
    let code = vec![
        gates.iter().map(|gate| gate.name.to_owned()).collect::<Vec<_>>(),
        gates.iter().map(|gate| gate.formula.to_owned()).collect(),
        gates.iter().map(basis).collect(),
    ];
    assert_eq!(page, code);
}
