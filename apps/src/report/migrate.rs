//! What `migrate` prints.

use std::fmt::{self, Write};

use domain::summary::Sample;
use domain::{Coverage, Stopped, Summary};
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;

use super::advice::Again;
use super::requests::write_requests;
use super::sample::{
    FINDINGS, is_whole, write_failed, write_not_looked_at, write_rejected, write_sample,
    write_samples, write_stopped, write_stopped_behind, write_uncleared,
};
use super::table::{
    Table, write_other_domains, write_proven_as_another, write_sums, write_unreadable_failures,
};
use super::types::write_types;
use super::{Cost, FailureListEnd, Report, shell};
use crate::exit::Verdict;

/// What came of a run.
#[derive(Debug, Serialize)]
pub struct MigrateReport {
    /// What came of every row.
    #[serde(flatten)]
    pub summary: Summary,
    /// The list of all failures, where one was asked for.
    pub failure_list: Option<FailureListEnd>,
    #[serde(flatten)]
    pub cost: Cost,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The command that this was, without its selection: the next one begins with it.
    #[serde(skip)]
    pub command: String,
    /// The flag of this run's fids, where only some were selected.
    #[serde(skip)]
    pub fids: String,
}

/// The verdict on a run. A list that was asked for and lacks lines is a finding: findings may be named
/// nowhere else.
pub fn verdict(summary: &Summary, list: Option<&FailureListEnd>) -> Verdict {
    let lacks_lines = list.is_some_and(|list| list.trouble.is_some());
    let differs = lacks_lines
        || match summary.stopped {
            // What was stopped is not clean for that alone.
            Some(_) => {
                !summary.ends.failed.is_empty()
                    || summary.ends.uncleared.files > 0
                    || !summary.intake.is_clean()
            }
            None => !summary.is_clean(),
        };
    Verdict::of(summary.stopped.as_ref(), differs).with_failures(&summary.ends.failed)
}

/// What differs between the reports of commands that run over the index.
pub(super) struct Words {
    /// Writes what came of the rows.
    pub(super) classes: fn(&mut String, &Summary) -> fmt::Result,
    /// Writes what objects have of types and names.
    pub(super) types: fn(&mut String, &Summary) -> fmt::Result,
    /// What the next run begins with.
    pub(super) resumes: &'static str,
    /// What a clean run ends with.
    pub(super) clean: &'static str,
    /// Who takes failed files again.
    pub(super) again: Again,
}

impl Report for MigrateReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let words = Words {
            classes: write_classes,
            types: |out, summary| {
                let written = summary.ends.by_copy.files + summary.ends.by_mogile.files;
                write_types(out, "objects", written, summary.types.as_ref())
            },
            resumes: "proven files are in the ledger, and are skipped except with --again",
            clean: "Clean: every row is in a class above, and nothing failed.",
            again: Again::ThisCommand,
        };
        self.write_in(&words, out)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

impl MigrateReport {
    /// For a tired operator: what was done, what was not, and what to do next.
    pub(super) fn write_in(&self, words: &Words, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        if let (Some(stopped), true) = (&summary.stopped, was_not_begun(summary)) {
            return write_stopped(out, stopped);
        }
        write!(out, "{}", HumanCount(summary.intake.rows))?;
        if let (Some(counted), Some(_)) = (summary.counted_before, &summary.stopped) {
            write!(out, " of {}", HumanCount(counted))?;
        }
        writeln!(out, " rows in {}", HumanDuration(self.cost.took))?;
        (words.classes)(out, summary)?;
        (words.types)(out, summary)?;
        write_coverage(out, summary)?;
        write_rejected(out, &summary.intake.rejected)?;
        write_absent(out, &summary.intake.absent)?;
        write_failed(out, "Failed files", &summary.ends.failed, words.again)?;
        if summary.ends.accepted.files > 0 {
            write_sample(out, "accepted by name, and still lost", &summary.ends.accepted)?;
        }
        write_samples(out, FINDINGS, &summary.ends.findings)?;
        write_uncleared(out, &summary.ends.uncleared)?;
        write_not_looked_at(out, &summary.not_looked_at)?;
        write_requests(out, &self.cost)?;
        if let Some(list) = &self.failure_list {
            write_list(out, list)?;
        }
        write_end(out, self, words)
    }
}

/// Whether it ended before it read a row: all counts are zero.
const fn was_not_begun(summary: &Summary) -> bool {
    summary.intake.rows == 0
        && summary.intake.other_domains == 0
        && summary.intake.absent.files == 0
}

fn write_classes(out: &mut String, summary: &Summary) -> fmt::Result {
    let mut table = Table::new(out);
    table.tally("migrated by copy", summary.ends.by_copy)?;
    table.tally("migrated from MogileFS", summary.ends.by_mogile)?;
    table.tally("already there, proven", summary.ends.already_there)?;
    table.tally("proven before", summary.intake.proven_before)?;
    write_proven_as_another(out, summary.intake.proven_as_another)?;
    write_unreadable_failures(out, summary.intake.unreadable_failures)?;
    write_other_classes(out, summary)
}

/// The classes of rows of which nothing is brought to S3.
pub(super) fn write_other_classes(out: &mut String, summary: &Summary) -> fmt::Result {
    let mut table = Table::new(out);
    for (name, count, always) in [
        ("temporary (.tmp)", summary.intake.temporary, true),
        ("in ignored buckets", summary.intake.ignored, true),
        ("excluded", summary.intake.excluded, false),
        ("accepted", summary.intake.accepted_rows + summary.ends.accepted.files, false),
        ("gone from MogileFS", summary.ends.gone, true),
        ("rejected", summary.intake.rejections(), true),
        ("failed", summary.ends.failures(), true),
        ("abandoned", summary.abandoned, false),
        ("not begun", summary.not_begun, true),
    ] {
        if always || count > 0 {
            table.count(name, count)?;
        }
    }
    write_other_domains(out, summary.intake.other_domains)
}

fn write_coverage(out: &mut String, summary: &Summary) -> fmt::Result {
    match summary.coverage() {
        Coverage::NotTold => match &summary.uncounted {
            Some(why) => {
                writeln!(out, "The index could not be counted: {why}")
            }
            None => Ok(()),
        },
        Coverage::Equal => writeln!(out, "The index counts as many rows as were read."),
        Coverage::More(rows) => {
            let rows = HumanCount(rows);
            writeln!(out, "{rows} rows more than the index counted before: written meanwhile.")
        }
        Coverage::Deleted(rows) => {
            let rows = HumanCount(rows);
            writeln!(out, "{rows} rows fewer than the index counted before: deleted meanwhile.")
        }
        Coverage::Missing(rows) => writeln!(
            out,
            "MISSING: {} rows that the index counts were not read. They may have been added below \
             the fids that were read already: run this again when ingest has stopped.",
            HumanCount(rows)
        ),
    }
}

fn write_absent(out: &mut String, absent: &Sample) -> fmt::Result {
    if absent.files == 0 {
        return Ok(());
    }
    writeln!(out, "Requested fids that have no row:")?;
    write_sample(out, "absent", absent)
}

fn write_list(out: &mut String, list: &FailureListEnd) -> fmt::Result {
    let (file, lines) = (list.file.display(), HumanCount(list.lines));
    let findings = HumanCount(list.findings);
    match &list.trouble {
        None if list.lines + list.findings == 0 => writeln!(out, "{file} is empty: nothing failed"),
        None if list.findings == 0 => writeln!(out, "{file} lists all {lines} of them"),
        None if list.lines == 0 => {
            writeln!(out, "{file} lists all {findings} findings; nothing failed")
        }
        None => writeln!(out, "{file} lists all {lines} of them, and all {findings} findings"),
        Some(trouble) => writeln!(out, "THE LIST IN {file} IS NOT COMPLETE: {trouble}"),
    }
}

fn write_end(out: &mut String, report: &MigrateReport, words: &Words) -> fmt::Result {
    let summary = &report.summary;
    write_sums(out, summary.adds_up(), "rows")?;
    let resumes = words.resumes;
    match &summary.stopped {
        Some(stopped @ Stopped::Trouble(_)) => {
            write_stopped_behind(out, stopped, &summary.ends.failed)?;
            return writeln!(out, "Mend the cause, then run this again: {resumes}.");
        }
        Some(stopped @ Stopped::Misconfigured(_)) => return write_stopped(out, stopped),
        Some(stopped @ (Stopped::Interrupted | Stopped::Failures(_))) => {
            let (not_begun, abandoned) = (summary.not_begun, summary.abandoned);
            writeln!(
                out,
                "STOPPED: {stopped}; of the rows above {} were not begun and {} abandoned.",
                HumanCount(not_begun),
                HumanCount(abandoned)
            )?;
            return writeln!(out, "Run this again to continue: {resumes}.");
        }
        None => {}
    }
    if summary.is_clean() {
        if report.failure_list.as_ref().is_some_and(|list| list.trouble.is_some()) {
            return writeln!(
                out,
                "Nothing failed, but not all findings are listed: free space on the disk. The report \
                 above names the first fids of each."
            );
        }
        return writeln!(out, "{}", words.clean);
    }
    writeln!(out, "Not clean: mend what is named above, then run:")?;
    writeln!(out, "  {}", next_command(report))
}

/// The command that takes what is left, and as little else as can be said.
fn next_command(report: &MigrateReport) -> String {
    let (summary, command) = (&report.summary, &report.command);
    // Only a run over the whole index finds rows that were not read.
    if matches!(summary.coverage(), Coverage::Missing(_)) {
        return command.clone();
    }
    if let Some(FailureListEnd { file, lines: 1.., trouble: None, .. }) = &report.failure_list {
        return format!("{command} --fids {}", shell::quoted(&format!("@{}", file.display())));
    }
    let nothing_else = summary.ends.failed.is_empty() && summary.intake.rejected.is_empty();
    if nothing_else && summary.ends.uncleared.files > 0 {
        let again = if command.contains(" --again") { "" } else { " --again" };
        return format!(
            "{command}{again} --fids {}",
            shell::fids(&summary.ends.uncleared.first_fids)
        );
    }
    let samples = || summary.ends.failed.values().chain(summary.intake.rejected.values());
    let mut fids: Vec<_> = samples().flat_map(|sample| sample.first_fids.clone()).collect();
    fids.sort_unstable();
    if samples().all(is_whole) && !fids.is_empty() {
        return format!("{command} --fids {}", shell::fids(&fids));
    }
    format!("{command}{}    (with --failures FILE, which lists all failures)", report.fids)
}

#[cfg(test)]
mod tests;
