//! `runbook`: the journal, written and read by processes.

use std::process::{Output, Stdio};
use std::time::Duration;

use domain::Timestamp;
use domain::journal::{Content, SealedEntry};
use rehearsal::stage::Stage;
use serde_json::Value;
use stand_ins::embedded::{JOURNAL, LEDGER};
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
    let told = json(&first);
    assert_eq!((&told["sequence"], &told["table"]), (&1.into(), &JOURNAL.into()), "{told}");
    assert_eq!(told["migration"], LEDGER, "{told}");
    let second = run(&stage, &["runbook", "note", "second", "--operator", "ann"], 0).await;
    let words =
        format!("entry 2 is written into the journal of `{LEDGER}`, in the table `{JOURNAL}`");
    assert!(text(&second.stdout).starts_with(&words), "{}", text(&second.stdout));
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
    let whole = check(&[one, two, head], 0).await;
    assert!(whole.contains("the journal of `mogile2s3-ledger`: 2 entries, as written"), "{whole}");
    let lie = one.replace("stopped", "running");
    let damaged = head.replace("\"differs\":false", "\"differs\":true");
    let other = head.replace("mogile2s3-ledger", "other");
    let no_end = one.replace('{', "{\"head\":null,");
    let long = "x".repeat(3 << 20);
    for (lines, words) in [
        (&[&lie, two, head][..], "entry 2 does not continue entry 1"),
        (&[two, one, head], "entry 1 comes behind entry 2"),
        (&[one, head], "entry 2 is missing"),
        (&[two, head], "entry 1 is missing"),
        (&[one, two], "the last line, which names the last entry, is missing"),
        (&[one, "{}", two, head], "line 2 cannot be read as an entry"),
        (
            &[one, &long, two, head],
            "line 2 cannot be read as an entry: it has more than 524288 bytes",
        ),
        (&[one, two, head, one], "more lines follow"),
        (&[one, two, &damaged], "the journal was damaged when it was exported"),
        (&[one, two, &other], "the last line is of the migration `other`"),
        // An entry in which somebody has put a head is no end.
        (&[&no_end, two, head], "entry 2 does not continue entry 1"),
        (&[head], "entries 1 to 2 are missing"),
        (&[], "is missing: entries behind entry 0"),
    ] {
        let said = check(lines, 1).await;
        assert!(said.contains(words), "no `{words}` in: {said}");
        assert!(said.contains("do not rely on this file"), "{said}");
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
    let refused = run(&stage, &["runbook", "status"], 4).await;
    assert!(text(&refused.stderr).contains("entry 3 was changed"), "{refused:?}");
    put(before);
    run(&stage, &["runbook", "check"], 0).await;
    // Of a journal that lost its end the head still knows.
    let head = item(&stage, 0);
    put(head.into_iter().chain([number("last", 4)]).collect());
    let said = text(&run(&stage, &["runbook", "check"], 1).await.stdout);
    assert!(said.contains("entry 4 is missing"), "{said}");
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

/// The address of what is to be done is in every refusal, and it helps.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_is_compared_with_an_export_and_restored_from_it() {
    let stage = stage(106, 1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("journal.jsonl");
    let path = file.to_str().expect("text");
    let note = async |words: &str, code| {
        run(&stage, &["runbook", "note", words, "--operator", "ann"], code).await
    };
    note("one", 0).await;
    note("two", 0).await;
    std::fs::write(&file, run(&stage, &["runbook", "export"], 0).await.stdout).expect("written");
    note("three", 0).await;
    let against = ["runbook", "check", "--against", path];
    let whole = json(&run(&stage, &[&against[..], &["--json"]].concat(), 0).await);
    assert_eq!((&whole["against"]["same"], &whole["against"]["added"]), (&2.into(), &1.into()));
    let restore = ["runbook", "restore", "--from", path, "--operator", "bob"];
    let said = text(&run(&stage, &restore, 0).await.stdout);
    assert!(said.contains("there is nothing to repair"), "{said}");

    // Somebody changes an entry, and somebody removes the head.
    let put = |item: Item| dynamodb::put(&stage.world.database, JOURNAL, item).expect("put");
    put(item(&stage, 2).into_iter().chain([value("line", "{}")]).collect());
    put(item(&stage, 0).into_iter().filter(|(name, _)| name != "last").collect());
    let refused = text(&note("four", 4).await.stderr);
    assert!(
        refused.contains("the journal's head is damaged: it has no usable `last`"),
        "{refused}"
    );
    assert!(refused.contains("runbook restore --from FILE"), "{refused}");
    let said = text(&run(&stage, &against, 1).await.stdout);
    for words in [
        "the journal's head is damaged",
        "1 entry NOT THERE AS EXPORTED",
        "entry 2 has other words",
    ] {
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    let dry = text(&run(&stage, &[&restore[..], &["--dry-run"]].concat(), 1).await.stdout);
    assert!(dry.contains("NOT CERTAIN: the head was not right"), "{dry}");
    assert!(dry.contains("would put back 1 entry of"), "{dry}");
    note("four", 4).await;

    let done = json(&run(&stage, &[&restore[..], &["--json"]].concat(), 1).await);
    assert_eq!((&done["entries"], &done["written"][0]["sequence"]), (&1.into(), &4.into()));
    run(&stage, &against, 0).await;
    let lines = text(&run(&stage, &["runbook", "export"], 0).await.stdout);
    let last: Value = serde_json::from_str(lines.lines().nth(3).expect("four")).expect("JSON");
    assert_eq!((&last["kind"], &last["by"]), (&"restored".into(), &"bob".into()));
    note("four", 0).await;

    // A file that is not whole, or of another journal, is not used.
    let export = std::fs::read_to_string(&file).expect("readable");
    let of_another = other_journal();
    for (lie, words) in [
        (export.replace("one", "eins"), "does not continue entry 1"),
        (of_another, "is of the journal of `other`, and DYNAMODB_TABLE names `mogile2s3-ledger`"),
        (String::new(), "is missing"),
    ] {
        std::fs::write(&file, lie).expect("written");
        for command in [&against[..], &restore] {
            let said = text(&run(&stage, command, 2).await.stderr);
            assert!(said.contains(words), "no `{words}` in: {said}");
        }
    }
    run(&stage, &["runbook", "check"], 0).await;
}

/// What was repaired before the end is said, and that it is not all.
#[tokio::test(flavor = "multi_thread")]
async fn a_repair_of_a_part_says_which_part() {
    let stage = stage(108, 1).await;
    let mut ann = Writer::start(&stage, "ann");
    for number in 1..=60 {
        ann.write(&format!("note {number}")).await;
        ann.said().await;
    }
    drop(ann);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("journal.jsonl");
    let path = file.to_str().expect("text");
    std::fs::write(&file, run(&stage, &["runbook", "export"], 0).await.stdout).expect("written");
    for sequence in 1..=50 {
        let lie = item(&stage, sequence).into_iter().chain([value("line", "{}")]).collect();
        dynamodb::put(&stage.world.database, JOURNAL, lie).expect("put");
    }
    let restore = ["runbook", "restore", "--from", path, "--operator", "bob"];
    // Some fifty entries are two repairs; the second one is refused.
    let refuse = Fault::Refuse { status: 400, code: "AccessDeniedException".to_owned() };
    let rule = Rule::once(Service::DynamoDb, "TransactWriteItems", "", refuse);
    stage.world.faults.add(Rule { skip: 1, ..rule });
    let part = run(&stage, &[&restore[..], &["--json"]].concat(), 3).await;
    let said = json(&part);
    assert_eq!((&said["entries"], &said["left"]), (&40.into(), &10.into()), "{said}");
    assert_eq!((&said["exit_code"], &said["incomplete"]), (&3.into(), &true.into()), "{said}");
    assert_eq!(said["written"][0]["sequence"], 61);
    assert!(text(&part.stderr).contains("AccessDenied"), "{part:?}");
    let rest = text(&run(&stage, &restore, 0).await.stdout);
    assert!(rest.contains("put back 10 entries") && !rest.contains("NOT DONE"), "{rest}");
    run(&stage, &["runbook", "check", "--against", path], 0).await;
}

/// A whole export of one entry, of another migration.
fn other_journal() -> String {
    let content = Content::Note { text: "words".to_owned() };
    let entry = SealedEntry::new("other", None, Timestamp(0), ("ann", 7), content).expect("small");
    let verdict = "\"exit_code\":0,\"incomplete\":false,\"differs\":false";
    let head = format!("{{\"sequence\":1,\"hash\":\"{}\"}}", entry.hash);
    format!("{}\n{{\"migration\":\"other\",\"head\":{head},{verdict}}}\n", entry.line)
}

/// The answers to a note are lost: it is said whether it was written.
#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_note_without_an_answer_is_said() {
    let stage = stage(107, 1).await;
    let arguments = ["runbook", "note", "words", "--operator", "ann"];
    let lose = |operation: &str, fault, skip| {
        let operation = Some(operation.to_owned());
        let rule = Rule::always(Service::DynamoDb, fault);
        stage.world.faults.add(Rule { operation, skip, ..rule });
    };
    lose("TransactWriteItems", Fault::AnswerLost, 0);
    let said = text(&run(&stage, &arguments, 0).await.stdout);
    assert!(said.contains("entry 1 is written"), "{said}");
    stage.world.faults.clear();
    lose("TransactWriteItems", Fault::RequestLost, 0);
    let said = text(&run(&stage, &arguments, 3).await.stderr);
    assert!(said.contains("entry 2 was not written"), "{said}");
    // A request may arrive after its time-out, when the journal has been read.
    assert!(said.contains("look for the entry before you write it again"), "{said}");
    stage.world.faults.clear();
    lose("TransactWriteItems", Fault::AnswerLost, 0);
    lose("Query", Fault::RequestLost, 1);
    let said = text(&run(&stage, &arguments, 3).await.stderr);
    assert!(said.contains("it is not known whether entry 2 was written"), "{said}");
    assert!(!said.contains("run this again"), "{said}");
    stage.world.faults.clear();
    // As the words say, it can be found.
    let wanted = said.split("grep '").nth(1).and_then(|rest| rest.split('\'').next());
    let wanted = wanted.expect("how to find it");
    let export = text(&run(&stage, &["runbook", "export"], 0).await.stdout);
    assert_eq!(export.lines().filter(|line| line.contains(wanted)).count(), 1, "{export}");
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
    let refuse = |status, code: &str| Fault::Refuse { status, code: code.to_owned() };
    for (status, code, exit, words) in [
        (403, "InvalidClientTokenId", 2, "correct AWS_ACCESS_KEY_ID"),
        (403, "ExpiredToken", 3, "log in to AWS again"),
        (403, "AccessDenied", 2, "give --operator NAME"),
    ] {
        stage.world.faults.clear();
        stage.world.faults.add(Rule::always(Service::Sts, refuse(status, code)));
        let said = text(&run(&stage, &["runbook", "note", "words"], exit).await.stderr);
        assert!(said.contains(words), "{said}");
        // Another name helps only where the keys are good.
        assert_eq!(said.contains("--operator"), code == "AccessDenied", "{said}");
    }
    // It asks to slow down, once.
    stage.world.faults.clear();
    stage
        .world
        .faults
        .add(Rule { times: 1, ..Rule::always(Service::Sts, refuse(400, "Throttling")) });
    run(&stage, &["runbook", "note", "words"], 0).await;
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
