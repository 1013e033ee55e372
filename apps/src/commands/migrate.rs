//! `mogile2s3 migrate`: the migration from here, without a queue.

use std::num::{NonZeroU16, NonZeroU64};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::calls::Calls;
use anyhow::Context;
use clap::{Args, ValueEnum};
use domain::steps::{RunObserver, RunPlan, migrate_run};

use crate::config::{Settings, TableSettings};
use crate::exit::{self, Exit, Verdict};
use crate::interrupt;
use crate::report::{self, FailureList, Progress, RunReport, Told};
use crate::route::Route;
use crate::selection::SelectionArguments;
use crate::wiring::Wiring;

/// What can be given to `migrate`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// How files may be brought
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    /// Files under way at once
    #[arg(long, default_value = "64", value_name = "N")]
    concurrency: NonZeroU16,

    /// Wait this long for a system that was reached before (30s, 10m, 2h), then give up
    #[arg(long, default_value = "1h", value_name = "DURATION", value_parser = humantime::parse_duration)]
    wait: Duration,

    /// Begin no more when so many files have failed [default: go on]
    #[arg(long, value_name = "N")]
    max_failures: Option<NonZeroU64>,

    /// Write every failed file and rejected row to this new file, a line each as it happens: fid,
    /// reason, key and detail, separated by tabs. `--fids @FILE` takes it back
    #[arg(long, value_name = "FILE")]
    failures: Option<PathBuf>,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    tables: TableSettings,

    #[command(flatten)]
    settings: Settings,
}

const AFTER_HELP: &str = "\
Signals: the first SIGINT or SIGTERM begins nothing new and gives what is under way 20 seconds, the
second abandons it, the third ends this at once. What is proven is recorded, and the summary is
printed, after the first two.

Exit codes: 0 every row is accounted for and nothing failed; 1 files failed, rows were rejected or
missing, or the run was interrupted; 2 wrong usage or configuration, nothing was done; 3 something
could not be reached; 130 after a third signal. Whatever the code: the same command again goes on
where this one ended.";

/// Runs it. What its exit codes mean is in [`exit::of_run`].
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    let calls = Arc::new(Calls::default());
    let plan = RunPlan {
        buckets: target.bucket_map()?,
        route: arguments.route.into(),
        selection: arguments.selection.selection()?,
        concurrency: arguments.concurrency.get().into(),
        wait: arguments.wait,
        moved_from: arguments.selection.moved_from()?,
        max_failures: arguments.max_failures.map(NonZeroU64::get),
        single_request_bytes: target.single_request_bytes,
    };
    let wiring = Wiring { source, time, calls: &calls };
    let ports = wiring.ports(target, &arguments.tables, aws).await?;
    let failures = arguments.failures.as_deref().map(FailureList::create).transpose()?;

    let (progress, teller) = Progress::start(&calls);
    let stops = interrupt::stops(move |stop| teller.stop(stop)).context("listening for signals")?;
    let mut observers: Vec<&dyn RunObserver> = vec![&progress];
    observers.extend(failures.as_ref().map(|failures| failures as &dyn RunObserver));
    let begun = Instant::now();
    let observer = Told(observers);
    let summary = migrate_run(&ports, &plan, stops, &observer).await;
    progress.finish();

    let exit = exit::of_run(&summary);
    let report = RunReport {
        verdict: Verdict::of_run(&summary),
        summary,
        failure_list: failures.as_ref().map(FailureList::finish),
        requests: report::requests(&calls),
        took: begun.elapsed(),
        command: arguments.command(),
    };
    report::say(&report, arguments.json, report::write_report)?;
    Ok(exit)
}

impl Arguments {
    /// This command, as far as another selection of files needs it. Settings are not repeated:
    /// some are secret, and all can stand in the environment.
    fn command(&self) -> String {
        let mut command = "mogile2s3 migrate".to_owned();
        command += &self.selection.flags();
        if let (true, Some(route)) = (self.route != Route::Auto, self.route.to_possible_value()) {
            command = format!("{command} --route {}", route.get_name());
        }
        command
    }
}
