//! `mogile2s3 work`: a worker on the queue, outside Lambda.

use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use domain::Stopped;
use domain::engine::{WorkPlan, work_queue};
use domain::migrate::require_domain;

use crate::config::{QueueSettings, Settings, at_once, duration};
use crate::exit::Exit;
use crate::report::work::{WorkReport, verdict};
use crate::report::{Counted, Teller};
use crate::route::Route;
use crate::session::Session;
use crate::wiring::IndexFrom;

/// What can be given to `work`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// End when the queue estimates that it has no message, neither waiting nor in flight
    #[arg(long)]
    until_empty: bool,

    /// How files may get to S3
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    /// Files in progress at the same time
    #[arg(long, default_value = "64", value_name = "N", value_parser = at_once)]
    concurrency: NonZeroU16,

    /// Wait this long for a system that was reached before (30s, 10m, 2h), then give up [default:
    /// without end]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    wait: Option<Duration>,

    /// Go on although 1,000 files in a row fail in a way that points to a setting
    #[arg(long)]
    keep_going: bool,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    settings: Settings,
}

const AFTER_HELP: &str = "\
Several workers may share one queue, also with a Lambda function. While a service cannot be
reached the worker keeps its jobs and tries one at a time; delivery counts do not grow.

Signals: after the first SIGINT or SIGTERM the worker takes no more jobs, and jobs in progress
have 20 seconds. The second signal abandons them. The third ends the process at once. Jobs that
are not done go back to the queue.

Exit codes: 0 all jobs that were taken are done, or went back to the queue because of a signal; 1
jobs failed and went back to the queue; 2 wrong usage or configuration; 3 something could not be
reached.";

/// Runs a worker until a signal, or with `--until-empty` until the queue is empty.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    let session = Session::begin(arguments.json);
    let plan = WorkPlan {
        domain: source.domain.clone(),
        buckets: target.bucket_map()?,
        route: arguments.route.into(),
        single_request_bytes: target.single_request_bytes,
        concurrency: arguments.concurrency.get().into(),
        wait: arguments.wait,
        alike: (!arguments.keep_going).then(Arc::default),
    };
    // Without it a job that fails again and again would stay in the queue for days.
    arguments.queue.dead_letters_url()?;
    let wiring = session.wiring(source, time);
    let ports = wiring.work_ports(IndexFrom::Settings, target, aws, &arguments.queue).await?;

    let (progress, stops) = session.watch(Counted::Deliveries, Teller::stop)?;
    let mut summary = work_queue(&ports, &plan, arguments.until_empty, &progress, stops).await;
    progress.finish();
    if summary.stopped.is_none() && summary.deliveries == 0 {
        // No job has shown whether MogileFS has this domain.
        let (index, clock) = (ports.files.index.as_ref(), ports.files.clock.as_ref());
        if let Err(wrong @ Stopped::Misconfigured(_)) = require_domain(index, clock).await {
            summary.stopped = Some(wrong);
        }
    }

    let (verdict, cost) = (verdict(&summary), session.cost());
    session.print(&WorkReport { summary, verdict, cost })
}
