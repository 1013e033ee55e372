//! What `provision` prints: a `.env` file with the report as its comments, or JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use adapters::calls::Calls;
use domain::blueprint::{Entry, Outcome};
use serde::Serialize;

use crate::report::{RequestCount, requests};

#[derive(Serialize)]
struct Report<'a> {
    things: &'a [Entry],
    settings: BTreeMap<&'static str, &'a str>,
    requests: BTreeMap<String, RequestCount>,
}

pub(super) fn print(
    things: &[Entry],
    settings: &[(&'static str, String)],
    calls: &Calls,
    json: bool,
) -> io::Result<()> {
    let text = if json {
        let settings = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        serde_json::to_string(&Report { things, settings, requests: requests(calls) })? + "\n"
    } else {
        told(things, settings)
    };
    io::stdout().lock().write_all(text.as_bytes())
}

fn told(things: &[Entry], settings: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    for entry in things {
        // Writing to a string does not fail.
        let _ = writeln!(text, "# {}", line(entry));
    }
    let _ = writeln!(text, "# {}", verdict(things));
    for (name, value) in settings {
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

fn line(entry: &Entry) -> String {
    let Entry { thing, setting, outcome, detail } = entry;
    let name = setting.map_or_else(|| thing.clone(), |setting| format!("  {setting}"));
    match outcome {
        Outcome::Found => format!("{name}: {detail}"),
        Outcome::Made => format!("{name}: made ({detail})"),
        Outcome::Changed => format!("{name}: changed {detail}"),
        Outcome::WouldMake => format!("{name}: would be made ({detail})"),
        Outcome::WouldChange => format!("{name}: would be changed {detail}"),
        Outcome::Left => format!("{name}: LEFT AS IT IS: {detail}"),
        Outcome::Refused => format!("{name}: REFUSED: {detail}"),
        Outcome::Unreachable => format!("{name}: NOT DONE: {detail}"),
    }
}

fn verdict(things: &[Entry]) -> String {
    let count =
        |wanted: &[Outcome]| things.iter().filter(|entry| wanted.contains(&entry.outcome)).count();
    let trouble = things.iter().filter(|entry| entry.outcome.is_trouble()).count();
    if trouble > 0 {
        return format!("{trouble} settings need a look: they are in capitals above.");
    }
    let would = count(&[Outcome::WouldMake, Outcome::WouldChange]);
    let did = count(&[Outcome::Made, Outcome::Changed]);
    match (would, did) {
        (0, 0) => "Everything is as it must be; nothing was changed.".to_owned(),
        (0, did) => format!("Everything is as it must be now: {did} things were made or changed."),
        (would, _) => format!("A dry run: {would} things would be made or changed."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_an_env_file() {
        let entry = |setting, outcome| Entry {
            thing: "queue jobs".to_owned(),
            setting,
            outcome,
            detail: "as it is".to_owned(),
        };
        let things = [
            entry(None, Outcome::Found),
            entry(Some("retention"), Outcome::Left),
            entry(Some("visibility"), Outcome::Changed),
        ];
        let text = told(&things, &[("SQS_URL", "https://sqs/1/jobs".to_owned())]);
        let settings = text.lines().filter(|line| !line.starts_with("# "));
        assert_eq!(settings.collect::<Vec<_>>(), ["SQS_URL=https://sqs/1/jobs"]);
        assert!(text.contains("#   retention: LEFT AS IT IS: as it is\n"), "{text}");
        assert!(text.contains("# 1 settings need a look"), "{text}");
    }
}
