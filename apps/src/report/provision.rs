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

/// A thing that is missing has no settings yet that could be looked at.
fn end(things: &[Entry]) -> String {
    let count = |wanted: Outcome| things.iter().filter(|entry| entry.outcome == wanted).count();
    let trouble = things.iter().filter(|entry| entry.outcome.is_trouble()).count();
    let missing =
        (count(Outcome::WouldMake), "missing thing", "to be made, each with all its settings");
    let differing = (count(Outcome::WouldChange), "setting", "to be changed");
    let would = counted(&[missing, differing]);
    let did = counted(&[
        (count(Outcome::Made), "thing", "made"),
        (count(Outcome::Changed), "setting", "changed"),
    ]);
    let done = match (would, did) {
        (Some(would), _) => format!("this was a dry run: {would}"),
        (None, Some(did)) => did,
        (None, None) => "nothing was changed".to_owned(),
    };
    match trouble {
        0 if done.contains("dry run") => format!("Nothing stands against it; {done}."),
        0 => format!("Everything is as it must be; {done}."),
        1 => format!("1 line above, in capitals, needs your attention; {done}."),
        lines => format!("{lines} lines above, in capitals, need your attention; {done}."),
    }
}

/// What is counted, without that of which there is none: `2 things made; 1 setting changed`.
fn counted(parts: &[(usize, &str, &str)]) -> Option<String> {
    let parts = parts.iter().filter(|(count, ..)| *count > 0).map(|(count, what, done)| {
        let plural = if *count == 1 { "" } else { "s" };
        format!("{count} {what}{plural} {done}")
    });
    let parts: Vec<_> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
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
        let end = "# 1 line above, in capitals, needs your attention; 1 setting changed.";
        assert!(text.contains(end), "{text}");
    }

    #[test]
    fn a_dry_run_counts_what_is_missing_and_what_differs_apart() {
        let entry = |setting, outcome| Entry {
            thing: "bucket b".to_owned(),
            setting,
            outcome,
            detail: "words".to_owned(),
        };
        let missing = || entry(None, Outcome::WouldMake);
        let differs = || entry(Some("versioning"), Outcome::WouldChange);
        for (things, said) in [
            (
                vec![entry(None, Outcome::Found)],
                "Everything is as it must be; nothing was changed.",
            ),
            (
                vec![missing(), missing(), differs()],
                "Nothing stands against it; this was a dry run: 2 missing things to be made, each \
                 with all its settings; 1 setting to be changed.",
            ),
            (
                vec![missing(), entry(Some("policy"), Outcome::Refused)],
                "1 line above, in capitals, needs your attention; this was a dry run: 1 missing thing \
                 to be made",
            ),
            (
                vec![entry(None, Outcome::Made), entry(Some("policy"), Outcome::Changed)],
                "Everything is as it must be; 1 thing made; 1 setting changed.",
            ),
        ] {
            let end = end(&things);
            assert!(end.starts_with(said), "{end}");
        }
    }
}
