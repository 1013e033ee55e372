//! What `enqueue` prints.

use std::fmt::{self, Write};

use domain::Stopped;
use domain::queue::EnqueueSummary;
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;

use super::requests::write_requests;
use super::sample::{write_not_looked_at, write_rejected, write_samples, write_stopped};
use super::table::{
    Table, write_other_domains, write_proven_as_another, write_sums, write_unreadable_failures,
};
use super::types::write_types;
use super::{Cost, Report, shell};
use crate::exit::Verdict;

/// Which rows have a job.
#[derive(Debug, Serialize)]
pub struct EnqueueReport {
    #[serde(flatten)]
    pub summary: EnqueueSummary,
    /// Files that are too large for the function, as `--fids` takes them.
    pub large_fids: String,
    /// The verification's name, where jobs ask for one.
    #[serde(skip)]
    pub run: Option<String>,
    /// The selection's flags that the next command needs too.
    #[serde(skip)]
    pub again: String,
    #[serde(flatten)]
    pub verdict: Verdict,
    #[serde(flatten)]
    pub cost: Cost,
}

/// The verdict on what was sent.
pub fn verdict(summary: &EnqueueSummary) -> Verdict {
    let differs = match summary.stopped {
        Some(_) => !summary.failed.is_empty() || !summary.intake.is_clean(),
        None => !summary.is_clean(),
    };
    Verdict::of(summary.stopped.as_ref(), differs)
}

impl Report for EnqueueReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        let intake = &summary.intake;
        if let Some(stopped) = &summary.stopped
            && intake.rows + intake.other_domains + intake.absent.files == 0
        {
            return write_stopped(out, stopped);
        }
        writeln!(out, "{} rows in {}", HumanCount(intake.rows), HumanDuration(self.cost.took))?;
        write_classes(out, summary)?;
        if self.run.is_none() {
            write_types(out, "jobs", summary.sent.files, summary.types.as_ref())?;
        }
        write_rejected(out, &intake.rejected)?;
        if intake.absent.files > 0 {
            let (count, example) = (HumanCount(intake.absent.files), &intake.absent.example);
            writeln!(out, "{count} requested fids have no row: {example}")?;
        }
        write_samples(out, "Jobs that the queue did not accept", &summary.failed)?;
        write_not_looked_at(out, &summary.not_looked_at)?;
        write_requests(out, &self.cost)?;
        if summary.queue_before > 0 {
            let count = HumanCount(summary.queue_before);
            writeln!(
                out,
                "WARNING: the queue had {count} messages before. A job that is in the queue twice is \
                 done once, and its messages are paid twice."
            )?;
        }
        if summary.large.files > 0 {
            write_large(out, self)?;
        }
        if summary.failures() > 0 {
            writeln!(
                out,
                "Each file that the queue did not accept has no job: run this again from the beginning."
            )?;
        }
        write_sums(out, summary.adds_up(), "rows")?;
        write_end(out, summary)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn write_classes(out: &mut String, summary: &EnqueueSummary) -> fmt::Result {
    let intake = &summary.intake;
    let mut table = Table::new(out);
    table.tally("sent to the queue", summary.sent)?;
    table.tally("too large, no job sent", summary.large)?;
    table.tally("done before", intake.proven_before)?;
    write_proven_as_another(out, intake.proven_as_another)?;
    write_unreadable_failures(out, intake.unreadable_failures)?;
    let mut table = Table::new(out);
    for (name, count) in [
        ("temporary (.tmp)", intake.temporary),
        ("in ignored buckets", intake.ignored),
        ("excluded", intake.excluded),
        ("accepted", intake.accepted_rows),
        ("rejected", intake.rejections()),
        ("not accepted by queue", summary.failures()),
        ("not begun", summary.not_begun),
    ] {
        table.count(name, count)?;
    }
    write_other_domains(out, intake.other_domains)
}

/// The commands that take what the function cannot.
fn write_large(out: &mut String, report: &EnqueueReport) -> fmt::Result {
    let (again, fids) = (&report.again, &report.large_fids);
    writeln!(
        out,
        "The files that are too large for the function (--lambda-max-bytes) have no job. Run for them:"
    )?;
    match &report.run {
        None => writeln!(out, "  mogile2s3 migrate{again} --fids {fids}"),
        Some(run) => writeln!(
            out,
            "  mogile2s3 enqueue verify --run {}{again} --lambda-max-bytes {} --fids {fids}\n  \
             mogile2s3 work --until-empty    (with the event source mapping disabled)",
            shell::quoted(run),
            u64::MAX
        ),
    }
}

fn write_end(out: &mut String, summary: &EnqueueSummary) -> fmt::Result {
    if let Some(stopped) = &summary.stopped {
        write_stopped(out, stopped)?;
        if matches!(stopped, Stopped::Misconfigured(_)) {
            return Ok(());
        }
        if let Some(fid) = summary.resume_from {
            writeln!(out, "To continue, run the same command again with --from-fid {fid}")?;
        }
        return Ok(());
    }
    if summary.is_clean() {
        return writeln!(out, "Clean: every row that should have a job has one.");
    }
    writeln!(out, "Not clean: mend what is named above, then run this again.")
}
