//! The report for a tired operator: the verdict last, where the eye is.

use std::fmt;

use indicatif::{HumanBytes, HumanCount};
use oracle::Outcome;

use super::{Report, columns};
use crate::scenarios::Scenario;

/// Problems that are written out; the rest is counted.
const PROBLEMS_TOLD: usize = 30;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_planted(f)?;
        self.write_hazards(f)?;
        columns::write_accounts(f, &self.passes)?;
        columns::write_requests(f, &self.passes)?;
        self.write_scenarios(f)?;
        write!(f, "{}", self.verified)?;
        write_verdict(f, self, PROBLEMS_TOLD)
    }
}

impl Report {
    pub(super) fn write_planted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let planted = &self.planted;
        let count = |files: usize| HumanCount(files as u64);
        writeln!(
            f,
            "PLANTED by seed {}: {} files of {}, {} with an intermediary, {} that go in parts",
            self.seed,
            count(planted.files),
            HumanBytes(planted.bytes),
            count(planted.synced),
            count(planted.in_parts)
        )?;
        writeln!(
            f,
            "  beside them {} temporary rows, {} in an ignored bucket, {} of another domain",
            count(planted.temporary),
            count(planted.ignored),
            count(planted.other_domain)
        )?;
        if planted.strays > 0 {
            let strays = count(planted.strays);
            writeln!(f, "  and {strays} intermediaries and ledger records of files long deleted")?;
        }
        Ok(())
    }

    fn write_hazards(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let planted = &self.planted;
        if planted.hazards.is_empty() {
            return writeln!(f, "  nothing is wrong with any of them");
        }
        let files: usize = planted.hazards.iter().map(|line| line.files).sum();
        let kinds = planted.hazards.len();
        writeln!(f, "\nHAZARDS: {kinds} kinds in {} files", HumanCount(files as u64))?;
        let words = planted.hazards.iter().map(|line| line.hazard.spec().label.len()).max();
        let words = words.unwrap_or_default();
        for line in &planted.hazards {
            let (files, told, outcome) = (line.files, line.hazard.spec().label, line.outcome);
            let why = line.reason.into_iter().chain(line.findings.iter().copied());
            let why = why.collect::<Vec<_>>().join(", ");
            let text = format!("  {files:>4} × {told:<words$}  {outcome:<13}  {why}");
            writeln!(f, "{}", text.trim_end())?;
        }
        for trouble in &planted.troubles {
            let times = trouble.strikes().map_or(1, |(_, _, times)| times);
            writeln!(f, "  {times:>4} × {}", trouble.label())?;
        }
        if !planted.not_planted.is_empty() {
            let missing: Vec<_> = planted.not_planted.iter().map(|hazard| hazard.name()).collect();
            writeln!(f, "  (the corpus is too small for {})", missing.join(", "))?;
        }
        Ok(())
    }

    pub(super) fn write_scenarios(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scenarios.is_empty() {
            writeln!(f, "\nSCENARIOS, each by the real commands")?;
        }
        write_each_scenario(f, &self.scenarios)
    }
}

/// A line for each.
pub(super) fn write_each_scenario(
    f: &mut fmt::Formatter<'_>,
    scenarios: &[Scenario],
) -> fmt::Result {
    let words = scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or_default();
    for scenario in scenarios {
        let end = if scenario.problems.is_empty() { "as it must be" } else { "NOT AS IT MUST BE" };
        writeln!(f, "  {:<words$}  {end}, in {:.1} s", scenario.name, scenario.seconds)?;
    }
    Ok(())
}

/// What the oracle saw, the first problems, and the verdict.
pub(super) fn write_verdict(
    f: &mut fmt::Formatter<'_>,
    report: &Report,
    most_problems: usize,
) -> fmt::Result {
    let judgement = &report.judgement;
    let count = |files: usize| HumanCount(files as u64);
    writeln!(
        f,
        "\nORACLE: {} of {} files are whole under their own SHA-1, {}",
        count(judgement.whole),
        count(judgement.expected),
        HumanBytes(judgement.bytes)
    )?;
    for note in &report.notes {
        writeln!(f, "  note: {note}")?;
    }
    for problem in report.problems.iter().take(most_problems) {
        writeln!(f, "  PROBLEM: {problem}")?;
    }
    if let Some(more @ 1..) = report.problems.len().checked_sub(most_problems) {
        writeln!(f, "  … and {} problems more", count(more))?;
    }
    if !report.good {
        let problems = count(report.problems.len());
        writeln!(f, "\nNOT WELL: {problems} problems. The same again:")?;
        return writeln!(f, "  {}", report.replay);
    }
    let failed = report.planted.ending(|outcome| matches!(outcome, Outcome::Failed { .. }));
    let rejected = report.planted.ending(|outcome| matches!(outcome, Outcome::Rejected(_)));
    let gone = report.planted.ending(|outcome| outcome == Outcome::Gone);
    writeln!(
        f,
        "\nAll is well: everything ended as planted, {} proven, {} failed, {} rejected, {} gone.",
        count(judgement.whole),
        count(failed),
        count(rejected),
        count(gone)
    )
}
