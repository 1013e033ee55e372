use std::collections::BTreeMap;
use std::fmt::{self, Write};

use domain::summary::{Sample, Tally};
use domain::{Coverage, Fid, ReasonKind, Stopped, Summary};
use indicatif::{HumanBytes, HumanCount, HumanDuration};

use super::{FailureListEnd, RequestCount, RunReport, advice, advice_on_settings};

/// A run's end, for a tired operator: what was done, what was not, and what to do next.
pub fn write_report(out: &mut String, report: &RunReport) -> fmt::Result {
    let summary = &report.summary;
    write!(out, "{}", HumanCount(summary.intake.rows))?;
    if let (Some(counted), Some(_)) = (summary.counted_before, &summary.stopped) {
        write!(out, " of {}", HumanCount(counted))?;
    }
    writeln!(out, " rows in {}", HumanDuration(report.took))?;
    write_classes(out, summary)?;
    write_coverage(out, summary)?;
    write_samples(out, "Rejected rows, which somebody has to look at", &summary.intake.rejected)?;
    write_absent(out, &summary.intake.absent)?;
    write_failed(out, "Failed files", &summary.ends.failed)?;
    write_samples(out, "Worth a look, though migrated", &summary.ends.findings)?;
    write_uncleared(out, &summary.ends.uncleared)?;
    write_requests(out, &report.requests)?;
    if let Some(list) = &report.failure_list {
        write_list(out, list)?;
    }
    write_verdict(out, report)
}

fn write_classes(out: &mut impl Write, summary: &Summary) -> fmt::Result {
    write_tally(out, "migrated by copy", summary.ends.by_copy)?;
    write_tally(out, "migrated from MogileFS", summary.ends.by_mogile)?;
    write_tally(out, "already there, proven", summary.ends.already_there)?;
    write_tally(out, "proven before", summary.intake.proven_before)?;
    write_proven_as_another(out, summary.intake.proven_as_another)?;
    for (name, count, always) in [
        ("temporary (.tmp)", summary.intake.temporary, true),
        ("in ignored buckets", summary.intake.ignored, true),
        ("excluded", summary.intake.excluded, false),
        ("gone from MogileFS", summary.ends.gone, true),
        ("rejected", summary.intake.rejections(), true),
        ("failed", summary.ends.failures(), true),
        ("abandoned", summary.abandoned, false),
        ("not begun", summary.not_begun, true),
    ] {
        if always || count > 0 {
            write_count(out, name, count)?;
        }
    }
    if summary.intake.other_domains > 0 {
        let count = HumanCount(summary.intake.other_domains);
        writeln!(out, "  (and {count} rows of other domains, left alone)")?;
    }
    Ok(())
}

/// One class of files, and its bytes.
pub fn write_tally(out: &mut impl Write, name: &str, tally: Tally) -> fmt::Result {
    let (files, bytes) = (HumanCount(tally.files).to_string(), HumanBytes(tally.bytes));
    writeln!(out, "  {name:<24} {files:>12}  {bytes}")
}

/// Files that are worked on although the ledger has a proof. They are part of other classes.
pub fn write_proven_as_another(out: &mut impl Write, tally: Tally) -> fmt::Result {
    if tally.files == 0 {
        return Ok(());
    }
    let files = HumanCount(tally.files);
    writeln!(
        out,
        "  ({files} of these files have a ledger record of another bucket or content: it does not count)"
    )
}

/// One class that has no bytes.
pub fn write_count(out: &mut impl Write, name: &str, count: u64) -> fmt::Result {
    writeln!(out, "  {name:<24} {:>12}", HumanCount(count).to_string())
}

fn write_coverage(out: &mut impl Write, summary: &Summary) -> fmt::Result {
    match summary.coverage() {
        Coverage::NotTold => match &summary.uncounted {
            Some(why) => {
                writeln!(out, "The index could not be counted beside the rows read: {why}")
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
            "MISSING: {} rows that the index counts were not read. They may have been written \
             behind the reader; run this again when nothing is being ingested.",
            HumanCount(rows)
        ),
    }
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
    samples.iter().try_for_each(|(reason, sample)| write_sample(out, reason, sample))
}

/// One reason: how many, the first fids where any are known, and words.
pub fn write_sample(out: &mut impl Write, reason: &str, sample: &Sample) -> fmt::Result {
    let (count, fids) = (HumanCount(sample.files), Fids(&sample.first_fids));
    let more = if is_whole(sample) { "" } else { " …" };
    if sample.first_fids.is_empty() {
        writeln!(out, "  {count} {reason}")?;
    } else {
        writeln!(out, "  {count} {reason}: fids {fids}{more}")?;
    }
    writeln!(out, "    {}", sample.example)
}

fn write_absent(out: &mut impl Write, absent: &Sample) -> fmt::Result {
    if absent.files == 0 {
        return Ok(());
    }
    writeln!(out, "Asked for, and not there:")?;
    write_sample(out, "absent", absent)
}

/// What failed, under a title, with what to do about it; nothing when there is nothing.
pub fn write_failed(
    out: &mut impl Write,
    title: &str,
    failed: &BTreeMap<&'static str, Sample>,
) -> fmt::Result {
    if !failed.is_empty() {
        writeln!(out, "{title}:")?;
    }
    for (reason, sample) in failed {
        write_reason(out, reason, sample)?;
    }
    Ok(())
}

/// Files whose old failure records are still there, with what to do about it.
pub fn write_uncleared(out: &mut impl Write, uncleared: &Sample) -> fmt::Result {
    if uncleared.files == 0 {
        return Ok(());
    }
    writeln!(out, "Not failed any more, but their failure records could not be taken away:")?;
    write_sample(out, "uncleared", uncleared)?;
    writeln!(
        out,
        "    → `mogile2s3 doctor` tells what is wrong with the failures table. When it is mended:\n\
         \x20     mogile2s3 migrate --again --fids {}",
        Commas(&uncleared.first_fids)
    )?;
    if !is_whole(uncleared) {
        writeln!(out, "      mogile2s3 status --watch    (which names the next ones)")?;
    }
    Ok(())
}

/// One reason, with what to do about it.
pub fn write_reason(out: &mut impl Write, reason: &str, sample: &Sample) -> fmt::Result {
    write_sample(out, reason, sample)?;
    match reason.parse::<ReasonKind>() {
        Ok(kind) => writeln!(out, "    → {}", advice(kind)),
        Err(_) => Ok(()),
    }
}

/// Why something ended before its end, with what to do about it.
pub fn write_stopped(out: &mut impl Write, stopped: &Stopped) -> fmt::Result {
    writeln!(out, "STOPPED: {stopped}")?;
    match stopped {
        Stopped::Trouble(reason) => writeln!(out, "  → {}", advice(reason.kind)),
        Stopped::Misconfigured(why) => writeln!(out, "  → {}", advice_on_settings(why)),
        Stopped::Failures(_) | Stopped::Interrupted => Ok(()),
    }
}

/// Calls by kind, in one line.
pub fn write_requests(
    out: &mut impl Write,
    requests: &BTreeMap<String, RequestCount>,
) -> fmt::Result {
    let requests = requests.iter().map(|(name, count)| match count.failed {
        0 => format!("{name} {}", HumanCount(count.ok)),
        failed => format!("{name} {} (and {} not ok)", HumanCount(count.ok), HumanCount(failed)),
    });
    writeln!(out, "Requests: {}", requests.collect::<Vec<_>>().join(", "))
}

fn write_list(out: &mut impl Write, list: &FailureListEnd) -> fmt::Result {
    let (file, lines) = (list.file.display(), HumanCount(list.lines));
    match &list.trouble {
        None => writeln!(out, "All {lines} of them are listed in {file}"),
        Some(trouble) => writeln!(out, "THE LIST IN {file} IS NOT COMPLETE: {trouble}"),
    }
}

fn write_verdict(out: &mut impl Write, report: &RunReport) -> fmt::Result {
    let summary = &report.summary;
    if !summary.adds_up() {
        writeln!(out, "THE SUMS DO NOT ADD UP: rows are missing above. Please report this.")?;
    }
    let resumes = "what is proven is in the ledger and will be skipped";
    match &summary.stopped {
        Some(stopped @ Stopped::Trouble(_)) => {
            write_stopped(out, stopped)?;
            return writeln!(out, "Mend it and run this again: {resumes}.");
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
            return writeln!(out, "Run this again to go on: {resumes}.");
        }
        None => {}
    }
    if summary.is_clean() {
        return writeln!(out, "Clean: every row is accounted for, nothing failed.");
    }
    writeln!(out, "Not clean: look at the rows named above and mend them. Then:")?;
    writeln!(out, "  {}", next_command(report))
}

/// The command that takes what is left, and as little else as can be said.
fn next_command(report: &RunReport) -> String {
    let (summary, command) = (&report.summary, &report.command);
    // Only a run over the whole index finds rows that were not read.
    if matches!(summary.coverage(), Coverage::Missing(_)) {
        return command.clone();
    }
    if let Some(FailureListEnd { file, lines: 1.., trouble: None }) = &report.failure_list {
        return format!("{command} --fids {}", quoted(&format!("@{}", file.display())));
    }
    let nothing_else = summary.ends.failed.is_empty() && summary.intake.rejected.is_empty();
    if nothing_else && summary.ends.uncleared.files > 0 {
        let again = if command.contains(" --again") { "" } else { " --again" };
        return format!("{command}{again} --fids {}", Commas(&summary.ends.uncleared.first_fids));
    }
    let samples = || summary.ends.failed.values().chain(summary.intake.rejected.values());
    let mut fids: Vec<_> = samples().flat_map(|sample| sample.first_fids.clone()).collect();
    fids.sort_unstable();
    if samples().all(is_whole) && !fids.is_empty() {
        return format!("{command} --fids {}", Commas(&fids));
    }
    format!("{command}    (with --failures FILE for a list of all that fail)")
}

/// As a shell takes it.
#[must_use]
pub fn quoted(text: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "@%+=:,./-_".contains(char);
    if text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Whether all of its files are named.
fn is_whole(sample: &Sample) -> bool {
    sample.files == sample.first_fids.len() as u64
}

/// Fids, separated by commas.
struct Fids<'a>(&'a [Fid]);

impl fmt::Display for Fids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(", "))
    }
}

/// Fids, as `--fids` takes them.
struct Commas<'a>(&'a [Fid]);

impl fmt::Display for Commas<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests;
