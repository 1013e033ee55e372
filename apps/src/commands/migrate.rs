//! `mogile2s3 migrate`: the migration from here, without a queue.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Instant;

use adapters::calls::Calls;
use clap::{Args, ValueEnum};
use domain::steps::{Among, RoutePolicy, RunPlan, Selection, migrate_run};

use crate::config::Settings;
use crate::exit::Exit;
use crate::report::{self, Progress, RunReport};
use crate::wiring::Wiring;

/// What can be given to `migrate`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Take the files without a proven ledger record (the default)
    #[arg(long, conflicts_with = "again")]
    pending: bool,

    /// Take all files, and prove again those that are in S3 already
    #[arg(long)]
    again: bool,

    /// How files may be brought
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    /// Files under way at once
    #[arg(long, default_value = "64", value_name = "N")]
    concurrency: NonZeroU16,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Route {
    /// By copy where the intermediary is in the bucket, else from MogileFS
    Auto,
    /// By copying intermediaries alone
    Copy,
    /// From MogileFS alone
    Mogile,
}

/// Runs it. A run that was stopped exits as unreachable; rejected rows and failed files are
/// findings.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    let calls = Arc::new(Calls::default());
    let plan = RunPlan {
        buckets: target.bucket_map()?,
        route: match arguments.route {
            Route::Auto => RoutePolicy::Auto,
            Route::Copy => RoutePolicy::Copy,
            Route::Mogile => RoutePolicy::Mogile,
        },
        selection: Selection {
            among: if arguments.again { Among::Again } else { Among::Pending },
            ..Selection::default()
        },
        concurrency: arguments.concurrency.get().into(),
        single_request_bytes: target.single_request_bytes,
    };
    let ports = Wiring { source, time, calls: &calls }.ports(target, aws).await?;

    let progress = Progress::start();
    let begun = Instant::now();
    let summary = migrate_run(&ports, &plan, &progress).await;
    progress.finish();

    let exit = match (&summary.stopped, summary.is_clean()) {
        (Some(_), _) => Exit::Unreachable,
        (None, true) => Exit::Clean,
        (None, false) => Exit::Findings,
    };
    let report = RunReport { summary, requests: report::requests(&calls), took: begun.elapsed() };
    report::print(&report, arguments.json)?;
    Ok(exit)
}
