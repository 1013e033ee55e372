//! The Lambda function: the worker's core on the messages that an event source mapping sends it.
//!
//! Everything is wired once, when a process starts; connections are kept from one invocation to
//! the next. A message that could not be done is named in the answer, and the mapping deletes the
//! others.

mod event;
mod logs;

use std::num::NonZeroU16;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::calls::Calls;
use anyhow::anyhow;
use aws_lambda_events::sqs::SqsBatchResponse;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser};
use domain::doctor::{NamedPorts, examine_locks, examine_work};
use domain::engine::{WorkPlan, work_batch};
use domain::migrate::RoutePolicy;
use domain::ports::WorkPorts;
use domain::{Delivery, FunctionHealth, Health, Stopped, Timestamp, WorkerReport};
use lambda_runtime::{Context, Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};

use crate::commands::doctor::{WrongSettings, checks};
use crate::config::{QueueSettings, Settings, at_once};
use crate::exit::{self, UsageError};
use crate::wiring::{IndexFrom, Services, Wiring};
use crate::{environment, worker_function};

use event::Event;
use logs::JobLog;

/// The function's settings: the environment alone, in the same names that the command line has.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct FunctionSettings {
    #[command(flatten)]
    settings: Settings,

    #[command(flatten)]
    queue: QueueSettings,

    /// Files under way at once in one process
    #[arg(long, env = "WORKER_CONCURRENCY", default_value = "32", value_parser = at_once)]
    concurrency: NonZeroU16,
}

impl FunctionSettings {
    fn of_environment() -> Result<Self, UsageError> {
        Self::try_parse_from([""; 0]).map_err(|error| {
            let first = error.to_string().lines().next().unwrap_or_default().to_owned();
            let why = first.trim_start_matches("error: ");
            // The error names a flag, and here there are only variables.
            let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
                return UsageError(why.to_owned());
            };
            let mut command = Self::command();
            command.build();
            let argument = command.get_arguments().find(|known| known.to_string() == *flag);
            let variable = argument.and_then(|argument| argument.get_env());
            UsageError(format!("{}: {why}", variable.unwrap_or_default().display()))
        })
    }
}

/// The function's settings, for pages and tests that compare them with something.
#[must_use]
pub fn command() -> clap::Command {
    FunctionSettings::command()
}

/// The doctor's answer: what was found, and what the function is.
fn health(health: &FunctionHealth, report: &WorkerReport) -> Value {
    let FunctionHealth { checks, settings } = health;
    let healthy = checks.iter().all(|check| matches!(check.health, Health::Good | Health::Caution));
    let WorkerReport { version, formats, domain, buckets } = report;
    json!({
        "healthy": healthy,
        "version": version,
        "formats": formats,
        "domain": domain,
        "buckets": buckets,
        "settings": settings,
        "checks": checks,
    })
}

/// The time that an answer needs to be written and received.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// The function's main. Lambda's environment says where events come from. A process that cannot start
/// logs why in one line, and exits.
#[must_use]
pub fn main() -> ExitCode {
    logs::start();
    run().unwrap_or_else(|error| {
        tracing::error!("the function cannot start: {error:#}");
        exit::of_error(&error).into()
    })
}

fn run() -> anyhow::Result<ExitCode> {
    for variable in ["RUNTIME_API", "FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE"] {
        let variable = format!("AWS_LAMBDA_{variable}");
        if std::env::var_os(&variable).is_none() {
            let text = format!("{variable} is not set: this program is started by AWS Lambda");
            return Err(UsageError(text).into());
        }
    }
    environment::prepare(&command())?;
    let settings = FunctionSettings::of_environment()?;
    // One thread: a function has a fraction of a core, and what waits for it is the network.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let function = MoverFunction::new(settings).await?;
        let function = &function;
        let handler = service_fn(move |event| function.handle(event));
        let served = Box::pin(lambda_runtime::run(handler)).await;
        served.map_err(|error| anyhow!("the Runtime API: {error}"))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Everything that lasts from one invocation to the next.
struct MoverFunction {
    settings: FunctionSettings,
    calls: Arc<Calls>,
    ports: WorkPorts,
    plan: WorkPlan,
}

impl MoverFunction {
    async fn new(settings: FunctionSettings) -> Result<Self, UsageError> {
        let Settings { source, target, time, aws } = &settings.settings;
        let calls = Arc::new(Calls::default());
        let plan = WorkPlan {
            domain: source.domain.clone(),
            buckets: target.bucket_map()?,
            route: RoutePolicy::Auto,
            single_request_bytes: target.single_request_bytes,
            concurrency: settings.concurrency.get().into(),
            wait: None,
            alike: Some(Arc::default()),
        };
        let wiring = Wiring { source, time, calls: &calls };
        // No database: the function asks the trackers about the index.
        let ports = wiring.work_ports(IndexFrom::Trackers, target, aws, &settings.queue).await?;
        Ok(Self { settings, calls, ports, plan })
    }

    async fn handle(&self, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
        let LambdaEvent { payload, context } = event;
        let diagnostic = |error_type: &str, error_message: String| Diagnostic {
            error_type: error_type.to_owned(),
            error_message,
        };
        let ended = match Event::read(payload) {
            Ok(Event::Batch(deliveries)) => Ok(self.work(deliveries, &context).await),
            Ok(Event::Doctor) => {
                let examined = self.examine_in_time(&context).await;
                let health = examined.map(|found| health(&found, &self.report()));
                health.map_err(|error| diagnostic("Doctor", format!("{error:#}")))
            }
            Ok(Event::Report) => Ok(json!(self.report())),
            Err(unknown) => Err(diagnostic("UnknownEvent", unknown.to_string())),
        };
        // The caller may be gone, so the log has it too.
        ended.inspect_err(|error| {
            let (request_id, kind) = (context.request_id.as_str(), error.error_type.as_str());
            tracing::error!(request_id, kind, "{}", error.error_message);
        })
    }

    /// When a packet is lost on its way every check waits its full time.
    async fn examine_in_time(&self, context: &Context) -> anyhow::Result<FunctionHealth> {
        let now = self.ports.files.clock.now().0;
        let left = Duration::from_millis(context.deadline.saturating_sub(now));
        let left = left.saturating_sub(ANSWER_TIME);
        match tokio::time::timeout(left, self.examine()).await {
            Ok(examined) => examined,
            Err(_) => Err(anyhow!(
                "the checks did not end within {} s: something does not answer. Admit the function's \
                 security group to MogileFS's trackers and storage nodes; with a longer time-out the \
                 answer names what does not answer",
                left.as_secs()
            )),
        }
    }

    /// Works on a batch; names what must be delivered again.
    async fn work(&self, deliveries: Vec<Delivery>, context: &Context) -> Value {
        let mut answer = SqsBatchResponse::default();
        if !deliveries.is_empty() {
            let begun = Instant::now();
            let reserve = u64::try_from(ANSWER_TIME.as_millis()).unwrap_or_default();
            let finish_by = Timestamp(context.deadline.saturating_sub(reserve));
            let log = JobLog { request_id: &context.request_id };
            let report = work_batch(&self.ports, &self.plan, deliveries, finish_by, &log).await;
            if let Some(Stopped::Trouble(why)) = &report.summary.stopped {
                let request_id = context.request_id.as_str();
                tracing::error!(request_id, "this batch was not finished: {why}");
            }
            let (function, request_id) = (&context.env_config.function_name, &context.request_id);
            let (now, took) = (self.ports.files.clock.now(), begun.elapsed());
            println!("{}", logs::metrics(function, request_id, now, took, &report.summary));
            answer.set_failures(report.again);
        }
        json!(answer)
    }

    /// Checks everything from where the function runs: with its role, in its network.
    async fn examine(&self) -> anyhow::Result<FunctionHealth> {
        let Settings { source, target, time, aws } = &self.settings.settings;
        let wiring = Wiring { source, time, calls: &self.calls };
        let ports = NamedPorts::from(&self.ports.files);
        let (site, region) = Services::new(aws, time, &self.calls).site().await?;
        let (locks, locked) = examine_locks(&site, &self.plan.buckets).await;
        let (from, mut wrong) = (IndexFrom::Trackers, WrongSettings::default());
        let to = (target, aws);
        let mut checks = checks(&wiring, from, &ports, to, Some(&locked), &mut wrong).await;
        wrong.into_result()?;
        checks.extend(locks);
        checks.extend(examine_work(&self.ports).await);
        let settings = worker_function::settings(&region, &self.settings.queue, aws);
        Ok(FunctionHealth { settings, checks })
    }

    /// What this function is, by its program and its settings alone.
    fn report(&self) -> WorkerReport {
        worker_function::ours(&self.settings.settings.source.domain, &self.plan.buckets)
    }
}
