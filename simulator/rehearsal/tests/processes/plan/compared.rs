//! The estimate of a plan beside what runs counted, by the command; and what routes and lines do to it.

use std::path::Path;

use serde_json::{Value, json};

use super::{clean, is_what_was_asked_for, told};
use crate::cli::{json as printed, mogile2s3, text};

fn written(folder: &Path, name: &str, report: &Value) -> String {
    let file = folder.join(name);
    std::fs::write(&file, report.to_string()).expect("written");
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_of_a_clean_store_is_what_a_run_counts() {
    let stage = clean(120).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, report: &Value| written(folder.path(), name, report);
    let plan = told(&stage, &[], &["plan", "--list-buckets"]).await;
    let plan = file("plan.json", &plan);
    let run = told(&stage, &[], &["migrate"]).await;
    let run = file("run.json", &run);
    let compare = async |files: &[&str], code: i32| {
        let arguments = [&["plan", "--compare"], files].concat();
        let output = mogile2s3(stage.world.environment(), &arguments).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        let arguments = [&arguments[..], &["--json"]].concat();
        (said, mogile2s3(stage.world.environment(), &arguments).await)
    };
    let (said, output) = compare(&[&plan, &run], 0).await;
    assert!(said.contains("The estimate of what was left") && said.contains("1.000"), "{said}");
    let report = printed(&output);
    let kinds = report["kinds"].as_array().expect("kinds");
    assert_eq!((kinds.len(), &report["differs"]), (7, &json!(false)), "{report}");
    assert!(kinds.iter().all(|kind| kind["estimated"] == kind["counted"]), "{report}");
    assert!(kinds.iter().take(6).all(|kind| kind["counted"].as_u64() > Some(0)), "{report}");

    // A second pass asks for LISTs alone, which the estimate does not have.
    let again = told(&stage, &[], &["migrate", "--again"]).await;
    let again = file("again.json", &again);
    let (said, _) = compare(&[&plan, &run, &again], 1).await;
    assert!(said.contains("Not equal. More requests than estimated"), "{said}");

    for (files, words) in [
        (&[&*run, &*plan][..], "run.json` is no output of `mogile2s3 plan --json`"),
        (&[&*plan, &*plan], "plan.json` is no output of a run with --json"),
        (&[&*plan, &*run, &*run], "run.json` is given twice"),
        (&[&*plan, "/nowhere"], "`/nowhere` cannot be read"),
    ] {
        let (said, _) = compare(files, 2).await;
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_planned_as_it_is_run() {
    let stage = clean(120).await;
    let mogile = ["plan", "--route", "mogile"];
    let plan = told(&stage, &[], &mogile).await;
    let run = told(&stage, &[], &["migrate", "--route", "mogile"]).await;
    let needed = &plan["requests_needed"];
    assert_eq!((&needed["lists"], &needed["by_copy"]["files"]), (&json!(0), &json!(0)), "{plan}");
    assert_eq!(needed["by_mogile"], run["by_mogile"], "{run}");
    is_what_was_asked_for(needed, &run);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_come_by_copy_is_a_hazard_and_fails_so() {
    let stage = clean(120).await;
    let ended = async |arguments: &[&str]| {
        let arguments = [arguments, &["--json"]].concat();
        let output = mogile2s3(stage.world.environment(), &arguments).await;
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        printed(&output)
    };
    let plan = ended(&["plan", "--route", "copy", "--list-buckets"]).await;
    let needed = &plan["requests_needed"];
    let run = ended(&["migrate", "--route", "copy"]).await;
    let failed = &run["failed"]["no-intermediary"]["files"];
    assert!(failed.as_u64() > Some(0), "{run}");
    assert_eq!(&needed["without_way"]["files"], failed, "{run}");
    assert_eq!(needed["by_copy"], run["by_copy"], "{run}");
    let hazards = plan["hazards"].to_string();
    assert!(hazards.contains(&format!("{failed} files (")), "{hazards}");
    let of = |kind: &str| {
        let counts = &run["requests"][kind];
        counts["ok"].as_u64().unwrap_or_default() + counts["failed"].as_u64().unwrap_or_default()
    };
    assert_eq!(
        (Some(of("S3 COPY")), Some(of("S3 HEAD"))),
        (needed["writes"].as_u64(), failed.as_u64())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_line_decides_and_copies_do_not_need_it() {
    let stage = clean(60).await;
    let decides = async |arguments: &[&str]| {
        let plan = told(&stage, &[], arguments).await;
        plan["time"]["machine"]["decides"].as_str().expect("a name").to_owned()
    };
    let slow = ["plan", "--bandwidth", "1"];
    assert_eq!(decides(&slow).await, "the line from MogileFS to S3");
    let by_copy = [&slow[..], &["--route", "copy", "--concurrency", "1"]].concat();
    let plan = mogile2s3(stage.world.environment(), &[&by_copy[..], &["--json"]].concat()).await;
    let plan = printed(&plan);
    assert_eq!(plan["time"]["machine"]["decides"], "one machine's files at once", "{plan}");
    assert_eq!(plan["data_costs"]["through_nat"], "0.000000", "{plan}");
    let output = mogile2s3(stage.world.environment(), &slow).await;
    let said = text(&output.stdout);
    for words in [
        "bytes x 8 / 1 Mbit/s",
        "the line from MogileFS to S3 decides",
        "and from MogileFS",
        "SQS an interface endpoint: $0.01 an hour and $0.01 a GB",
        "assumed where you did not give them",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
