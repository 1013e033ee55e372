//! `runbook`: the journal, written and read by processes.

use std::process::{Output, Stdio};
use std::time::Duration;

use rehearsal::stage::Stage;
use serde_json::Value;
use stand_ins::embedded::JOURNAL;
use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::wire::sts::CALLER;
use stand_ins::world::dynamodb::{self, Fields, Item, number, text as value};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::cli::{json, mogile2s3, rehearse, stage, text};

async fn run(stage: &Stage, arguments: &[&str], code: i32) -> Output {
    let output = mogile2s3(stage.world.environment(), arguments).await;
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    output
}

fn item(stage: &Stage, sequence: u64) -> Item {
    let items = dynamodb::items(&stage.world.database, JOURNAL).expect("a table");
    let is_it = |item: &Item| Fields(item).number("sequence") == Ok(Some(sequence));
    items.into_iter().find(is_it).expect("an item")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_is_exported_and_checked() {
    let stage = stage(101, 1).await;
    let nothing = run(&stage, &["runbook", "check"], 1).await;
    assert!(text(&nothing.stdout).contains("has no entries: nothing was checked"));

    let first = run(&stage, &["runbook", "note", "ingest \"stopped\"\u{e9}", "--json"], 0).await;
    assert_eq!(json(&first)["sequence"], 1);
    run(&stage, &["runbook", "note", "second", "--operator", "ann"], 0).await;
    run(&stage, &["runbook", "note", " "], 2).await;

    let export = run(&stage, &["runbook", "export"], 0).await;
    let lines: Vec<Value> = text(&export.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[0]["text"], "ingest \"stopped\"\u{e9}");
    assert_eq!((&lines[0]["by"], &lines[1]["by"]), (&Value::from(CALLER), &Value::from("ann")));
    assert_eq!(lines[1]["previous"], json(&first)["hash"]);
    assert_eq!(lines[2]["head"]["sequence"], 2);
    let checked = json(&run(&stage, &["runbook", "check", "--json"], 0).await);
    assert_eq!((&checked["entries"], &checked["head"]), (&Value::from(2), &lines[2]["head"]));

    // The exported file proves the same without a table, and what was changed in it.
    let folder = tempfile::tempdir().expect("a folder");
    let check = async |lines: &[&str], code| {
        let file = folder.path().join("journal.jsonl");
        std::fs::write(&file, lines.join("\n")).expect("written");
        let file = file.to_str().expect("text");
        text(&run(&stage, &["runbook", "check", "--file", file], code).await.stdout)
    };
    let said = text(&export.stdout);
    let [one, two, head] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    check(&[one, two, head], 0).await;
    let lie = one.replace("stopped", "running");
    for (lines, words) in [
        (&[&lie, two, head][..], "entry 2 does not continue entry 1"),
        (&[two, one, head], "entry 1 comes behind entry 2"),
        (&[one, head], "entries 2 to 2 are missing"),
        (&[two, head], "entries 1 to 1 are missing"),
        (&[one, two], "nothing says which entry is the last one"),
        (&[one, "{}", two, head], "line 2 cannot be read as an entry"),
        (&[one, two, head, one], "there is more behind"),
        (&[head], "entries 1 to 2 are missing"),
        (&[], "has no entries"),
    ] {
        let said = check(lines, 1).await;
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    run(&stage, &["runbook", "check", "--file", "/nowhere"], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_was_changed_is_told_and_not_continued() {
    let stage = stage(102, 1).await;
    for words in ["one", "two", "three"] {
        run(&stage, &["runbook", "note", words, "--operator", "ann"], 0).await;
    }
    let put = |item: Item| dynamodb::put(&stage.world.database, JOURNAL, item).expect("put");
    let before = item(&stage, 3);
    let line = Fields(&before).the_text("line").expect("a line").replace("three", "four");
    put(before.clone().into_iter().chain([value("line", &line)]).collect());
    for command in [&["runbook", "check"][..], &["runbook", "export"]] {
        let output = run(&stage, command, 1).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains("entry 3 was changed"), "{said}");
    }
    let refused = run(&stage, &["runbook", "note", "four", "--operator", "ann"], 4).await;
    assert!(text(&refused.stderr).contains("is not continued"), "{refused:?}");
    put(before);
    run(&stage, &["runbook", "check"], 0).await;
    // Of a journal that lost its end the head still knows.
    let head = item(&stage, 0);
    put(head.into_iter().chain([number("last", 4)]).collect());
    let said = text(&run(&stage, &["runbook", "check"], 1).await.stdout);
    assert!(said.contains("entries 4 to 4 are missing"), "{said}");
    // Entries behind the one that the journal names are not hidden by it.
    let two = Fields(&item(&stage, 2)).the_text("hash").expect("a hash").to_owned();
    let head = item(&stage, 0);
    put(head.into_iter().chain([number("last", 2), value("hash", &two)]).collect());
    for command in [&["runbook", "check"][..], &["runbook", "export"]] {
        let output = run(&stage, command, 1).await;
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(said.contains("entry 3 is the last one that is there"), "{said}");
    }
}

/// A writer that waits for notes on its stdin.
struct Writer {
    child: Child,
    notes: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(stage: &Stage, name: &str) -> Self {
        let mut command = rehearse();
        command.args(["mogile2s3", "runbook", "note", "-", "--operator", name]);
        command.envs(stage.world.environment()).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Command::from(command).kill_on_drop(true).spawn().expect("started");
        let notes = child.stdin.take().expect("piped");
        let said = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, notes, said }
    }

    async fn write(&mut self, note: &str) {
        self.notes.write_all(format!("{note}\n").as_bytes()).await.expect("it reads");
    }

    async fn said(&mut self) -> String {
        self.said.next_line().await.expect("readable").expect("a line")
    }

    fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id().expect("it runs"));
        let sent = std::process::Command::new("sh").args(["-c", &kill]).status();
        assert!(sent.expect("a shell").success());
    }
}

/// Whoever slept through a take-over stops at their next entry, whatever they are about to write.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_slept_across_a_take_over_stops_at_its_next_entry() {
    let stage = stage(103, 1).await;
    let mut sleeper = Writer::start(&stage, "ann");
    sleeper.write("ann begins").await;
    assert!(sleeper.said().await.starts_with("entry 1 is written"));
    sleeper.signal("STOP");
    for words in ["bob takes over", "bob goes on"] {
        run(&stage, &["runbook", "note", words, "--operator", "bob"], 0).await;
    }
    sleeper.write("ann wakes up").await;
    sleeper.signal("CONT");
    let Writer { child, notes, .. } = sleeper;
    // Its stdin stays open: it does not wait for more notes.
    let ended = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output()).await;
    drop(notes);
    let ended = ended.expect("it ends").expect("waited for");
    assert_eq!(ended.status.code(), Some(4), "{ended:?}");
    let said = text(&ended.stderr);
    assert!(said.contains("taken over by bob: entry 2 of the journal is theirs"), "{said}");
    let checked = json(&run(&stage, &["runbook", "check", "--json"], 0).await);
    assert_eq!(checked["entries"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_writer_leaves_whole_entries() {
    let stage = stage(104, 1).await;
    for round in 1..=3 {
        let mut writer = Writer::start(&stage, "ann");
        writer.write("one").await;
        writer.said().await;
        writer.write("another").await;
        writer.signal("KILL");
        writer.child.wait().await.expect("it ends");
        let checked = json(&run(&stage, &["runbook", "check", "--json"], 0).await);
        let entries = checked["entries"].as_u64().expect("a number");
        assert!((round..=2 * round).contains(&entries), "{entries} after {round} rounds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_is_asked_of_aws_or_given() {
    let stage = stage(105, 1).await;
    let refuse = Fault::Refuse { status: 403, code: "InvalidClientTokenId".to_owned() };
    stage.world.faults.add(Rule::always(Service::Sts, refuse));
    let said = text(&run(&stage, &["runbook", "note", "words"], 2).await.stderr);
    assert!(said.contains("STS does not say whose keys these are"), "{said}");
    assert!(said.contains("give --operator NAME"), "{said}");
    run(&stage, &["runbook", "note", "words", "--operator", "ann"], 0).await;
    stage.world.faults.clear();
    stage.world.faults.add(Rule::always(Service::Sts, Fault::RequestLost));
    let said = text(&run(&stage, &["runbook", "note", "words"], 3).await.stderr);
    assert!(said.contains("STS cannot be asked"), "{said}");
    stage.world.faults.clear();
    stage.world.faults.add(Rule::always(Service::DynamoDb, Fault::RequestLost));
    for command in [&["runbook", "check"][..], &["runbook", "note", "x", "--operator", "ann"]] {
        run(&stage, command, 3).await;
    }
}
