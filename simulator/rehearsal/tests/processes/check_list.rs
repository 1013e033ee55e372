//! `runbook status`, `next`, `run` and `done`, as processes.

use std::process::Output;

use rehearsal::stage::Stage;

use crate::cli::{json, mogile2s3, stage, text};

async fn run(stage: &Stage, arguments: &[&str], code: i32) -> Output {
    let arguments = [&["runbook"], arguments].concat();
    let output = mogile2s3(stage.world.environment(), &arguments).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    output
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_list_names_the_next_step_and_starts_its_command() {
    let stage = stage(111, 1).await;
    let list = json(&run(&stage, &["status", "--json"], 0).await);
    assert_eq!(list["steps"].as_array().map(Vec::len), Some(12), "{list}");
    assert_eq!((&list["entries"], &list["next"]["step"]["step"]), (&0.into(), &1.into()), "{list}");

    // A step that a command proves, one behind the cut-over, and a note without words.
    for (step, note, code, words) in [
        ("1", "words", 2, "step 1, build and configure, is proven by `doctor`"),
        ("10", "words", 4, "comes behind step 9, update the databases, which is not done"),
        ("2", " ", 2, "--note is empty"),
        ("13", "words", 2, "13 is not in 1..=12"),
    ] {
        let said = run(&stage, &["done", step, "--note", note, "--operator", "ann"], code).await;
        let said = text(&said.stderr);
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    run(&stage, &["done", "2", "--note", "not needed", "--operator", "ann"], 0).await;
    let list = json(&run(&stage, &["status", "--json"], 0).await);
    let sync = &list["steps"][1];
    assert_eq!(
        (&sync["state"], &sync["proof"]["by"]),
        (&"skipped".into(), &"ann".into()),
        "{sync}"
    );
    assert_eq!(sync["proof"]["note"], "not needed", "{sync}");
    // Confirmed for another queue it counts for nothing.
    let elsewhere = ["--queue-url", "http://127.0.0.1:1/000000000000/other"];
    let said = text(&run(&stage, &[&["status"], &elsewhere[..]].concat(), 1).await.stdout);
    assert!(said.contains("STALE") && said.contains("is of another queue"), "{said}");

    // The command works in the place that the flags name.
    let said = text(&run(&stage, &["next"], 0).await.stdout);
    assert!(said.contains("Next: step 1, build and configure"), "{said}");
    assert!(said.contains("→ mogile2s3 doctor"), "{said}");
    let journal = ["--verifications-table", "nowhere", "--json"];
    let started = run(&stage, &[&["run"], &journal[..]].concat(), 0).await;
    assert!(text(&started.stderr).contains("→ mogile2s3 doctor"), "{started:?}");
    let report = json(&started);
    assert!(report["checks"].is_array() && report.to_string().contains("nowhere"), "{report}");
}
