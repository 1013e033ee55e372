//! Content types and download names: the real commands, and what readers of S3 get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rehearsal::hazard::Hazards;
use rehearsal::stage::{Options, Stage};
use serde_json::{Value, json};
use stand_ins::fault::{Fault, Rule, Service};

use crate::cli::{json, mogile2s3, rehearse, text};
use crate::python::{self, Package};

const BOTO3: Package =
    Package { module: "boto3", wanted: "boto3>=1.36", required_by: "REQUIRE_BOTO3" };

/// For all that the reader does.
const SESSION: Duration = Duration::from_mins(1);

const CONTENT_REPO: &str = "CONTENTREPO_DATABASE_URL";

/// A world with nothing wrong in it, with files of both routes and such as go in parts.
async fn clean(files: usize) -> Stage {
    let options = Options { seed: 15, files, folder: None, hazards: Hazards::None };
    Stage::set(&options).await.expect("a world")
}

async fn run(
    environment: &BTreeMap<&'static str, String>,
    arguments: &[&str],
    code: i32,
) -> (Value, String) {
    let output = mogile2s3(environment, &[arguments, &["--json"]].concat()).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    (json(&output), said)
}

/// boto3 gets each object's headers as contentrepo's rows say.
async fn check_readers(stage: &Stage) {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(python) = python::with(BOTO3, home).await else { return };
    let expected: Vec<_> = stage
        .planted
        .expected
        .iter()
        .map(|file| {
            let headers = file.headers;
            json!([file.bucket, file.file.sha1, headers.content_type, headers.disposition])
        })
        .collect();
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("expected.json");
    std::fs::write(&list, json!(expected).to_string()).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/processes/types/readers.py");
    let mut reader = tokio::process::Command::new(python);
    reader.arg(script).envs(stage.world.environment());
    reader.env("EXPECTED", list).env("NO_PROXY", "127.0.0.1");
    python::run(reader, SESSION).await.expect("every header as it should be");
}

/// What a summary must say of these files.
fn expected_counts(stage: &Stage) -> (u64, u64) {
    let count = |is: &dyn Fn(&rehearsal::planting::Expected) -> bool| {
        stage.planted.expected.iter().filter(|file| is(file)).count() as u64
    };
    (
        count(&|file| file.headers.content_type.is_some()),
        count(&|file| file.headers.disposition.is_some()),
    )
}

fn check_counts(stage: &Stage, summary: &Value) {
    let types = &summary["types"];
    let counts = (types["with_type"].as_u64(), types["with_name"].as_u64());
    let (with_type, with_name) = expected_counts(stage);
    assert_eq!(counts, (Some(with_type), Some(with_name)), "{types}");
    assert_eq!(types["files"], stage.planted.expected.len(), "{types}");
    assert_eq!(
        (&types["rows"], &types["without_row"]),
        (&json!(stage.planted.repo_objects), &json!(0))
    );
    for odd in ["disagreeing", "unusable_types", "unusable_names"] {
        assert!(types[odd].as_u64() > Some(0), "{odd}: {types}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_get_their_types_and_names_with_their_one_write() {
    let stage = clean(240).await;
    let environment = stage.world.environment();
    let (summary, _) = run(environment, &["migrate"], 0).await;
    check_counts(&stage, &summary);
    let of = |kind: &str| summary["requests"][kind]["ok"].as_u64().unwrap_or_default();
    let files = stage.planted.expected.len() as u64;
    let in_parts = stage.planted.expected.iter().filter(|file| file.goes_in_parts()).count() as u64;
    assert!(in_parts > 0 && of("S3 COPY") > 50 && of("S3 PUT") > 50, "{summary}");
    assert_eq!(of("S3 COPY") + of("S3 PUT") + of("S3 COMPLETE"), files, "{summary}");
    assert_eq!((of("S3 HEAD"), of("S3 GET")), (0, 0), "nothing was read back: {summary}");
    assert_eq!(stage.judge().problems, [""; 0]);
    check_readers(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_carry_them_to_their_workers() {
    let stage = clean(120).await;
    let environment = stage.world.environment();
    let (sent, _) = run(environment, &["enqueue", "migrate"], 0).await;
    check_counts(&stage, &sent);
    // A worker needs no way to contentrepo's database.
    let mut of_worker = environment.clone();
    of_worker.remove(CONTENT_REPO);
    run(&of_worker, &["work", "--until-empty"], 0).await;
    assert_eq!(stage.judge().problems, [""; 0]);
    check_readers(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_there_are_none_and_the_files_are_whole() {
    let stage = clean(20).await;
    let mut environment = stage.world.environment().clone();
    environment.remove(CONTENT_REPO);
    let (summary, _) = run(&environment, &["migrate"], 0).await;
    assert_eq!(summary["types"], Value::Null);
    let problems = stage.judge().problems;
    let is_of_headers = |problem: &String| {
        problem.contains("its content type is") || problem.contains("its disposition is")
    };
    assert!(!problems.is_empty() && problems.iter().all(is_of_headers), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_said_before_a_file_is_begun() {
    let stage = clean(120).await;
    let set = |name: &'static str, value: &str| {
        let mut environment = stage.world.environment().clone();
        environment.insert(name, value.to_owned());
        environment
    };
    let own = stage.world.environment().clone();
    let nowhere = ["migrate", "--spool-dir", "/no/such/directory"];
    let away = set(CONTENT_REPO, "mysql://u:p@127.0.0.1:1/repo");
    let other = set(CONTENT_REPO, &own["RHINO_DATABASE_URL"]);
    for (environment, arguments, code, words) in [
        (&own, &nowhere[..], 2, &["--spool-dir", "`/no/such/directory` is no directory"][..]),
        (
            &away,
            &["migrate"],
            3,
            &["types-and-names", "127.0.0.1:1/repo", "CONTENTREPO_DATABASE_URL"],
        ),
        (&away, &["enqueue", "migrate"], 3, &["types-and-names", "CONTENTREPO_DATABASE_URL"]),
        (&other, &["migrate"], 3, &["types-and-names", "CONTENTREPO_DATABASE_URL"]),
    ] {
        let output = mogile2s3(environment, arguments).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        for words in words {
            assert!(said.contains(words), "{arguments:?}: no {words:?} in {said}");
        }
        assert!(!said.contains("u:p@"), "{said}");
    }
    let options = Options { seed: 16, files: 120, folder: None, hazards: Hazards::None };
    let another = Stage::set(&options).await.expect("a world");
    let others = set(CONTENT_REPO, &another.world.environment()[CONTENT_REPO]);
    for arguments in [&["migrate"][..], &["enqueue", "migrate"]] {
        let (summary, _) = run(&others, arguments, 2).await;
        let stopped = summary["stopped"].as_str().unwrap_or_default();
        assert!(stopped.contains("refers to 1 of 1"), "{summary}");
    }
    let counts = stage.world.faults.counts();
    let written: Vec<_> = counts
        .keys()
        .filter(|(service, kind)| *service == Service::S3 && ["PUT", "COPY"].contains(&&**kind))
        .collect();
    assert_eq!(written, Vec::<&(Service, String)>::new());
}

/// The files of a directory.
fn files_in(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_on_disk_not_even_after_a_kill() {
    let stage = clean(60).await;
    // The spool is full, and no file can be finished.
    stage.world.faults.add(Rule::always(Service::StorageNode, Fault::Hang));
    let directory = tempfile::tempdir().expect("a directory");
    let spool = directory.path().to_str().expect("a name");
    let environment = stage.world.environment();
    let mut command = rehearse();
    command.args(["mogile2s3", "migrate", "--spool-dir", spool]).envs(environment);
    let mut child = command.stderr(Stdio::null()).spawn().expect("started");
    let asked = || stage.world.faults.counts().keys().any(|(it, _)| *it == Service::StorageNode);
    for _ in 0..1_000 {
        if asked() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked(), "a file was begun");
    // The files have no names, and are there.
    if cfg!(target_os = "linux") {
        let open = files_in(Path::new(&format!("/proc/{}/fd", child.id())));
        let opened = open.iter().filter_map(|link| std::fs::read_link(link).ok());
        let spooled = opened.filter(|file| file.starts_with(directory.path())).count();
        assert!(spooled >= 2, "{spooled} files below {spool}");
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(files_in(directory.path()).is_empty());
}
