//! `mogile2s3 enqueue`: a job in the queue for every selected row.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::calls::Calls;
use anyhow::Context;
use clap::{Args, ValueEnum};
use domain::job::is_run_name;
use domain::steps::{EnqueuePlan, EnqueueSummary, enqueue};
use domain::{Fid, JobAction, Stopped, limits};
use futures_util::StreamExt;
use indicatif::{HumanCount, HumanDuration};
use serde::Serialize;

use crate::config::{QueueSettings, Settings, WorkerFunctionSettings};
use crate::exit::{self, Exit, UsageError, Verdict};
use crate::fid_list;
use crate::interrupt;
use crate::report::{
    self, Progress, RequestCount, quoted, write_count, write_proven_as_another, write_samples,
    write_stopped, write_tally,
};
use crate::route::Route;
use crate::selection::SelectionArguments;
use crate::wiring::{IndexFrom, Services, Wiring};
use crate::worker_function;

/// What can be given to `enqueue`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// What the jobs ask for
    #[arg(value_enum)]
    action: Action,

    /// Go on from this fid: what an enqueue that was interrupted said. It replaces no second pass,
    /// since rows appear behind higher fids too
    #[arg(long, value_name = "FID")]
    from_fid: Option<u64>,

    /// Withhold larger files, which a Lambda function cannot finish in its time, and name the
    /// command that moves them
    #[arg(long, env = "LAMBDA_MAX_BYTES", default_value_t = 1 << 30, value_name = "N")]
    lambda_max_bytes: u64,

    /// The verification's name: what was found whole under it before is passed over
    #[arg(long, value_name = "NAME")]
    run: Option<String>,

    /// How files may be brought: jobs tell their workers where the content was seen
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    /// Requests to the queue under way at once, of ten jobs each
    #[arg(long, default_value = "16", value_name = "N")]
    concurrency: NonZeroU16,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    function: WorkerFunctionSettings,

    #[command(flatten)]
    settings: Settings,
}

const AFTER_HELP: &str = "\
Exit codes: 0 every row that should have a job has one; 1 something was not sent, rejected or
withheld as large, or it was interrupted; 2 wrong usage or configuration; 3 something could not be
reached. A job that is sent twice is done once.

Where --function or LAMBDA_FUNCTION names the worker function, it is asked before anything is sent.
It must have the MOGILE_DOMAIN and BUCKETS of this program, for `verify` also its formats;
else nothing is sent, with exit code 2, or 3 where the function could not be reached. Where the
setting is not given, nothing is asked.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Bring files to S3: by default all without a proven ledger record
    Migrate,
    /// Look whether files are whole in S3: by default all that this run has not found whole yet
    Verify,
}

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a EnqueueSummary,
    large_fids: String,
    #[serde(skip)]
    run: Option<String>,
    /// The flag by which also what is done was taken, as the next command needs it.
    #[serde(skip)]
    again: String,
    #[serde(flatten)]
    verdict: Verdict,
    requests: BTreeMap<String, RequestCount>,
    #[serde(rename = "seconds", serialize_with = "report::in_seconds")]
    took: Duration,
}

/// Sends the jobs, and says what came of every row.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    let calls = Arc::new(Calls::default());
    let plan = arguments.plan()?;
    let wiring = Wiring { source, time, calls: &calls };
    let ports = wiring.work_ports(IndexFrom::Settings, target, aws, &arguments.queue).await?;
    if let Some(name) = arguments.function.name() {
        let function = Services::new(aws, time, &calls).worker_function(name).await?;
        let ours = worker_function::ours(&source.domain, &plan.buckets);
        worker_function::require(&*function, name, plan.action, &ours).await?;
    }

    let (progress, teller) = Progress::start(&calls);
    let stops = interrupt::stops(move |_| teller.say("told to stop after this page of rows"));
    let stops = stops.context("listening for signals")?.boxed();
    let begun = Instant::now();
    let summary = enqueue(&ports, &plan, stops, &progress).await;
    progress.finish();

    let report = Report {
        summary: &summary,
        large_fids: fid_list::in_ranges(&summary.large_fids),
        run: plan.run.clone(),
        again: arguments.selection.flags(),
        verdict: verdict(&summary),
        requests: report::requests(&calls),
        took: begun.elapsed(),
    };
    report::say(&report, arguments.json, tell)?;
    Ok(exit::of(summary.stopped.as_ref(), summary.is_clean()))
}

impl Arguments {
    fn plan(&self) -> Result<EnqueuePlan, UsageError> {
        let mut selection = self.selection.selection()?;
        selection.from = Fid(self.from_fid.unwrap_or_default());
        let action = match self.action {
            Action::Migrate => JobAction::Migrate,
            Action::Verify => JobAction::Verify,
        };
        match (action, &self.run) {
            (JobAction::Migrate, Some(_)) => {
                let text = "--run names a verification: it goes with `enqueue verify`";
                return Err(UsageError(text.to_owned()));
            }
            (JobAction::Verify, None) => {
                let text = "a verification needs a name, so that its records can be told from \
                            those of others: give --run NAME, a date say";
                return Err(UsageError(text.to_owned()));
            }
            (JobAction::Verify, Some(run)) if !is_run_name(run) => {
                let text = format!(
                    "--run: a name has 1 to {} bytes, in one line",
                    limits::LONGEST_RUN_BYTES
                );
                return Err(UsageError(text));
            }
            (JobAction::Migrate, None) | (JobAction::Verify, Some(_)) => {}
        }
        Ok(EnqueuePlan {
            moved_from: self.selection.moved_from()?,
            action,
            buckets: self.settings.target.bucket_map()?,
            selection,
            route: self.route.into(),
            single_request_bytes: self.settings.target.single_request_bytes,
            most_bytes: self.lambda_max_bytes,
            concurrency: self.concurrency.get().into(),
            run: self.run.clone(),
        })
    }
}

fn tell(out: &mut String, report: &Report<'_>) -> fmt::Result {
    let summary = report.summary;
    let intake = &summary.intake;
    writeln!(out, "{} rows in {}", HumanCount(intake.rows), HumanDuration(report.took))?;
    for (name, tally) in [
        ("sent to the queue", summary.sent),
        ("withheld as large", summary.large),
        ("done before", intake.proven_before),
    ] {
        write_tally(out, name, tally)?;
    }
    write_proven_as_another(out, intake.proven_as_another)?;
    for (name, count) in [
        ("temporary (.tmp)", intake.temporary),
        ("in ignored buckets", intake.ignored),
        ("excluded", intake.excluded),
        ("rejected", intake.rejections()),
        ("not taken by the queue", summary.failures()),
        ("not begun", summary.not_begun),
    ] {
        write_count(out, name, count)?;
    }
    if intake.other_domains > 0 {
        let count = HumanCount(intake.other_domains);
        writeln!(out, "  (and {count} rows of other domains, left alone)")?;
    }
    write_samples(out, "Rejected rows, which somebody has to look at", &intake.rejected)?;
    if intake.absent.files > 0 {
        let (count, example) = (HumanCount(intake.absent.files), &intake.absent.example);
        writeln!(out, "{count} fids that were asked for are not there: {example}")?;
    }
    write_samples(out, "Jobs that the queue did not take", &summary.failed)?;
    report::write_requests(out, &report.requests)?;
    if summary.queue_before > 0 {
        let count = HumanCount(summary.queue_before);
        writeln!(
            out,
            "WARNING: the queue had {count} messages before. A job that is in it twice is done \
             once, and paid for twice."
        )?;
    }
    if summary.large.files > 0 {
        writeln!(out, "Too large for a Lambda function. These go from here by:")?;
        let (again, fids) = (&report.again, &report.large_fids);
        match &report.run {
            None => writeln!(out, "  mogile2s3 migrate{again} --fids {fids}")?,
            Some(run) => writeln!(
                out,
                "  mogile2s3 enqueue verify --run {}{again} --lambda-max-bytes {} --fids {fids}\n  \
                 mogile2s3 work --until-empty    (with the event source mapping disabled)",
                quoted(run),
                u64::MAX
            )?,
        }
    }
    if summary.failures() > 0 {
        writeln!(
            out,
            "What the queue did not take has no job: run this again from the beginning."
        )?;
    }
    tell_verdict(out, summary)
}

fn verdict(summary: &EnqueueSummary) -> Verdict {
    let differs = match summary.stopped {
        Some(_) => !summary.failed.is_empty() || !summary.intake.is_clean(),
        None => !summary.is_clean(),
    };
    Verdict::of(summary.stopped.as_ref(), differs)
}

fn tell_verdict(out: &mut String, summary: &EnqueueSummary) -> fmt::Result {
    if !summary.adds_up() {
        writeln!(out, "THE SUMS DO NOT ADD UP: rows are missing above. Please report this.")?;
    }
    if let Some(stopped) = &summary.stopped {
        write_stopped(out, stopped)?;
        if matches!(stopped, Stopped::Misconfigured(_)) {
            return Ok(());
        }
        if let Some(fid) = summary.resume_from {
            writeln!(out, "To go on: the same command again, with --from-fid {fid}")?;
        }
        return Ok(());
    }
    if summary.is_clean() {
        return writeln!(out, "Clean: every row that should have a job has one.");
    }
    writeln!(out, "Not clean: look at what is named above.")
}
