//! What `work` prints.

use std::fmt::{self, Write};

use domain::{ReasonKind, Stopped, WorkSummary, limits};
use indicatif::{HumanCount, HumanDuration};
use roaring::RoaringTreemap;
use serde::Serialize;

use super::advice::Again;
use super::requests::write_requests;
use super::sample::{
    FINDINGS, write_failed, write_samples, write_stopped, write_stopped_behind, write_uncleared,
};
use super::table::{Table, write_sums};
use super::{Cost, Report};
use crate::exit::{Exit, Verdict, of_reason};
use crate::fid_list;

/// What came of a worker's jobs.
#[derive(Debug, Serialize)]
pub struct WorkReport {
    #[serde(flatten)]
    pub summary: WorkSummary,
    #[serde(flatten)]
    pub verdict: Verdict,
    #[serde(flatten)]
    pub cost: Cost,
}

/// The verdict on a worker's run.
pub fn verdict(summary: &WorkSummary) -> Verdict {
    let not_started = summary.ends.failed.keys().any(|reason| is_not_begun(reason));
    let incomplete = summary.stopped.is_some() || not_started || !summary.unnoted_doubts.is_empty();
    let verdict = Verdict { exit: exit_of(summary), incomplete, differs: !is_whole(summary) };
    verdict.with_failures(&summary.ends.failed)
}

/// Whether what was begun ended well.
fn is_whole(summary: &WorkSummary) -> bool {
    summary.adds_up()
        && summary.ends.uncleared.files == 0
        && summary.ends.failed.keys().all(|reason| is_not_begun(reason))
}

/// Whether files with this reason were left to the next worker.
fn is_not_begun(reason: &str) -> bool {
    [ReasonKind::NotStarted, ReasonKind::OtherSettings].iter().any(|kind| kind.name() == reason)
}

fn exit_of(summary: &WorkSummary) -> Exit {
    let whole = is_whole(summary);
    match &summary.stopped {
        Some(Stopped::Trouble(reason)) => of_reason(reason),
        Some(Stopped::Misconfigured(_)) => Exit::Usage,
        // Nobody else knows of these doubts.
        _ if !summary.unnoted_doubts.is_empty() => Exit::Unreachable,
        Some(Stopped::Interrupted) if whole => Exit::Clean,
        None if whole && summary.ends.failed.is_empty() => Exit::Clean,
        Some(Stopped::Interrupted | Stopped::Failures(_)) | None => Exit::Findings,
    }
}

impl Report for WorkReport {
    fn write(&self, out: &mut String) -> fmt::Result {
        let summary = &self.summary;
        if let (Some(stopped), 0) = (&summary.stopped, summary.deliveries)
            && *stopped != Stopped::Interrupted
        {
            return write_stopped(out, stopped);
        }
        let (deliveries, took) = (HumanCount(summary.deliveries), HumanDuration(self.cost.took));
        writeln!(out, "{deliveries} deliveries in {took}")?;
        write_classes(out, summary)?;
        let failed = &summary.ends.failed;
        write_failed(out, "Failed deliveries", failed, Again::Queue)?;
        write_samples(out, FINDINGS, &summary.ends.findings)?;
        write_uncleared(out, &summary.ends.uncleared)?;
        write_requests(out, &self.cost)?;
        write_unrecorded(out, summary)?;
        write_unnoted_doubts(out, summary)?;
        write_sums(out, summary.adds_up(), "jobs")?;
        write_end(out, summary)
    }

    fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn write_classes(out: &mut String, summary: &WorkSummary) -> fmt::Result {
    let mut table = Table::new(out);
    for (name, tally) in [
        ("migrated by copy", summary.ends.by_copy),
        ("migrated from MogileFS", summary.ends.by_mogile),
        ("already there, proven", summary.ends.already_there),
        ("verified", summary.verified),
    ] {
        table.tally(name, tally)?;
    }
    for (name, count) in [
        ("temporary (.tmp)", summary.temporary),
        ("in ignored buckets", summary.ignored),
        ("gone from MogileFS", summary.ends.gone),
        ("delivered twice, done once", summary.merged),
        ("deliveries that failed", summary.ends.failures()),
        ("of these, dead letters", summary.dead_letters),
    ] {
        table.count(name, count)?;
    }
    Ok(())
}

/// What the queue or the failures table did not take, and what does no harm.
fn write_unrecorded(out: &mut String, summary: &WorkSummary) -> fmt::Result {
    if summary.unacknowledged > 0 {
        let count = HumanCount(summary.unacknowledged);
        writeln!(
            out,
            "{count} jobs are done, and the queue delivers them once more: this does no harm."
        )?;
    }
    if summary.unmoved.files > 0 {
        let (count, why) = (HumanCount(summary.unmoved.files), &summary.unmoved.example);
        writeln!(
            out,
            "{count} jobs could not be moved to the dead-letter queue: {why}\n\
             \x20 → they are in the queue and fail again. Check SQS_DLQ_URL and the account's policy"
        )?;
    }
    if summary.unexplained > 0 {
        let count = HumanCount(summary.unexplained);
        writeln!(
            out,
            "{count} failures could not be written to the failures table. Their jobs are in the queue."
        )?;
    }
    Ok(())
}

/// A doubt that is not in the failures table is nowhere.
fn write_unnoted_doubts(out: &mut String, summary: &WorkSummary) -> fmt::Result {
    let doubts = &summary.unnoted_doubts;
    if doubts.is_empty() {
        return Ok(());
    }
    let first: RoaringTreemap = doubts.iter().take(limits::FIDS_NAMED).collect();
    let more = if first.len() < doubts.len() { " …" } else { "" };
    writeln!(
        out,
        "INCOMPLETE: {} files were found missing or wrong, and the failures table did not record it: \
         fids {}{more}\n\
         \x20 → `migrate` still skips them as proven. `mogile2s3 doctor` shows what is wrong with the \
         table. When it is mended, `mogile2s3 enqueue verify` with the same --run, and a worker, find \
         these files again",
        HumanCount(doubts.len()),
        fid_list::in_ranges(&first),
    )
}

fn write_end(out: &mut String, summary: &WorkSummary) -> fmt::Result {
    match &summary.stopped {
        Some(stopped @ (Stopped::Trouble(_) | Stopped::Misconfigured(_))) => {
            write_stopped_behind(out, stopped, &summary.ends.failed)
        }
        Some(Stopped::Interrupted | Stopped::Failures(_)) => {
            writeln!(out, "Interrupted: jobs that were not done are in the queue.")
        }
        None if summary.is_clean() => writeln!(out, "Clean: the queue is empty, nothing failed."),
        None => writeln!(
            out,
            "The queue is empty. Each job that failed has been done since, or is a dead letter: \
             `mogile2s3 dlq list` shows the dead letters, and why."
        ),
    }
}

#[cfg(test)]
mod tests {
    use domain::Fid;
    use domain::summary::Sample;

    use super::*;

    /// One job that failed five times: it is one file, and not five.
    #[test]
    fn failures_are_of_deliveries_and_follow_their_jobs() {
        let mut summary = WorkSummary { deliveries: 5, ..WorkSummary::default() };
        let mut sample = Sample::default();
        (0..5).for_each(|_| sample.add(Fid(7), "key-unknown: words"));
        summary.ends.failed.insert(ReasonKind::KeyUnknown.name(), sample);
        let report = WorkReport { verdict: verdict(&summary), summary, cost: Cost::default() };
        let mut said = String::new();
        report.write(&mut said).expect("a string takes it");
        assert!(said.contains("Failed deliveries:\n  5 key-unknown: fids 7\n"), "{said}");
        assert!(said.contains("dlq redrive --reason key-unknown` sends those"), "{said}");
        assert!(!said.contains("run this again"), "{said}");
    }
}
