//! What a command says came of every row, and what it has to say.

use std::collections::{BTreeMap, BTreeSet};

use oracle::Outcome;
use serde::Serialize;
use serde_json::Value;

use crate::hazard::Hazard;
use crate::planting::{Expected, Planted};

/// Which pass over a corpus it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// The first: everything is to be done.
    First,
    /// A later one: what was proven is passed over, what failed fails again.
    Again,
}

impl Round {
    /// Whether a file is begun in such a pass.
    #[must_use]
    pub fn takes(self, file: &Expected) -> bool {
        match file.outcome() {
            Outcome::ByCopy | Outcome::FromMogile | Outcome::AlreadyThere | Outcome::Gone => {
                self == Self::First
            }
            Outcome::Failed { .. } => true,
            Outcome::ProvenBefore | Outcome::Rejected(_) => false,
        }
    }
}

/// Files that share a reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// How many.
    pub files: u64,
    /// The lowest of them that are named: in what a command says some, in what it must say all.
    pub fids: Vec<u64>,
}

/// An account of one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The exit code.
    pub exit_code: u64,
    /// Rows by class, by the names in [`Account::CLASSES`].
    pub classes: BTreeMap<&'static str, u64>,
    /// Rows that were rejected, by reason.
    pub rejected: BTreeMap<String, Sample>,
    /// Files that failed, by reason.
    pub failed: BTreeMap<String, Sample>,
    /// What was worth a look, by kind.
    pub findings: BTreeMap<String, Sample>,
    /// Why it ended before its end, if it did.
    pub stopped: Option<String>,
}

impl Account {
    /// The classes of rows.
    pub const CLASSES: [&'static str; 13] = [
        "rows",
        "by_copy",
        "by_mogile",
        "already_there",
        "proven_before",
        "temporary",
        "ignored",
        "gone",
        "excluded",
        "absent",
        "not_begun",
        "abandoned",
        "other_domains",
    ];

    /// Reads a run's summary.
    #[must_use]
    pub fn read(exit_code: u64, summary: &Value) -> Self {
        let count = |class| {
            let value = &summary[class];
            value["files"].as_u64().or(value.as_u64()).unwrap_or_default()
        };
        Self {
            exit_code,
            classes: Self::CLASSES.map(|class| (class, count(class))).into(),
            rejected: samples(&summary["rejected"]),
            failed: samples(&summary["failed"]),
            findings: samples(&summary["findings"]),
            stopped: summary["stopped"].as_str().map(str::to_owned),
        }
    }

    /// What must be told of a pass over what was planted.
    #[must_use]
    pub fn due(planted: &Planted, round: Round) -> Self {
        let mut due = Self::default();
        for file in &planted.expected {
            due.add(file, round);
        }
        for (class, rows) in [("temporary", planted.temporary), ("ignored", planted.ignored)] {
            *due.count("rows") += rows as u64;
            *due.count(class) += rows as u64;
        }
        *due.count("other_domains") += planted.other_domain as u64;
        due.exit_code = u64::from(!due.failed.is_empty() || !due.rejected.is_empty());
        for class in Self::CLASSES {
            due.count(class);
        }
        due
    }

    fn add(&mut self, file: &Expected, round: Round) {
        let outcome = file.outcome();
        if outcome == Outcome::Gone && round == Round::Again {
            if file.hazard == Some(Hazard::Renamed) {
                // Its row stays, under a key that is nobody's business.
                *self.count("rows") += 1;
                *self.count("ignored") += 1;
            }
            return;
        }
        *self.count("rows") += 1;
        let sample = match outcome {
            _ if round == Round::Again && outcome.is_proven() => {
                return *self.count("proven_before") += 1;
            }
            Outcome::ByCopy => return self.settle("by_copy", file),
            Outcome::FromMogile => return self.settle("by_mogile", file),
            Outcome::AlreadyThere => return self.settle("already_there", file),
            Outcome::ProvenBefore => return self.settle("proven_before", file),
            Outcome::Gone => return self.settle("gone", file),
            Outcome::Failed { reason, .. } => {
                self.find(file);
                self.failed.entry(reason.to_owned()).or_default()
            }
            Outcome::Rejected(reason) => self.rejected.entry(reason.to_owned()).or_default(),
        };
        sample.files += 1;
        sample.fids.push(file.fid);
    }

    fn settle(&mut self, class: &'static str, file: &Expected) {
        *self.count(class) += 1;
        self.find(file);
    }

    fn find(&mut self, file: &Expected) {
        for finding in file.findings() {
            let sample = self.findings.entry((*finding).to_owned()).or_default();
            sample.files += 1;
            sample.fids.push(file.fid);
        }
    }

    fn count(&mut self, class: &'static str) -> &mut u64 {
        self.classes.entry(class).or_default()
    }

    /// Where it differs from what is due, in words.
    #[must_use]
    pub fn differences(&self, due: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        if self.exit_code != due.exit_code {
            let (code, wanted) = (self.exit_code, due.exit_code);
            differences.push(format!("exit code {code}, not {wanted}"));
        }
        differences.extend(self.stopped.iter().map(|why| format!("it was stopped: {why}")));
        let classes: BTreeSet<_> = self.classes.keys().chain(due.classes.keys()).collect();
        for class in classes {
            let of = |account: &Self| account.classes.get(class).copied().unwrap_or_default();
            let (told, wanted) = (of(self), of(due));
            if told != wanted {
                differences.push(format!("{class}: {told} told, {wanted} planted"));
            }
        }
        for (name, told, wanted) in [
            ("rejected", &self.rejected, &due.rejected),
            ("failed", &self.failed, &due.failed),
            ("findings", &self.findings, &due.findings),
        ] {
            differ(name, told, wanted, &mut differences);
        }
        differences
    }
}

fn samples(value: &Value) -> BTreeMap<String, Sample> {
    let reasons = value.as_object().into_iter().flatten();
    let sample = |sample: &Value| Sample {
        files: sample["files"].as_u64().unwrap_or_default(),
        fids: sample["first_fids"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect(),
    };
    reasons.map(|(reason, told)| (reason.clone(), sample(told))).collect()
}

/// Each reason must have its number of files, and the files named must be the lowest planted: all
/// of them, where they are few.
fn differ(
    name: &str,
    told: &BTreeMap<String, Sample>,
    due: &BTreeMap<String, Sample>,
    differences: &mut Vec<String>,
) {
    let none = Sample::default();
    let reasons: BTreeSet<_> = told.keys().chain(due.keys()).collect();
    for reason in reasons {
        let told = told.get(reason).unwrap_or(&none);
        let due = due.get(reason).unwrap_or(&none);
        if told.files != due.files {
            let fids = odd_ones(&told.fids, &due.fids);
            let (told, due) = (told.files, due.files);
            differences.push(format!("{name} {reason}: {told} told, {due} planted{fids}"));
        } else if told.fids.is_empty() || !due.fids.starts_with(&told.fids) {
            let (told, due) = (&told.fids, &due.fids);
            differences.push(format!("{name} {reason}: fids {told:?} told, {due:?} planted"));
        }
    }
}

/// The first fids that only one side has.
fn odd_ones(told: &[u64], due: &[u64]) -> String {
    let surprising: Vec<_> = told.iter().filter(|fid| !due.contains(fid)).take(5).collect();
    if surprising.is_empty() { String::new() } else { format!(", unplanned fids {surprising:?}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(failed: &Value) -> Account {
        Account::read(1, &json!({ "rows": 3, "by_copy": { "files": 2 }, "failed": failed }))
    }

    #[test]
    fn a_missing_class_reason_or_fid_is_noticed() {
        let fids = |files: u64, fids: &[u64]| json!({ "no-replica": { "files": files, "first_fids": fids, "example": "words" } });
        let due = account(&fids(3, &[4, 5, 6]));
        let differences = |failed: &Value| account(failed).differences(&due).len();
        assert_eq!(differences(&fids(3, &[4, 5, 6])), 0);
        assert_eq!(differences(&fids(3, &[4, 5])), 0, "not all need be named");
        assert_eq!(differences(&fids(2, &[4, 5])), 1);
        assert_eq!(differences(&fids(3, &[4, 6])), 1);
        assert_eq!(differences(&fids(3, &[])), 1);
        assert_eq!(differences(&json!({})), 1);
        assert_eq!(account(&fids(3, &[4])).differences(&Account::default()).len(), 4);
        assert_eq!(Account { exit_code: 0, ..due.clone() }.differences(&due).len(), 1);
        let stopped = Some("by somebody".to_owned());
        assert_eq!(Account { stopped, ..due.clone() }.differences(&due).len(), 1);
    }
}
