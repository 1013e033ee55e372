//! `verify`: the real command against buckets in which objects went, changed or came.

mod continued;

use std::fs;
use std::process::Command;

use rehearsal::hazard::Hazards;
use rehearsal::planting::Expected;
use rehearsal::stage::{Options, Stage};
use serde_json::Value;
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::bucket::Condition;

use crate::cli::{json, mogile2s3, text};

/// A world whose files are all migrated.
async fn migrated(seed: u64, files: usize) -> Stage {
    let options = Options { seed, files, folder: None, hazards: Hazards::None };
    let stage = Stage::set(&options).await.expect("a world");
    let output = mogile2s3(stage.world.environment(), &["migrate"]).await;
    assert!(output.status.success(), "{}", text(&output.stdout));
    stage
}

/// What `verify` says, which ends with this exit code.
async fn verified(stage: &Stage, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["verify", "--json"], arguments].concat();
    let output = mogile2s3(stage.world.environment(), &arguments).await;
    let said = json(&output);
    assert_eq!(output.status.code(), Some(code), "{said} {}", text(&output.stderr));
    assert_eq!(said["exit_code"].as_i64(), Some(code.into()), "{said}");
    said
}

fn number(said: &Value, path: &str) -> u64 {
    said.pointer(path).and_then(Value::as_u64).unwrap_or_default()
}

fn fids(said: &Value, difference: &str) -> Vec<u64> {
    let fids = &said["different"][difference]["first_fids"];
    fids.as_array().into_iter().flatten().filter_map(Value::as_u64).collect()
}

fn plant(stage: &Stage, file: &Expected, bytes: &[u8]) {
    let planted = stage.world.s3.plant_plain(file.bucket, &file.file.sha1, bytes.to_vec());
    planted.expect("the bucket is there");
}

/// The bytes of a file's object.
fn bytes_of(stage: &Stage, file: &Expected) -> Vec<u8> {
    let object = stage.world.s3.get(file.bucket, &file.file.sha1, &Condition::None);
    object.expect("it is there").content.bytes().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_migration_is_whole_and_what_is_spoilt_is_found() {
    let stage = migrated(31, 120).await;
    let files = stage.planted.expected.len() as u64;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (list, sums, failures) = (path("list"), path("sums"), path("failures"));

    // A proof of the ledger is not needed: it is not asked. The journal is, which no Scan reads.
    let before = stage.world.faults.counts();
    let of_ledger = |(service, operation): &(Service, String)| {
        *service == Service::DynamoDb && operation == "Scan"
    };
    let said = verified(&stage, &["--list", &list, "--sha1sums", &sums, "--seed", "7"], 0).await;
    let after = stage.world.faults.counts();
    let asked = |counts: &std::collections::BTreeMap<(Service, String), u64>| {
        counts.iter().filter(|(key, _)| of_ledger(key)).map(|(_, count)| *count).sum::<u64>()
    };
    assert_eq!(asked(&before), asked(&after), "the ledger is not asked");
    assert_eq!(number(&said, "/files/files"), files, "{said}");
    assert_eq!(number(&said, "/whole/files"), files, "{said}");
    assert_eq!(number(&said, "/content/read/files"), files, "the sample is larger: {said}");
    assert_eq!(number(&said, "/content/seed"), 7, "{said}");
    let left = stage.planted.expected.iter().filter(|file| file.synced).count() as u64;
    assert_eq!(number(&said, "/intermediaries/files"), left, "{said}");
    assert_eq!(number(&said, "/objects"), files + left, "{said}");
    assert!(number(&said, "/temporary") > 0 && number(&said, "/ignored") > 0, "{said}");
    let lines = fs::read_to_string(&list).expect("written");
    assert_eq!(lines.lines().filter(|line| line.starts_with("=\t")).count() as u64, files);
    assert_eq!(lines.lines().filter(|line| line.starts_with("+\t")).count() as u64, left);
    are_the_sums(&stage, folder.path(), &sums);

    // One goes, one is cut short, one has other bytes of the same length, and one is no file's.
    let large = |file: &&Expected| file.file.content.length() > 100;
    let [gone, shorter, other] =
        [0, 1, 2].map(|at| stage.planted.expected.iter().filter(large).nth(at).expect("a file"));
    let other_bytes: Vec<_> = bytes_of(&stage, other).iter().map(|byte| byte ^ 1).collect();
    stage.world.s3.delete(gone.bucket, &gone.file.sha1, &Condition::None).expect("deleted");
    plant(&stage, shorter, b"short");
    plant(&stage, other, &other_bytes);
    let extra = "0".repeat(40);
    stage.world.s3.plant_plain(gone.bucket, &extra, b"extra".to_vec()).expect("planted");
    let said = verified(&stage, &["--sample", "0"], 1).await;
    assert_eq!(fids(&said, "missing"), [gone.fid], "{said}");
    assert_eq!(fids(&said, "wrong-length"), [shorter.fid], "{said}");
    assert_eq!(fids(&said, "wrong-content"), [0; 0], "only content tells: {said}");
    assert_eq!(number(&said, "/extra/files"), 1, "{said}");
    let said = verified(&stage, &["--deep", "--failures", &failures], 1).await;
    assert_eq!(fids(&said, "wrong-content"), [other.fid], "{said}");
    assert_eq!(number(&said, "/whole/files"), files - 3, "{said}");

    // What is printed mends it.
    let printed = mogile2s3(stage.world.environment(), &["verify"]).await;
    let printed = text(&printed.stdout);
    let mut of_all = [gone, shorter, other].map(|file| file.fid);
    of_all.sort_unstable();
    let of_all = of_all.map(|fid| fid.to_string()).join(",");
    let command = format!("\n  mogile2s3 migrate --again --fids {of_all}\n");
    assert!(printed.contains(&command), "{command}: {printed}");
    let fids = format!("@{failures}");
    let mended =
        mogile2s3(stage.world.environment(), &["migrate", "--again", "--fids", &fids]).await;
    assert!(mended.status.success(), "{}", text(&mended.stdout));
    let said = verified(&stage, &["--deep"], 0).await;
    assert_eq!(number(&said, "/content/read/files"), files, "{said}");
}

/// `sha1sum -c` takes the file, beside a copy of the buckets.
fn are_the_sums(stage: &Stage, folder: &std::path::Path, sums: &str) {
    for file in &stage.planted.expected {
        let bucket = folder.join(file.bucket);
        fs::create_dir_all(&bucket).expect("a folder");
        fs::write(bucket.join(&file.file.sha1), bytes_of(stage, file)).expect("written");
    }
    let mut command = Command::new("sha1sum");
    command.args(["--check", "--quiet", "--strict", sums]).current_dir(folder);
    let checked = command.output().expect("started");
    assert!(checked.status.success(), "{}{}", text(&checked.stdout), text(&checked.stderr));
    let (lines, files) = (fs::read_to_string(sums).expect("written"), stage.planted.expected.len());
    assert_eq!(lines.lines().count(), files + 1);
    assert!(lines.ends_with(&format!("\n# {files} lines\n")), "it says that it is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_never_whole() {
    let stage = migrated(32, 40).await;
    let slow_down = || Fault::Refuse { status: 503, code: "SlowDown".to_owned() };
    let once = Rule { times: 3, ..Rule::always(Service::S3, slow_down()) };
    stage.world.faults.add(once);
    stage.world.faults.add(Rule { times: 2, ..Rule::always(Service::Mysql, Fault::RequestLost) });
    let said = verified(&stage, &[], 0).await;
    assert_eq!(said["whole"], said["files"], "{said}");
    stage.world.faults.clear();

    // The first listings come, and the later ones do not.
    let always = Rule {
        operation: Some("LIST".to_owned()),
        skip: 6,
        ..Rule::always(Service::S3, slow_down())
    };
    stage.world.faults.add(always);
    let said = verified(&stage, &["--wait", "0s"], 3).await;
    assert_eq!((&said["incomplete"], &said["differs"]), (&true.into(), &false.into()), "{said}");
    assert!(said["stopped"].as_str().is_some_and(|why| why.contains("s3-unreachable")), "{said}");
    stage.world.faults.clear();
    let denied = Fault::Refuse { status: 403, code: "AccessDenied".to_owned() };
    let denied = Rule { operation: Some("LIST".to_owned()), ..Rule::always(Service::S3, denied) };
    stage.world.faults.add(denied);
    let said = verified(&stage, &[], 3).await;
    assert_eq!(said["different"], serde_json::json!({}), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_and_limits_are_said() {
    let stage = migrated(33, 40).await;
    let said = async |more: &[(&'static str, &str)], arguments: &[&str], code: i32| {
        let mut environment = stage.world.environment().clone();
        environment.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let output = mogile2s3(&environment, &[&["verify"], arguments].concat()).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    };
    for (setting, words) in [
        (("MOGILE_DOMAIN", "nowhere"), "MogileFS has no domain `nowhere`"),
        (("BUCKETS", "no-such:corpus-prod"), "is in a bucket that is mapped"),
        (("BUCKETS", "mogilefs-prod-repo:not-made"), "bucket `not-made` does not exist"),
    ] {
        let said = said(&[setting], &[], 2).await;
        assert!(said.contains(words) && !said.contains("Clean"), "{words}: {said}");
    }
    let environment = [("MOGILE_DATABASE_URL", ""), ("MOGILE_TRACKERS", "")];
    let neither = said(&environment, &[], 2).await;
    assert!(neither.contains("MOGILE_TRACKERS is not set"), "{neither}");
    // Trackers and ledger are not needed where there is a database.
    let without = [("MOGILE_TRACKERS", ""), ("DYNAMODB_TABLE", ""), ("SQS_URL", "")];
    assert!(said(&without, &[], 0).await.contains("Clean: "));
    for file in stage.planted.expected.iter().take(20) {
        stage.world.s3.delete(file.bucket, &file.file.sha1, &Condition::None).expect("deleted");
    }
    let stopped = said(&[], &["--max-failures", "1"], 1).await;
    assert!(stopped.contains("STOPPED: too many failures: "), "{stopped}");
    assert!(stopped.contains("NOT COMPLETE: "), "{stopped}");
    let folder = tempfile::tempdir().expect("a folder");
    let full = folder.path().join("list");
    fs::write(&full, "a line\n").expect("written");
    let refused = said(&[], &["--list", &full.display().to_string()], 2).await;
    assert!(refused.contains("--list: ") && refused.contains("has lines already"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_and_says_that_it_is_not_complete() {
    let stage = migrated(34, 40).await;
    let delay = Fault::Delay(std::time::Duration::from_secs(3));
    let slow = Rule { operation: Some("LIST".to_owned()), ..Rule::always(Service::S3, delay) };
    stage.world.faults.add(slow);
    let mut command = crate::cli::rehearse();
    command.args(["mogile2s3", "verify", "--json"]).envs(stage.world.environment());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let run = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("started");
    let process = run.id().expect("it runs");
    let lists = || stage.world.faults.counts().get(&(Service::S3, "LIST".to_owned())).copied();
    let before = lists();
    while lists() == before {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let kill = format!("kill -INT {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    let output = run.wait_with_output().await.expect("it ends");
    let said = json(&output);
    assert_eq!((output.status.code(), &said["incomplete"]), (Some(1), &true.into()), "{said}");
    assert_eq!(said["stopped"], "interrupted");
}
