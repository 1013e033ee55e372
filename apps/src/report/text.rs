use std::collections::BTreeMap;
use std::fmt::{self, Write};

use domain::Fid;
use domain::summary::{Sample, Tally};
use indicatif::{HumanBytes, HumanCount, HumanDuration};

use super::RunReport;

/// A run's end, for a tired operator: what was done, what was not, and what to do next.
#[must_use]
pub fn render(report: &RunReport) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut text, report);
    text
}

fn write_report(out: &mut impl Write, report: &RunReport) -> fmt::Result {
    let summary = &report.summary;
    writeln!(out, "{} rows in {}", HumanCount(summary.intake.rows), HumanDuration(report.took))?;
    write_tally(out, "migrated by copy", summary.by_copy)?;
    write_tally(out, "migrated from MogileFS", summary.by_mogile)?;
    write_tally(out, "already there, proven", summary.already_there)?;
    write_tally(out, "proven before", summary.intake.proven_before)?;
    for (name, count) in [
        ("temporary (.tmp)", summary.intake.temporary),
        ("in ignored buckets", summary.intake.ignored),
        ("gone from MogileFS", summary.gone),
        ("rejected", summary.intake.rejections()),
        ("failed", summary.failures()),
        ("not begun", summary.not_begun),
    ] {
        writeln!(out, "  {name:<24} {:>12}", HumanCount(count).to_string())?;
    }
    if summary.intake.other_domains > 0 {
        let count = HumanCount(summary.intake.other_domains);
        writeln!(out, "  (and {count} rows of other domains, left alone)")?;
    }
    write_samples(out, "Rejected rows, which somebody has to look at", &summary.intake.rejected)?;
    write_samples(out, "Failed files", &summary.failed)?;
    write_samples(out, "Worth a look, though migrated", &summary.findings)?;
    write_requests(out, report)?;
    write_verdict(out, report)
}

fn write_tally(out: &mut impl Write, name: &str, tally: Tally) -> fmt::Result {
    let (files, bytes) = (HumanCount(tally.files).to_string(), HumanBytes(tally.bytes));
    writeln!(out, "  {name:<24} {files:>12}  {bytes}")
}

/// What shares a reason, under a title; nothing when there is nothing.
pub fn write_samples(
    out: &mut impl Write,
    title: &str,
    samples: &BTreeMap<&'static str, Sample>,
) -> fmt::Result {
    if samples.is_empty() {
        return Ok(());
    }
    writeln!(out, "{title}:")?;
    for (reason, sample) in samples {
        let (count, fids) = (HumanCount(sample.files), Fids(&sample.first_fids));
        let more = if sample.files > sample.first_fids.len() as u64 { " …" } else { "" };
        writeln!(out, "  {count} {reason}: fids {fids}{more}")?;
        writeln!(out, "    {}", sample.example)?;
    }
    Ok(())
}

fn write_requests(out: &mut impl Write, report: &RunReport) -> fmt::Result {
    let requests = report.requests.iter().map(|(name, count)| match count.failed {
        0 => format!("{name} {}", HumanCount(count.ok)),
        failed => format!("{name} {} (and {} not ok)", HumanCount(count.ok), HumanCount(failed)),
    });
    writeln!(out, "Requests: {}", requests.collect::<Vec<_>>().join(", "))
}

fn write_verdict(out: &mut impl Write, report: &RunReport) -> fmt::Result {
    let summary = &report.summary;
    if !summary.adds_up() {
        writeln!(out, "THE SUMS DO NOT ADD UP: rows are missing above. Please report this.")?;
    }
    if let Some(reason) = &summary.stopped {
        writeln!(out, "STOPPED: {reason}")?;
        return writeln!(
            out,
            "Mend it and run this again: what is proven is in the ledger and will be skipped."
        );
    }
    if summary.is_clean() {
        return writeln!(out, "Clean: every row is accounted for, nothing failed.");
    }
    writeln!(out, "Not clean: look at the rows named above, mend them, and run this again.")
}

/// Fids, separated by commas.
struct Fids<'a>(&'a [Fid]);

impl fmt::Display for Fids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}
