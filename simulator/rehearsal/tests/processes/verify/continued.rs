//! `verify --state`: a comparison that ends early goes on. And one without MogileFS's database, one that
//! may not read, and one during which an object comes.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::time::sleep;

use super::*;

/// What `verify` says of the store: without times, requests, and the names of its files.
fn verdict(mut said: Value) -> Value {
    let fields = said.as_object_mut().expect("an object");
    for name in ["requests", "seconds", "state", "sorted"] {
        fields.remove(name).unwrap_or_else(|| panic!("it has {name}"));
    }
    for list in ["list", "sha1sums", "failures"] {
        if let Some(list) = fields.get_mut(list).and_then(Value::as_object_mut) {
            list.remove("file");
        }
    }
    said
}

/// The lines of a list in an order of their own: that of ranges is a matter of time.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("written");
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn start(stage: &Stage, arguments: &[&str]) -> tokio::process::Child {
    let mut command = crate::cli::rehearse();
    command.args(["mogile2s3", "verify", "--json"]).args(arguments);
    command.envs(stage.world.environment()).stdout(Stdio::piped()).stderr(Stdio::piped());
    tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("started")
}

fn list_rule(fault: Fault) -> Rule {
    Rule { operation: Some("LIST".to_owned()), ..Rule::always(Service::S3, fault) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_comparison_goes_on_and_says_what_a_whole_one_says() {
    let stage = migrated(35, 120).await;
    let large = stage.planted.expected.iter().filter(|file| file.file.content.length() > 100);
    let [gone, spoilt] = [0, 1].map(|at| large.clone().nth(at).expect("a file"));
    stage.world.s3.delete(gone.bucket, &gone.file.sha1, &Condition::None).expect("deleted");
    let other: Vec<_> = bytes_of(&stage, spoilt).iter().map(|byte| byte ^ 1).collect();
    plant(&stage, spoilt, &other);
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let with = |number: &str| {
        let named = |name: &str| path(&format!("{name}{number}")).display().to_string();
        let (list, sums, failures) = (named("list"), named("sums"), named("failures"));
        let flags = ["--seed", "7", "--list", &list, "--sha1sums", &sums, "--failures", &failures];
        flags.map(str::to_owned)
    };
    let whole = with("-whole");
    let whole = verified(&stage, &whole.each_ref().map(String::as_str), 1).await;
    assert!(whole["state"].is_null() && whole["sorted"].is_null(), "{whole}");

    let (kept, given) = (path("state").display().to_string(), with("-continued"));
    let mut arguments = given.iter().map(String::as_str).collect::<Vec<_>>();
    arguments.extend(["--state", &kept]);
    stage.world.faults.add(list_rule(Fault::Delay(Duration::from_millis(1_500))));
    let mut run = start(&stage, &arguments);
    let has_ranges = || {
        let text = fs::read_to_string(&kept).unwrap_or_default();
        text.contains("\"ranges_done\":") && !text.contains("\"ranges_done\":0")
    };
    while !has_ranges() {
        assert!(run.try_wait().expect("it can be asked").is_none(), "it ended first");
        sleep(Duration::from_millis(20)).await;
    }
    // Another one at the same time would write over it.
    let other = mogile2s3(stage.world.environment(), &[&["verify"], &arguments[..]].concat()).await;
    let words = text(&other.stderr);
    assert_eq!(other.status.code(), Some(2), "{words}");
    assert!(words.contains(&kept) && words.contains("of a comparison that runs now"), "{words}");
    run.kill().await.expect("SIGKILL is not refused");
    stage.world.faults.clear();

    // With other settings it is another comparison.
    let changed = ["verify", "--deep", "--state", &kept];
    let refused = mogile2s3(stage.world.environment(), &changed).await;
    let words = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{words}");
    for setting in ["the content that is read was `--sample 1000` and is `--deep`", "--list was `"]
    {
        assert!(words.contains(setting), "{setting}: {words}");
    }

    let continued = verified(&stage, &arguments, 1).await;
    let before = number(&continued, "/state/ranges_before");
    assert!((1..17).contains(&before), "{before}");
    assert_eq!(continued["state"]["continued"].as_array().map(Vec::len), Some(1), "{continued}");
    assert_eq!(verdict(continued), verdict(whole));
    for list in ["list", "sums", "failures"] {
        let [one, other] = ["-whole", "-continued"].map(|of| lines(&path(&format!("{list}{of}"))));
        assert_eq!(one, other, "{list}");
    }

    // What has ended is not continued, and its verdict is not that of today.
    let over = mogile2s3(stage.world.environment(), &[&["verify"], &arguments[..]].concat()).await;
    let words = text(&over.stderr);
    assert_eq!((over.status.code(), text(&over.stdout).as_str()), (Some(2), ""), "{words}");
    assert!(words.contains("came to its end at"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_named_and_what_is_printed_then_goes_on() {
    let stage = migrated(36, 60).await;
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("state").display().to_string();
    let arguments = ["verify", "--sample", "0", "--wait", "3s", "--state", &kept];
    let away = Fault::Refuse { status: 503, code: "SlowDown".to_owned() };
    stage.world.faults.add(Rule { skip: 8, ..list_rule(away) });
    let ended = mogile2s3(stage.world.environment(), &arguments).await;
    let (printed, said) = (text(&ended.stdout), text(&ended.stderr));
    assert_eq!(ended.status.code(), Some(3), "{printed}{said}");
    assert!(said.contains("paused until it can be reached again: s3-unreachable"), "{said}");
    let next = format!("The same command with --state {kept} goes on behind the ");
    assert!(printed.contains(&next) && !printed.contains("Clean"), "{printed}");
    stage.world.faults.clear();
    // It comes to its end, and its report is not out.
    let mut unread = crate::cli::rehearse();
    unread.arg("mogile2s3").args(arguments).envs(stage.world.environment());
    unread.stdout(fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it"));
    let unread = tokio::process::Command::from(unread).status().await.expect("it runs");
    assert!(!unread.success(), "nothing was printed");
    let ended = mogile2s3(stage.world.environment(), &arguments).await;
    let printed = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{printed}");
    assert!(printed.contains("was continued 2 times"), "{printed}");
    assert!(printed.contains("Clean: "), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trackers_alone_say_what_the_database_says() {
    let stage = migrated(37, 120).await;
    for file in stage.planted.expected.iter().step_by(9) {
        stage.world.s3.delete(file.bucket, &file.file.sha1, &Condition::None).expect("deleted");
    }
    let by_database = verified(&stage, &["--seed", "7"], 1).await;
    let mut environment = stage.world.environment().clone();
    environment.insert("MOGILE_DATABASE_URL", String::new());
    let output = mogile2s3(&environment, &["verify", "--json", "--seed", "7"]).await;
    let by_trackers = json(&output);
    assert_eq!(output.status.code(), Some(1), "{by_trackers} {}", text(&output.stderr));
    let rows = number(&by_trackers, "/sorted/rows");
    assert!(rows > 0 && rows == number(&by_trackers, "/rows"), "{by_trackers}");
    assert_eq!(verdict(by_trackers), verdict(by_database));
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_may_not_be_read_ends_it_early() {
    let stage = migrated(38, 250).await;
    assert!(stage.planted.expected.len() > 130, "enough to be refused");
    let denied = Fault::Refuse { status: 403, code: "AccessDenied".to_owned() };
    let denied = Rule { operation: Some("GET".to_owned()), ..Rule::always(Service::S3, denied) };
    stage.world.faults.add(denied);
    for arguments in [&["--deep"][..], &[]] {
        let said = verified(&stage, arguments, 3).await;
        let stopped = said["stopped"].as_str().unwrap_or_default();
        assert!(stopped.contains("100 files in a row were refused"), "{said}");
        assert!(stopped.starts_with("s3-denied"), "{said}");
        assert_eq!(said["different"], serde_json::json!({}), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_comes_behind_its_listing_is_found() {
    let stage = migrated(39, 200).await;
    let late = || stage.planted.expected.iter().filter(|file| file.file.sha1.starts_with('f'));
    let contents: Vec<_> = late().map(|file| bytes_of(&stage, file)).collect();
    for file in late() {
        stage.world.s3.delete(file.bucket, &file.file.sha1, &Condition::None).expect("deleted");
    }
    // The listing of the last range is made now and comes later.
    let slow = list_rule(Fault::Delay(Duration::from_secs(8)));
    stage.world.faults.add(Rule { target: Some("start-after=f".to_owned()), ..slow });
    let lists = || stage.world.faults.counts().get(&(Service::S3, "LIST".to_owned())).copied();
    let (first, run) = (lists(), start(&stage, &["--sample", "0"]));
    let mut before = None;
    while lists() == first || lists() != before {
        before = lists();
        sleep(Duration::from_millis(1_500)).await;
    }
    late().zip(&contents).for_each(|(file, bytes)| plant(&stage, file, bytes));
    let output = run.wait_with_output().await.expect("it ends");
    let said = json(&output);
    assert_eq!(
        (output.status.code(), &said["different"]),
        (Some(0), &serde_json::json!({})),
        "{said}"
    );
    assert!(number(&said, "/found_by_head") > 0, "{said}");
    assert_eq!(said["whole"], said["files"], "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_is_waited_for_and_never_looks_whole() {
    let stage = migrated(40, 40).await;
    let expired = || list_rule(Fault::Refuse { status: 400, code: "ExpiredToken".to_owned() });
    let run = async |wait: &str, code: i32| {
        let arguments = ["verify", "--sample", "0", "--wait", wait];
        let output = mogile2s3(stage.world.environment(), &arguments).await;
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{printed}{said}");
        assert!(said.contains("paused until it can be reached again"), "{said}");
        printed
    };
    // The operator logs in again.
    stage.world.faults.add(Rule { skip: 5, times: 60, ..expired() });
    assert!(run("5m", 0).await.contains("Clean: "));
    stage.world.faults.clear();
    stage.world.faults.add(Rule { skip: 5, ..expired() });
    let printed = run("2s", 3).await;
    assert!(printed.contains("NOT COMPLETE: ") && !printed.contains("Clean: "), "{printed}");
    assert!(!printed.contains("are not in S3 as they must be"), "{printed}");

    // S3 goes away for a moment while content is read, and the index does not count its rows at the end.
    stage.world.faults.clear();
    let away = Fault::Refuse { status: 503, code: "SlowDown".to_owned() };
    stage.world.faults.add(Rule { skip: 60, times: 90, ..Rule::always(Service::S3, away) });
    let denied = Fault::Refuse { status: 1142, code: "SELECT command denied".to_owned() };
    let count = Some("COUNT file".to_owned());
    let at_the_end = Rule { operation: count, skip: 1, ..Rule::always(Service::Mysql, denied) };
    stage.world.faults.add(at_the_end);
    let ended = mogile2s3(stage.world.environment(), &["verify", "--deep", "--wait", "5m"]).await;
    let printed = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{printed}{}", text(&ended.stderr));
    assert!(printed.contains("So its rows were read by fid, too: "), "{printed}");
    assert!(printed.contains("SELECT command denied") && printed.contains("Clean: "), "{printed}");
}
