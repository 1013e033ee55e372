//! What a newcomer sees: one screen that says what was planted, what was survived, and the verdict.

use std::fmt;

use indicatif::HumanCount;
use oracle::Outcome;

use super::table::Table;
use super::{PassReport, Report, Stories, text};
use crate::hazard::Hazard;
use crate::queued::{Queued, QueuedPass};
use crate::runbook::Story;

/// Problems that fit beside the rest.
const PROBLEMS_SHOWN: usize = 10;

/// The rehearsals of one run, on one screen.
pub struct Screen<'a> {
    /// That of `migrate`, where it was rehearsed.
    pub from_here: Option<&'a Report>,
    /// Those through the queue.
    pub through_the_queue: &'a [Queued],
    /// The stories of the runbook.
    pub runbook: &'a [Story],
}

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(report) = self.from_here {
            report.write_planted(f)?;
            write_hazards(f, report)?;
            write_passes(f, &report.passes)?;
            report.write_scenarios(f)?;
            report.verified.write_in_short(f)?;
        }
        if !self.through_the_queue.is_empty() {
            writeln!(f, "\nTHROUGH THE QUEUE, twice, with files ingested between")?;
            let mut table = Table::default();
            table.line("", ["requests a file", "whole"].map(str::to_owned).to_vec());
            for queued in self.through_the_queue {
                let requests = queued.passes.first().map_or(0.0, QueuedPass::requests_a_file);
                let whole = format!("{} of {}", queued.judgement.whole, queued.files);
                table.line(&queued.way, vec![format!("{requests:.2}"), whole]);
            }
            table.write(f)?;
            for queued in self.through_the_queue {
                text::write_each_scenario(f, &queued.scenarios)?;
            }
            let problems = self.through_the_queue.iter().flat_map(Queued::all_problems);
            for problem in problems.take(PROBLEMS_SHOWN) {
                writeln!(f, "  PROBLEM: {problem}")?;
            }
        }
        Stories(self.runbook).write_in_short(f, PROBLEMS_SHOWN)?;
        self.from_here.map_or(Ok(()), |report| text::write_verdict(f, report, PROBLEMS_SHOWN))
    }
}

/// The hazards by what they are wrong with.
fn write_hazards(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let planted = &report.planted;
    if planted.hazards.is_empty() {
        return writeln!(f, "  nothing is wrong with any of them");
    }
    let mut subjects: Vec<_> = Hazard::ALL.iter().map(|hazard| hazard.spec().subject).collect();
    subjects.dedup();
    let mut table = Table::default();
    let columns = ["kinds", "files", "migrated", "failed or rejected", "gone"];
    table.line("", columns.map(str::to_owned).to_vec());
    for subject in subjects {
        let lines = || planted.hazards.iter().filter(|line| line.hazard.spec().subject == subject);
        let files = |counts: fn(Outcome) -> bool| {
            let counted = lines().filter(|line| counts(line.hazard.spec().outcome));
            counted.map(|line| line.files).sum::<usize>()
        };
        let cells = [
            lines().count(),
            files(|_| true),
            files(Outcome::is_proven),
            files(|outcome| !outcome.is_proven() && outcome != Outcome::Gone),
            files(|outcome| outcome == Outcome::Gone),
        ];
        if cells[0] > 0 {
            table.line(subject, cells.map(|count| count.to_string()).to_vec());
        }
    }
    if !planted.troubles.is_empty() {
        let kinds = planted.troubles.len().to_string();
        table.line("MogileFS, MySQL and AWS out of order", vec![kinds]);
    }
    writeln!(f, "\nWRONG ON PURPOSE, and what must come of the files")?;
    table.write(f)
}

/// What the passes did with all rows.
fn write_passes(f: &mut fmt::Formatter<'_>, passes: &[PassReport]) -> fmt::Result {
    let mut table = Table::default();
    let cells = |cell: &dyn Fn(&PassReport) -> u64| -> Vec<String> {
        passes.iter().map(|pass| HumanCount(cell(pass)).to_string()).collect()
    };
    table.line("", passes.iter().map(|pass| pass.name.to_owned()).collect());
    let classes = |names: &'static [&'static str]| {
        move |pass: &PassReport| -> u64 {
            names.iter().filter_map(|name| pass.account.classes.get(name)).sum()
        }
    };
    table.line("migrated and proven", cells(&classes(&["by_copy", "by_mogile", "already_there"])));
    table.line("proven before, passed over", cells(&classes(&["proven_before"])));
    let refused = |pass: &PassReport| {
        let samples = pass.account.failed.values().chain(pass.account.rejected.values());
        samples.map(|sample| sample.files).sum()
    };
    table.line("failed or rejected", cells(&refused));
    table.line("requests to S3", cells(&|pass| pass.asked("S3 ")));
    table.line(
        "requests to MogileFS",
        cells(&|pass| pass.asked("tracker ") + pass.asked("storage ") + pass.asked("MySQL ")),
    );
    table.line("exit code (1: something failed)", cells(&|pass| pass.account.exit_code));
    writeln!(f, "\nWHAT `mogile2s3 migrate` DID")?;
    table.write(f)
}

impl PassReport {
    /// Requests to a system, whose kinds begin so.
    fn asked(&self, system: &str) -> u64 {
        let of_system = self.requests.iter().filter(|(kind, _)| kind.starts_with(system));
        of_system.map(|(_, asked)| asked.asked).sum()
    }
}
