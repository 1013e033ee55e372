//! The rehearsal's report, for people and for machines.

mod columns;
mod queued;
mod screen;
mod stories;
mod table;
mod text;
mod verified;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use screen::Screen;
pub use stories::{Lacks, Stories, Struck};

use oracle::Judgement;
use oracle::Outcome;

use crate::hazard::{Hazard, Hazards};
use crate::passes::{Account, PassResult};
use crate::planting::{Planted, Trouble};
use crate::scenarios::Scenario;
use crate::stage::Options;
use crate::verified::Verified;

/// What was rehearsed, and how it went.
#[derive(Debug, Serialize)]
pub struct Report {
    seed: u64,
    /// Whether everything ended as planted.
    good: bool,
    planted: PlantedReport,
    passes: Vec<PassReport>,
    scenarios: Vec<Scenario>,
    /// What all verifications counted in the end.
    verified: Verified,
    /// What the oracle saw at the end.
    judgement: Judgement,
    /// All that is not as planted.
    problems: Vec<String>,
    /// What is no problem, and is told all the same.
    notes: Vec<String>,
    /// The command that rehearses the very same again.
    replay: String,
}

#[derive(Debug, Serialize)]
struct PlantedReport {
    files: usize,
    bytes: u64,
    synced: usize,
    in_parts: usize,
    temporary: usize,
    ignored: usize,
    other_domain: usize,
    strays: usize,
    hazards: Vec<HazardReport>,
    /// Hazards of which no file could be found: the corpus is too small.
    not_planted: Vec<Hazard>,
    troubles: Vec<Trouble>,
}

#[derive(Debug, Serialize)]
struct HazardReport {
    hazard: Hazard,
    files: usize,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    findings: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct PassReport {
    name: &'static str,
    command: &'static str,
    account: Account,
    #[serde(skip)]
    due: Account,
    /// Asked, and the most that might have been.
    requests: BTreeMap<String, Asked>,
    seconds: f64,
    peak_rss_bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Asked {
    asked: u64,
    budget: u64,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        planted: &Planted,
        (passed, scenarios, verified): (Vec<PassResult>, Vec<Scenario>, Verified),
        judgement: Judgement,
    ) -> Self {
        // What is wrong after one pass is mostly wrong after the next: it is told once.
        let mut told = BTreeSet::new();
        let mut problems = Vec::new();
        for pass in &passed {
            let new = pass.problems.iter().filter(|problem| told.insert(*problem));
            problems.extend(new.map(|problem| format!("{}: {problem}", pass.name)));
        }
        problems.extend(scenarios.iter().flat_map(Scenario::all_problems));
        problems.extend(verified.problems.iter().cloned());
        let notes = passed
            .iter()
            .flat_map(|pass| pass.notes.iter().map(|note| format!("{}: {note}", pass.name)));
        let notes = notes.chain(verified.notes.iter().cloned()).collect();
        let judged = judgement.problems.iter().filter(|problem| told.insert(*problem));
        problems.extend(judged.map(|problem| format!("in the end: {problem}")));
        Self {
            seed: options.seed,
            good: problems.is_empty() && judgement.is_content(),
            planted: PlantedReport::new(planted, options.hazards),
            passes: passed.into_iter().map(PassReport::from).collect(),
            scenarios,
            verified,
            judgement,
            problems,
            notes,
            replay: replay(options),
        }
    }

    /// Whether the rehearsal went as it should.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.good
    }
}

/// The command that does the same again.
fn replay(options: &Options) -> String {
    let corpus = options.folder.as_ref().map_or_else(
        || format!("--files {}", options.files),
        |folder| format!("--corpus '{}'", folder.display()),
    );
    let hazards = match options.hazards {
        Hazards::None => " --hazards none",
        Hazards::Mild => " --hazards mild",
        Hazards::All => "",
    };
    format!("rehearse --seed {} {corpus}{hazards}", options.seed)
}

impl PlantedReport {
    fn new(planted: &Planted, hazards: Hazards) -> Self {
        let counts = planted.hazards();
        let line = |(hazard, files): (&Hazard, &usize)| {
            let spec = hazard.spec();
            HazardReport {
                hazard: *hazard,
                files: *files,
                outcome: spec.outcome.label(),
                reason: spec.outcome.reason(),
                findings: spec.findings,
            }
        };
        let missing = Hazard::ALL.iter().filter(|hazard| !counts.contains_key(hazard));
        Self {
            files: planted.expected.len(),
            bytes: planted.bytes(),
            synced: planted.expected.iter().filter(|file| file.synced).count(),
            in_parts: planted.expected.iter().filter(|file| file.goes_in_parts()).count(),
            temporary: planted.temporary,
            ignored: planted.ignored,
            other_domain: planted.other_domain,
            strays: planted.strays,
            hazards: counts.iter().map(line).collect(),
            not_planted: missing.filter(|_| hazards == Hazards::All).copied().collect(),
            troubles: planted.troubles.clone(),
        }
    }

    /// The files that must end in ways that `counts` picks.
    fn ending(&self, counts: impl Fn(Outcome) -> bool) -> usize {
        let hazards = self.hazards.iter();
        let counted = hazards.filter(|line| counts(line.hazard.spec().outcome));
        counted.map(|line| line.files).sum()
    }
}

impl From<PassResult> for PassReport {
    fn from(pass: PassResult) -> Self {
        let requests = pass.budget.beside(&pass.asked).into_iter();
        Self {
            name: pass.name,
            command: pass.command,
            requests: requests
                .map(|((service, operation), (asked, budget))| {
                    (format!("{service} {operation}"), Asked { asked, budget })
                })
                .collect(),
            account: pass.ran.account,
            due: pass.due,
            seconds: (pass.took.as_secs_f64() * 1000.0).round() / 1000.0,
            peak_rss_bytes: pass.ran.peak_rss_bytes,
        }
    }
}
