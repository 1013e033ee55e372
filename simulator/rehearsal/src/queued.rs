//! The migration through the queue, in a world of its own: `enqueue`, a worker, files ingested
//! meanwhile, and both once more.

mod ingest;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use oracle::Judgement;
use serde::Serialize;
use serde_json::Value;
use stand_ins::embedded::{DEAD_LETTERS, FAILURES, QUEUE};
use stand_ins::fault::{RequestCounts, Service};
use stand_ins::wire::lambda::{Function, LambdaService, Mapping};
use stand_ins::world::dynamodb;

pub(crate) use ingest::Ingest;
use ingest::Ingested;

use crate::hazard::Hazards;
use crate::process;
use crate::scenarios::{self, Scenario};
use crate::stage::{Options, Stage};

/// Who works on the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// `mogile2s3 work`.
    Here,
    /// Processes of the Lambda function, with batches of so many.
    Lambda {
        /// Messages of one batch.
        batch: usize,
    },
}

/// A migration through the queue.
#[derive(Debug, Serialize)]
pub struct Queued {
    /// Who worked on it.
    pub(super) way: String,
    pub(super) files: usize,
    pub(super) passes: Vec<QueuedPass>,
    /// What befalls whole services and jobs, each in a world of its own.
    pub(super) scenarios: Vec<Scenario>,
    pub(super) judgement: Judgement,
    /// All that is not as it must be.
    pub(super) problems: Vec<String>,
}

/// One pass over the index and the queue.
#[derive(Debug, Serialize)]
pub struct QueuedPass {
    pub(super) name: &'static str,
    pub(super) sent: u64,
    pub(super) proven_before: u64,
    pub(super) by_copy: u64,
    pub(super) by_mogile: u64,
    pub(super) already_there: u64,
    /// Requests of each kind.
    pub(super) requests: BTreeMap<String, u64>,
    /// The function's processes that were started cold, where there is a function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cold_starts: Option<u64>,
    pub(super) seconds: f64,
}

/// Files moved, by the ways they came.
struct Moved {
    by_copy: u64,
    by_mogile: u64,
    already_there: u64,
    cold_starts: Option<u64>,
    /// Requests that pass no listener of the world.
    beside: Vec<(String, u64)>,
}

/// A worker that has not emptied the queue by then hangs.
const PATIENCE: Duration = Duration::from_mins(5);

impl Worker {
    fn label(self) -> String {
        match self {
            Self::Here => "enqueue → SQS → mogile2s3 work".to_owned(),
            Self::Lambda { batch } => format!("enqueue → SQS → Lambda, batches of {batch}"),
        }
    }

    async fn work(self, stage: &Stage) -> anyhow::Result<Moved> {
        match self {
            Self::Here => work_here(stage).await,
            Self::Lambda { batch } => work_in_lambda(stage, batch).await,
        }
    }
}

impl Queued {
    /// Whether everything went as it should.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.problems.is_empty() && self.judgement.is_content()
    }
}

/// Moves a corpus through the queue by each of these workers, one after the other. Beside that, where a
/// worker is here, whole services and jobs befall such workers in worlds of their own.
pub async fn through_the_queue(
    options: &Options,
    workers: &[Worker],
) -> anyhow::Result<Vec<Queued>> {
    let ways = async {
        let mut ways = Vec::new();
        for worker in workers {
            ways.push(in_two_passes(options, *worker).await?);
        }
        Ok(ways)
    };
    let here = workers.iter().position(|worker| *worker == Worker::Here);
    let aside = async {
        if here.is_some() { scenarios::run_queued(options).await } else { Ok(Vec::new()) }
    };
    let (mut ways, scenarios) = tokio::try_join!(ways, aside)?;
    if let Some(way) = here.and_then(|at| ways.get_mut(at)) {
        way.problems.extend(scenarios.iter().flat_map(Scenario::all_problems));
        way.scenarios = scenarios;
    }
    Ok(ways)
}

/// In two passes with an ingest between them.
async fn in_two_passes(options: &Options, worker: Worker) -> anyhow::Result<Queued> {
    let mut stage = Stage::set(&Options { hazards: Hazards::Mild, ..options.clone() }).await?;
    let Stage { world, planted, before, .. } = &mut stage;
    let ingest = Ingest::begin(world, planted, before, options.seed).await?;
    let mut problems = Vec::new();
    let due = stage.planted.expected.len() as u64;
    let first = pass(&stage, "first pass", worker).await?;
    first.check(due, 0, &mut problems);

    let Stage { world, planted, before, .. } = &mut stage;
    let Ingested { new, purged } = ingest.go_on(world, planted, before).await?;
    let second = pass(&stage, "second pass", worker).await?;
    second.check(new, due - purged, &mut problems);

    for queue in [QUEUE, DEAD_LETTERS] {
        let left = stage.world.sqs.counts(queue)?.all();
        if left > 0 {
            problems.push(format!("{left} messages are left in `{queue}`"));
        }
    }
    let failures = dynamodb::items(&stage.world.database, FAILURES)?.len();
    if failures > 0 {
        problems.push(format!("{failures} failures are noted that nobody cleared"));
    }
    Ok(Queued {
        way: worker.label(),
        files: stage.planted.expected.len(),
        passes: vec![first, second],
        scenarios: Vec::new(),
        judgement: stage.judge(),
        problems,
    })
}

async fn pass(stage: &Stage, name: &'static str, worker: Worker) -> anyhow::Result<QueuedPass> {
    let before = stage.world.faults.counts();
    let begun = Instant::now();
    let enqueued =
        process::clean(&["enqueue", "migrate", "--json"], stage.world.environment()).await?;
    let moved = worker.work(stage).await?;
    let mut requests = named(&stage.world.faults.counts_since(&before));
    requests.extend(moved.beside);
    Ok(QueuedPass {
        name,
        sent: files(&enqueued["sent"]),
        proven_before: files(&enqueued["proven_before"]),
        by_copy: moved.by_copy,
        by_mogile: moved.by_mogile,
        already_there: moved.already_there,
        requests,
        cold_starts: moved.cold_starts,
        seconds: (begun.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

async fn work_here(stage: &Stage) -> anyhow::Result<Moved> {
    let summary =
        process::clean(&["work", "--until-empty", "--json"], stage.world.environment()).await?;
    Ok(Moved {
        by_copy: files(&summary["by_copy"]),
        by_mogile: files(&summary["by_mogile"]),
        already_there: files(&summary["already_there"]),
        cold_starts: None,
        beside: Vec::new(),
    })
}

async fn work_in_lambda(stage: &Stage, batch: usize) -> anyhow::Result<Moved> {
    let program = std::env::current_exe().context("finding this binary")?;
    let function = Function::of_world(&stage.world, program, [process::FUNCTION]);
    let mapping = Mapping::of(QUEUE, batch, 4);
    let (sqs, faults) = (stage.world.sqs.clone(), stage.world.faults.clone());
    let service = LambdaService::start(sqs, faults, function, mapping);
    service.done(PATIENCE).await?;
    let (logs, mapping) = (service.fleet().logs(), service.mapping_counts());
    // What a process says comes through a pipe, a moment later than its answer.
    let all_said = async {
        while logs.metric("Deliveries") < mapping.records {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // A process that was killed says nothing: the sums show what is missing.
    let _ = tokio::time::timeout(Duration::from_secs(5), all_said).await;
    Ok(Moved {
        by_copy: logs.metric("ByCopy"),
        by_mogile: logs.metric("ByMogile"),
        already_there: logs.metric("AlreadyThere"),
        cold_starts: Some(service.counts().cold_starts),
        beside: mapping.requests().into(),
    })
}

impl QueuedPass {
    /// So many files are new, and so many were done before: no more and no fewer are sent, moved
    /// and asked about.
    fn check(&self, new: u64, before: u64, problems: &mut Vec<String>) {
        let moved = self.by_copy + self.by_mogile + self.already_there;
        let mut expect = |what: &str, seen: u64, wanted: u64| {
            if seen != wanted {
                problems.push(format!("{}: {seen} {what}, not {wanted}", self.name));
            }
        };
        expect("jobs sent", self.sent, new);
        expect("files proven before", self.proven_before, before);
        expect("files moved", moved, new);
    }

    /// Requests to AWS for each file that was moved.
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people to read")]
    pub(super) fn requests_a_file(&self) -> f64 {
        let paid =
            [Service::S3, Service::Sqs, Service::DynamoDb].map(|service| service.to_string());
        let of_aws = |name: &str| paid.iter().any(|service| name.starts_with(service.as_str()));
        let asked: u64 =
            self.requests.iter().filter(|(name, _)| of_aws(name)).map(|(_, count)| count).sum();
        let moved = self.by_copy + self.by_mogile + self.already_there;
        asked as f64 / moved.max(1) as f64
    }
}

fn files(tally: &Value) -> u64 {
    tally["files"].as_u64().unwrap_or_default()
}

fn named(requests: &RequestCounts) -> BTreeMap<String, u64> {
    let named = requests.iter();
    named.map(|((service, operation), count)| (format!("{service} {operation}"), *count)).collect()
}
