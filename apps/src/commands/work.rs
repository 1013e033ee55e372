//! `mogile2s3 work`: a worker on the queue, outside Lambda.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::calls::Calls;
use anyhow::Context;
use clap::Args;
use domain::steps::{WorkPlan, work_queue};
use domain::{ReasonKind, Stopped, WorkSummary, limits};
use futures_util::StreamExt;
use indicatif::{HumanCount, HumanDuration};
use roaring::RoaringTreemap;
use serde::Serialize;

use crate::config::{QueueSettings, Settings};
use crate::exit::{Exit, Verdict};
use crate::fid_list;
use crate::interrupt;
use crate::report::{
    self, Progress, RequestCount, write_count, write_failed, write_samples, write_stopped,
    write_tally, write_uncleared,
};
use crate::route::Route;
use crate::wiring::{IndexFrom, Wiring};

/// What can be given to `work`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// End when the queue has nothing more by its own estimate, waiting or in anybody's hands
    #[arg(long)]
    until_empty: bool,

    /// How files may be brought
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    /// Files under way at once
    #[arg(long, default_value = "64", value_name = "N")]
    concurrency: NonZeroU16,

    /// Wait this long for a system that was reached before (30s, 10m, 2h), then give up [default:
    /// without end]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    wait: Option<Duration>,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    settings: Settings,
}

const AFTER_HELP: &str = "\
Several may work on one queue, beside a Lambda function too. While something cannot be reached this
holds its jobs and tries one at a time; it burns no deliveries.

Signals: the first SIGINT or SIGTERM takes no more jobs and gives what is under way 20 seconds, the
second abandons it, the third ends this at once. What is not done goes back to the queue.

Exit codes: 0 all that was taken is done, or was given back because this was told to stop; 1 jobs
failed and went back to the queue; 2 wrong usage or configuration; 3 something could not be reached.";

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a WorkSummary,
    #[serde(flatten)]
    verdict: Verdict,
    requests: BTreeMap<String, RequestCount>,
    #[serde(rename = "seconds", serialize_with = "report::in_seconds")]
    took: Duration,
}

/// Works until it is told to stop, or until the queue is empty where that is asked for.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    let calls = Arc::new(Calls::default());
    let plan = WorkPlan {
        domain: source.domain.clone(),
        buckets: target.bucket_map()?,
        route: arguments.route.into(),
        single_request_bytes: target.single_request_bytes,
        concurrency: arguments.concurrency.get().into(),
        wait: arguments.wait,
    };
    let wiring = Wiring { source, time, calls: &calls };
    let ports = wiring.work_ports(IndexFrom::Settings, target, aws, &arguments.queue).await?;

    let (progress, teller) = Progress::start(&calls);
    let stops = interrupt::stops(move |stop| teller.stop(stop)).context("listening for signals")?;
    let begun = Instant::now();
    let stops = stops.boxed();
    let summary = work_queue(&ports, &plan, arguments.until_empty, &progress, stops).await;
    progress.finish();

    let exit = exit_of(&summary);
    let not_started = summary.ends.failed.contains_key(ReasonKind::NotStarted.name());
    let incomplete = summary.stopped.is_some() || not_started || !summary.unnoted_doubts.is_empty();
    let verdict = Verdict { exit_code: exit.code(), incomplete, differs: !is_whole(&summary) };
    let report = Report {
        summary: &summary,
        verdict,
        requests: report::requests(&calls),
        took: begun.elapsed(),
    };
    report::say(&report, arguments.json, tell)?;
    Ok(exit)
}

/// Whether what was begun ended well.
fn is_whole(summary: &WorkSummary) -> bool {
    let not_started = ReasonKind::NotStarted.name();
    summary.adds_up()
        && summary.ends.uncleared.files == 0
        && summary.ends.failed.keys().all(|reason| *reason == not_started)
}

fn exit_of(summary: &WorkSummary) -> Exit {
    let whole = is_whole(summary);
    match &summary.stopped {
        Some(Stopped::Trouble(_)) => Exit::Unreachable,
        Some(Stopped::Misconfigured(_)) => Exit::Usage,
        // Nobody else knows of these doubts.
        _ if !summary.unnoted_doubts.is_empty() => Exit::Unreachable,
        Some(Stopped::Interrupted) if whole => Exit::Clean,
        None if whole && summary.ends.failed.is_empty() => Exit::Clean,
        Some(Stopped::Interrupted | Stopped::Failures(_)) | None => Exit::Findings,
    }
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
        "INCOMPLETE: {} files were found missing or wrong, and the failures table did not take that: \
         fids {}{more}\n\
         \x20 → `migrate` still passes over them as proven. Mend the table, by `mogile2s3 doctor`; \
         then `mogile2s3 enqueue verify` with the same --run and a worker find them again",
        HumanCount(doubts.len()),
        fid_list::in_ranges(&first),
    )
}

fn tell(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let summary = report.summary;
    writeln!(
        out,
        "{} deliveries in {}",
        HumanCount(summary.deliveries),
        HumanDuration(report.took)
    )?;
    for (name, tally) in [
        ("migrated by copy", summary.ends.by_copy),
        ("migrated from MogileFS", summary.ends.by_mogile),
        ("already there, proven", summary.ends.already_there),
        ("verified", summary.verified),
    ] {
        write_tally(out, name, tally)?;
    }
    for (name, count) in [
        ("temporary (.tmp)", summary.temporary),
        ("in ignored buckets", summary.ignored),
        ("gone from MogileFS", summary.ends.gone),
        ("twice at once", summary.merged),
        ("given back", summary.ends.failures()),
    ] {
        write_count(out, name, count)?;
    }
    write_failed(out, "Given back to the queue, which delivers them again", &summary.ends.failed)?;
    write_samples(out, "Worth a look, though migrated", &summary.ends.findings)?;
    write_uncleared(out, &summary.ends.uncleared)?;
    report::write_requests(out, &report.requests)?;
    if summary.unacknowledged > 0 {
        let count = HumanCount(summary.unacknowledged);
        writeln!(out, "{count} are done, and will be delivered once more: no harm.")?;
    }
    if summary.unexplained > 0 {
        let count = HumanCount(summary.unexplained);
        writeln!(out, "{count} failures could not be noted in the failures table.")?;
    }
    write_unnoted_doubts(out, summary)?;
    if !summary.adds_up() {
        writeln!(out, "THE SUMS DO NOT ADD UP: jobs are missing above. Please report this.")?;
    }
    match &summary.stopped {
        Some(stopped @ (Stopped::Trouble(_) | Stopped::Misconfigured(_))) => {
            write_stopped(out, stopped)
        }
        Some(Stopped::Interrupted | Stopped::Failures(_)) => {
            writeln!(out, "Told to stop: what was not done is in the queue.")
        }
        None if summary.is_clean() => writeln!(out, "Clean: the queue is empty, nothing failed."),
        None => writeln!(
            out,
            "The queue is empty: what was given back has been done since, or is a dead letter. \
             `mogile2s3 dlq list` tells which, and why."
        ),
    }
}
