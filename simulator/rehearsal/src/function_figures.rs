//! What the Lambda function is in figures: how long its program takes to start, how much memory it
//! needs for small files and for a large one, and how many requests a file costs in small batches
//! and in large ones. The program is started as Lambda starts it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use adapters::sqs::message::{attributes_of, body_of};
use anyhow::{Context, ensure};
use domain::{Dkey, Job, JobAction, MogileBucket, RouteHint, S3Bucket, Sha1, SourceFile, limits};
use serde::Serialize;
use stand_ins::embedded::{BUCKETS, EmbeddedWorld, QUEUE};
use stand_ins::fault::RequestCounts;
use stand_ins::wire::lambda::{Ended, Function, LambdaService, Mapping};
use stand_ins::world::mogile::Content;
use stand_ins::world::queue::{MessageAttribute, Outgoing};

use crate::process;

/// Cold starts that are timed.
const STARTS: usize = 9;

/// Small files: so many, of so many bytes.
const SMALL_FILES: u32 = 1_000;
const SMALL_BYTES: usize = 10 * 1024;

/// The large file.
const LARGE_BYTES: usize = 1024 * 1024 * 1024;

/// The function's memory.
const MEMORY_MB: u64 = 256;

/// What a start may take.
const START_GOAL: Duration = Duration::from_millis(50);

/// Everything must be done within this.
const PATIENCE: Duration = Duration::from_mins(5);

/// All figures.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// The starts of new processes, up to their first question for an event, in milliseconds, the
    /// shortest first.
    starts_ms: Vec<f64>,
    small: Vec<BatchFigures>,
    large: RunFigures,
}

/// Small files in batches of one size.
#[derive(Debug, Serialize)]
struct BatchFigures {
    batch: usize,
    /// Requests a file, by service and operation.
    requests: BTreeMap<String, f64>,
    #[serde(flatten)]
    run: RunFigures,
}

#[derive(Debug, Serialize)]
struct RunFigures {
    files: u32,
    bytes: u64,
    invocations: u64,
    /// Time of the function at work, which is what Lambda bills.
    busy_ms: f64,
    peak_memory_mb: u64,
}

/// Measures the program in a world of its own.
pub async fn measure(program: &Path) -> anyhow::Result<Figures> {
    let starts_ms = starts(program).await.context("timing starts")?;
    let mut small = Vec::new();
    for batch in [10, 100] {
        small.push(small_files(program, batch).await.context("moving small files")?);
    }
    let large = large_file(program).await.context("moving a large file")?;
    Ok(Figures { starts_ms, small, large })
}

impl Figures {
    /// Whether a start in the middle of all is as short as it should be. Memory needs no look:
    /// what takes more than there is is killed, and measuring fails.
    #[must_use]
    pub fn are_good(&self) -> bool {
        self.start_ms() <= START_GOAL.as_secs_f64() * 1000.0
    }

    fn start_ms(&self) -> f64 {
        self.starts_ms.get(self.starts_ms.len() / 2).copied().unwrap_or_default()
    }
}

async fn starts(program: &Path) -> anyhow::Result<Vec<f64>> {
    let world = Arena::new(program).await?;
    let service = world.start(10);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        service.fleet().cool();
        let ended = service.invoke(&serde_json::json!({})).await?;
        ensure!(matches!(ended, Ended::Answer(_)), "the function does not start: {ended:?}");
        starts.push(milliseconds(service.counts().last_init));
    }
    starts.sort_by(f64::total_cmp);
    Ok(starts)
}

async fn small_files(program: &Path, batch: usize) -> anyhow::Result<BatchFigures> {
    let arena = Arena::new(program).await?;
    for number in 0..SMALL_FILES {
        let mut content = vec![0_u8; SMALL_BYTES];
        content[..4].copy_from_slice(&number.to_le_bytes());
        arena.plant(content)?;
    }
    let before = arena.world.faults.counts();
    let service = arena.start(batch);
    service.done(PATIENCE).await?;
    let mut requests = arena.world.faults.counts_since(&before);
    // Between Lambda and its processes nobody pays for them.
    requests.retain(|kind, _| kind.0 != stand_ins::fault::Service::Lambda);
    let mut requests = a_file(&requests);
    let of_mapping = service.mapping_counts().requests().into_iter();
    requests.extend(of_mapping.map(|(name, count)| (name, per_file(count))));
    let run = figures(&service, SMALL_FILES, SMALL_BYTES)?;
    Ok(BatchFigures { batch, requests, run })
}

async fn large_file(program: &Path) -> anyhow::Result<RunFigures> {
    let arena = Arena::new(program).await?;
    arena.plant(vec![0; LARGE_BYTES])?;
    let service = arena.start(10);
    service.done(PATIENCE).await?;
    figures(&service, 1, LARGE_BYTES)
}

/// What a service came to that moved so many files; errors when it did not move each.
fn figures(service: &LambdaService, files: u32, bytes: usize) -> anyhow::Result<RunFigures> {
    let counts = service.counts();
    ensure!(
        counts.out_of_memory == 0,
        "it needs more than {MEMORY_MB} MB: it was killed for its memory {} times",
        counts.out_of_memory
    );
    let proven = service.fleet().logs().metric("Proven");
    ensure!(
        proven == u64::from(files) && counts.answers == counts.invocations,
        "{proven} of {files} files were proven: {counts:?}"
    );
    Ok(RunFigures {
        files,
        bytes: u64::from(files) * bytes as u64,
        invocations: counts.invocations,
        busy_ms: milliseconds(counts.busy),
        peak_memory_mb: counts.peak_memory_bytes.div_ceil(1024 * 1024),
    })
}

fn a_file(requests: &RequestCounts) -> BTreeMap<String, f64> {
    let named = requests
        .iter()
        .map(|((service, operation), count)| (format!("{service} {operation}"), per_file(*count)));
    named.collect()
}

/// A world whose S3 takes what Amazon's takes in one request, and the function in it.
struct Arena {
    world: EmbeddedWorld,
    program: PathBuf,
}

impl Arena {
    async fn new(program: &Path) -> anyhow::Result<Self> {
        let world = EmbeddedWorld::start().await.context("starting the world")?;
        world.s3.configure(|options| {
            options.single_request_limit_bytes = limits::SINGLE_REQUEST_BYTES;
        });
        Ok(Self { world, program: program.to_owned() })
    }

    /// Stores a file, and sends its job.
    fn plant(&self, content: Vec<u8>) -> anyhow::Result<()> {
        let (sha1, length) = (Sha1::of(&content), content.len() as u64);
        let (old, new) = BUCKETS[0];
        let dkey = Dkey { sha1, bucket: MogileBucket::new(old).context("a bucket's name")? };
        let replicas = [self.world.devices[0], self.world.devices[2]];
        let content = Content::from(content);
        let fid = self.world.mogile.store(self.world.dmid, &dkey.to_string(), &content, &replicas);
        let file = SourceFile::new(
            domain::Fid(fid.0),
            dkey,
            domain::ByteCount(length),
            S3Bucket::new(new).context("a bucket's name")?,
        );
        let mut job = Job::new(JobAction::Migrate, &file);
        // As it is sent by whoever has looked for an intermediary.
        job.hints.route = Some(RouteHint::Mogile);
        let attributes = attributes_of(&job).into_iter();
        let attributes =
            attributes.map(|(name, value)| (name.to_owned(), MessageAttribute::text(value)));
        let message = Outgoing {
            body: body_of(&job),
            attributes: attributes.collect(),
            ..Outgoing::default()
        };
        self.world.sqs.send(QUEUE, message).context("sending a job")?;
        Ok(())
    }

    fn start(&self, batch: usize) -> LambdaService {
        let mut function =
            Function::of_world(&self.world, self.program.clone(), [process::FUNCTION]);
        function.memory_mb = MEMORY_MB;
        // As in production: the world's own are small.
        function.environment.retain(|name, _| !name.starts_with("S3_"));
        function.environment.insert("S3_CONDITIONAL_COPY".to_owned(), "sound".to_owned());
        let mapping = Mapping::of(QUEUE, batch, 1);
        let (queues, faults) = (self.world.sqs.clone(), self.world.faults.clone());
        LambdaService::start(queues, faults, function, mapping)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.starts_ms.first(), self.starts_ms.last());
        let (first, last) = (first.copied().unwrap_or_default(), last.copied().unwrap_or_default());
        writeln!(
            f,
            "start: {} ms, from {first} to {last} (goal: {} ms)",
            self.start_ms(),
            START_GOAL.as_millis()
        )?;
        for BatchFigures { batch, requests, run } in &self.small {
            writeln!(f, "{} files of 10 KiB in batches of {batch}: {run}", run.files)?;
            for (kind, count) in requests {
                writeln!(f, "  {count:>5} a file  {kind}")?;
            }
        }
        writeln!(f, "one file of 1 GiB: {}", self.large)
    }
}

impl fmt::Display for RunFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files: _, bytes: _, invocations, busy_ms, peak_memory_mb } = self;
        write!(
            f,
            "{invocations} invocations, {busy_ms} ms of work, at most {peak_memory_mb} of \
             {MEMORY_MB} MB"
        )
    }
}

fn milliseconds(time: Duration) -> f64 {
    rounded(time.as_secs_f64() * 1000.0)
}

fn per_file(count: u64) -> f64 {
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (count / f64::from(SMALL_FILES) * 1000.0).round() / 1000.0
}

fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
