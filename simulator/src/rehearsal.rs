//! The rehearsal: a corpus is planted, the real command migrates it twice, the oracle judges.

mod migrate;
mod report;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::corpus::{self, CorpusFile};
use crate::embedded::EmbeddedWorld;
use crate::fault::{RequestCounts, Service};
use crate::oracle::{self, Judgement};
use crate::planting::{self, Hazard, Planted};
use crate::world::mogile::FileRow;

pub use migrate::{COMMAND, MigrateRun};
pub use report::Report;

/// What is to be rehearsed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the corpus, its hazards and their places come from.
    pub seed: u64,
    /// Files of a seeded corpus.
    pub files: usize,
    /// A folder whose files are the corpus instead.
    pub folder: Option<PathBuf>,
}

/// A world with a corpus in it.
pub struct Stage {
    /// The world.
    pub world: EmbeddedWorld,
    /// What was planted in it.
    pub planted: Planted,
    rows: Vec<FileRow>,
}

impl Stage {
    /// Starts a world and plants the corpus.
    pub async fn set(options: &Options) -> anyhow::Result<Self> {
        let corpus = read_corpus(options)?;
        let world = EmbeddedWorld::start().await.context("starting the world")?;
        let planted =
            planting::plant(&world, corpus, options.seed).context("planting the corpus")?;
        let rows = oracle::rows(&world);
        Ok(Self { world, planted, rows })
    }

    /// Asks the oracle.
    #[must_use]
    pub fn judge(&self) -> Judgement {
        oracle::judge(&self.world, &self.planted, &self.rows)
    }
}

fn read_corpus(options: &Options) -> anyhow::Result<Vec<CorpusFile>> {
    match &options.folder {
        Some(folder) => corpus::of_folder(folder),
        None => Ok(corpus::seeded(options.seed, options.files)),
    }
}

/// One run of the command, with what the world saw of it.
#[derive(Debug)]
pub struct Pass {
    /// What the command said.
    pub run: MigrateRun,
    /// The requests that reached the world's listeners.
    pub requests: RequestCounts,
    /// How long it took.
    pub took: Duration,
}

/// Rehearses the migration: two runs, of which the second has nothing to do.
pub async fn rehearse(options: &Options) -> anyhow::Result<Report> {
    let stage = Stage::set(options).await?;
    let first = pass(&stage).await.context("the first run")?;
    let second = pass(&stage).await.context("the second run")?;
    let judgement = stage.judge();
    let mut problems = problems_of_first(&first, &stage.planted);
    problems.extend(problems_of_second(&second, &stage.planted));
    Ok(Report::new(options, &stage.planted, first, second, judgement, problems))
}

async fn pass(stage: &Stage) -> anyhow::Result<Pass> {
    let before = stage.world.faults.counts();
    let begun = Instant::now();
    let run = migrate::run(stage.world.environment()).await?;
    let mut requests = stage.world.faults.counts();
    requests.retain(|kind, count| {
        *count -= before.get(kind).copied().unwrap_or_default();
        *count > 0
    });
    Ok(Pass { run, requests, took: begun.elapsed() })
}

/// Where the first run's own account differs from what was planted.
fn problems_of_first(pass: &Pass, planted: &Planted) -> Vec<String> {
    let hazards = planted.hazards();
    let with = |hazard| hazards.get(&hazard).copied().unwrap_or_default() as u64;
    let copyable = planted.expected.iter().filter(|file| file.synced && !file.goes_in_parts());
    let all = planted.expected.len() as u64;
    let by_copy = copyable.count() as u64 - with(Hazard::CorruptIntermediary);
    let run = &pass.run;
    let mut problems = Vec::new();
    let mut expect = |what: &str, seen: u64, wanted: u64| {
        if seen != wanted {
            problems.push(format!("the first run tells of {seen} {what}, {wanted} were planted"));
        }
    };
    expect("exit code", run.exit_code, 0);
    expect("files by copy", run.files("by_copy"), by_copy);
    expect("files from MogileFS", run.files("by_mogile"), all - by_copy);
    expect("temporary rows", run.count("temporary"), planted.temporary as u64);
    expect("ignored rows", run.count("ignored"), planted.ignored as u64);
    expect("other domains' rows", run.count("other_domains"), planted.other_domain as u64);
    expect("bad intermediaries", run.found("bad-intermediary"), with(Hazard::CorruptIntermediary));
    expect("bad replicas", run.found("bad-replica"), with(Hazard::CorruptFirstReplica));
    problems
}

/// The second run must pass over everything and ask S3 nothing.
fn problems_of_second(pass: &Pass, planted: &Planted) -> Vec<String> {
    let mut problems = Vec::new();
    let (before, all) = (pass.run.files("proven_before"), planted.expected.len() as u64);
    if before != all || pass.run.exit_code != 0 {
        let code = pass.run.exit_code;
        problems.push(format!(
            "the second run passed over {before} of {all} proven files, with exit code {code}"
        ));
    }
    let asked: Vec<_> = pass
        .requests
        .iter()
        .filter(|((service, _), _)| matches!(service, Service::S3 | Service::StorageNode))
        .map(|((service, operation), count)| format!("{service} {operation} {count}"))
        .collect();
    if !asked.is_empty() {
        problems.push(format!("the second run asked for content: {}", asked.join(", ")));
    }
    problems
}
