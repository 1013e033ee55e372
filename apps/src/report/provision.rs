//! What `provision` prints: a `.env` file with the report as its comments, or JSON.

use std::fmt::{self, Write};

use domain::blueprint::{Entry, Outcome};
use serde::{Serialize, Serializer};

use super::{Cost, Report};
use crate::exit::Verdict;

/// What was found and made, and the settings for it.
#[derive(Debug, Serialize)]
pub struct ProvisionReport {
    things: Vec<Entry>,
    /// Each variable of `.env` that is known, with its value.
    #[serde(serialize_with = "as_map")]
    settings: Vec<(&'static str, String)>,
    #[serde(flatten)]
    cost: Cost,
    #[serde(flatten)]
    verdict: Verdict,
}

fn as_map<S: Serializer>(settings: &[(&str, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(settings.iter().map(|(name, value)| (name, value)))
}

impl ProvisionReport {
    /// What was left as it is, or refused, is a finding; what could not be reached makes the report
    /// incomplete.
    pub fn new(things: Vec<Entry>, settings: Vec<(&'static str, String)>, cost: Cost) -> Self {
        let outcomes = || things.iter().map(|entry| entry.outcome);
        let incomplete = outcomes().any(|outcome| outcome == Outcome::Unreachable);
        let differs = |outcome: Outcome| outcome.is_trouble() && outcome != Outcome::Unreachable;
        let verdict = Verdict::of_checks(incomplete, outcomes().any(differs));
        Self { things, settings, cost, verdict }
    }
}

impl Report for ProvisionReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        for entry in &self.things {
            writeln!(out, "# {}", line(entry))?;
        }
        writeln!(out, "# {}", end(&self.things))?;
        self.settings.iter().try_for_each(|(name, value)| writeln!(out, "{name}={value}"))
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
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

fn end(things: &[Entry]) -> String {
    let count =
        |wanted: &[Outcome]| things.iter().filter(|entry| wanted.contains(&entry.outcome)).count();
    let trouble = things.iter().filter(|entry| entry.outcome.is_trouble()).count();
    if trouble > 0 {
        return format!("{trouble} settings need your attention: they are in capitals above.");
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
        let things = vec![
            entry(None, Outcome::Found),
            entry(Some("retention"), Outcome::Left),
            entry(Some("visibility"), Outcome::Changed),
        ];
        let settings = vec![("SQS_URL", "https://sqs/1/jobs".to_owned())];
        let mut text = String::new();
        let report = ProvisionReport::new(things, settings, Cost::default());
        report.write(&mut text).expect("a string takes everything");
        let settings = text.lines().filter(|line| !line.starts_with("# "));
        assert_eq!(settings.collect::<Vec<_>>(), ["SQS_URL=https://sqs/1/jobs"]);
        assert!(text.contains("#   retention: LEFT AS IT IS: as it is\n"), "{text}");
        assert!(text.contains("# 1 settings need your attention"), "{text}");
    }
}
