//! The keys of every `--json`, as scripts rely on them: a file a command in `golden/`.
//!
//! A line is a key with its place, and what can be there. `*` stands for any name, `[]` for each
//! element of a list.

mod accept;
mod afterwards;
mod audit;
mod cleanup;
mod counts;
mod cutover;
mod freeze;
mod of_plan;
mod references;
mod reports;
mod runbook;
mod smoke;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::reports::reports;

/// Writes the files anew where it is set.
const RENEW: &str = "RENEW_GOLDEN";

/// What a flag makes of a command: another report.
const BY_FLAG: [&str; 1] = ["verify references"];

/// What is seen at one place of several values.
#[derive(Default)]
struct Place {
    kinds: BTreeSet<&'static str>,
    seen: usize,
}

/// Notes what is at a place, and below it.
fn note(value: &Value, path: String, places: &mut BTreeMap<String, Place>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    match value {
        Value::Array(elements) => {
            for element in elements {
                note(element, format!("{path}[]"), places);
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                let dot = if path.is_empty() { "" } else { "." };
                note(field, format!("{path}{dot}{key}"), places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    let place = places.entry(path).or_default();
    place.kinds.insert(kind);
    place.seen += 1;
}

/// The lines of a command's file.
fn lines(reports: &[Value]) -> String {
    let mut places = BTreeMap::new();
    for report in reports {
        note(report, String::new(), &mut places);
    }
    let mut lines = Vec::new();
    for (path, place) in places.iter().filter(|(path, _)| !path.is_empty()) {
        let kinds: Vec<_> = place.kinds.iter().copied().collect();
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        // How many there are of these says nothing.
        let counts = path.ends_with('*') || path.ends_with("[]");
        let objects = &places[parent];
        let always = counts || objects.kinds.len() > 1 || place.seen == objects.seen;
        let absent = if always { "" } else { ", or absent" };
        lines.push(format!("{path}: {}{absent}\n", kinds.join(" or ")));
    }
    lines.concat()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden")
}

#[test]
fn the_keys_of_json_are_those_that_scripts_rely_on() {
    for (command, reports) in reports() {
        let file = folder().join(format!("{}.txt", command.replace(' ', "-")));
        let found = lines(&reports);
        if std::env::var_os(RENEW).is_some() {
            fs::write(&file, found).expect("written");
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        let of = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let (found, expected) = (of(&found), of(&expected));
        let (gone, new): (Vec<_>, Vec<_>) =
            (expected.difference(&found).collect(), found.difference(&expected).collect());
        assert!(
            gone.is_empty() && new.is_empty(),
            "`{command} --json` has other keys than {}.\n  gone: {gone:#?}\n  new: {new:#?}\nScripts \
             rely on these keys. If the change is meant, note it in CHANGELOG.md, and run this test \
             again with {RENEW}=1 in the environment.",
            file.display()
        );
    }
}

#[test]
fn every_command_has_a_file_and_every_file_a_command() {
    let mut commands: BTreeSet<_> = BY_FLAG.map(str::to_owned).into();
    for command in crate::cli::command().get_subcommands() {
        let below: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        let name = command.get_name();
        commands.extend(below.iter().map(|below| format!("{name} {below}")));
        // `rekey` is a command itself, too.
        if below.is_empty() || command.is_subcommand_negates_reqs_set() {
            commands.insert(name.to_owned());
        }
    }
    let reports = reports();
    assert_eq!(reports.keys().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), commands);
    let files = fs::read_dir(folder()).expect("a folder").map(|file| file.expect("a file").path());
    let files = files.filter(|file| file.extension().is_some_and(|ending| ending == "txt"));
    let files = files.map(|file| file.file_stem().expect("a name").display().to_string());
    let names = commands.iter().map(|command| command.replace(' ', "-"));
    assert_eq!(files.collect::<BTreeSet<_>>(), names.collect());
}

#[test]
fn every_report_has_the_fields_of_a_verdict() {
    for (command, reports) in reports() {
        for report in reports {
            for field in ["exit_code", "incomplete", "differs"] {
                assert!(report.get(field).is_some(), "`{command} --json` lacks {field}: {report}");
            }
        }
    }
}
