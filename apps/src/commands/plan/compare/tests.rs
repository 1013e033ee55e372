use serde_json::json;

use super::*;
use crate::report::Report;

fn requests(writes: u64, heads: u64) -> Value {
    json!({
        "writes": writes, "uploads": 1, "parts": 3, "lists": 4, "refused": 0, "looked_at": heads,
        "looked_for": 0, "to_be_read": {"files": 0, "bytes": 0},
        "without_way": {"files": 0, "bytes": 0},
    })
}

fn plan() -> Value {
    json!({
        "requests_needed": requests(10, 0), "arrived": null, "stopped": null, "unlisted": null,
        "time": {"machine": {"seconds": 60}},
    })
}

fn run(copies: u64, failed: u64) -> Value {
    let of = |ok: u64, failed: u64| json!({"ok": ok, "failed": failed});
    json!({
        "requests": {
            "S3 COPY": of(copies, failed), "S3 PUT": of(2, 0), "S3 CREATE_MULTIPART": of(1, 0),
            "S3 COMPLETE": of(1, 0), "S3 PART": of(3, 0), "S3 LIST": of(4, 0), "S3 HEAD": of(0, 1),
            "DynamoDB BatchWriteItem": of(7, 0),
        },
        "seconds": 1.5, "incomplete": false,
    })
}

/// Writes these files and compares them; a text is written as it is.
fn compared(files: &[Value]) -> Result<Value, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = files.iter().enumerate().map(|(number, content)| {
        let path = folder.path().join(format!("{number}.json"));
        let text = content.as_str().map_or_else(|| content.to_string(), str::to_owned);
        fs::write(&path, text).expect("written");
        path
    });
    let paths: Vec<_> = paths.collect();
    let report = compare(&paths, &Prices::us_east_1()).map_err(|error| error.to_string())?;
    Ok(json!({ "json": report, "exit": report.verdict().exit.code() }))
}

#[test]
fn a_run_is_compared_kind_by_kind() {
    let equal = compared(&[plan(), run(8, 0)]).expect("files of the right form");
    assert_eq!((&equal["exit"], &equal["json"]["differs"]), (&json!(0), &json!(false)), "{equal}");
    let writes = &equal["json"]["kinds"][0];
    let expected = json!({
        "what": "COPY or PUT", "estimated": 10, "counted": 10, "ratio": 1.0,
        "estimated_dollars": "0.000050", "counted_dollars": "0.000050",
    });
    assert_eq!(writes, &expected);

    // A write without success was paid, too.
    let more = compared(&[plan(), run(8, 5)]).expect("files of the right form");
    assert_eq!(more["exit"], 1, "{more}");
    assert_eq!(more["json"]["kinds"][0]["counted"], 15);
    assert_eq!(more["json"]["kinds"][0]["ratio"], 1.5);
}

#[test]
fn runs_are_summed_and_what_was_left_is_compared_where_it_is_known() {
    let mut half = run(3, 0);
    for kind in ["S3 CREATE_MULTIPART", "S3 COMPLETE", "S3 PART", "S3 LIST", "S3 HEAD"] {
        half["requests"][kind] = json!({"ok": 0, "failed": 0});
    }
    let sum = compared(&[plan(), run(3, 0), half]).expect("files of the right form");
    assert_eq!((&sum["exit"], &sum["json"]["seconds"]), (&json!(0), &json!(3.0)), "{sum}");
    let mut left = plan();
    left["arrived"] = json!({ "requests_left": requests(4, 6) });
    left["time_left"] = json!({ "machine": { "seconds": 7 } });
    let left = compared(&[left, run(8, 0)]).expect("files of the right form");
    let kinds = &left["json"]["kinds"];
    assert_eq!((&kinds[0]["estimated"], &kinds[5]["estimated"]), (&json!(4), &json!(7)), "{left}");
    assert_eq!(left["json"]["estimated_seconds"], 7);
}

#[test]
fn a_run_that_did_not_end_leaves_the_comparison_incomplete() {
    let mut stopped = run(8, 0);
    stopped["incomplete"] = json!(true);
    let said = compared(&[plan(), stopped]).expect("files of the right form");
    assert_eq!((&said["exit"], &said["json"]["incomplete"]), (&json!(3), &json!(true)), "{said}");
}

#[test]
fn a_file_of_another_form_is_refused_by_name() {
    let with = |mut value: Value, pointer: &str, to: Value| {
        *value.pointer_mut(pointer).expect("a place") = to;
        value
    };
    let without = |pointer: &str| with(plan(), pointer, Value::Null);
    for (files, words) in [
        (vec![plan()], "--compare takes the output of `mogile2s3 plan --json`, and then"),
        (vec![run(8, 0), plan()], "0.json` is no output of `mogile2s3 plan --json`"),
        (vec![plan(), plan()], "1.json` is no output of a run with --json"),
        (vec![plan(), json!({})], "1.json` is no output of a run with --json"),
        (vec![plan(), json!([1])], "1.json` is no output of a run with --json"),
        (vec![plan(), json!("not JSON")], "1.json` is not the output of one command with --json"),
        (vec![plan(), json!("")], "1.json` is not the output of one command with --json"),
        (
            vec![without("/requests_needed/looked_for"), run(8, 0)],
            "0.json` has no number `looked_for` among its requests: it is a plan of another version",
        ),
        (vec![with(plan(), "/stopped", json!("why")), run(8, 0)], "could not read everything"),
        (vec![with(plan(), "/unlisted", json!("why")), run(8, 0)], "could not read everything"),
        (
            vec![plan(), with(run(8, 0), "/requests/S3 COPY/ok", json!("8"))],
            "1.json` has no number of requests that are ok at `S3 COPY`",
        ),
        (vec![plan(), with(run(8, 0), "/incomplete", json!(null))], "has no `incomplete`"),
        (vec![plan(), with(run(8, 0), "/seconds", json!("1"))], "has no `seconds`"),
    ] {
        let said = compared(&files).expect_err("no comparison");
        assert!(said.contains(words), "{words}: {said}");
    }
    let nowhere = ["/nowhere/plan.json", "/nowhere/run.json"].map(PathBuf::from);
    let said = compare(&nowhere, &Prices::us_east_1()).expect_err("no file").to_string();
    assert!(said.contains("`/nowhere/plan.json` cannot be read"), "{said}");
    let twice = ["plan.json", "run.json", "run.json"].map(PathBuf::from);
    let said = compare(&twice, &Prices::us_east_1()).expect_err("a file twice").to_string();
    assert!(said.contains("`run.json` is given twice"), "{said}");
}
