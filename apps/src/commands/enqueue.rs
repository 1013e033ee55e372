//! `mogile2s3 enqueue`: a job in the queue for every selected row.

use std::num::NonZeroU16;

use clap::{Args, ValueEnum};
use domain::blueprint::{TableBlueprint, table_by_fid, verifications_table};
use domain::job::is_run_name;
use domain::queue::{EnqueuePlan, EnqueueSummary, enqueue};
use domain::{BucketMap, Fid, JobAction, limits};

use crate::acceptances::accepted;
use crate::config::{
    JournalSettings, QueueSettings, Settings, TypesSettings, WorkerFunctionSettings, at_once,
};
use crate::evidence::{
    Ended, MogileSettings, PlaceSettings, begin, counted, says_something, write_end,
};
use crate::exit::{Exit, UsageError};
use crate::journal::{OperatorSettings, journalled_queue};
use crate::report::enqueue::{EnqueueReport, verdict};
use crate::report::{Counted, Teller};
use crate::route::Route;
use crate::selection::SelectionArguments;
use crate::session::Session;
use crate::wiring::{IndexFrom, Services, Wiring};
use crate::{fid_list, worker_function};

/// What can be given to `enqueue`.
#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Arguments {
    /// What the jobs ask for
    #[arg(value_enum)]
    action: Action,

    /// Continue from this fid, which an interrupted enqueue prints. A run from the beginning is
    /// still needed afterwards: rows can appear below the fids that were read
    #[arg(long, value_name = "FID")]
    from_fid: Option<u64>,

    /// Send no jobs for files of more than N bytes, which a Lambda function cannot finish in its
    /// time. The summary has the command for these files
    #[arg(long, env = "LAMBDA_MAX_BYTES", default_value_t = 1 << 30, value_name = "N")]
    lambda_max_bytes: u64,

    /// Name of the verification. Files that it has found whole before get no job
    #[arg(long, value_name = "NAME")]
    run: Option<String>,

    /// How files may get to S3. Each job says where the content was seen
    #[arg(long, value_enum, default_value_t = Route::Auto)]
    route: Route,

    /// Requests to the queue at the same time, of ten jobs each
    #[arg(long, default_value = "16", value_name = "N", value_parser = at_once)]
    concurrency: NonZeroU16,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    selection: SelectionArguments,

    #[command(flatten)]
    types: TypesSettings,

    #[command(flatten)]
    queue: QueueSettings,

    #[command(flatten)]
    journal: JournalSettings,

    #[command(flatten)]
    operator: OperatorSettings,

    #[command(flatten)]
    function: WorkerFunctionSettings,

    #[command(flatten)]
    settings: Settings,
}

const AFTER_HELP: &str = "\
With CONTENTREPO_DATABASE_URL each job of `migrate` carries the content type and the download name
of its file's newest row in contentrepo. The worker writes them with the content, at no extra
request.

Exit codes: 0 every row that should have a job has one; 1 a job was not sent, a row was rejected,
a file is too large for the function, or the run was interrupted; 2 wrong usage or configuration;
3 something could not be reached. A job that is sent twice is done once.

Where --function or LAMBDA_FUNCTION names the worker function, `enqueue` asks it before it sends
anything. The function must have the MOGILE_DOMAIN and BUCKETS of this program, and for `verify`
its formats, too. Otherwise nothing is sent, and the exit code is 2, or 3 where the function
could not be reached. Without the setting no function is asked.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Migrate files to S3: by default all files without a proven ledger record
    Migrate,
    /// Verify that files are whole in S3: by default all files that this run has not found whole yet
    Verify,
}

/// Sends the jobs.
pub async fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Settings { source, target, time, aws } = &arguments.settings;
    let session = Session::begin(arguments.json);
    let wiring = session.wiring(source, time);
    let mut plan = arguments.plan(&wiring)?;
    let mut ports = wiring.work_ports(IndexFrom::Settings, target, aws, &arguments.queue).await?;
    let url = arguments.queue.queue_url()?;
    let tables = arguments.tables()?;
    let services = session.services(aws, time);
    plan.guard = Some(services.guard(tables, Some((&url, arguments.function.name()))).await?);
    let begun = begin(&services, &arguments.journal).await;
    let accepted = accepted(&services, &arguments.journal, &source.domain).await?;
    if let Some(name) = arguments.function.name() {
        let function = services.worker_function(name).await?;
        let ours = worker_function::ours(&source.domain, &plan.buckets);
        worker_function::require(&*function, name, plan.action, &ours).await?;
    }

    let summary = match accepted {
        Ok(accepted) => {
            let action = match arguments.action {
                Action::Migrate => "migrate",
                Action::Verify => "verify",
            };
            let kept = (&arguments.journal, &arguments.operator);
            ports.queue = journalled_queue(&services, kept, ports.queue, (&url, action)).await?;
            plan.selection.accepted = accepted;
            let announce = |teller: &Teller, _| teller.say("stopping after this page of rows");
            let (progress, stops) = session.watch(Counted::Rows, announce)?;
            let summary = enqueue(&ports, &plan, stops, &progress).await;
            progress.finish();
            summary
        }
        Err(stopped) => EnqueueSummary { stopped: Some(stopped), ..EnqueueSummary::default() },
    };

    let report = EnqueueReport {
        large_fids: fid_list::in_ranges(&summary.large_fids),
        run: plan.run,
        again: arguments.selection.flags() + &arguments.route.flag() + &arguments.types.flag(),
        verdict: verdict(&summary),
        summary,
        cost: session.cost(),
    };
    let exit = session.print(&report)?;
    Box::pin(arguments.journal_end(&services, (&plan.buckets, begun), &report)).await;
    Ok(exit)
}

impl Arguments {
    /// Writes what came of the rows into the journal, unless some were left out, or nothing was begun.
    async fn journal_end(
        &self,
        services: &Services<'_>,
        (buckets, begun): (&BucketMap, Option<u64>),
        EnqueueReport { summary, verdict, cost, run, .. }: &EnqueueReport,
    ) {
        let was_begun = says_something(summary.stopped.as_ref(), summary.intake.rows);
        if !was_begun || self.selection.takes_a_part() || self.from_fid.is_some() {
            return;
        }
        let place = PlaceSettings {
            source: MogileSettings::All(&self.settings.source),
            buckets,
            aws: &self.settings.aws,
            tables: &self.queue.tables,
            journal: &self.journal,
            queue: Some(&self.queue),
        };
        let step = match self.action {
            Action::Migrate => "enqueue migrate",
            Action::Verify => "enqueue verify",
        };
        let (counted, verdict) = (counted::enqueue(summary, cost.took), *verdict);
        let ended = Ended { run: run.clone(), ..Ended::new(step, verdict, counted, begun) };
        write_end(services, &place, &self.operator, ended).await;
    }

    fn tables(&self) -> Result<Vec<TableBlueprint>, UsageError> {
        let (tables, aws) = (&self.queue.tables, &self.settings.aws);
        let verifications = verifications_table(tables.verifications_table(aws)?);
        let by_fid = [aws.ledger_table()?, tables.failures_table(aws)?].map(table_by_fid);
        Ok(by_fid.into_iter().chain([verifications]).collect())
    }

    fn plan(&self, wiring: &Wiring<'_>) -> Result<EnqueuePlan, UsageError> {
        let mut selection = self.selection.selection()?;
        selection.from = Fid(self.from_fid.unwrap_or_default());
        let action = match self.action {
            Action::Migrate => JobAction::Migrate,
            Action::Verify => JobAction::Verify,
        };
        match (action, &self.run) {
            (JobAction::Migrate, Some(_)) => {
                let text = "--run is the name of a verification: give it to `enqueue verify`";
                return Err(UsageError(text.to_owned()));
            }
            (JobAction::Verify, None) => {
                let text = "a verification needs a name, which its records carry: give \
                            --run NAME, for example a date";
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
            // A verification gives no file a type.
            types: match self.action {
                Action::Migrate => self.types.from(wiring)?,
                Action::Verify => None,
            },
            single_request_bytes: self.settings.target.single_request_bytes,
            most_bytes: self.lambda_max_bytes,
            concurrency: self.concurrency.get().into(),
            run: self.run.clone(),
            guard: None,
        })
    }
}
