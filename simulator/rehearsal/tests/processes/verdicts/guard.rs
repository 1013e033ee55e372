//! Every command and every flag that the sources print is one that the command line knows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::printed::{commands, words};
use crate::cli::{rehearse, text};

/// The sources whose texts an operator reads.
const SOURCES: [&str; 3] = ["apps/src", "domain/src", "adapters/src"];

/// Flags of other programs, and of this one's makers.
const OTHERS: [&str; 19] = [
    "--copy-source",
    "--checksum-algorithm",
    "--client-request-token",
    "--account-id",
    "--bucket",
    "--object-lock-configuration",
    "--uuid",
    "--enabled",
    "--no-enabled",
    "--key",
    "--body",
    "--content-md",
    "--server-side-encryption",
    "--cli-input-json",
    "--query",
    "--output",
    "--job-id",
    "--recursive",
    "--file",
];

fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("a workspace");
    let mut folders: Vec<_> = SOURCES.iter().map(|folder| root.join(folder)).collect();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    files.retain(|file| file.file_stem().is_some_and(|name| name != "tests"));
    files
}

/// A source's text and help as they are printed: without its tests, its literals in one piece each,
/// a line break between any two.
fn printed(source: &str) -> String {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut text = String::new();
    let mut joins = false;
    for line in source.lines() {
        let line = line.trim_start();
        let comment = ["/// ", "//! "].iter().find_map(|mark| line.strip_prefix(mark));
        let line = comment.unwrap_or(line);
        if comment.is_some() {
            text.push(' ');
        } else if !joins {
            text.push('\n');
        }
        joins = line.ends_with('\\');
        text += line.trim_end_matches('\\');
    }
    // Bytes are no text.
    text.replace("b\"", "bytes ").replace("\\n", "\n").replace('"', "\n")
}

/// Each command in the sources, made whole: what stands for something becomes something.
fn all() -> BTreeSet<Vec<String>> {
    let mut all = BTreeSet::new();
    for file in sources() {
        let source = fs::read_to_string(&file).expect("a source");
        for command in commands(&printed(&source)) {
            let mut whole = Vec::new();
            // What reads its output is no command of ours.
            let command = command.split(" |").next().unwrap_or_default();
            for word in words(&command.replace("--again}", "}")) {
                let bare = match word.find('{') {
                    None => word,
                    Some(0) => "1".to_owned(),
                    Some(at) => word[..at].to_owned(),
                };
                whole.push(bare);
            }
            all.insert(whole);
        }
    }
    all
}

fn help(command: &[String]) -> std::process::Output {
    let mut process = rehearse();
    process.arg("mogile2s3").args(command).arg("--help");
    process.output().expect("started")
}

/// What stands before `--help` is read first, and refused where it is unknown.
#[test]
fn every_command_that_is_printed_is_one() {
    let all = all();
    assert!(all.len() > 15, "{all:?}");
    for begin in ["migrate --fids", "dlq redrive --reason", "enqueue verify --run", "doctor"] {
        let is = |command: &Vec<String>| command.join(" ").starts_with(begin);
        assert!(all.iter().any(is), "the guard does not see `{begin}`: {all:?}");
    }
    for command in &all {
        let output = help(command);
        // A flag may be named without what goes behind it.
        let with_value = || help(&[&command[..], &["1".to_owned()]].concat()).status.success();
        let is_known = output.status.success() || with_value();
        assert!(is_known, "{command:?}: {}", text(&output.stderr));
    }
    let wrong = ["migrate", "--everything"].map(str::to_owned);
    assert_eq!(help(&wrong).status.code(), Some(2), "the guard sees nothing");
}

#[test]
fn every_flag_that_is_printed_is_one() {
    let subcommands = ["doctor", "plan", "provision", "migrate", "enqueue", "work", "dlq list"];
    let subcommands = subcommands.iter().chain(&["dlq redrive", "status", "fids", "verify"]);
    let journal = ["runbook export", "runbook check", "runbook note", "runbook restore"];
    let list = ["runbook status", "runbook next", "runbook run", "runbook done"];
    let others = [
        "audit",
        "audit accept",
        "cutover contentrepo",
        "cutover rhino",
        "freeze",
        "freeze check",
        "audit manifest",
        "audit report",
        "sync",
        "tmp list",
        "tmp delete",
        "rekey",
        "rekey scan",
        "config",
        "intermediaries delete",
        "smoke",
    ];
    let subcommands = subcommands.chain(&others).chain(&journal).chain(&list);
    let known: String =
        subcommands.map(|command| text(&help(&words(command)).stdout) + "\n").collect();
    let names = |text: &str| -> BTreeSet<String> {
        let plain = |char: char| char.is_ascii_lowercase() || char == '-';
        let parts = text.split(|char| !plain(char)).map(|word| word.trim_end_matches('-'));
        parts.filter(|word| word.starts_with("--") && word.len() > 3).map(str::to_owned).collect()
    };
    let known = names(&known);
    assert!(known.len() > 40, "{known:?}");
    let mut unknown = Vec::new();
    for file in sources() {
        let source = fs::read_to_string(&file).expect("a source");
        for flag in names(&printed(&source)) {
            if !known.contains(&flag) && !OTHERS.contains(&flag.as_str()) {
                unknown.push(format!("{}: no command has {flag}", file.display()));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}
